//! Reading single values of a parsed TOML file: each method returns the value, or notes what is wrong with
//! it and returns nothing, so that one pass finds all mistakes.

use std::time::Duration;

use globset::{GlobBuilder, GlobSetBuilder};
use toml_edit::{Item, Key, TableLike, Value};

use super::error::Mistake;
use super::{Span, Spanned, suggest, value};
use crate::finding::text::brief;

/// Longest glob, in bytes. A longer one is generated, and slow.
const MAX_GLOB: usize = 1_000;
/// Entries of one list.
const MAX_LIST: usize = 1_000;

/// The keys that a table may have.
pub(super) struct Keys {
    /// How the table is called in messages.
    pub table: &'static str,
    /// What this version reads.
    pub known: &'static [&'static str],
    /// What is planned, and not read yet: a file written for a later version deserves another answer than a typo.
    pub later: &'static [&'static str],
}

/// Collects the mistakes.
#[derive(Default)]
pub(super) struct Reader {
    pub mistakes: Vec<Mistake>,
}

impl Reader {
    /// Notes a mistake.
    pub fn note(&mut self, span: Span, message: impl Into<String>, label: &str, help: Option<String>) {
        self.mistakes.push(Mistake { span: Some(span), message: message.into(), label: label.into(), help });
    }

    pub fn wrong_type(&mut self, name: &str, item: &Item, wanted: &str, fallback: &Span) {
        let span = item.span().unwrap_or_else(|| fallback.clone());
        self.note(span, format!("`{name}` must be {wanted}"), &format!("this is {}", kind(item)), None);
    }

    /// Notes every key that the table may not have.
    pub fn check_keys(&mut self, table: &dyn TableLike, keys: &Keys) {
        for (name, item) in table.iter() {
            if keys.known.contains(&name) {
                continue;
            }
            let span = key_span(table, name, item);
            let shown = brief(name, 60);
            if keys.later.contains(&name) {
                let message = format!("`{shown}` in {} is not supported by this version", keys.table);
                let help = "take it out: a policy that is not enforced must not look as if it were";
                self.note(span, message, "", Some(help.into()));
                continue;
            }
            let help = match suggest::nearest(name, keys.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", keys.known.join(", ")),
            };
            self.note(span, format!("unknown key `{shown}` in {}", keys.table), "", Some(help));
        }
    }

