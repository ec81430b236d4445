//! The tables of `scan.toml`, one file for each. By hand and not derived, because a derived reader stops
//! at the first mistake and does not know where the others are. Here: the top level, and what the tables share.

mod gates;
mod plugins;
mod policy;
mod purl;
mod select;
mod severity;
mod stages;
mod suppress;

use toml_edit::{Document, Item, TableLike};

use super::error::{ConfigError, Mistake, Mistakes};
use super::excerpt::Source;
use super::reader::{Keys, Reader, key_span};
use super::{Config, FingerprintKey, Incomplete, Span};
use crate::finding::location::LineIndex;
use crate::finding::text::brief;
use crate::finding::{PluginId, Severity};

/// The one version of the file's format.
const VERSION: i64 = 1;
/// Entries of `[[gate]]` and of `[[severity]]`.
const MAX_TABLES: usize = 1_000;

const ROOT: Keys = Keys {
    table: "the file's top level",
    known: &[
        "version",
        "fingerprint-key",
        "baseline",
        "stages",
        "gate",
        "policy",
        "suppress",
        "severity",
        "plugins",
        "files",
    ],
    later: &["targets"],
};

const FAIL_OR_WARN: [(&str, Incomplete); 2] = [("fail", Incomplete::Fail), ("warn", Incomplete::Warn)];

/// All tables, with where the JSON Schema has them.
#[cfg(test)]
pub(super) const TABLES: &[(&str, &Keys)] = &[
    ("", &ROOT),
    ("/definitions/stage", &stages::STAGE),
    ("/definitions/gate", &gates::GATE),
    ("/definitions/max", &gates::MAX),
    ("/definitions/policy", &policy::POLICY),
    ("/definitions/suppress", &suppress::SUPPRESS),
    ("/definitions/severity", &severity::SEVERITY),
    ("/definitions/plugin", &plugins::PLUGIN),
    ("/definitions/allow", &plugins::ALLOW),
    ("/definitions/limits", &plugins::LIMITS),
    ("/definitions/files", &policy::FILES),
];

/// A text as JSON, as an editor hands it to a schema; none when it is no TOML.
#[cfg(test)]
pub(super) fn json(text: &str) -> Option<serde_json::Value> {
    let document = Document::parse(text).ok()?;
    Some(plugins::json_table(&mut Reader::default(), document.as_table()))
}

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
    source.unmask(&suppress::fingerprints(root));
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
            "baseline" => config.baseline = policy::baseline(reader, item, &at),
            "stages" => config.stages = stages::stages(reader, item, &at),
            "gate" => config.gates = gates::gates(reader, item, &at, lines),
            "policy" => config.policy = policy::policy(reader, item, &at),
            "suppress" => config.suppressions = suppress::suppressions(reader, item, &at, lines),
            "severity" => config.severities = severity::severities(reader, item, &at, lines),
            "plugins" => config.plugins = plugins::plugins(reader, item, &at),
            "files" => config.files = policy::files(reader, item, &at),
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

/// The tables of a list, not more than are believed to be written by hand.
fn some_tables<'i>(
    reader: &mut Reader,
    name: &str,
    item: &'i Item,
    at: &Span,
    most: usize,
) -> Vec<(&'i dyn TableLike, Span)> {
    let mut tables = reader.tables(name, item, at);
    if let Some((_, span)) = tables.get(most) {
        reader.note(span.clone(), format!("more than {most} tables `[[{name}]]`"), "", None);
        tables.truncate(most);
    }
    tables
}

fn severity_options() -> [(&'static str, Severity); 5] {
    Severity::ALL.map(|severity| (severity.as_str(), severity))
}
