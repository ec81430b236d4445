//! The time that a stage may take: what runs out of it is never called clean, and only a hook's goes on all the same.

use std::time::Duration;

use scanhost_tests::Project;

/// More files than can be scanned in a millisecond, in which not even a plugin is loaded.
fn many(policy: &str) -> Project {
    let project = Project::new();
    for n in 0..200 {
        project.write(format!("{n}.py"), format!("x = {n}\n"));
    }
    project.write("scan.toml", format!("version = 1\n{policy}"));
    project
}

const COMMIT: &str = "[stages.commit]\nplugins = [\"secrets\"]\nbudget = \"1ms\"\n";
const BUILD: &str = "[stages.build]\nplugins = [\"secrets\"]\nbudget = \"1ms\"\n";

#[test]
fn a_hook_that_runs_out_of_time_warns() {
    let project = many(COMMIT);
    project.scanhost(["run"]).exits(0).shows(&["passed, but INCOMPLETE", "budget"]);
    // Whoever wants to hear less hears it all the same.
    project.scanhost(["run", "-q"]).exits(0).shows(&["INCOMPLETE"]);
    let report = project.json(&[]).exits(0).report();
    assert!(report.problems().iter().all(|p| p["kind"] == "budget-exceeded"), "{:#?}", report.problems());
    assert!(!report.problems().is_empty());
    project.scanhost(["run", "--format", "sarif"]).exits(0).shows(&["\"executionSuccessful\": false"]);
    // A report that was stored is judged as the run was.
    project.scanhost(["run", "--format", "json=r.json"]).exits(0);
    project.scanhost(["gate", "r.json"]).exits(0).shows(&["INCOMPLETE"]);
}

#[test]
fn any_other_stage_fails() {
    let project = many(BUILD);
    project.scanhost(["run", "--stage", "build"]).exits(3).shows(&["INCOMPLETE", "budget"]);
    project.write("scan.toml", format!("version = 1\n{BUILD}incomplete = \"warn\"\n"));
    project.scanhost(["run", "--stage", "build"]).exits(0).shows(&["passed, but INCOMPLETE"]);
    project.write("scan.toml", format!("version = 1\n{BUILD}[policy]\nincomplete = \"warn\"\n"));
    project.scanhost(["run", "--stage", "build"]).exits(0).shows(&["passed, but INCOMPLETE"]);
}

#[test]
fn a_hook_fails_where_the_policy_says_so() {
    for policy in [format!("{COMMIT}incomplete = \"fail\"\n"), format!("{COMMIT}[policy]\nincomplete = \"fail\"\n")] {
        many(&policy).scanhost(["run"]).exits(3).shows(&["INCOMPLETE", "budget"]);
    }
}

#[test]
fn a_plugin_that_never_ends_is_cut_off_with_the_budget() {
    let settings = "[plugins.evil]\nsource = \"plugins/evil.wasm\"\nlimits = { time = \"60s\" }\n";
    let project = Project::with_evil(&format!("budget = \"700ms\"\n{settings}"));
    project.write("1.forever.evil", "x").write("2.forever.evil", "x").write("3.forever.evil", "x");
    // What it found until then is there, and fails as it would have.
    let ran = project.json(&[]);
    assert!(ran.time < Duration::from_secs(15), "{}", ran.all());
    // It is the time that was too short, not the plugin that was at fault, and that is said once.
    let report = ran.report();
    let kinds: Vec<_> = report.problems().iter().map(|p| p["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["budget-exceeded"], "{}", ran.all());
    assert!([0, 1].contains(&ran.code), "{}", ran.all());
    project.append("scan.toml", "[policy]\nincomplete = \"fail\"\n");
    project.json(&[]).exits(3);
}
