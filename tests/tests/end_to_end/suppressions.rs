//! `[[suppress]]` and its commands: the day on which it ends, what is of no use, and a `scan.toml` that stays as
//! its author wrote it.

use std::fs;

use scanhost_tests::{Project, Ran, leaked_line};

fn suppress(select: &str) -> String {
    format!("[[suppress]]\n{select}\nreason = \"known\"\nexpires = 2027-01-31\n")
}

fn project(policy: &str) -> Project {
    let project = Project::new();
    project.write("a.txt", leaked_line()).write("scan.toml", format!("version = 1\n{policy}"));
    project
}

fn on(project: &Project, day: &str) -> Ran {
    project.scanhost(["run", "--today", day])
}

/// White space and the marks of wrapped lines taken out.
fn flat(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("| "));
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
fn it_holds_to_the_end_of_its_day() {
    let project = project(&suppress("rule = \"secrets.aws-*\""));
    let quiet = on(&project, "2027-01-16").exits(0).shows(&["1 suppressed"]);
    assert!(!quiet.out.contains("expire"), "{}", quiet.all());
    for (day, code, says) in [
        ("2027-01-17", 0, "expires in 14 days, on 2027-01-31; 1 finding will count again"),
        ("2027-01-30", 0, "expires tomorrow"),
        ("2027-01-31", 0, "expires after today"),
        ("2027-02-01", 1, "expired on 2027-01-31; 1 finding counts again"),
    ] {
        let ran = on(&project, day).exits(code);
        let said = flat(&ran.out);
        assert!(said.contains("scan.toml:2: the suppression of rule = \"secrets.aws-*\""), "{day}: {}", ran.all());
        assert!(said.contains(says), "{day}: {}", ran.all());
        let report = project.json(&["--today", day]).exits(code).report();
        assert_eq!(report.0["policy"]["day"], day);
        let kind = if code == 0 { "expiring" } else { "expired" };
        let notices = report.0["notices"].as_array().unwrap();
        assert!(notices.iter().any(|n| n["kind"] == kind && n["place"] == "scan.toml:2"), "{notices:#?}");
        let sarif = project.scanhost(["run", "--today", day, "--format", "sarif"]).exits(code);
        assert!(sarif.out.contains(says), "{day}: {}", sarif.all());
    }
    // How long before is the project's to say; what has expired is said in any case.
    project.append("scan.toml", "[policy]\nwarn-before-expiry = \"1d\"\n");
    let ran = on(&project, "2027-01-29").exits(0);
    assert!(!ran.out.contains("expire"), "{}", ran.all());
    on(&project, "2027-01-30").exits(0).shows(&["expires tomorrow"]);
    project.scanhost(["run", "-q", "--today", "2027-02-01"]).exits(1).shows(&["expired on 2027-01-31"]);
}

#[test]
fn what_is_of_no_use_is_named_with_its_line() {
    let all: Vec<_> = [
        "rule = \"secrets.aws-*\"",
        "rule = \"secrets.aws-acess-key-id\"",
        "path = \"old/**\"",
        "fingerprint = \"00000000000000000000000000000000\"",
    ]
    .iter()
    .map(|select| suppress(select))
    .collect();
    let project = project(&all.concat());
    let ran = on(&project, "2026-11-24").exits(0);
    let said = flat(&ran.out);
    for part in [
        "scan.toml:6: no plugin has a rule `secrets.aws-acess-key-id`, did you mean `secrets.aws-access-key-id`?",
        "scan.toml:10: the suppression of path = \"old/**\" matches no finding",
        "scan.toml:14: the suppression of fingerprint = \"00000000000000000000000000000000\" matches no finding",
    ] {
        assert!(said.contains(part), "{part}: {}", ran.all());
    }
    assert!(!said.contains("scan.toml:2:"), "{}", ran.all());
    // Only where all was looked at something is of no use.
    project.write("b.txt", "x").write("sub/c.txt", "x");
    let part = project.scanhost(["run", "b.txt", "--today", "2026-11-24"]).exits(0);
    assert!(!part.out.contains("matches no finding"), "{}", part.all());
    project.git(&["init", "-q"]);
    let part = project.scanhost(["run", "sub", "--today", "2026-11-24"]).exits(0);
    assert!(!part.out.contains("matches no finding"), "{}", part.all());
    // The commands mean all of the project, whatever part of it is named.
    let ran = project.scanhost(["suppress", "prune", "--unused", "--dry-run", "--root", "sub"]).exits(0);
    assert_eq!(ran.out.matches("unused").count(), 3, "{}", ran.all());
    project.scanhost(["baseline", "create", "sub"]).exits(0).shows(&["0 findings"]);
    project.write("d.txt", leaked_line().replace("id", "name"));
    fs::remove_file(project.path().join("scan.toml")).unwrap();
    fs::remove_file(project.path().join("scan-baseline.json")).unwrap();
    project.scanhost(["baseline", "create", "sub"]).exits(0).shows(&["2 findings"]);
    project.scanhost(["baseline", "update", "sub"]).exits(0).shows(&["0 gone, 2 now"]);
}

const BY_HAND: &str = "# Our policy.
version = 1   # the format

# Gates.
[[gate]]
fail-on = \"high\"   # as agreed

# Accepted in spring.
[[suppress]]
path = \"old/**\" # a sample
reason = \"made up\"
expires = 2020-01-31

# Never found.
[[suppress]]
rule = \"secrets.jwt\"
reason = \"none\"
expires = 2097-01-31

# The rest.
[files]
exclude = [
    \"vendor/**\", # not ours
]
# The end.
";

fn text(project: &Project) -> String {
    fs::read_to_string(project.path().join("scan.toml")).unwrap()
}

