//! Living with what is found: baselines and suppressions hold through edits that change nothing, and through no
//! others.

use std::fs;

use scanhost_tests::{Project, key};
use serde_json::Value;

/// Credentials that one rule finds. Without a `fingerprint-key` 12 bits of a digest tell two apart, so of any two
/// that are made up, one pair in 4096 is taken for the same: these are not.
fn keys() -> [String; 4] {
    let make = |tail: &str| ["AKIA", tail].concat();
    [key(), make("Q3EGRIVT5DXZ2NMO"), make("ZT6HJ4RVXQKB3MWY"), make("L2NDUEQW7RPGY5TX")]
}

const APP: &str = "src/app.py";
const TWICE: &str = "conf/twice.txt";

fn app(key: &str) -> String {
    format!("def connect():\n    return client(\"{key}\")\n")
}

fn twice(times: usize) -> String {
    format!("key = {}\n", keys()[1]).repeat(times)
}

/// One credential in code, and one that is there twice.
fn project(policy: &str) -> Project {
    let project = Project::new();
    project.git(&["init", "-q"]).write("scan.toml", policy);
    project.write(APP, app(&keys()[0])).write(TWICE, twice(2));
    project
}

fn commit(project: &Project) {
    project.git(&["add", "-A"]).git(&["commit", "-q", "-m", "x"]);
}

/// The same project, changed so that this many findings are new.
struct Edit {
    name: &'static str,
    new: usize,
    make: fn(&Project),
}

fn above(project: &Project) {
    for path in [APP, TWICE] {
        let old = fs::read_to_string(project.path().join(path)).unwrap();
        project.write(path, "# A line.\n".repeat(50) + &old);
    }
}

fn indented(project: &Project) {
    for path in [APP, TWICE] {
        let old = fs::read_to_string(project.path().join(path)).unwrap();
        let lines: Vec<_> = old.lines().map(|line| format!("\t    {line}  ")).collect();
        project.write(path, lines.join("\n") + "\n");
    }
}

fn renamed(project: &Project) {
    project.git(&["mv", APP, "src/renamed.py"]).git(&["mv", TWICE, "thrice.txt"]);
}

fn moved(project: &Project) {
    fs::create_dir(project.path().join("lib")).unwrap();
    fs::rename(project.path().join(APP), project.path().join("lib/other.py")).unwrap();
    fs::rename(project.path().join(TWICE), project.path().join("lib/twice.txt")).unwrap();
}

const EDITS: [Edit; 12] = [
    Edit { name: "nothing", new: 0, make: |_| {} },
    Edit { name: "50 lines above", new: 0, make: above },
    Edit { name: "indented", new: 0, make: indented },
    Edit { name: "git mv", new: 0, make: renamed },
    Edit { name: "mv", new: 0, make: moved },
    Edit {
        name: "all of it",
        new: 0,
        make: |project| {
            above(project);
            indented(project);
            renamed(project);
        },
    },
    Edit {
        name: "taken out",
        new: 0,
        make: |project| {
            project.write(APP, "pass\n").write(TWICE, twice(1));
        },
    },
    Edit {
        name: "another one in its place",
        new: 1,
        make: |project| {
            project.write(APP, app(&keys()[2]));
        },
    },
    Edit {
        name: "another one in a renamed file",
        new: 1,
        make: |project| {
            project.git(&["mv", APP, "src/renamed.py"]).write("src/renamed.py", app(&keys()[2]));
        },
    },
    Edit {
        name: "a third copy",
        new: 1,
        make: |project| {
            project.write(TWICE, twice(3));
        },
    },
    Edit {
        name: "a third copy in a renamed file, lines above",
        new: 1,
        make: |project| {
            project.write(TWICE, twice(3));
            above(project);
            moved(project);
        },
    },
    Edit {
        name: "a copy in another file",
        new: 1,
        make: |project| {
            project.write("src/copy.py", app(&keys()[0]));
        },
    },
];

/// How many findings are new, by the verdict and by the report.
#[track_caller]
fn assert_new(what: &str, project: &Project, args: &[&str], new: usize) {
    let ran = project.json(args);
    let report = ran.report();
    let found = report.findings().iter().filter(|f| f["novelty"] == "new" && f["state"]["kind"] == "active").count();
    assert_eq!(found, new, "{what}: {}", ran.all());
    assert_eq!(ran.code, i32::from(new > 0), "{what}: {}", ran.all());
    assert!(report.problems().is_empty(), "{what}: {}", ran.all());
}

fn without_key(project: &Project) {
    let text = fs::read_to_string(project.path().join("scan.toml")).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("fingerprint-key")).collect();
    assert_eq!(lines.len() + 1, text.lines().count());
    project.write("scan.toml", lines.join("\n") + "\n");
}

#[test]
fn a_baseline_knows_what_was_there_and_nothing_else() {
    for keyed in [true, false] {
        for Edit { name, new, make } in EDITS {
            let project = project("version = 1\n");
            project.scanhost(["run"]).exits(1);
            let ran = project.scanhost(["baseline", "create"]).exits(0).shows(&["scan-baseline.json: 3 findings"]);
            assert!(ran.out.contains("fingerprint-key"), "{}", ran.all());
            if !keyed {
                without_key(&project);
                project.scanhost(["baseline", "update"]).exits(0).shows(&["3 now"]);
            }
            commit(&project);
            make(&project);
            let what = format!("{name}, keyed {keyed}");
            assert_new(&what, &project, &[], new);
            let diff = project.scanhost(["baseline", "diff", "--format", "json"]).exits(0);
            let diff: Value = serde_json::from_str(&diff.out).unwrap();
            assert_eq!(diff["new"].as_array().unwrap().len(), new, "{what}: {diff:#}");
            let summary = format!("{new} new finding{}, ", if new == 1 { "" } else { "s" });
            project.scanhost(["baseline", "diff"]).exits(0).shows(&[&summary]);
        }
    }
}