    /// A table, with header, dotted or inline.
    pub fn table<'i>(&mut self, name: &str, item: &'i Item, fallback: &Span) -> Option<&'i dyn TableLike> {
        let table = item.as_table_like();
        if table.is_none() {
            self.wrong_type(name, item, "a table", fallback);
        }
        table
    }

    /// `[[name]]`, or a list of inline tables; each with where it starts.
    pub fn tables<'i>(&mut self, name: &str, item: &'i Item, fallback: &Span) -> Vec<(&'i dyn TableLike, Span)> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables
                .iter()
                .map(|table| (table as &dyn TableLike, table.span().unwrap_or_else(|| fallback.clone())))
                .collect();
        }
        let mut found: Vec<(&dyn TableLike, Span)> = Vec::new();
        let Some(array) = item.as_array() else {
            self.wrong_type(name, item, &format!("a list of tables, written `[[{name}]]`"), fallback);
            return found;
        };
        for value in array {
            let span = value.span().unwrap_or_else(|| fallback.clone());
            if let Some(table) = value.as_inline_table() {
                found.push((table, span));
            } else {
                self.note(
                    span,
                    format!("`{name}` must be a list of tables"),
                    &format!("this is {}", kind_of_value(value)),
                    None,
                );
            }
        }
        found
    }

    /// A string.
    pub fn string<'i>(&mut self, name: &str, item: &'i Item, fallback: &Span) -> Option<Spanned<&'i str>> {
        let Some(text) = item.as_str() else {
            self.wrong_type(name, item, "a string", fallback);
            return None;
        };
        Some(Spanned { value: text, span: item.span().unwrap_or_else(|| fallback.clone()) })
    }

    /// A list of strings without duplicates.
    pub fn strings<'i>(&mut self, name: &str, item: &'i Item, fallback: &Span) -> Option<Vec<Spanned<&'i str>>> {
        let Some(array) = item.as_array() else {
            self.wrong_type(name, item, "a list of strings", fallback);
            return None;
        };
        if array.len() > MAX_LIST {
            let span = item.span().unwrap_or_else(|| fallback.clone());
            self.note(span, format!("`{name}` has more than {MAX_LIST} entries"), "", None);
            return None;
        }
        let mut texts: Vec<Spanned<&str>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for value in array {
            let span = value.span().unwrap_or_else(|| fallback.clone());
            let Some(text) = value.as_str() else {
                self.note(
                    span,
                    format!("`{name}` must be a list of strings"),
                    &format!("this is {}", kind_of_value(value)),
                    None,
                );
                continue;
            };
            if !seen.insert(text) {
                let message = format!("`{}` is in `{name}` twice", brief(text, 60));
                self.note(span, message, "the second one", Some("take one out".into()));
                continue;
            }
            texts.push(Spanned { value: text, span });
        }
        Some(texts)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, name: &str, item: &Item, options: &[(&str, T)], fallback: &Span) -> Option<T> {
        let text = self.string(name, item, fallback)?;
        if let Some((_, value)) = options.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let words: Vec<String> = options.iter().map(|(word, _)| format!("`{word}`")).collect();
        let help = match suggest::nearest(text.value, options.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", words.join(", ")),
        };
        let message = format!("unknown value `{}` for `{name}`", brief(text.value, 60));
        self.note(text.span, message, "", Some(help));
        None
    }

    /// `"2s"`.
    pub fn duration(&mut self, name: &str, item: &Item, fallback: &Span) -> Option<Duration> {
        if item.as_str().is_none() {
            self.wrong_type(name, item, "a string with a duration, such as \"30s\"", fallback);
            return None;
        }
        let text = self.string(name, item, fallback)?;
        match value::parse_duration(text.value) {
            Ok(duration) => Some(duration),
            Err(why) => {
                self.note(text.span, format!("`{}` {why}", brief(text.value, 60)), "", None);
                None
            }
        }
    }

    /// `"10MB"` or a number of bytes.
    pub fn size(&mut self, name: &str, item: &Item, fallback: &Span) -> Option<Spanned<u64>> {
        let span = item.span().unwrap_or_else(|| fallback.clone());
        let (shown, parsed) = if let Some(number) = item.as_integer() {
            (number.to_string(), value::parse_size(&number.to_string()))
        } else if let Some(text) = item.as_str() {
            (brief(text, 60), value::parse_size(text))
        } else {
            self.wrong_type(name, item, "a size, such as \"10MB\" or a number of bytes", fallback);
            return None;
        };
        match parsed {
            Ok(size) => Some(Spanned { value: size, span }),
            Err(why) => {
                self.note(span, format!("`{shown}` {why}"), "", None);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str, item: &Item, fallback: &Span) -> Option<bool> {
        let flag = item.as_bool();
        if flag.is_none() {
            self.wrong_type(name, item, "true or false", fallback);
        }
        flag
    }

    /// A number, whole or not, neither infinite nor `nan`.
    pub fn number(&mut self, name: &str, item: &Item, fallback: &Span) -> Option<Spanned<f64>> {
        let span = item.span().unwrap_or_else(|| fallback.clone());
        let whole = item.as_integer().and_then(|number| number.to_string().parse::<f64>().ok());
        match whole.or_else(|| item.as_float()) {
            Some(value) if value.is_finite() => Some(Spanned { value, span }),
            Some(_) => {
                self.note(span, format!("`{}` must be a finite number", brief(name, 60)), "", None);
                None
            }
            None => {
                self.wrong_type(&brief(name, 60), item, "a number", fallback);
                None
            }
        }
    }

    /// A glob over paths from the root.
    pub fn glob(&mut self, name: &str, item: &Item, fallback: &Span) -> Option<Spanned<String>> {
        let text = self.string(name, item, fallback)?;
        self.checked_glob(name, &text)
    }

    /// A list of globs over paths from the root.
    pub fn globs(&mut self, name: &str, item: &Item, fallback: &Span) -> Vec<Spanned<String>> {
        let texts = self.strings(name, item, fallback).unwrap_or_default();
        texts.iter().filter_map(|text| self.checked_glob(name, text)).collect()
    }

    fn checked_glob(&mut self, name: &str, text: &Spanned<&str>) -> Option<Spanned<String>> {
        match check_glob(text.value) {
            Ok(()) => Some(Spanned { value: text.value.to_owned(), span: text.span.clone() }),
            Err((why, help)) => {
                self.note(text.span.clone(), format!("bad glob in `{name}`: {}", brief(&why, 200)), "", help);
                None
            }
        }
    }
}

fn check_glob(text: &str) -> Result<(), (String, Option<String>)> {
    let help = |text: &str| Some(text.to_owned());
    if text.is_empty() {
        return Err(("it is empty".into(), help("use `**` for everything")));
    }
    if text.len() > MAX_GLOB {
        return Err((format!("it is longer than {MAX_GLOB} bytes"), None));
    }
    if text.chars().any(char::is_control) {
        return Err(("it holds a control character".into(), None));
    }
    if text.starts_with('/') || text.starts_with("./") || text.split('/').any(|part| part == "..") {
        let why = "paths start at the root, without `/` or `./` before them, and do not leave it";
        return Err((why.into(), help("write `docs/**`, or `**/docs/**` for a folder at any depth")));
    }
    let glob =
        GlobBuilder::new(text).literal_separator(true).build().map_err(|error| (error.kind().to_string(), None))?;
    // Built as well: what parses may still be too large a pattern.
    let built = GlobSetBuilder::new().add(glob).build();
    built.map(|_| ()).map_err(|error| (error.kind().to_string(), None))
}

/// Where a key stands; where its value stands if that is not known.
pub(super) fn key_span(table: &dyn TableLike, name: &str, item: &Item) -> Span {
    table.key(name).and_then(Key::span).or_else(|| item.span()).unwrap_or(0..0)
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(value) => kind_of_value(value),
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
    }
}

fn kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}