#[test]
fn the_file_stays_as_it_was_written() {
    let project = project("");
    project.write("scan.toml", BY_HAND);
    let report = project.json(&[]).exits(1).report();
    let fingerprint = report.findings()[0]["fingerprint"].as_str().unwrap().to_owned();
    project
        .scanhost(["suppress", "add", &fingerprint, "--reason", "revoked \"today\"", "--expires", "2098-12-31"])
        .exits(0);
    project
        .scanhost([
            "suppress",
            "add",
            "--path",
            "docs/**",
            "--rule",
            "secrets.*",
            "--reason",
            "x",
            "--expires",
            "2099-12-31",
        ])
        .exits(0);
    insta::assert_snapshot!("after_add", text(&project));
    project.scanhost(["run"]).exits(0).shows(&["1 suppressed"]);
    insta::assert_snapshot!("listed", project.scanhost(["suppress", "list", "--today", "2098-12-24"]).exits(0).out);
    let listed = project.scanhost(["suppress", "list", "--format", "json", "--today", "2098-12-24"]).exits(0);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.out).unwrap();
    let status: Vec<_> = listed.iter().map(|entry| entry["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["expired", "expired", "expiring", "active"]);

    let before = text(&project);
    let dry = project.scanhost(["suppress", "prune", "--unused", "--dry-run"]).exits(0);
    insta::assert_snapshot!("dry_run", dry.out);
    assert_eq!(text(&project), before);
    project.scanhost(["suppress", "prune"]).exits(0).shows(&["scan.toml:9 expired", "1 suppression taken out"]);
    insta::assert_snapshot!("after_prune", text(&project));
    project.scanhost(["suppress", "prune", "--unused"]).exits(0).shows(&["unused", "2 suppressions taken out"]);
    insta::assert_snapshot!("after_prune_unused", text(&project));
    project.scanhost(["suppress", "prune", "--unused"]).exits(0).shows(&["0 suppressions"]);
    project.scanhost(["run"]).exits(0).shows(&["1 suppressed"]);
}

#[test]
fn what_cannot_be_added_leaves_the_file_alone() {
    let project = project("");
    let before = text(&project);
    let cases: &[(&[&str], &str)] = &[
        (&["--reason", "x"], "say what to suppress"),
        (&["--rule", "secrets.jwt", "--reason", ""], "reason"),
        (&["--rule", "*", "--reason", "x"], "suppresses every finding"),
        (&["--rule", "secrets.jwt", "--reason", "x", "--expires", "2020-01-01"], "2020-01-01 is over"),
        (&["--rule", "secrets.jwt", "--reason", "x", "--days", "0"], "--days"),
        (&["0123", "--reason", "x"], "is no fingerprint"),
        (&["00000000", "--reason", "x"], "no finding has the fingerprint"),
        (&["--path", "/etc", "--reason", "x"], "path"),
        (&["--package", "foo", "--reason", "x"], "package"),
    ];
    for (args, says) in cases {
        project.scanhost(["suppress", "add"].iter().chain(*args)).exits(2).says(&[says]);
        assert_eq!(text(&project), before, "{args:?}");
    }
    project.scanhost(["suppress", "add", "--rule", "secrets.jwt", "--reason", "x"]).exits(0);
    project.scanhost(["suppress", "add", "--rule", "secrets.jwt", "--reason", "y"]).exits(2);
}

/// As editors of other systems write it.
#[test]
fn line_ends_a_mark_and_a_missing_end_are_kept() {
    let dos = BY_HAND.replace('\n', "\r\n");
    let forms = [
        ("CRLF", dos.clone()),
        ("CRLF without an end", dos.trim_end().to_owned()),
        ("mark", format!("\u{feff}{BY_HAND}")),
        ("mark and CRLF", format!("\u{feff}{dos}")),
        ("no end", BY_HAND.trim_end().to_owned()),
        ("no end, one line", "version = 1".to_owned()),
    ];
    for (what, form) in forms {
        let project = project("");
        project.write("scan.toml", &form);
        project.scanhost(["config", "check"]).exits(0);
        let ran = project.scanhost([
            "suppress",
            "add",
            "--rule",
            "secrets.aws-*",
            "--reason",
            "x",
            "--expires",
            "2098-12-31",
        ]);
        ran.exits(0);
        let after = text(&project);
        assert_eq!(after.starts_with('\u{feff}'), form.starts_with('\u{feff}'), "{what}: {after:?}");
        if form.contains('\r') {
            assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{what}: {after:?}");
        } else {
            assert!(!after.contains('\r'), "{what}: {after:?}");
        }
        project.scanhost(["run"]).exits(0).shows(&["1 suppressed"]);
        // What was there is there still, in its order.
        let mut rest = after.lines();
        for line in form.lines() {
            assert!(rest.any(|other| other == line), "{what}: {line:?} is missing in {after:?}");
        }
        // And back again.
        if form.contains("[[suppress]]") {
            project.scanhost(["suppress", "prune", "--unused"]).exits(0).shows(&["2 suppressions taken out"]);
            let pruned = text(&project);
            assert!(!pruned.contains("old/**") && pruned.contains("# The end."), "{what}: {pruned:?}");
            assert_eq!(pruned.contains('\r'), form.contains('\r'), "{what}: {pruned:?}");
            project.scanhost(["run"]).exits(0);
        }
        let project = self::project("");
        project.write("scan.toml", &form).scanhost(["baseline", "create"]).exits(0);
        let after = text(&project);
        assert_eq!(after.starts_with('\u{feff}'), form.starts_with('\u{feff}'), "{what}: {after:?}");
        if form.contains('\r') {
            assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{what}: {after:?}");
        }
        project.scanhost(["config", "check"]).exits(0);
    }
}
