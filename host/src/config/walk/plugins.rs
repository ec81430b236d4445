//! `[plugins.<id>]`: where a plugin comes from, what it is told, what it may do. Its own settings are open here;
//! the schema in its manifest judges them once the plugin is loaded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml_edit::{Item, TableLike, Value};

use super::plugin_id;
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{LimitSettings, PluginSettings, Span, Spanned};
use crate::finding::PluginId;
use crate::finding::text::brief;

/// What 32-bit WebAssembly can address.
const MAX_MEMORY: u64 = 4 << 30;
/// A guest's stack and data alone take a megabyte.
const MIN_MEMORY: u64 = 1 << 20;

pub(super) const PLUGIN: Keys =
    Keys { table: "a plugin", known: &["source", "digest", "config", "allow", "limits"], later: &[] };
pub(super) const ALLOW: Keys = Keys { table: "`allow`", known: &["read"], later: &["net", "allow-private"] };
pub(super) const LIMITS: Keys = Keys { table: "`limits`", known: &["memory", "time"], later: &[] };

pub(super) fn plugins(reader: &mut Reader, item: &Item, at: &Span) -> BTreeMap<PluginId, PluginSettings> {
    let mut plugins = BTreeMap::new();
    let Some(table) = reader.table("plugins", item, at) else { return plugins };
    for (name, item) in table.iter() {
        let span = key_span(table, name, item);
        let Some(id) = plugin_id(reader, name, &span) else { continue };
        let Some(table) = reader.table(&format!("plugins.{name}"), item, &span) else { continue };
        plugins.insert(id, plugin(reader, table, span));
    }
    plugins
}

fn plugin(reader: &mut Reader, table: &dyn TableLike, span: Span) -> PluginSettings {
    let config = serde_json::Value::Object(serde_json::Map::new());
    let limits = LimitSettings::default();
    let mut plugin =
        PluginSettings { source: None, digest: None, config, config_span: None, allow_read: Vec::new(), limits, span };
    reader.check_keys(table, &PLUGIN);
    for (key, item) in table.iter() {
        let at = key_span(table, key, item);
        match key {
            "source" => plugin.source = source_path(reader, item, &at),
            "digest" => {
                if !table.contains_key("source") {
                    let help = "take it out: a built-in plugin is part of this binary; for a plugin of your own name its `source`";
                    reader.note(at.clone(), "`digest` stands without a `source`", "", Some(help.into()));
                }
                plugin.digest = digest(reader, item, &at);
            }
            "config" => {
                plugin.config_span = Some(at.clone());
                if let Some(config) = reader.table("config", item, &at) {
                    plugin.config = json_table(reader, config);
                }
            }
            "allow" => {
                let Some(allow) = reader.table("allow", item, &at) else { continue };
                reader.check_keys(allow, &ALLOW);
                if let Some(item) = allow.get("read") {
                    plugin.allow_read = reader.globs("read", item, &at);
                }
            }
            "limits" => {
                if let Some(limits) = reader.table("limits", item, &at) {
                    plugin.limits = limit_settings(reader, limits, &at);
                }
            }
            _ => {}
        }
    }
    plugin
}

fn source_path(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<PathBuf>> {
    let text = reader.string("source", item, at)?;
    // A scheme is two letters or more, so that `C:\…` is none.
    let scheme = text.value.split_once(':').map(|(scheme, _)| scheme);
    if let Some(scheme) = scheme.filter(|s| s.len() > 1 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+')) {
        let message = format!("a source `{}:` is not supported by this version", brief(scheme, 20));
        let help = "download the `.wasm` and name its path, relative to the folder of `scan.toml`";
        reader.note(text.span, message, "", Some(help.into()));
        return None;
    }
    if text.value.is_empty() || text.value.chars().any(char::is_control) {
        let help = "name a packed `.wasm`, relative to the folder of `scan.toml`";
        reader.note(text.span, "`source` is no path", "", Some(help.into()));
        return None;
    }
    Some(Spanned { value: PathBuf::from(text.value), span: text.span })
}

fn digest(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<String>> {
    let text = reader.string("digest", item, at)?;
    let hex = text.value.strip_prefix("sha256:");
    if !hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        let message = format!("`{}` is no digest", brief(text.value, 80));
        let help = "write `sha256:` and 64 hexadecimal digits; `scanhost plugin inspect` shows a plugin's digest";
        reader.note(text.span, message, "", Some(help.into()));
        return None;
    }
    Some(Spanned { value: text.value.to_ascii_lowercase(), span: text.span })
}

fn limit_settings(reader: &mut Reader, table: &dyn TableLike, at: &Span) -> LimitSettings {
    reader.check_keys(table, &LIMITS);
    let mut limits = LimitSettings::default();
    if let Some(size) = table.get("memory").and_then(|item| reader.size("memory", item, at)) {
        if (MIN_MEMORY..=MAX_MEMORY).contains(&size.value) {
            limits.memory = Some(size.value);
        } else {
            reader.note(size.span, "`memory` must be 1MiB at the least and 4GiB at the most", "", None);
        }
    }
    limits.time = table.get("time").and_then(|item| reader.duration("time", item, at));
    limits
}

/// A plugin's own settings as JSON. Its depth is bounded by the parser.
pub(super) fn json_table(reader: &mut Reader, table: &dyn TableLike) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    for (name, item) in table.iter() {
        let at = key_span(table, name, item);
        let value = match item {
            Item::None => continue,
            Item::Value(value) => json_value(reader, value, &at),
            Item::Table(table) => json_table(reader, table),
            Item::ArrayOfTables(tables) => tables.iter().map(|table| json_table(reader, table)).collect(),
        };
        object.insert(name.to_owned(), value);
    }
    serde_json::Value::Object(object)
}

fn json_value(reader: &mut Reader, value: &Value, at: &Span) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().clone().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(array) => array.iter().map(|value| json_value(reader, value, at)).collect(),
        Value::InlineTable(table) => json_table(reader, table),
        Value::Float(number) => serde_json::Number::from_f64(*number.value()).map_or_else(
            || {
                let span = value.span().unwrap_or_else(|| at.clone());
                reader.note(span, "a plugin's configuration is JSON, which has no `inf` and no `nan`", "", None);
                serde_json::Value::Null
            },
            serde_json::Value::Number,
        ),
    }
}
