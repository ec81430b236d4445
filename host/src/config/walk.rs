//! The tables of `scan.toml`, one function for each. By hand and not derived, because a derived reader stops
//! at the first mistake and does not know where the others are.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use toml_edit::{Document, Item, TableLike, Value};

use super::error::{ConfigError, Mistake, Mistakes};
use super::excerpt::Source;
use super::reader::{Keys, Reader, key_span};
use super::{
    Config, FileSettings, FingerprintKey, Gate, Incomplete, LimitSettings, PluginSettings, PolicySettings,
    SeverityOverride, Span, Spanned, Stage,
};
use crate::finding::location::LineIndex;
use crate::finding::text::brief;
use crate::finding::{Confidence, PluginId, Severity};

/// The one version of the file's format.
const VERSION: i64 = 1;
/// What 32-bit WebAssembly can address.
const MAX_MEMORY: u64 = 4 << 30;
/// A guest's stack and data alone take a megabyte.
const MIN_MEMORY: u64 = 1 << 20;
/// Longest reason, in characters.
const MAX_REASON: usize = 500;
/// Entries of `[[gate]]` and of `[[severity]]`.
const MAX_TABLES: usize = 1_000;

const ROOT: Keys = Keys {
    table: "the file's top level",
    known: &["version", "fingerprint-key", "stages", "gate", "policy", "plugins", "severity", "files"],
    later: &["suppress", "targets", "baseline"],
};
const STAGE: Keys =
    Keys { table: "a stage", known: &["plugins", "budget", "incomplete"], later: &["scope", "targets"] };
const GATE: Keys = Keys {
    table: "a gate",
    known: &["stages", "fail-on", "min-confidence", "max"],
    later: &["new-only", "measurement", "where", "min-lower95", "max-upper95"],
};
const POLICY: Keys = Keys {
    table: "`[policy]`",
    known: &["incomplete", "nothing-scanned"],
    later: &["max-database-age", "warn-before-expiry"],
};
const PLUGIN: Keys = Keys { table: "a plugin", known: &["source", "config", "allow", "limits"], later: &[] };
const ALLOW: Keys = Keys { table: "`allow`", known: &["read"], later: &["net", "allow-private"] };
const LIMITS: Keys = Keys { table: "`limits`", known: &["memory", "time"], later: &[] };
const SEVERITY: Keys = Keys { table: "a severity override", known: &["rule", "set", "reason"], later: &["expires"] };
const FILES: Keys = Keys { table: "`[files]`", known: &["exclude", "max-size"], later: &[] };

const FAIL_OR_WARN: [(&str, Incomplete); 2] = [("fail", Incomplete::Fail), ("warn", Incomplete::Warn)];
const CONFIDENCES: [(&str, Confidence); 3] =
    [("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

/// The text of a file to its configuration.
pub(super) fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    let mut source = Source::guessing(name, text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = format!("this is no TOML: {}", error.message());
            let twice = error.message().starts_with("duplicate key");
            let help = twice.then(|| "a key or a table may stand only once; put both together".into());
            let mistake = Mistake { span: Some(span), message, label: String::new(), help };
            return Err(ConfigError::Invalid(Mistakes::new(source, vec![mistake])));
        }
    };
    let root = document.as_table();
    if let Some(span) = root.get("fingerprint-key").and_then(Item::span) {
        source.mask(span);
    }

    let mut reader = Reader::default();
    let mut config = Config::default();
    if version(&mut reader, root) {
        let lines = LineIndex::new(text.as_bytes());
        whole(&mut reader, root, &lines, &mut config);
    }
    if reader.mistakes.is_empty() {
        config.source = Some(source);
        Ok(config)
    } else {
        Err(ConfigError::Invalid(Mistakes::new(source, reader.mistakes)))
    }
}

