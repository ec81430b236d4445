//! `[stages.<name>]`. Whether its plugins exist is for the plan to say.

use std::collections::BTreeMap;

use toml_edit::Item;

use super::{FAIL_OR_WARN, plugin_id, stage_name};
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{Scope, Span, Spanned, Stage};

pub(super) const STAGE: Keys =
    Keys { table: "a stage", known: &["plugins", "scope", "budget", "incomplete"], later: &["targets"] };

pub(super) fn stages(reader: &mut Reader, item: &Item, at: &Span) -> BTreeMap<String, Stage> {
    let mut stages = BTreeMap::new();
    let Some(table) = reader.table("stages", item, at) else { return stages };
    for (name, item) in table.iter() {
        let span = key_span(table, name, item);
        if !stage_name(reader, name, &span) {
            continue;
        }
        let Some(table) = reader.table(&format!("stages.{name}"), item, &span) else { continue };
        reader.check_keys(table, &STAGE);
        let mut stage = Stage { span, ..Stage::default() };
        for (key, item) in table.iter() {
            let at = key_span(table, key, item);
            match key {
                "plugins" => {
                    stage.plugins = reader.strings(key, item, &at).map(|names| {
                        let id = |name: Spanned<&str>| {
                            plugin_id(reader, name.value, &name.span).map(|value| Spanned { value, span: name.span })
                        };
                        names.into_iter().filter_map(id).collect()
                    });
                }
                "scope" => {
                    let span = item.span().unwrap_or_else(|| at.clone());
                    stage.scope = reader.choice(key, item, &Scope::ALL, &at).map(|value| Spanned { value, span });
                }
                "budget" => stage.budget = reader.duration(key, item, &at),
                "incomplete" => stage.incomplete = reader.choice(key, item, &FAIL_OR_WARN, &at),
                _ => {}
            }
        }
        stages.insert(name.to_owned(), stage);
    }
    stages
}