#[test]
fn a_baseline_is_brought_up_to_date() {
    let project = project("version = 1\n");
    project.scanhost(["baseline", "create"]).exits(0).shows(&["Commit both files."]);
    project.scanhost(["baseline", "create"]).exits(2).says(&["there is a baseline already", "baseline update"]);
    let first = fs::read_to_string(project.path().join("scan-baseline.json")).unwrap();
    project.write(APP, app(&keys()[2]));
    project.scanhost(["baseline", "diff"]).exits(0).shows(&[
        "- src/app.py secrets.aws-access-key-id",
        "+ src/app.py:2 secrets.aws-access-key-id (high)",
        "1 new finding, 1 gone",
    ]);
    project
        .scanhost(["baseline", "update", "--gone-only"])
        .exits(0)
        .shows(&["1 gone, 2 now", "1 new finding not in it"]);
    project.scanhost(["run"]).exits(1);
    project.scanhost(["baseline", "update"]).exits(0).shows(&["1 finding added, 0 gone, 3 now"]);
    project.scanhost(["run"]).exits(0);
    let second = fs::read_to_string(project.path().join("scan-baseline.json")).unwrap();
    assert_eq!(first.lines().count(), second.lines().count());
    assert_ne!(first, second);
    // A second time nothing changes.
    project.scanhost(["baseline", "update"]).exits(0);
    assert_eq!(fs::read_to_string(project.path().join("scan-baseline.json")).unwrap(), second);
    // Another key finds no secret again, and says so instead of calling all of it new in silence.
    without_key(&project);
    project.scanhost(["run"]).exits(1).shows(&["was made with another `fingerprint-key`", "scanhost baseline update"]);
    fs::remove_file(project.path().join("scan-baseline.json")).unwrap();
    project.scanhost(["run"]).exits(2).says(&["there is no baseline `scan-baseline.json`"]);
}

#[test]
fn a_suppression_by_fingerprint_follows_its_finding_and_no_other() {
    for keyed in [true, false] {
        for Edit { name, new, make } in EDITS {
            let key = if keyed { "fingerprint-key = \"0123456789abcdef0123456789abcdef\"\n" } else { "" };
            let project = project(&format!("version = 1\n{key}"));
            commit(&project);
            let report = project.json(&[]).exits(1).report();
            let mut prints: Vec<&str> = report.findings().iter().map(|f| f["fingerprint"].as_str().unwrap()).collect();
            assert_eq!(prints.len(), 3);
            // The beginning of one is enough.
            prints[0] = &prints[0][..12];
            let args = ["suppress", "add", "--reason", "revoked", "--days", "30"];
            project.scanhost(args.iter().chain(&prints)).exits(0).shows(&["suppressed until"]);
            project.scanhost(["run"]).exits(0).shows(&["3 suppressed"]);
            make(&project);
            let ran = project.json(&[]);
            let report = ran.report();
            let active = report.findings().iter().filter(|f| f["state"]["kind"] == "active").count();
            assert_eq!(active, new, "{name}, keyed {keyed}: {}", ran.all());
            assert_eq!(ran.code, i32::from(new > 0), "{name}, keyed {keyed}: {}", ran.all());
        }
    }
}

#[test]
fn a_branch_is_compared_as_a_baseline_is() {
    let gate = "[[gate]]\nfail-on = \"high\"\nnew-only = true\n";
    for keyed in [true, false] {
        for Edit { name, new, make } in EDITS {
            let key = if keyed { "fingerprint-key = \"0123456789abcdef0123456789abcdef\"\n" } else { "" };
            let project = project(&format!("version = 1\n{key}{gate}"));
            commit(&project);
            project.git(&["checkout", "-q", "-b", "change"]);
            // Something that changes in any case.
            project.write("README", "x\n");
            make(&project);
            for how in ["--base", "--changed-since"] {
                let what = format!("{name}, keyed {keyed}, {how}");
                assert_new(&what, &project, &[how, "main"], new);
            }
            commit(&project);
            for how in ["--base", "--changed-since"] {
                let what = format!("{name}, keyed {keyed}, {how}, committed");
                assert_new(&what, &project, &[how, "main"], new);
            }
        }
    }
}

#[test]
fn new_only_without_anything_to_compare_with_says_so() {
    let project = project("version = 1\n[[gate]]\nfail-on = \"high\"\nnew-only = true\n");
    let ran = project.scanhost(["run"]).exits(1);
    assert!(ran.out.contains("nothing to compare"), "{}", ran.all());
    // A baseline that no gate looks at says so, too.
    project.write("scan.toml", "version = 1\n[[gate]]\nfail-on = \"high\"\n");
    project.scanhost(["baseline", "create"]).exits(0).shows(&["add `new-only = true`"]);
    let ran = project.scanhost(["run"]).exits(1);
    assert!(ran.out.contains("the baseline changes no verdict"), "{}", ran.all());
}