/// Whether the rest is worth reading: a file of another version is not judged by this one's keys.
fn version(reader: &mut Reader, root: &dyn TableLike) -> bool {
    let Some(item) = root.get("version") else {
        let help = format!("add `version = {VERSION}` as the first line");
        reader.note(0..0, "`version` is missing", "", Some(help));
        return true;
    };
    let span = item.span().unwrap_or_else(|| key_span(root, "version", item));
    match item.as_integer() {
        Some(VERSION) => true,
        Some(other) => {
            let message = format!("version {other} of the file is not supported");
            let help = format!("this scanhost reads version {VERSION}; a newer file needs a newer scanhost");
            reader.note(span, message, "", Some(help));
            false
        }
        None => {
            reader.note(span, "`version` must be an integer", "", Some(format!("write `version = {VERSION}`")));
            true
        }
    }
}

fn whole(reader: &mut Reader, root: &dyn TableLike, lines: &LineIndex, config: &mut Config) {
    reader.check_keys(root, &ROOT);
    for (name, item) in root.iter() {
        let at = key_span(root, name, item);
        match name {
            "fingerprint-key" => config.fingerprint_key = fingerprint_key(reader, item, &at),
            "stages" => config.stages = stages(reader, item, &at),
            "gate" => config.gates = gates(reader, item, &at, lines),
            "policy" => config.policy = policy(reader, item, &at),
            "plugins" => config.plugins = plugins(reader, item, &at),
            "severity" => config.severities = severities(reader, item, &at, lines),
            "files" => config.files = files(reader, item, &at),
            // `version` was read before, the rest was noted by `check_keys`.
            _ => {}
        }
    }
}

fn fingerprint_key(reader: &mut Reader, item: &Item, at: &Span) -> Option<FingerprintKey> {
    let text = reader.string("fingerprint-key", item, at)?;
    let count = text.value.chars().count();
    let range = FingerprintKey::CHARS;
    if !range.contains(&count) {
        let message =
            format!("`fingerprint-key` has {count} characters, {} to {} are needed", range.start(), range.end());
        reader.note(at.clone(), message, "", Some("take 64 random hexadecimal digits".into()));
        return None;
    }
    if text.value.chars().any(char::is_control) {
        reader.note(at.clone(), "`fingerprint-key` holds a control character", "", None);
        return None;
    }
    Some(FingerprintKey(text.value.to_owned()))
}

/// Names of stages have the shape of plugin ids, so that either can be a file name or a part of one.
fn stage_name(reader: &mut Reader, name: &str, span: &Span) -> bool {
    let good = PluginId::try_from(name.to_owned()).is_ok();
    if !good {
        let message = format!("`{}` is no name of a stage", brief(name, 60));
        let help = "use lower-case letters, digits and dashes, a letter first, 40 characters at most";
        reader.note(span.clone(), message, "", Some(help.into()));
    }
    good
}

fn plugin_id(reader: &mut Reader, name: &str, span: &Span) -> Option<PluginId> {
    let id = PluginId::try_from(name.to_owned()).ok();
    if id.is_none() {
        let message = format!("`{}` is no plugin id", brief(name, 60));
        let help = "use lower-case letters, digits and dashes, a letter first, 40 characters at most";
        reader.note(span.clone(), message, "", Some(help.into()));
    }
    id
}

fn stages(reader: &mut Reader, item: &Item, at: &Span) -> BTreeMap<String, Stage> {
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
                "budget" => stage.budget = reader.duration(key, item, &at),
                "incomplete" => stage.incomplete = reader.choice(key, item, &FAIL_OR_WARN, &at),
                _ => {}
            }
        }
        stages.insert(name.to_owned(), stage);
    }
    stages
}

/// The tables of a list, not more than are believed to be written by hand.
fn some_tables<'i>(reader: &mut Reader, name: &str, item: &'i Item, at: &Span) -> Vec<(&'i dyn TableLike, Span)> {
    let mut tables = reader.tables(name, item, at);
    if let Some((_, span)) = tables.get(MAX_TABLES) {
        reader.note(span.clone(), format!("more than {MAX_TABLES} tables `[[{name}]]`"), "", None);
        tables.truncate(MAX_TABLES);
    }
    tables
}

