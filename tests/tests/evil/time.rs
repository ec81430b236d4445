//! Takes more time than there is.

use std::time::Duration;

use super::{attack, settings};

const SHORT: &str = "limits = { time = \"200ms\" }";

#[test]
fn a_guest_that_loops_is_stopped_and_named() {
    let (ran, report) = attack(&["forever", "chatter", "good"], &settings(SHORT));
    report.assert_blames("plugin-timeout", "evil", "forever.evil");
    report.assert_blames("plugin-timeout", "evil", "chatter.evil");
    // A fresh instance goes on with the next file; what was reported before the loop is thrown away.
    assert_eq!(report.messages("evil.note"), ["scanned"]);
    ran.exits(3);
}

#[test]
fn after_three_timeouts_a_plugin_is_given_up() {
    let names: Vec<String> = (0..40).map(|n| format!("{n}.forever")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (ran, report) = attack(&names, &settings(SHORT));
    let timeouts = report.problems().iter().filter(|p| p["kind"] == "plugin-timeout").count();
    assert_eq!(timeouts, 3, "{:#?}", report.problems());
    let given_up = |p: &serde_json::Value| {
        p["kind"] == "plugin-unusable" && p["plugin"] == "evil" && p["message"].as_str().unwrap().contains("given up")
    };
    assert!(report.problems().iter().any(given_up), "{:#?}", report.problems());
    assert!(ran.time < Duration::from_secs(15), "{}", ran.all());
    ran.exits(3);
}

#[test]
fn sleeping_takes_no_time() {
    let (ran, report) = attack(&["sleep"], "");
    assert_eq!(report.messages("evil.note"), ["slept"]);
    ran.exits(1);
}

#[test]
fn the_budget_of_a_stage_holds_against_a_slow_plugin() {
    let project = scanhost_tests::Project::with_evil(&format!(
        "budget = \"1s\"\nincomplete = \"fail\"\n{}",
        settings("limits = { time = \"2s\" }")
    ));
    for n in 0..20 {
        project.write(format!("{n}.forever.evil"), "x");
    }
    let ran = project.json(&[]).exits(3);
    let report = ran.report();
    assert!(report.problems().iter().any(|p| p["kind"] == "budget-exceeded"), "{:#?}", report.problems());
    assert!(ran.time < Duration::from_secs(15), "{}", ran.all());
}
