//! That the JSON Schema and the reader say the same, as far as a schema can know: every key of either is a key of
//! the other, and the files of the tests are judged alike.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use super::tests::{GOOD, MISTAKES, piece};
use super::{SCHEMA, parse, walk};

static PARSED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap());
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&PARSED).unwrap());

/// Mistakes that no schema can see: text that is no TOML, what several keys or tables come to, and numbers that JSON
/// does not have.
const BEYOND: &[&str] = &[
    "syntax",
    "syntax_unterminated",
    "duplicate_key",
    "duplicate_table",
    "suppress_everything",
    "suppress_twice",
    "override_twice",
    "no_json",
    "long_line",
    "key_in_broken_file",
    "key_multi_line",
];

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&PARSED));
}

#[test]
fn every_key_is_in_both() {
    let mut seen = BTreeSet::new();
    for (place, keys) in walk::TABLES {
        let table = PARSED.pointer(place).unwrap_or_else(|| panic!("no {place}"));
        assert_eq!(table["additionalProperties"], Value::Bool(false), "{place}");
        let known: BTreeSet<&str> = keys.known.iter().copied().collect();
        let properties = table["properties"].as_object().unwrap();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{place}");
        seen.insert((*place).to_owned());
        // Whoever hovers over a key wants to know what it does.
        for (name, property) in properties.iter().filter(|_| *place != "/definitions/max") {
            let described = |value: &Value| value["description"].is_string();
            let target = property["$ref"].as_str().and_then(|name| PARSED.pointer(name.trim_start_matches('#')));
            assert!(described(property) || target.is_some_and(described), "{place} {name}");
        }
    }
    let definitions = PARSED["definitions"].as_object().unwrap().iter();
    for (name, _) in definitions.filter(|(_, definition)| definition.get("properties").is_some()) {
        assert!(seen.contains(&format!("/definitions/{name}")), "{name} is no table of the reader");
    }
}

#[test]
fn good_files_are_good_for_both() {
    let page = include_str!("../../../docs/configuration.md");
    let examples = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let whole = examples.filter(|example| example.starts_with("version = 1"));
    let own = include_str!("../../../scan.toml");
    for text in whole.chain([GOOD, own, "version = 1"]) {
        assert!(parse("scan.toml", text).is_ok(), "{text}");
        let errors: Vec<_> = VALIDATOR.iter_errors(&walk::json(text).unwrap()).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
    }
}

#[test]
fn mistakes_are_mistakes_for_both_or_known_to_be_beyond_a_schema() {
    let unseen: Vec<&str> = MISTAKES
        .iter()
        .filter(|(_, text)| {
            let json = walk::json(&format!("version = 1\n{text}\n"));
            json.is_none_or(|json| VALIDATOR.is_valid(&json))
        })
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(unseen, BEYOND);
    for text in ["", "version = 2", "version = \"1\""] {
        assert!(!VALIDATOR.is_valid(&walk::json(text).unwrap()), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// An editor must not call wrong what the host takes.
    #[test]
    fn the_schema_is_never_the_stricter_one(
        changes in prop::collection::vec((0..GOOD.len(), 0..6_usize, piece()), 1..3),
    ) {
        let text = super::tests::changed(&changes);
        if parse("scan.toml", &text).is_ok() {
            let json = walk::json(&text).unwrap();
            let errors: Vec<_> = VALIDATOR.iter_errors(&json).map(|error| error.to_string()).collect();
            prop_assert!(errors.is_empty(), "{errors:?}\n{text}");
        }
    }
}
