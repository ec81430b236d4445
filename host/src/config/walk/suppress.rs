//! `[[suppress]]`: which findings count no longer, why, and until when.

use std::collections::{HashMap, HashSet};

use globset::GlobBuilder;
use toml_edit::{Item, TableLike, Value};

use super::purl::check_purl;
use super::select::{expiry, first_of, reason, rule_pattern};
use super::some_tables;
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{Selector, Span, Suppression};
use crate::finding::Fingerprint;
use crate::finding::location::LineIndex;
use crate::finding::pattern::matches;
use crate::finding::text::brief;

/// Entries of `[[suppress]]`. More belong into a baseline.
const MAX_SUPPRESSIONS: usize = 10_000;
/// Longest advisory id, in bytes.
const MAX_ADVISORY: usize = 100;

pub(super) const SUPPRESS: Keys = Keys {
    table: "a suppression",
    known: &["fingerprint", "moved", "rule", "path", "package", "advisory", "reason", "expires"],
    later: &[],
};

const SELECTORS: [&str; 5] = ["fingerprint", "rule", "path", "package", "advisory"];
const WHY: &str = "why this finding may stand for now";

pub(super) fn suppressions(reader: &mut Reader, item: &Item, at: &Span, lines: &LineIndex) -> Vec<Suppression> {
    let mut list = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (table, header) in some_tables(reader, "suppress", item, at, MAX_SUPPRESSIONS) {
        let mistakes = reader.mistakes.len();
        reader.check_keys(table, &SUPPRESS);
        let line = lines.position(header.start).line;
        let span = first_of(table, &SELECTORS, &header);
        let (mut select, mut why, mut expires) = (Selector::default(), None, None);
        for (key, item) in table.iter() {
            let at = key_span(table, key, item);
            match key {
                "fingerprint" => select.fingerprint = fingerprint(reader, key, item, &at),
                "moved" => select.moved = fingerprint(reader, key, item, &at),
                "rule" => select.rule = rule_pattern(reader, item, &at).map(|rule| rule.value),
                "path" => select.path = reader.glob(key, item, &at).map(|glob| glob.value),
                "package" => select.package = package(reader, item, &at),
                "advisory" => select.advisory = advisory(reader, item, &at),
                "reason" => why = reason(reader, item, &at, WHY),
                "expires" => expires = expiry(reader, item, &at),
                _ => {}
            }
        }
        whole(reader, table, &header);
        // A table with a mistake is judged no further: half of a selector selects something else.
        let (Some(reason), Some(expires)) = (why, expires) else { continue };
        if reader.mistakes.len() > mistakes {
            continue;
        }
        if everything(&select) {
            let message = "this suppresses every finding";
            let help = "name a rule, a folder or a fingerprint; to let findings pass, change the gate; to keep files from being read, use `[files] exclude`";
            reader.note(span, message, "", Some(help.into()));
            continue;
        }
        let selector = select.describe();
        if let Some(first) = seen.get(&selector) {
            let message = format!("`{}` is suppressed twice, first in line {first}", brief(&selector, 200));
            reader.note(span, message, "the second one", Some("take one out".into()));
            continue;
        }
        seen.insert(selector, line);
        list.push(Suppression { select, reason, expires, line, span });
    }
    list
}

/// Where the fingerprints of all suppressions start. Unlike their key they are public.
pub(super) fn fingerprints(root: &dyn TableLike) -> HashSet<usize> {
    let start = |table: &dyn TableLike| table.get("fingerprint").and_then(Item::span).map(|span| span.start);
    match root.get("suppress") {
        Some(Item::ArrayOfTables(tables)) => tables.iter().filter_map(|table| start(table)).collect(),
        Some(Item::Value(Value::Array(tables))) => {
            tables.iter().filter_map(Value::as_inline_table).filter_map(|table| start(table)).collect()
        }
        _ => HashSet::new(),
    }
}

/// Whether the keys of a suppression make one.
fn whole(reader: &mut Reader, table: &dyn TableLike, header: &Span) {
    let selects = SELECTORS.iter().any(|key| table.contains_key(key));
    if let Some(item) = table.get("moved").filter(|_| !table.contains_key("fingerprint")) {
        let help = "it follows one finding into a renamed file; put that finding's `fingerprint` beside it";
        let span = key_span(table, "moved", item);
        reader.note(span, "`moved` stands without a `fingerprint`", "", Some(help.into()));
    } else if !selects {
        let help =
            "add `fingerprint`, `rule`, `path`, `package` or `advisory`; a finding has to match all that are there";
        reader.note(header.clone(), "this suppression selects nothing", "", Some(help.into()));
    }
    for key in ["reason", "expires"].into_iter().filter(|key| !table.contains_key(key)) {
        let help = match key {
            "reason" => format!("add `reason = \"…\"`: {WHY}"),
            _ => "add `expires = 2027-01-31`, the last day on which it holds".to_owned(),
        };
        reader.note(header.clone(), format!("this suppression has no `{key}`"), "", Some(help));
    }
}

