//! `[[gate]]`: about findings, or about a measurement, never both, because one description and one count could
//! not say which of them failed.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike, Value};

use super::{MAX_TABLES, severity_options, some_tables, stage_name};
use crate::config::reader::{Keys, Reader, key_span};
use crate::config::{Condition, ConditionValue, Gate, MeasurementGate, Span, Spanned};
use crate::finding::location::LineIndex;
use crate::finding::text::brief;
use crate::finding::{Confidence, PluginId, Severity};

/// Longest name of a measurement, label of a condition, or text that one asks for, in bytes.
const MAX_NAME: usize = 200;
/// Conditions of one gate.
const MAX_CONDITIONS: usize = 50;

pub(super) const GATE: Keys = Keys {
    table: "a gate",
    known: &[
        "stages",
        "fail-on",
        "min-confidence",
        "new-only",
        "max",
        "measurement",
        "where",
        "min-lower95",
        "max-upper95",
    ],
    later: &[],
};
pub(super) const MAX: Keys = Keys { table: "`max`", known: &["critical", "high", "medium", "low", "info"], later: &[] };

/// Keys of a gate about findings.
const OF_FINDINGS: [&str; 4] = ["fail-on", "min-confidence", "new-only", "max"];
/// Keys that make no sense without `measurement`.
const OF_MEASUREMENTS: [&str; 3] = ["where", "min-lower95", "max-upper95"];

const CONFIDENCES: [(&str, Confidence); 3] =
    [("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

pub(super) fn gates(reader: &mut Reader, item: &Item, at: &Span, lines: &LineIndex) -> Vec<Gate> {
    let mut gates = Vec::new();
    for (table, span) in some_tables(reader, "gate", item, at, MAX_TABLES) {
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
                "new-only" => gate.new_only = reader.boolean(key, item, &at).unwrap_or_default(),
                "max" => gate.max = maxima(reader, item, &at),
                "measurement" => gate.measurement = measurement(reader, table, item, &at),
                _ => {}
            }
        }
        whole(reader, table, span);
        gates.push(gate);
    }
    gates
}

