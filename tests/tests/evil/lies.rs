//! Reports what is not true, not declared, or not fit to be shown.

use scanhost_tests::{Project, is_obeyed};
use serde_json::Value;

use super::{attack, finish};

#[test]
fn records_that_break_the_contract_are_refused_and_blamed() {
    let all = ["undeclared", "foreign-rule", "nan", "attachment"];
    let (ran, report) = attack(&all, "");
    for name in all {
        report.assert_blames("plugin-misbehaved", "evil", &format!("{name}.evil"));
    }
    assert!(report.0["measurements"].as_array().unwrap().is_empty());
    assert!(report.findings().iter().all(|f| f["plugin"] == "secrets"), "{:#?}", report.findings());
    ran.exits(3);
}

#[test]
fn spans_are_clipped_to_the_file() {
    let (ran, report) = attack(&["outside"], "");
    let size = "some content".len() as u64;
    let own: Vec<_> = report.findings().iter().filter(|f| f["plugin"] == "evil").collect();
    assert!(!own.is_empty());
    for finding in own {
        let place = &finding["location"];
        if let (Some(offset), Some(length)) = (place["byte_offset"].as_u64(), place["byte_length"].as_u64()) {
            assert!(offset + length <= size, "{finding:#}");
        }
        assert_eq!(place["start"]["line"], 1, "{finding:#}");
    }
    ran.exits(1);
}

#[test]
fn no_text_of_a_guest_is_obeyed_by_anything() {
    let project = Project::with_evil("");
    project.write("hostile-text.evil", "x").write("error.evil", "x").write("megabyte.evil", "x");
    // That nothing raw reaches a stream is asserted for every run; here, of the values inside JSON too.
    let (ran, report) = finish(&project, &["-vv"]);
    strings(&report.0, &mut |text| assert!(!text.chars().any(is_obeyed), "{text:?}"));
    report.assert_blames("unscanned", "evil", "error.evil");
    let long = report.messages("evil.note").iter().map(|text| text.len()).max().unwrap();
    assert!(long < 20_000, "a message of {long} bytes");
    ran.exits(3);

    let sarif = project.scanhost(["run", "--format", "sarif", "-vv"]).exits(3);
    let value: Value = serde_json::from_str(&sarif.out).unwrap();
    strings(&value, &mut |text| assert!(!text.chars().any(|c| is_obeyed(c) && c != '\n'), "{text:?}"));
    let terminal = project.scanhost(["run", "-vv"]).exits(3);
    for line in terminal.out.lines().chain(terminal.err.lines()) {
        assert!(!line.starts_with("::error") && !line.contains("##[error]") && !line.starts_with("forged"), "{line}");
    }
}

#[test]
fn a_score_is_a_number_from_0_to_10() {
    let (ran, report) = attack(&["score"], "");
    for finding in report.findings() {
        let score = finding["score"].as_f64();
        assert!(score.is_some_and(|score| (0.0..=10.0).contains(&score)), "{finding:#}");
    }
    ran.exits(1);
}

fn strings(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, check)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            check(key);
            // What a fix inserts is exact, or it would insert something else; JSON's own escapes keep it from a terminal.
            if key != "replacement" && key != "insertedContent" {
                strings(value, check);
            }
        }),
        _ => {}
    }
}
