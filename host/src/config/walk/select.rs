//! What `[[severity]]` and `[[suppress]]` have in common: how findings are selected, why, and for how long.

use toml_edit::{Item, TableLike, Value};

use crate::config::reader::{Reader, key_span};
use crate::config::{Date, Span, Spanned};
use crate::finding::text::brief;

/// Longest reason, in characters.
const MAX_REASON: usize = 500;
/// Years of an expiry. Not measured from today, so that a file is good or bad on every day alike; this only finds
/// the dates that were written in order never to come.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

/// Where the first of a table's selectors stands.
pub(super) fn first_of(table: &dyn TableLike, selectors: &[&str], fallback: &Span) -> Span {
    let spans = selectors.iter().filter_map(|name| table.get(name).map(|item| (key_span(table, name, item), item)));
    let values = spans.map(|(key, item)| item.span().unwrap_or(key));
    values.min_by_key(|span| span.start).unwrap_or_else(|| fallback.clone())
}

pub(super) fn rule_pattern(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<String>> {
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

/// `why` says whom the reason has to convince of what.
pub(super) fn reason(reader: &mut Reader, item: &Item, at: &Span, why: &str) -> Option<String> {
    let text = reader.string("reason", item, at)?;
    let reason = text.value.trim();
    if reason.is_empty() {
        reader.note(text.span, "`reason` is empty", "", Some(format!("say {why}; reports show it")));
        return None;
    }
    if reason.chars().count() > MAX_REASON {
        reader.note(text.span, format!("`reason` is longer than {MAX_REASON} characters"), "", None);
        return None;
    }
    // One line, because reports show it in one.
    Some(brief(&reason.split_whitespace().collect::<Vec<_>>().join(" "), usize::MAX))
}

/// A day: TOML's own, or a string of the same form.
pub(super) fn expiry(reader: &mut Reader, item: &Item, at: &Span) -> Option<Date> {
    let span = item.span().unwrap_or_else(|| at.clone());
    let text = match item.as_value() {
        Some(Value::Datetime(date)) => date.value().to_string(),
        Some(Value::String(text)) => text.value().clone(),
        _ => {
            reader.wrong_type("expires", item, "a day, such as 2027-01-31", at);
            return None;
        }
    };
    let Ok(date) = text.parse::<Date>() else {
        let message = format!("`{}` is no day", brief(&text, 60));
        let help =
            "write year, month and day without a time, as in `expires = 2027-01-31`; that day is the last, in UTC";
        reader.note(span, message, "", Some(help.into()));
        return None;
    };
    if !YEARS.contains(&date.year()) {
        let message =
            format!("`expires = {date}` is no expiry: the year has to be {} to {}", YEARS.start(), YEARS.end());
        let help = "take the day on which somebody should look at this again, a year ahead at most";
        reader.note(span, message, "", Some(help.into()));
        return None;
    }
    Some(date)
}