/// Whether the keys of a gate make one.
fn whole(reader: &mut Reader, table: &dyn TableLike, span: Span) {
    let place = |key: &str| table.get(key).map(|item| key_span(table, key, item));
    if let Some(at) = place("measurement") {
        for (key, span) in OF_FINDINGS.iter().filter_map(|key| Some((key, place(key)?))) {
            let message = format!("this gate judges a measurement, and `{key}` is about findings");
            let help = "make two gates of it; all gates of a stage have to pass";
            reader.note(span, message, "", Some(help.into()));
        }
        if !table.contains_key("min-lower95") && !table.contains_key("max-upper95") {
            let help = "add `min-lower95` or `max-upper95`, the bound that the 95 % confidence interval has to keep";
            reader.note(at, "this gate has a measurement and no bound", "", Some(help.into()));
        }
        return;
    }
    let mut alone = false;
    for (key, span) in OF_MEASUREMENTS.iter().filter_map(|key| Some((key, place(key)?))) {
        alone = true;
        let help = "add `measurement = \"plugin.name\"`, or take it out";
        reader.note(span, format!("`{key}` is about a measurement, and this gate names none"), "", Some(help.into()));
    }
    if !alone && place("fail-on").is_none() && place("max").is_none() {
        let help =
            "give it `fail-on = \"high\"` or `max = { high = 0 }`; a gate that never fails is `fail-on = \"none\"`";
        reader.note(span, "this gate judges nothing", "", Some(help.into()));
    }
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
    let mut max = BTreeMap::new();
    let Some(table) = reader.table("max", item, at) else { return max };
    reader.check_keys(table, &MAX);
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

fn measurement(reader: &mut Reader, table: &dyn TableLike, item: &Item, at: &Span) -> Option<MeasurementGate> {
    let name = measurement_name(reader, item, at);
    let mut bound = |key: &str| {
        let item = table.get(key)?;
        reader.number(key, item, &key_span(table, key, item))
    };
    let (least, most) = (bound("min-lower95"), bound("max-upper95"));
    let conditions = match table.get("where") {
        Some(item) => conditions(reader, item, &key_span(table, "where", item)),
        None => Vec::new(),
    };
    if let (Some(least), Some(most)) = (&least, &most)
        && least.value > most.value
    {
        let help = "the lower bound of an interval is never above its upper one; were the two mixed up?";
        reader.note(most.span.clone(), "no interval can keep both bounds", "", Some(help.into()));
    }
    let (min_lower95, max_upper95) = (least.map(|bound| bound.value), most.map(|bound| bound.value));
    Some(MeasurementGate { name: name?, conditions, min_lower95, max_upper95 })
}

fn measurement_name(reader: &mut Reader, item: &Item, at: &Span) -> Option<Spanned<String>> {
    let text = reader.string("measurement", item, at)?;
    let shape = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let good = text.value.split_once('.').is_some_and(|(plugin, name)| {
        let parts = name.split('.').all(|part| !part.is_empty());
        parts && name.len() <= MAX_NAME && name.bytes().all(shape) && PluginId::try_from(plugin.to_owned()).is_ok()
    });
    if !good {
        let message = format!("`{}` is no measurement", brief(text.value, 60));
        let help = "write a plugin's id, a dot, and the name that its reports show, as in `evasion.robust_accuracy`";
        reader.note(text.span, message, "", Some(help.into()));
        return None;
    }
    Some(Spanned { value: text.value.to_owned(), span: text.span })
}

fn conditions(reader: &mut Reader, item: &Item, at: &Span) -> Vec<Condition> {
    let mut list = Vec::new();
    let Some(table) = reader.table("where", item, at) else { return list };
    if table.is_empty() {
        let help =
            "name labels, as in `where = { attack = \"pgd\" }`, or leave it out for every measurement of that name";
        reader.note(at.clone(), "`where` names no label", "", Some(help.into()));
    }
    if table.len() > MAX_CONDITIONS {
        reader.note(at.clone(), format!("`where` has more than {MAX_CONDITIONS} labels"), "", None);
        return list;
    }
    for (label, item) in table.iter() {
        let at = key_span(table, label, item);
        if label.is_empty() || label.len() > MAX_NAME || label.chars().any(char::is_control) {
            reader.note(at, format!("`{}` is no label", brief(label, 60)), "", None);
            continue;
        }
        if let Some(value) = condition(reader, label, item, &at) {
            list.push(Condition { label: label.to_owned(), value });
        }
    }
    list
}

fn condition(reader: &mut Reader, label: &str, item: &Item, at: &Span) -> Option<ConditionValue> {
    let span = item.span().unwrap_or_else(|| at.clone());
    let text = match item.as_value() {
        Some(Value::Integer(_) | Value::Float(_)) => {
            return reader.number(label, item, at).map(|number| ConditionValue::Number(number.value));
        }
        Some(Value::Boolean(flag)) => return Some(ConditionValue::Text(flag.value().to_string())),
        Some(Value::String(text)) => text.value(),
        _ => {
            reader.wrong_type(label, item, "a number, a string or a boolean", at);
            return None;
        }
    };
    if text.len() > MAX_NAME || text.chars().any(char::is_control) {
        let message =
            format!("the value of `{}` is longer than {MAX_NAME} bytes or holds a control character", brief(label, 60));
        reader.note(span, message, "", None);
        return None;
    }
    match fraction(text) {
        Some(number) if number.is_finite() => Some(ConditionValue::Number(number)),
        Some(_) => {
            reader.note(span, format!("`{text}` is too large a number, or divides by zero"), "", None);
            None
        }
        None => Some(ConditionValue::Text(text.clone())),
    }
}

/// A text that is a number, or one number over another.
fn fraction(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((above, below)) => Some(number(above)? / number(below)?),
        None => number(text),
    }
}

/// Unlike the standard library's reader this one does not know `inf` and `nan`, which are words here.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_fractions_and_words() {
        let near = |text: &str, wanted: f64| fraction(text).is_some_and(|number| (number - wanted).abs() < 1e-12);
        assert!(near("8/255", 8.0 / 255.0) && near(" -1.5e1 / 3 ", -5.0) && near("0.03", 0.03) && near("+1", 1.0));
        for word in ["", "pgd", "inf", "NaN", "-infinity", "1/2/3", "8/", "/8", "1,5", "0x10", "linf/2"] {
            assert_eq!(fraction(word), None, "{word}");
        }
        assert!(fraction("1/0").is_some_and(|number| !number.is_finite()));
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_a_word(text in "[-+0-9./eE ]{0,12}|\\PC{0,12}") {
            let _ = fraction(&text);
        }
    }
}
