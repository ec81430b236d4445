//! Says too much.

use super::attack;

#[test]
fn records_are_limited_and_the_loss_is_told() {
    let all = [
        "flood-findings",
        "flood-bytes",
        "flood-packages",
        "flood-measurements",
        "flood-attachments",
        "flood-empty-attachments",
        "flood-unscanned",
    ];
    let (ran, report) = attack(&all, "");
    for name in all {
        report.assert_blames("output-limit", "evil", &format!("{name}.evil"));
    }
    assert!(report.findings().len() < 100, "{} findings", report.findings().len());
    ran.exits(3);
}

#[test]
fn mistakes_are_not_listed_without_end() {
    let (ran, report) = attack(&["flood-mistakes"], "");
    report.assert_blames("plugin-misbehaved", "evil", "flood-mistakes.evil");
    assert!(report.problems().len() < 20, "{} problems", report.problems().len());
    ran.exits(3);
}

#[test]
fn a_log_is_limited_and_costs_no_findings() {
    let (ran, report) = attack(&["flood-log", "flood-stderr", "flood-related"], "");
    let mut notes = report.messages("evil.note");
    notes.sort_unstable();
    assert_eq!(notes, ["logged", "with company", "written"]);
    assert_eq!(ran.err.matches("log line").count(), 0, "a log nobody asked for\n{}", ran.all());
    ran.exits(1);

    let project = scanhost_tests::Project::with_evil("");
    project.write("flood-log.evil", "x").write("flood-stderr.evil", "x");
    let ran = project.json(&["-vv"]).exits(1);
    assert!(ran.err.contains("log line 199") && !ran.err.contains("log line 200"), "{}", ran.all());
    assert!(ran.err.lines().filter(|line| line.contains("stderr line")).count() <= 200, "{}", ran.all());
    assert!(!ran.out.contains("stdout line") && !ran.err.contains("stdout line"));
    assert!(ran.err.contains("not kept"), "{}", ran.all());
}
