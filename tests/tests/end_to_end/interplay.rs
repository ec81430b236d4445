//! Where parts meet: comments that ignore, overrides of severity, several gates, several reports.

use scanhost_tests::{Project, leaked_line};

#[test]
fn an_ignored_finding_is_reported_and_not_counted() {
    let project = Project::new();
    project.write("a.py", leaked_line().trim_end().to_owned() + "  # scanhost:ignore secrets.* -- revoked long ago\n");
    let ran = project.json(&[]).exits(0);
    let report = ran.report();
    assert_eq!(report.findings()[0]["state"]["kind"], "ignored-inline");
    assert_eq!(report.0["summary"]["ignored"], 1);
    let reason = report.findings()[0]["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("revoked long ago"), "{reason}");
    // For another rule it does not count.
    project.write("a.py", leaked_line().trim_end().to_owned() + "  # scanhost:ignore secrets.github-pat -- other\n");
    project.json(&[]).exits(1);
}

#[test]
fn an_override_says_what_it_changed_and_why() {
    let project = Project::new();
    project.write("a.py", leaked_line());
    project.write(
        "scan.toml",
        "version = 1\n[[severity]]\nrule = \"secrets.aws-*\"\nset = \"info\"\nreason = \"a sandbox account\"\n",
    );
    let ran = project.json(&[]).exits(0);
    let report = ran.report();
    let finding = &report.findings()[0];
    assert_eq!(finding["severity"], "info");
    assert_eq!(finding["severity_origin"]["from"], "override");
    assert_eq!(finding["severity_origin"]["reason"], "a sandbox account");
    project.append("scan.toml", "[[severity]]\nrule = \"secrets.no-such-rule\"\nset = \"low\"\nreason = \"x\"\n");
    project.json(&[]).exits(0).says(&["no-such-rule"]);
}

#[test]
fn all_gates_have_to_pass() {
    let project = Project::new();
    project.write("a.py", leaked_line());
    let gates = "version = 1\n[[gate]]\nfail-on = \"critical\"\n[[gate]]\nstages = [\"commit\"]\nfail-on = \"none\"\nmax = { high = 0 }\n";
    project.write("scan.toml", gates);
    let ran = project.json(&[]).exits(1);
    let passed: Vec<bool> = ran.report().0["gates"].as_array().unwrap().iter().map(|g| g["passed"] == true).collect();
    assert_eq!(passed, [true, false]);
    // Of another stage only the first applies.
    project.scanhost(["run", "--stage", "nightly"]).exits(0);
}

#[test]
fn several_reports_of_one_run() {
    let project = Project::new();
    project.write("a.py", leaked_line());
    let out = tempfile::tempdir().unwrap();
    let to = |name: &str| format!("{name}={}", out.path().join(name).display());
    let ran =
        project.scanhost(["run", "--format", "terminal", "--format", &to("json"), "--format", &to("sarif")]).exits(1);
    assert!(ran.out.contains("a.py"));
    for name in ["json", "sarif"] {
        let text = std::fs::read_to_string(out.path().join(name)).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|v| v.is_object()), "{name}");
    }
    // Only files: the verdict is still heard.
    project.scanhost(["run", "--format", &to("json")]).exits(1).says(&["FAILED"]);
}
