//! `gate`: a stored report is judged as the scan was, and by another policy as the scan would have been.

use scanhost_tests::{Project, command, key, leaked_line, run};
use serde_json::Value;

const TODAY: &str = "2026-11-24";

/// Two findings, one of which a comment sets aside.
fn project() -> Project {
    let project = Project::new();
    project.write("a.txt", leaked_line());
    project.write("tests/b.txt", format!("k = \"{}\" # scanhost:ignore secrets.* -- made up for a test\n", key()));
    project
}

/// What the verdict is made of, without what only a scan knows.
fn verdict(report: &Value) -> Value {
    let mut findings = report["findings"].clone();
    for finding in findings.as_array_mut().unwrap() {
        finding.as_object_mut().unwrap().remove("attachments");
    }
    serde_json::json!([
        report["verdict"],
        report["summary"],
        report["gates"],
        report["problems"],
        findings,
        notices(report)
    ])
}

fn notices(report: &Value) -> Value {
    // `gate` was given a day, the scan was not.
    report["notices"].as_array().unwrap().iter().filter(|n| n["kind"] != "expiring").cloned().collect()
}

#[test]
fn judging_a_report_is_judging_the_scan() {
    let project = project();
    project.scanhost(["run", "--format", "json=stored.json", "--fail-on", "none"]).exits(0);
    let policies = [
        ("", 1),
        ("[[gate]]\nfail-on = \"none\"\n", 0),
        ("[[gate]]\nfail-on = \"critical\"\n", 0),
        ("[[gate]]\nmax = { high = 0 }\n", 1),
        ("[[gate]]\nmax = { high = 1 }\n", 0),
        ("[[gate]]\nfail-on = \"high\"\nnew-only = true\n", 1),
        ("[[gate]]\nmeasurement = \"evasion.robust-accuracy\"\nmin-lower95 = 0.6\n", 3),
        ("[[suppress]]\nrule = \"secrets.*\"\nreason = \"known\"\nexpires = 2099-01-31\n", 0),
        ("[[suppress]]\nrule = \"secrets.jtw\"\nreason = \"misspelt\"\nexpires = 2099-01-31\n", 1),
        ("[[suppress]]\npath = \"no/**\"\nreason = \"unused\"\nexpires = 2099-01-31\n", 1),
        ("[[severity]]\nrule = \"secrets.*\"\nset = \"low\"\nreason = \"a sample\"\n", 0),
        ("[[severity]]\npath = \"tests/**\"\nset = \"critical\"\nreason = \"a sample\"\n", 1),
    ];
    for (policy, code) in policies {
        project.write("scan.toml", format!("version = 1\n{policy}"));
        let scanned = project.json(&[]).exits(code).report();
        let judged = project.scanhost(["gate", "stored.json", "--format", "json"]).exits(code).report();
        // The scan sees one file more: `scan.toml` itself, and the report.
        assert_eq!(verdict(&judged.0), verdict(&scanned.0), "{policy}");
        assert_eq!(judged.0["policy"]["file"], "scan.toml", "{policy}");
    }
}

#[test]
fn an_incomplete_scan_stays_incomplete_and_a_plugin_need_not_be_there_any_more() {
    let project = Project::with_evil("");
    project.write("panic.evil", "x");
    project.scanhost(["run", "--format", "json=stored.json"]).exits(3);
    std::fs::remove_file(project.path().join("plugins/evil.wasm")).unwrap();
    project.scanhost(["gate", "stored.json", "--fail-on", "none"]).exits(3).shows(&["INCOMPLETE", "panic.evil"]);
    project.scanhost(["gate", "stored.json", "--fail-on", "none", "-q", "--format", "json=again.json"]).exits(3);
    let all = project.scanhost(["gate", "again.json", "--format", "json"]).exits(3).report();
    all.assert_blames("plugin-trapped", "evil", "panic.evil");
    all.assert_others_kept();
}

#[test]
fn the_day_and_the_stage_are_asked_for() {
    let project = project();
    project.write(
        "scan.toml",
        "version = 1\n[stages.release]\nplugins = [\"secrets\"]\n[[gate]]\nstages = [\"release\"]\nfail-on = \
         \"info\"\n[[suppress]]\nrule = \"secrets.*\"\nreason = \"known\"\nexpires = 2026-11-24\n",
    );
    project.scanhost(["run", "--format", "json=stored.json"]);
    project.scanhost(["gate", "stored.json", "--today", TODAY]).exits(0).shows(&["passed", "1 suppressed"]);
    project.scanhost(["gate", "stored.json", "--today", "2026-11-25"]).exits(1).shows(&[
        "FAILED",
        "scan.toml:7: the suppression",
        "expired on 2026-11-24",
    ]);
    project.scanhost(["gate", "stored.json", "--today", "2026-11-25", "-q"]).exits(1).shows(&["expired on 2026-11-24"]);
    project.scanhost(["gate", "stored.json", "--today", TODAY, "--stage", "release", "-v"]).exits(0).shows(&[
        "gate fail-on = \"info\" (scan.toml:4)",
        "suppressed: ",
        "until: 2026-11-24, says scan.toml:7",
    ]);
    project.scanhost(["gate", "stored.json", "--stage", "relaese"]).exits(2).says(&["did you mean `release`"]);
    project.scanhost(["gate", "stored.json", "--today", "24.11.2026"]).exits(2).says(&["YYYY-MM-DD"]);
}

