//! JSON: everything in an outcome, for programs, and the way back from a report to an outcome. One module a
//! version; a version's names never change their meaning, and `docs/report.schema.json` describes them to the last
//! key.

pub mod v1;

use serde::Deserialize;

use crate::finding::text::{brief, printable};
use crate::outcome::Outcome;

/// The longest report that is read.
pub const MAX_BYTES: u64 = 256 << 20;

/// The JSON Schema (draft 2020-12) of what [`render`] writes.
pub const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

/// The report in its newest version.
pub fn render(outcome: &Outcome) -> String {
    super::to_json(&v1::Report::new(outcome))
}

/// Why a text is no report that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Longer than [`MAX_BYTES`].
    #[error("it has more than {} MiB, which no report has; write less into one, or judge its parts", MAX_BYTES >> 20)]
    TooLarge,
    /// Not JSON, or not the right JSON.
    #[error("it is no report of scanhost in JSON: {0}")]
    Format(String),
    /// Of a later scanhost.
    #[error("it has version {0} of the format, and this scanhost reads version 1; use a newer scanhost")]
    Version(String),
    /// One part says what another denies.
    #[error("it contradicts itself: {0}; write it anew with `scanhost run --format json`")]
    Contradiction(String),
}

/// Reads a report of any minor version of version 1. It may come from anywhere: its texts are safe to show
/// afterwards, and what it counts is counted anew. Numbers of more than 15 digits may come out different in the
/// last one.
pub fn read(text: &str) -> Result<Outcome, ReadError> {
    // The version first: a later one may have other keys.
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
        version: Option<String>,
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    // The words of the parser quote the text.
    let format = |error: serde_json::Error| ReadError::Format(brief(&error.to_string(), 300));
    let head: Head = serde_json::from_str(text).map_err(format)?;
    if head.schema.as_deref() != Some(v1::SCHEMA_NAME) {
        return Err(ReadError::Format(format!("it does not say `\"schema\": \"{}\"`", v1::SCHEMA_NAME)));
    }
    let version = head.version.unwrap_or_default();
    let major = version.split_once('.').and_then(|(major, minor)| minor.parse::<u32>().ok().and(major.parse().ok()));
    match major {
        Some(1_u32) => serde_json::from_str::<v1::Report<'_>>(text).map_err(format)?.into_outcome(),
        Some(2..) => Err(ReadError::Version(printable(&version).into_owned())),
        _ => Err(ReadError::Format(format!("its version is `{}`", brief(&version, 20)))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::finding::Origin;
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
    fn what_is_written_is_read_back() {
        for outcome in sample::all().into_iter().filter(|outcome| *outcome != sample::hostile()) {
            assert_eq!(read(&render(&outcome)).as_ref(), Ok(&outcome));
        }
    }

    #[test]
    fn what_is_read_is_safe_to_show() {
        let outcome = read(&render(&sample::hostile())).unwrap();
        let shown = [outcome.problems[0].message.as_str(), outcome.problems[0].path.as_deref().unwrap()];
        for text in shown.into_iter().chain([outcome.findings[0].location.path()]) {
            assert_eq!(printable(text), text);
            assert!(text.contains(r"\x1b[2J"), "{text}");
        }
        // Safe once is the same for ever.
        assert_eq!(read(&render(&outcome)).unwrap(), outcome);
    }

    /// The report as version 1.0 had it.
    fn first_version(outcome: &Outcome) -> serde_json::Value {
        let mut report: serde_json::Value = serde_json::from_str(&render(outcome)).unwrap();
        let mut take = |pointer: &str, keys: &[&str]| {
            let object = report.pointer_mut(pointer).and_then(serde_json::Value::as_object_mut).unwrap();
            for key in keys {
                object.remove(*key).unwrap();
            }
        };
        take("", &["policy", "notices"]);
        for at in 0..outcome.gates.len() {
            take(&format!("/gates/{at}"), &["judges", "verdict", "detail"]);
        }
        for at in 0..outcome.findings.len() {
            take(&format!("/findings/{at}"), &["comment", "novelty"]);
            take(&format!("/findings/{at}/state"), &["expires", "place"]);
            take(&format!("/findings/{at}/severity_origin"), &["was_score", "was_from", "place"]);
        }
        report["version"] = "1.0".into();
        report
    }

    #[test]
    fn an_earlier_version_is_read() {
        let mut outcome = sample::full();
        let read = read(&first_version(&outcome).to_string()).unwrap();
        outcome.policy.file = None;
        outcome.policy.day = "2026-09-21".parse().unwrap();
        if let Origin::Override { place, .. } = &mut outcome.findings[1].rating.origin {
            place.clear();
        }
        assert_eq!(read, outcome);
    }

    #[test]
    fn a_later_minor_version_is_read_and_a_later_major_one_refused() {
        let with = |version: &str| render(&sample::clean()).replacen("\"1.1\"", &format!("\"{version}\""), 1);
        let later = with("1.7").replacen('{', "{\"later\": [{}],", 1);
        assert_eq!(read(&later), Ok(sample::clean()));
        assert_eq!(read(&with("2.0")), Err(ReadError::Version("2.0".into())));
        for wrong in ["", "1", "0.9", "1.x", "x.1", "-1.0", "\\u001b.1"] {
            assert!(matches!(read(&with(wrong)), Err(ReadError::Format(_))), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_report_is_refused_with_words() {
        let full = render(&sample::full());
        let cases = [
            ("", "EOF"),
            ("[]", "invalid"),
            ("{\"schema\": \"other\"}", "scanhost-report"),
            (&full[..full.len() / 2], "EOF"),
            (&full.replacen("\"complete\": true", "\"complete\": false", 1), "do not agree"),
            (&full.replacen("\"gate-failed\"", "\"pass\"", 1), "do not agree"),
            (&full.replacen("\"stage\"", "\"stge\"", 1), "stage"),
            (&full.replacen("\"ignored-inline\"", "\"\\u001b[2J\"", 1), r"\x1b[2J"),
            (&full.replacen("\"ignored-inline\"", "\"suppressed\"", 1), "expires"),
            (&full.replacen("\"was\": \"critical\"", "\"was\": null", 1), "override"),
            (&full.replacen("\"size\": 26", "\"size\": 27", 1), "base64"),
            (&"[".repeat(100_000), "invalid"),
        ];
        for (text, part) in cases {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
            assert_eq!(printable(&error), error);
        }
    }

    proptest! {
        #[test]
        fn any_text_in_the_place_of_another_is_refused_or_safe(text in any::<String>(), at in 0..400usize) {
            let report = render(&sample::hostile());
            let strings: Vec<_> = report.match_indices(": \"").map(|(at, _)| at + 2).collect();
            let from = strings[at % strings.len()];
            let end = from + 1 + report[from + 1..].find("\",").or(report[from + 1..].find("\"\n")).unwrap() + 1;
            let changed = report[..from].to_owned() + &serde_json::to_string(&text).unwrap() + &report[end..];
            match read(&changed) {
                Ok(outcome) => {
                    for f in &outcome.findings {
                        prop_assert_eq!(printable(&f.message), f.message.as_str());
                        prop_assert_eq!(printable(f.location.path()), f.location.path());
                    }
                    prop_assert_eq!(read(&render(&outcome)), Ok(outcome));
                }
                Err(error) => {
                    let error = error.to_string();
                    prop_assert_eq!(printable(&error), error.as_str());
                }
            }
        }

        #[test]
        fn any_text_and_any_part_of_a_report_is_refused(text in any::<String>(), cut in 0..4000usize) {
            prop_assert!(read(&text).is_err());
            let report = render(&sample::hostile());
            prop_assert!(read(&report[..report.floor_char_boundary(cut.min(report.len() - 3))]).is_err());
        }
    }

    #[test]
    fn times_are_left_out_where_the_report_has_to_be_reproducible() {
        let report: serde_json::Value = serde_json::from_str(&render(&sample::clean_without_timings())).unwrap();
        assert_eq!(report["timings"], serde_json::Value::Null);
        assert_eq!(report["plugins"][0]["time_us"], serde_json::Value::Null);
    }
}
