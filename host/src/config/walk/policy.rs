//! `[policy]`, `[files]` and `baseline`: what holds for the whole run.

use std::path::PathBuf;

use toml_edit::Item;

use super::FAIL_OR_WARN;
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{FILE_NAME, FileSettings, PolicySettings, Span, Spanned, value};
use crate::finding::text::brief;

/// The longest warning before an expiry, in days.
const MAX_WARNING: u32 = 365;

pub(super) const POLICY: Keys = Keys {
    table: "`[policy]`",
    known: &["incomplete", "nothing-scanned", "warn-before-expiry"],
    later: &["max-database-age"],
};
pub(super) const FILES: Keys = Keys { table: "`[files]`", known: &["exclude", "max-size", "archives"], later: &[] };

pub(super) fn policy(reader: &mut Reader, item: &Item, at: &Span) -> PolicySettings {
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
            "warn-before-expiry" => policy.warn_before_expiry = days(reader, key, item, &at),
            _ => {}
        }
    }
    policy
}

fn days(reader: &mut Reader, name: &str, item: &Item, at: &Span) -> Option<u32> {
    let text = reader.string(name, item, at)?;
    match value::parse_days(text.value) {
        Ok(days) if days <= MAX_WARNING => Some(days),
        Ok(_) => {
            reader.note(text.span, format!("`{name}` must be {MAX_WARNING}d at the most"), "", None);
            None
        }
        Err(why) => {
            reader.note(text.span, format!("`{}` {why}", brief(text.value, 60)), "", None);
            None
        }
    }
}

pub(super) fn files(reader: &mut Reader, item: &Item, at: &Span) -> FileSettings {
    let mut files = FileSettings::default();
    let Some(table) = reader.table("files", item, at) else { return files };
    reader.check_keys(table, &FILES);
    for (key, item) in table.iter() {
        let at = key_span(table, key, item);
        match key {
            "exclude" => files.exclude = reader.globs(key, item, &at),
            "max-size" => files.max_size = reader.size(key, item, &at).map(|size| size.value),
            "archives" => files.archives = reader.boolean(key, item, &at),
            _ => {}
        }
    }
    files
}

/// A path that commands write to as well, so it must stay in the project, and away from git's own files.
pub(super) fn baseline(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<PathBuf>> {
    let text = reader.string("baseline", item, at)?;
    let path = text.value;
    let named: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    let stays = !path.starts_with(['/', '\\']) && !path.contains(':') && !named.contains(&"..");
    let names = !named.is_empty() && !path.ends_with(['/', '\\', '.']) && !path.chars().any(char::is_control);
    if !stays || !names {
        let help = "name a file in the folder of `scan.toml` or below it, as in `baseline = \"scan-baseline.json\"`";
        reader.note(text.span, "`baseline` is no path inside the project", "", Some(help.into()));
        return None;
    }
    let of_git = named.iter().any(|part| part.eq_ignore_ascii_case(".git"));
    if of_git || (named.len() == 1 && named[0].eq_ignore_ascii_case(FILE_NAME)) {
        let help = "give it a file of its own, as in `baseline = \"scan-baseline.json\"`";
        reader.note(text.span, "`baseline` names a file that is something else", "", Some(help.into()));
        return None;
    }
    Some(Spanned { value: PathBuf::from(path), span: text.span })
}
