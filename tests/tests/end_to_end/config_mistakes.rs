//! What people read when their `scan.toml` is wrong: message, place and exit code of every kind of mistake, from
//! `run` and from `config check`, as snapshots.

use std::fmt::Write as _;

use scanhost_tests::{EVIL, Project, Ran, command, leaked_line};

/// Widths and colours of whoever runs the tests do not count.
fn at_width(project: &Project, args: &[&str]) -> Ran {
    let mut run = command();
    run.args(args).env("COLUMNS", "100").env("NO_COLOR", "1");
    project.finish(run)
}

fn project(text: &str) -> Project {
    let project = Project::new();
    project.write("a.txt", "x\n").install(EVIL, "evil.wasm").write("scan.toml", text);
    project
}

/// What both commands say of each text; once, where they agree.
fn said(cases: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let project = project(text);
        let run = at_width(&project, &["run"]);
        let check = at_width(&project, &["config", "check"]);
        let (one, two) = (indented(&run.err), indented(&check.err));
        let _ = writeln!(out, "# {name}");
        if (run.code, &one) == (check.code, &two) {
            let _ = writeln!(out, "run and config check: exit {}\n{one}", run.code);
        } else {
            let _ = writeln!(out, "run: exit {}\n{one}config check: exit {}\n{two}", run.code, check.code);
        }
        // A mistake is said on standard error and nothing is scanned.
        assert_eq!(run.code == 2, run.out.is_empty(), "{name}: {}", run.all());
        assert!(
            run.code != 2 || check.code == 2,
            "`config check` lets pass what `run` refuses, {name}: {}",
            check.all()
        );
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

#[test]
fn of_the_file() {
    let text = said(&[
        ("no version", ""),
        ("a later version", "version = 2\n"),
        ("a version of the wrong type", "version = \"1\"\n"),
        ("not TOML", "version = 1\n[stages\n"),
        ("a key twice", "version = 1\nbaseline = \"a\"\nbaseline = \"b\"\n"),
        ("a table twice", "version = 1\n[files]\n[files]\n"),
        ("unknown key", "version = 1\nbasline = \"a.json\"\n"),
        ("unknown table", "version = 1\n[stage.commit]\n"),
        ("a table that is a value", "version = 1\nfiles = 3\n"),
        ("a later version's table", "version = 1\n[targets.api]\nkind = \"openapi\"\n"),
        ("several at once", "version = 1\nunknown = 1\n[policy]\nincomplete = 5\n[files]\nmax-size = -1\n"),
        ("a terminal's command in a key", "version = 1\n\"\\u001b[31mred\" = 1\n"),
        ("a key that is too short", "version = 1\nfingerprint-key = \"secret-and-short\"\n"),
        ("a baseline that is not there", "version = 1\nbaseline = \"none.json\"\n"),
        ("a baseline that is none", "version = 1\nbaseline = \"a.txt\"\n"),
        ("a baseline that leads out", "version = 1\nbaseline = \"../none.json\"\n"),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn of_stages_and_plugins() {
    let text = said(&[
        ("unknown key", "version = 1\n[stages.commit]\nplugin = [\"secrets\"]\n"),
        ("wrong type", "version = 1\n[stages.commit]\nplugins = \"secrets\"\n"),
        ("a name that is none", "version = 1\n[stages.Commit]\n"),
        ("a stage without plugins", "version = 1\n[stages.commit]\nplugins = []\n"),
        ("a stage of one's own without plugins", "version = 1\n[stages.release]\nbudget = \"5s\"\n"),
        ("plugin not found", "version = 1\n[stages.commit]\nplugins = [\"secrte\"]\n"),
        ("settings of a plugin that is not there", "version = 1\n[plugins.secrte]\nconfig = {}\n"),
        ("a source that is not there", "version = 1\n[plugins.own]\nsource = \"plugins/own.wasm\"\n"),
        ("a source that is no plugin", "version = 1\n[plugins.own]\nsource = \"a.txt\"\n"),
        ("another plugin's source", "version = 1\n[plugins.own]\nsource = \"plugins/evil.wasm\"\n"),
        ("a digest without a source", "version = 1\n[plugins.secrets]\ndigest = \"sha256:00\"\n"),
        (
            "another digest",
            "version = 1\n[plugins.evil]\nsource = \"plugins/evil.wasm\"\ndigest = \
             \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"\n",
        ),
        ("settings that its schema does not have", "version = 1\n[plugins.secrets]\nconfig = { rule = 1 }\n"),
        ("limits", "version = 1\n[plugins.secrets]\nlimits = { memory = \"1KiB\", time = \"soon\" }\n"),
        ("a grant that is not there yet", "version = 1\n[plugins.secrets]\nallow = { net = [] }\n"),
        ("scope", "version = 1\n[stages.commit]\nscope = \"all\"\n"),
        ("budget", "version = 1\n[stages.commit]\nbudget = \"1d\"\n"),
        ("incomplete", "version = 1\n[stages.commit]\nincomplete = \"ignore\"\n"),
    ])
    .replace(&digest(), "sha256:[digest]");
    insta::assert_snapshot!(text);
}

/// Of the hostile plugin: another one whenever its code changes.
fn digest() -> String {
    let ran = Project::new().scanhost(["plugin", "inspect", EVIL, "--format", "json"]).exits(0);
    let plugin: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    plugin["digest"].as_str().unwrap().to_owned()
}

#[test]
fn of_gates() {
    let text = said(&[
        ("nothing to judge", "version = 1\n[[gate]]\nstages = [\"commit\"]\n"),
        ("level", "version = 1\n[[gate]]\nfail-on = \"hihg\"\n"),
        ("confidence", "version = 1\n[[gate]]\nfail-on = \"high\"\nmin-confidence = 3\n"),
        ("unknown key", "version = 1\n[[gate]]\nfail_on = \"high\"\n"),
        ("unknown level in max", "version = 1\n[[gate]]\nmax = { hihg = 1, low = -1 }\n"),
        ("a stage that is not there", "version = 1\n[[gate]]\nstages = [\"comit\"]\nfail-on = \"high\"\n"),
        (
            "findings and a measurement",
            "version = 1\n[[gate]]\nfail-on = \"high\"\nmeasurement = \"a.b\"\nmax-upper95 = 1\n",
        ),
        ("a measurement without a bound", "version = 1\n[[gate]]\nmeasurement = \"evasion.accuracy\"\n"),
        ("a bound that is none", "version = 1\n[[gate]]\nmeasurement = \"evasion.accuracy\"\nmin-lower95 = nan\n"),
        ("one table", "version = 1\n[gate]\nfail-on = \"high\"\n"),
    ]);
    insta::assert_snapshot!(text);
}

/// What a gate does not find makes the run incomplete, not wrong: the plugin may measure it tomorrow.
#[test]
fn of_a_gate_that_matches_nothing() {
    let project = project(
        "version = 1\n[[gate]]\nfail-on = \"high\"\n[[gate]]\nmeasurement = \"evasion.robust_accuracy\"\nwhere = { attack \
         = \"pdg\" }\nmin-lower95 = 0.6\n",
    );
    let ran = at_width(&project, &["run", "--today", "2026-11-24"]).exits(3);
    let time = without_sizes(&ran.out);
    insta::assert_snapshot!("gate_matches_nothing", time);
    insta::assert_snapshot!("gate_matches_nothing_checked", at_width(&project, &["config", "check"]).exits(2).err);
    let report = project.json(&[]).exits(3).report();
    assert!(report.problems().iter().any(|p| p["kind"] == "gate-unmatched"), "{:#?}", report.problems());
}

/// The line that says how much was scanned and how long it took, without that.
fn without_sizes(text: &str) -> String {
    text.lines().map(|line| line.split_once(" files (").map_or(line, |(what, _)| what).to_owned() + "\n").collect()
}

#[test]
fn of_suppressions_and_severities() {
    let text = said(&[
        ("nothing selected", "version = 1\n[[suppress]]\nreason = \"x\"\nexpires = 2097-01-31\n"),
        ("everything selected", "version = 1\n[[suppress]]\npath = \"**\"\nreason = \"x\"\nexpires = 2097-01-31\n"),
        ("no reason, no expiry", "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\n"),
        (
            "an empty reason",
            "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \" \"\nexpires = 2097-01-31\n",
        ),
        ("no day", "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = \"2097-02-30\"\n"),
        (
            "a day of the wrong form",
            "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = \"31.1.2097\"\n",
        ),
        (
            "a moment",
            "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2097-01-31T12:00:00Z\n",
        ),
        ("too far", "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2100-01-01\n"),
        ("no fingerprint", "version = 1\n[[suppress]]\nfingerprint = \"abc\"\nreason = \"x\"\nexpires = 2097-01-31\n"),
        ("no glob", "version = 1\n[[suppress]]\npath = \"a[\"\nreason = \"x\"\nexpires = 2097-01-31\n"),
        ("no package", "version = 1\n[[suppress]]\npackage = \"foo@1\"\nreason = \"x\"\nexpires = 2097-01-31\n"),
        (
            "two of the same",
            "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2097-01-31\n[[suppress]]\nrule = \
             \"secrets.jwt\"\nreason = \"y\"\nexpires = 2098-01-31\n",
        ),
        ("unknown key", "version = 1\n[[suppress]]\nrul = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2097-01-31\n"),
        ("a severity without a reason", "version = 1\n[[severity]]\nrule = \"secrets.jwt\"\nset = \"low\"\n"),
        (
            "a severity that is none",
            "version = 1\n[[severity]]\nrule = \"secrets.jwt\"\nset = \"none\"\nreason = \"x\"\n",
        ),
        ("a severity of nothing", "version = 1\n[[severity]]\nset = \"low\"\nreason = \"x\"\n"),
    ]);
    insta::assert_snapshot!(text);
}

/// These are no mistakes of form: a run says them in its report and goes on, and so does the check.
#[test]
fn of_what_is_of_no_use() {
    let text = "version = 1

[[suppress]]
rule = \"secrets.jwt\"
reason = \"expired\"
expires = 2020-01-31

[[suppress]]
rule = \"secrets.gihub-pat\"
reason = \"unknown\"
expires = 2097-01-31

[[suppress]]
path = \"old/**\"
reason = \"unused\"
expires = 2097-01-31

[[severity]]
rule = \"secrets.jtw\"
set = \"low\"
reason = \"unknown\"

[[severity]]
rule = \"secrets.aws-*\"
set = \"low\"
reason = \"expired\"
expires = 2020-01-31
";
    let project = project(text);
    project.write("b.txt", leaked_line());
    let ran = at_width(&project, &["run", "--today", "2026-11-24"]).exits(1);
    let from = ran.out.find("warning").unwrap();
    insta::assert_snapshot!("of_no_use", without_sizes(&ran.out[from..]));
    insta::assert_snapshot!("of_no_use_checked", at_width(&project, &["config", "check"]).err);
}

#[test]
fn of_files() {
    let text = said(&[
        ("a glob that leads out", "version = 1\n[files]\nexclude = [\"../up\", \"/etc\"]\n"),
        ("a glob that is none", "version = 1\n[files]\nexclude = [\"a{b\"]\n"),
        ("a size that is none", "version = 1\n[files]\nmax-size = \"10 parsecs\"\n"),
        ("archives", "version = 1\n[files]\narchives = \"no\"\n"),
        ("warn-before-expiry", "version = 1\n[policy]\nwarn-before-expiry = \"2 weeks\"\n"),
        ("a later version's key", "version = 1\n[policy]\nmax-database-age = \"7d\"\n"),
    ]);
    insta::assert_snapshot!(text);
}

/// A base with a mistake judges nothing: the run ends before it is scanned, and the message says whose file it is.
#[test]
fn of_the_base() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("scan.toml", "version = 1\n[files]\nmax = 1\n").write("a.txt", "x");
    project.git(&["add", "-A"]).git(&["commit", "-qm", "x"]).git(&["checkout", "-q", "-b", "change"]);
    project.write("scan.toml", "version = 1\n").git(&["commit", "-qam", "mended"]);
    insta::assert_snapshot!("of_the_base", at_width(&project, &["run", "--base", "main"]).exits(2).err);
    // The change that mends it passes when somebody says that its own policy may judge.
    at_width(&project, &["run", "--base", "main", "--policy", "head"]).exits(0);
    // And a broken head is refused although it does not judge.
    project.write("scan.toml", "version = 1\nno = 1\n");
    at_width(&project, &["run", "--base", "main"]).exits(2).says(&["scan.toml:2"]);
}