fn severity_options() -> [(&'static str, Severity); 5] {
    Severity::ALL.map(|severity| (severity.as_str(), severity))
}

fn gates(reader: &mut Reader, item: &Item, at: &Span, lines: &LineIndex) -> Vec<Gate> {
    let mut gates = Vec::new();
    for (table, span) in some_tables(reader, "gate", item, at) {
        reader.check_keys(table, &GATE);
        let mut gate = Gate { line: lines.position(span.start).line, span: span.clone(), ..Gate::default() };
        for (key, item) in table.iter() {
            let at = key_span(table, key, item);
            match key {
                "stages" => gate.stages = gate_stages(reader, item, &at),
                "fail-on" => {
                    let none = [("none", None)];
                    let options: Vec<_> =
                        severity_options().map(|(w, s)| (w, Some(s))).into_iter().chain(none).collect();
                    gate.fail_on = reader.choice(key, item, &options, &at).flatten();
                }
                "min-confidence" => gate.min_confidence = reader.choice(key, item, &CONFIDENCES, &at),
                "max" => gate.max = maxima(reader, item, &at),
                _ => {}
            }
        }
        let judges = |key: &&str| table.contains_key(key);
        if !GATE.later.iter().chain(&["fail-on", "max"]).any(judges) {
            let help =
                "give it `fail-on = \"high\"` or `max = { high = 0 }`; a gate that never fails is `fail-on = \"none\"`";
            reader.note(span, "this gate judges nothing", "", Some(help.into()));
        }
        gates.push(gate);
    }
    gates
}

fn gate_stages(reader: &mut Reader, item: &Item, at: &Span) -> Option<Vec<Spanned<String>>> {
    let mut stages = Vec::new();
    let names = reader.strings("stages", item, at)?;
    if names.is_empty() && item.as_array().is_some_and(toml_edit::Array::is_empty) {
        let help = "leave `stages` out for all stages, or take the gate out";
        reader.note(at.clone(), "this gate applies to no stage", "", Some(help.into()));
    }
    for name in names {
        if stage_name(reader, name.value, &name.span) {
            stages.push(Spanned { value: name.value.to_owned(), span: name.span });
        }
    }
    Some(stages)
}

fn maxima(reader: &mut Reader, item: &Item, at: &Span) -> BTreeMap<Severity, u64> {
    const KEYS: Keys = Keys { table: "`max`", known: &["critical", "high", "medium", "low", "info"], later: &[] };
    let mut max = BTreeMap::new();
    let Some(table) = reader.table("max", item, at) else { return max };
    reader.check_keys(table, &KEYS);
    if table.is_empty() {
        reader.note(at.clone(), "`max` names no severity", "", Some("write `max = { high = 0, medium = 10 }`".into()));
    }
    for (name, severity) in severity_options() {
        let Some(item) = table.get(name) else { continue };
        if let Some(number) = item.as_integer().and_then(|number| u64::try_from(number).ok()) {
            max.insert(severity, number);
        } else {
            let span = item.span().unwrap_or_else(|| key_span(table, name, item));
            reader.note(span, format!("`{name}` in `max` must be a whole number, 0 or more"), "", None);
        }
    }
    max
}

fn policy(reader: &mut Reader, item: &Item, at: &Span) -> PolicySettings {
    let mut policy = PolicySettings::default();
    let Some(table) = reader.table("policy", item, at) else { return policy };
    reader.check_keys(table, &POLICY);
    for (key, item) in table.iter() {
        let at = key_span(table, key, item);
        match key {
            "incomplete" => policy.incomplete = reader.choice(key, item, &FAIL_OR_WARN, &at),
            "nothing-scanned" => {
                policy.nothing_scanned = reader.choice(key, item, &FAIL_OR_WARN, &at).unwrap_or_default();
            }
            _ => {}
        }
    }
    policy
}

fn plugins(reader: &mut Reader, item: &Item, at: &Span) -> BTreeMap<PluginId, PluginSettings> {
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
fn json_table(reader: &mut Reader, table: &dyn TableLike) -> serde_json::Value {
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

fn severities(reader: &mut Reader, item: &Item, at: &Span, lines: &LineIndex) -> Vec<SeverityOverride> {
    let mut list = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (table, span) in some_tables(reader, "severity", item, at) {
        reader.check_keys(table, &SEVERITY);
        let mut rule = None;
        let mut set = None;
        let mut reason = None;
        for (key, item) in table.iter() {
            let at = key_span(table, key, item);
            match key {
                "rule" => rule = rule_pattern(reader, item, &at),
                "set" => set = reader.choice(key, item, &severity_options(), &at),
                "reason" => reason = override_reason(reader, item, &at),
                _ => {}
            }
        }
        for key in SEVERITY.known.iter().filter(|key| !table.contains_key(key)) {
            let help = match *key {
                "rule" => "add `rule = \"…\"`, an id as reports show it, or a pattern such as `secrets.*`",
                "set" => "add `set = \"…\"`: critical, high, medium, low or info",
                _ => "add `reason = \"…\"`: why this project judges otherwise than the rule's author",
            };
            reader.note(span.clone(), format!("this severity override has no `{key}`"), "", Some(help.into()));
        }
        let (Some(rule), Some(set), Some(reason)) = (rule, set, reason) else { continue };
        let line = lines.position(rule.span.start).line;
        if let Some(first) = seen.insert(rule.value.clone(), line) {
            let message = format!("the severity of `{}` is set twice, first in line {first}", rule.value);
            reader.note(rule.span, message, "the second one", Some("take one out".into()));
            continue;
        }
        list.push(SeverityOverride {
            rule: Some(rule.value),
            path: None,
            plugin: None,
            set,
            reason,
            expires: None,
            line,
            span: rule.span,
        });
    }
    list
}

fn rule_pattern(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<String>> {
    let text = reader.string("rule", item, at)?;
    let shape = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'*');
    if text.value.is_empty() || text.value.len() > 100 || !text.value.bytes().all(shape) {
        let message = format!("`{}` is no rule", brief(text.value, 60));
        let help = "use an id as reports show it, `secrets.github-pat`, or a pattern with `*`, `secrets.*`";
        reader.note(text.span, message, "", Some(help.into()));
        return None;
    }
    Some(Spanned { value: text.value.to_owned(), span: text.span })
}

fn override_reason(reader: &mut Reader, item: &Item, at: &Span) -> Option<String> {
    let text = reader.string("reason", item, at)?;
    let reason = text.value.trim();
    if reason.is_empty() {
        let help = "say why this project judges otherwise than the rule's author; reports show it";
        reader.note(text.span, "`reason` is empty", "", Some(help.into()));
        return None;
    }
    if reason.chars().count() > MAX_REASON {
        reader.note(text.span, format!("`reason` is longer than {MAX_REASON} characters"), "", None);
        return None;
    }
    // One line, because reports show it in one.
    Some(brief(&reason.split_whitespace().collect::<Vec<_>>().join(" "), usize::MAX))
}

fn files(reader: &mut Reader, item: &Item, at: &Span) -> FileSettings {
    let mut files = FileSettings::default();
    let Some(table) = reader.table("files", item, at) else { return files };
    reader.check_keys(table, &FILES);
    for (key, item) in table.iter() {
        let at = key_span(table, key, item);
        match key {
            "exclude" => files.exclude = reader.globs(key, item, &at),
            "max-size" => files.max_size = reader.size(key, item, &at).map(|size| size.value),
            _ => {}
        }
    }
    files
}
