//! `[[severity]]`.

use std::collections::HashMap;

use toml_edit::Item;

use super::select::{expiry, first_of, reason, rule_pattern};
use super::{MAX_TABLES, plugin_id, severity_options, some_tables};
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{SeverityOverride, Span};
use crate::finding::location::LineIndex;

pub(super) const SEVERITY: Keys =
    Keys { table: "a severity override", known: &["rule", "path", "plugin", "set", "reason", "expires"], later: &[] };

const SELECTORS: [&str; 3] = ["rule", "path", "plugin"];
const WHY: &str = "why this project judges otherwise than the rule's author";

pub(super) fn severities(reader: &mut Reader, item: &Item, at: &Span, lines: &LineIndex) -> Vec<SeverityOverride> {
    let mut list = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (table, header) in some_tables(reader, "severity", item, at, MAX_TABLES) {
        reader.check_keys(table, &SEVERITY);
        let mistakes = reader.mistakes.len();
        let line = lines.position(header.start).line;
        let span = first_of(table, &SELECTORS, &header);
        let (mut rule, mut path, mut plugin) = (None, None, None);
        let (mut set, mut why, mut expires) = (None, None, None);
        for (key, item) in table.iter() {
            let at = key_span(table, key, item);
            match key {
                "rule" => rule = rule_pattern(reader, item, &at).map(|rule| rule.value),
                "path" => path = reader.glob(key, item, &at).map(|glob| glob.value),
                "plugin" => {
                    plugin = reader.string(key, item, &at).and_then(|id| plugin_id(reader, id.value, &id.span));
                }
                "set" => set = reader.choice(key, item, &severity_options(), &at),
                "reason" => why = reason(reader, item, &at, WHY),
                "expires" => expires = expiry(reader, item, &at),
                _ => {}
            }
        }
        if !SELECTORS.iter().any(|key| table.contains_key(key)) {
            let help = "add `rule = \"…\"`, an id as reports show it, or a pattern such as `secrets.*`; `path` or `plugin` would do as well";
            reader.note(header.clone(), "this severity override selects nothing", "", Some(help.into()));
        }
        for key in ["set", "reason"].into_iter().filter(|key| !table.contains_key(key)) {
            let help = match key {
                "set" => "add `set = \"…\"`: critical, high, medium, low or info".to_owned(),
                _ => format!("add `reason = \"…\"`: {WHY}"),
            };
            reader.note(header.clone(), format!("this severity override has no `{key}`"), "", Some(help));
        }
        if reader.mistakes.len() > mistakes {
            continue;
        }
        let (Some(set), Some(reason)) = (set, why) else { continue };
        let change = SeverityOverride { rule, path, plugin, set, reason, expires, line, span };
        let selector = change.describe();
        if let Some(first) = seen.get(&selector) {
            let message = format!("the severity of {} is set twice, first in line {first}", shown(&selector));
            reader.note(change.span, message, "the second one", Some("take one out".into()));
            continue;
        }
        seen.insert(selector, line);
        list.push(change);
    }
    list
}

fn shown(selector: &str) -> String {
    format!("`{}`", crate::finding::text::brief(selector, 200))
}