fn fingerprint(reader: &mut Reader, name: &str, item: &Item, at: &Span) -> Option<Fingerprint> {
    let text = reader.string(name, item, at)?;
    let fingerprint = Fingerprint::try_from(text.value.to_owned()).ok();
    if fingerprint.is_none() {
        let message = format!("`{}` is no fingerprint", brief(text.value, 60));
        let help = "copy the 32 hexadecimal digits that a report shows, or let `scanhost suppress add` write them";
        reader.note(text.span, message, "", Some(help.into()));
    }
    fingerprint
}

fn package(reader: &mut Reader, item: &Item, at: &Span) -> Option<String> {
    let text = reader.string("package", item, at)?;
    if let Err(why) = check_purl(text.value) {
        let message = format!("`{}` is no package URL: {why}", brief(text.value, 100));
        let help = "write `pkg:type/name@version`, as in `pkg:pypi/requests@2.31.0`; without a version it means all";
        reader.note(text.span, message, "", Some(help.into()));
        return None;
    }
    Some(text.value.to_owned())
}

/// Ids of well-known databases have their whole form, others any: there are dozens, and every vendor has one.
fn advisory(reader: &mut Reader, item: &Item, at: &Span) -> Option<String> {
    const FORMS: [(&str, &str); 4] = [
        ("CVE-", "`CVE-2024-0001`"),
        ("GHSA-", "`GHSA-7x4w-6cq2-3qcm`"),
        ("RUSTSEC-", "`RUSTSEC-2024-0001`"),
        ("PYSEC-", "`PYSEC-2024-1`"),
    ];
    let text = reader.string("advisory", item, at)?;
    let id = text.value;
    let upper = id.to_ascii_uppercase();
    let known = FORMS.into_iter().find(|(prefix, _)| upper.starts_with(prefix));
    let good = match known {
        Some((prefix, _)) => id.strip_prefix(prefix).is_some_and(|rest| known_form(prefix, rest)),
        // The colon is Red Hat's: `RHSA-2024:1234`.
        None => id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':')) && id.contains('-'),
    };
    if !good || id.len() > MAX_ADVISORY || !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let message = format!("`{}` is no advisory", brief(id, 60));
        let help = match known {
            Some((_, form)) => format!("write it as {form}"),
            None => "write its id as reports show it, as in `CVE-2024-0001`".to_owned(),
        };
        reader.note(text.span, message, "", Some(help));
        return None;
    }
    Some(id.to_owned())
}

fn known_form(prefix: &str, rest: &str) -> bool {
    if prefix == "GHSA-" {
        let group = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        return rest.split('-').count() == 3 && rest.split('-').all(group);
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    rest.split_once('-').is_some_and(|(year, number)| {
        let least = if prefix == "PYSEC-" { 1 } else { 4 };
        year.len() == 4 && digits(year) && digits(number) && number.len() >= least
    })
}

/// Whether nothing is left out. Tried on names that no project has: there are many ways to write such a glob.
fn everything(select: &Selector) -> bool {
    const PATHS: [&str; 3] = ["\u{1}", "\u{1}/.\u{2}/\u{3}.\u{4}", ".\u{5}"];
    const RULES: [&str; 2] = ["\u{1}.\u{2}", "\u{3}.\u{4}.\u{5}"];
    let whole = |glob: &str| {
        // As the router has it: without a slash it means a name in any folder.
        let glob = if glob.contains('/') { glob.to_owned() } else { format!("**/{glob}") };
        let glob = GlobBuilder::new(&glob).literal_separator(true).build();
        glob.is_ok_and(|glob| PATHS.iter().all(|path| glob.compile_matcher().is_match(path)))
    };
    let narrows = select.fingerprint.is_some() || select.package.is_some() || select.advisory.is_some();
    !narrows
        && select.path.as_deref().is_none_or(whole)
        && select.rule.as_deref().is_none_or(|rule| RULES.iter().all(|id| matches(rule, id)))
}