#[test]
fn several_reports_and_standard_input() {
    let project = project();
    project.write("sub/c.txt", leaked_line());
    project.scanhost(["run", "--format", "json=one.json"]).exits(1);
    project.scanhost(["run", "--format", "json=two.json"]).exits(1);
    let count = |ran: scanhost_tests::Ran| ran.report().findings().len();
    let one = count(project.scanhost(["gate", "one.json", "--format", "json"]).exits(1));
    assert_eq!(count(project.scanhost(["gate", "one.json", "two.json", "--format", "json"]).exits(1)), one);
    let report = std::fs::read(project.path().join("one.json")).unwrap();
    let mut piped = command();
    piped.current_dir(project.path()).args(["gate", "-", "--fail-on", "none", "--format", "json"]);
    assert_eq!(count(run(piped, &report).exits(0)), one);
    // What it writes it reads.
    let mut again = command();
    again.current_dir(project.path()).args(["gate", "-"]);
    let judged = project.scanhost(["gate", "one.json", "--format", "json"]).exits(1);
    run(again, judged.out.as_bytes()).exits(1).shows(&["FAILED"]);
    project.scanhost(["gate", "-", "-"]).exits(2).says(&["standard input"]);
    project.scanhost(["run", "--format", "json=three.json", "sub"]).exits(1);
    project.scanhost(["gate", "one.json", "three.json"]).exits(2).says(&["different folders"]);
}

#[test]
fn what_is_no_report_is_2_and_safe_to_print() {
    let project = project();
    project.write("scan.toml", "version = 1\n").write("later.json", r#"{"schema":"scanhost-report","version":"2.0"}"#);
    project
        .write("evil.json", "{\"schema\": \"\\u001b[2J\u{202e}\", \"version\": 1}")
        .write("binary.json", b"\xff\xfe");
    project.write("empty.json", "").write("deep.json", "[".repeat(1 << 20));
    let cases = [
        ("no.json", "cannot read `no.json`"),
        ("scan.toml", "no report of scanhost"),
        ("later.json", "use a newer scanhost"),
        ("evil.json", "no report of scanhost"),
        ("binary.json", "not UTF-8"),
        ("empty.json", "EOF"),
        ("deep.json", "no report of scanhost"),
        (".", "cannot read `.`"),
    ];
    for (path, words) in cases {
        project.scanhost(["gate", path]).exits(2).says(&[words]);
    }
    project.scanhost(["gate"]).exits(2).says(&["RESULTS"]);
    project.scanhost(["gate", "later.json", "--config", "scan.toml", "--root", "."]).exits(2).says(&["--root"]);
}

#[test]
fn a_baseline_of_the_policy_is_looked_at() {
    let project = project();
    project.scanhost(["run", "--format", "json=stored.json"]).exits(1);
    let policy = "version = 1\nbaseline = \"scan-baseline.json\"\n[[gate]]\nfail-on = \"high\"\nnew-only = true\n";
    project.write("scan.toml", policy);
    project.scanhost(["gate", "stored.json"]).exits(2).says(&["there is no baseline `scan-baseline.json`"]);
    let report: Value = serde_json::from_slice(&std::fs::read(project.path().join("stored.json")).unwrap()).unwrap();
    let entries: Vec<Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            serde_json::json!({"path": f["location"]["path"], "rule": f["rule"],
                "fingerprint": f["fingerprint"], "moved": f["moved_fingerprint"]})
        })
        .collect();
    let baseline = serde_json::json!({"schema": "scanhost-baseline", "version": 1, "key": null, "findings": entries});
    project.write("scan-baseline.json", baseline.to_string());
    project.scanhost(["gate", "stored.json"]).exits(0).shows(&["there before, where no gate looks", "passed"]);
    project.scanhost(["gate", "stored.json", "-q"]).exits(0);
    project.write("scan-baseline.json", "{}");
    project.scanhost(["gate", "stored.json"]).exits(2).says(&["no baseline of scanhost"]);
}
