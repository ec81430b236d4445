//! Each exit code, and who gets which.

use scanhost_tests::{Project, command, key, leaked_line, run};

#[test]
fn clean_is_0_and_a_finding_1() {
    let project = Project::new();
    project.write("a.txt", "nothing here\n");
    project.scanhost(["run"]).exits(0).shows(&["passed: no findings"]);
    project.write("b.txt", leaked_line());
    project.scanhost(["run"]).exits(1).shows(&["b.txt", "secrets.aws-access-key-id", "FAILED"]);
    project.scanhost(["run", "--fail-on", "none"]).exits(0).shows(&["b.txt"]);
    project.scanhost(["run", "--fail-on", "critical"]).exits(0).shows(&["b.txt"]);
    project.scanhost(["run", "-q", "--fail-on", "low"]).exits(1);
    project.scanhost(["run", "a.txt"]).exits(0);
    project.scanhost(["run", "b.txt"]).exits(1);
}

#[test]
fn nothing_scanned_is_4() {
    let project = Project::new();
    project.scanhost(["run"]).exits(4).shows(&["NOTHING SCANNED"]);
    project.write("scan.toml", "version = 1\n[policy]\nnothing-scanned = \"warn\"\n[files]\nexclude = [\"**\"]\n");
    project.scanhost(["run"]).exits(0);
}

#[test]
fn usage_is_2_and_names_what_was_probably_meant() {
    let project = Project::new();
    project.write("a.txt", "x");
    let cases: &[(&[&str], &[&str])] = &[
        (&["run", "no/such/folder"], &["no/such/folder"]),
        (&["run", "--stage", "comit"], &["comit", "did you mean `commit`"]),
        (&["run", "--plugin", "secret"], &["secret", "did you mean `secrets`"]),
        (&["run", "--format", "jsn"], &["jsn", "did you mean `json`"]),
        (&["run", "--format", "json="], &["no file"]),
        (&["run", "--format", "json=no/such/folder/r.json"], &["no/such/folder"]),
        (&["run", "--format", "json", "--format", "sarif"], &["standard output"]),
        (&["run", "--fail-on", "hihg"], &["hihg", "did you mean `high`"]),
        (&["run", "--frmat", "json"], &["--frmat", "--format"]),
        (&["run", "--jobs", "0"], &["0"]),
        (&["run", "--jobs", "x"], &["x"]),
        (&["run", "--config", "no.toml"], &["no.toml"]),
        (&["run", "--staged", "--stdin", "x"], &["--stdin"]),
        (&["run", "-q", "-v"], &["--verbose"]),
        (&["run", "a", "b"], &["b"]),
        (&["rule"], &["rule", "rules"]),
        (&["run", "--staged"], &["git"]),
        (&["explain"], &["RULE"]),
        (&[], &["Usage"]),
    ];
    for (args, parts) in cases {
        let ran = project.scanhost(*args).exits(2).says(parts);
        assert!(ran.out.is_empty(), "{args:?}\n{}", ran.all());
    }
}

#[test]
fn help_and_version_are_0() {
    let project = Project::new();
    project.scanhost(["--help"]).exits(0).shows(&["Exit codes", "run", "explain"]);
    project.scanhost(["run", "--help"]).exits(0).shows(&["--staged", "--fail-on"]);
    project.scanhost(["--version"]).exits(0).shows(&["scanhost 0."]);
}

#[test]
fn standard_input_is_scanned_under_its_name() {
    let mut stdin = command();
    stdin.args(["run", "--stdin", "conf/settings.py", "--format", "json"]);
    let ran = run(stdin, leaked_line().as_bytes()).exits(1);
    assert_eq!(ran.report().found(), [("secrets.aws-access-key-id", "conf/settings.py")]);
    assert_eq!(ran.report().0["source"], "stdin");
    assert!(!ran.out.contains(&key()));
    let mut clean = command();
    clean.args(["run", "--stdin", "x.txt"]);
    run(clean, b"nothing").exits(0);
}

#[test]
fn only_what_is_staged_is_scanned() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("a.txt", "clean").git(&["add", "a.txt"]).git(&["commit", "-qm", "one"]);
    project.write("untracked.txt", leaked_line());
    project.scanhost(["run", "--staged"]).exits(0);
    // Staged with a secret, mended in the work tree only: the commit would have it.
    project.write("b.txt", leaked_line()).git(&["add", "b.txt"]).write("b.txt", "clean");
    let ran = project.json(&["--staged"]).exits(1);
    assert_eq!(ran.report().found(), [("secrets.aws-access-key-id", "b.txt")]);
    project.git(&["add", "b.txt"]).write("b.txt", leaked_line());
    project.scanhost(["run", "--staged"]).exits(0);
}

#[test]
fn an_ignored_file_is_left_out_and_a_tracked_one_is_not() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("tracked.txt", leaked_line()).git(&["add", "tracked.txt"]);
    project.write(".gitignore", "*.txt\n").write("ignored.txt", leaked_line());
    let ran = project.json(&[]).exits(1);
    assert_eq!(ran.report().found(), [("secrets.aws-access-key-id", "tracked.txt")]);
}
