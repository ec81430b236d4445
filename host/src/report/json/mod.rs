//! JSON: everything in an outcome, for programs. One module a version; a version's names never change
//! their meaning, and `docs/report.schema.json` describes them to the last key.

pub mod v1;

use crate::outcome::Outcome;

/// The JSON Schema (draft 2020-12) of what [`render`] writes.
pub const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

/// The report in its newest version.
pub fn render(outcome: &Outcome) -> String {
    super::to_json(&v1::Report::new(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn problems(report: &str) -> Vec<String> {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let report = serde_json::from_str(report).unwrap();
        validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn every_sample_follows_the_schema() {
        for outcome in sample::all() {
            let none: [&str; 0] = [];
            assert_eq!(problems(&render(&outcome)), none);
        }
    }

    #[test]
    fn the_schema_is_strict_at_every_level() {
        fn objects(value: &serde_json::Value, path: &str) {
            if let Some(properties) = value.get("properties").and_then(serde_json::Value::as_object) {
                assert_eq!(value["additionalProperties"], false, "{path} takes unknown keys");
                let required: Vec<_> =
                    value["required"].as_array().unwrap().iter().map(|k| k.as_str().unwrap()).collect();
                assert!(properties.keys().all(|key| required.contains(&key.as_str())), "{path} has an optional key");
            }
            if let Some(object) = value.as_object() {
                for (key, inner) in object {
                    objects(inner, &format!("{path}/{key}"));
                }
            }
            if let Some(array) = value.as_array() {
                for inner in array {
                    objects(inner, path);
                }
            }
        }
        objects(&serde_json::from_str(SCHEMA).unwrap(), "#");
        let report = render(&sample::full()).replacen("\"stage\"", "\"stge\"", 1);
        assert!(!problems(&report).is_empty());
    }

    #[test]
    fn a_report_is_the_same_each_time() {
        assert_eq!(render(&sample::full()), render(&sample::full()));
        insta::assert_snapshot!(render(&sample::full()));
    }

    #[test]
    fn times_are_left_out_where_the_report_has_to_be_reproducible() {
        let report: serde_json::Value = serde_json::from_str(&render(&sample::clean_without_timings())).unwrap();
        assert_eq!(report["timings"], serde_json::Value::Null);
        assert_eq!(report["plugins"][0]["time_us"], serde_json::Value::Null);
    }
}
