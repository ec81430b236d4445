//! A change does not judge itself: whatever it does to the policy, a planted credential still fails, and what the
//! change loosens is named. After the merge it counts.

use std::os::unix::fs::symlink;

use scanhost_tests::{EVIL, Project, Ran, command, leaked_line};
use serde_json::Value;

/// The credential that the change brings; another one than the old one.
fn planted() -> String {
    format!("aws_access_key_id = \"{}\"\n", ["AKIA", "Q3EGRIVT5DXZ2NMO"].concat())
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

const POLICY: &str = "version = 1
fingerprint-key = \"0123456789abcdef0123456789abcdef\"

[stages.commit]
plugins = [\"secrets\"]
budget = \"1m\"

[[gate]]
fail-on = \"high\"
new-only = true
";

const PLANTED: &str = "src/planted.py";

/// On the branch `change`, with `main` behind it, which has a credential already. Nothing is changed yet.
fn project() -> Project {
    project_with(POLICY)
}

fn project_with(policy: &str) -> Project {
    let project = Project::new();
    project.git(&["init", "-q"]).write("scan.toml", policy).write("old.py", leaked_line()).write("README", "hello\n");
    commit(&project);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).git(&["checkout", "-q", "-b", "change"]);
    project
}

fn commit(project: &Project) {
    // `-f`: a `.gitignore` does not decide what a change brings.
    project.git(&["add", "-A", "-f"]).git(&["commit", "-q", "--allow-empty", "-m", "x"]);
}

/// Plants, does `what` to the rest, commits.
fn change(what: impl FnOnce(&Project)) -> Project {
    let project = project();
    project.write(PLANTED, planted());
    what(&project);
    commit(&project);
    project
}

/// The policy with something in place of a part of it.
fn edit(project: &Project, from: &str, to: &str) {
    assert!(POLICY.contains(from), "{from}");
    project.write("scan.toml", POLICY.replace(from, to));
}

/// The ways to say that this is a change.
const WAYS: [&[&str]; 3] = [&["--base", "main"], &["--changed-since", "main"], &[]];

/// `run`, and where no flag names the base, in the environment of a pull request's pipeline.
fn run(project: &Project, way: &[&str], more: &[&str]) -> Ran {
    let mut run = command();
    run.arg("run").args(way).args(more);
    if way.is_empty() {
        run.env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_BASE_REF", "main");
    }
    project.finish(run)
}

fn of_kind(report: &Value, kind: &str) -> Vec<String> {
    let notices = report["notices"].as_array().unwrap().iter().filter(|notice| notice["kind"] == kind);
    notices.map(|notice| notice["message"].as_str().unwrap().to_owned()).collect()
}

/// White space and the marks of wrapped lines taken out.
fn flat(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("| "));
    lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The change fails in every way of running it, the planted credential is the one that counts, and all of `names`
/// is said in the terminal and in JSON.
#[track_caller]
fn still_fails(what: &str, project: &Project, names: &[&str]) {
    for way in WAYS {
        let ran = run(project, way, &["--format", "json"]).exits(1);
        let report = ran.report().0;
        let new: Vec<&Value> =
            report["findings"].as_array().unwrap().iter().filter(|f| f["novelty"] == "new").collect();
        assert_eq!(new.len(), 1, "{what}, {way:?}: {}", ran.all());
        assert_eq!(new[0]["location"]["path"], PLANTED, "{what}, {way:?}");
        assert_eq!(new[0]["state"]["kind"], "active", "{what}, {way:?}: {}", ran.all());
        assert_eq!(report["policy"]["source"], "base", "{what}, {way:?}");
        let shown = run(project, way, &["-v"]).exits(1);
        for name in names {
            let told = report["notices"].as_array().unwrap().iter();
            let told = told.map(|n| n["message"].as_str().unwrap()).any(|message| message.contains(name));
            assert!(told, "{what}, {way:?}: `{name}` is missing in JSON\n{:#}", report["notices"]);
            assert!(flat(&shown.out).contains(name), "{what}, {way:?}: `{name}` is missing\n{}", shown.all());
        }
        let loosened = of_kind(&report, "loosened");
        let says_so = shown.out.contains("this change loosens the policy");
        assert_eq!(says_so, !loosened.is_empty(), "{what}, {way:?}: {loosened:?}\n{}", shown.all());
    }
}

/// It also passes with the head's policy, and says whose that is; and once it is merged.
#[track_caller]
fn passes_once_merged(what: &str, project: &Project) {
    for way in WAYS {
        let ran = run(project, way, &["--policy", "head"]);
        assert_eq!(ran.code, 0, "{what}, {way:?}: {}", ran.all());
        assert!(flat(&ran.out).contains("because --policy head asks for it"), "{what}: {}", ran.all());
    }
    project.git(&["checkout", "-q", "main"]).git(&["merge", "-q", "--no-ff", "-m", "merged", "change"]);
    let ran = project.scanhost(["run"]);
    assert_eq!(ran.code, 0, "merged, {what}: {}", ran.all());
}

fn suppression(select: &str) -> String {
    format!("\n[[suppress]]\n{select}\nreason = \"trust me\"\nexpires = 2098-01-31\n")
}

/// The gate of the base is about new findings, which need something to compare with. The merged tree has nothing,
/// so that the old credential would fail it.
fn without_the_old(project: &Project) {
    project.write("old.py", "nothing\n");
}

#[test]
fn the_planted_credential_alone_fails() {
    let project = change(|_| {});
    still_fails("nothing", &project, &[]);
    // And what was there is no reason to fail.
    let clean = project_with(POLICY);
    clean.write("README", "hello again\n");
    commit(&clean);
    for way in WAYS {
        run(&clean, way, &[]).exits(0);
    }
}

#[test]
fn a_suppression_of_its_own_does_not_count() {
    for (select, name) in [
        ("rule = \"secrets.aws-*\"", "suppresses rule = \"secrets.aws-*\" until 2098-01-31"),
        ("path = \"src/**\"", "suppresses path = \"src/**\" until 2098-01-31"),
    ] {
        let project = change(|project| {
            without_the_old(project);
            project.append("scan.toml", &suppression(select));
        });
        still_fails(select, &project, &[name]);
        passes_once_merged(select, &project);
    }
}

#[test]
fn a_suppression_by_fingerprint_does_not_count_either() {
    let project = change(without_the_old);
    let report = project.json(&[]).exits(1).report();
    let fingerprint = report.findings()[0]["fingerprint"].as_str().unwrap().to_owned();
    project.scanhost(["suppress", "add", &fingerprint, "--reason", "trust me"]).exits(0);
    commit(&project);
    still_fails("fingerprint", &project, &[&format!("suppresses fingerprint = \"{fingerprint}\"")]);
    passes_once_merged("fingerprint", &project);
}

#[test]
fn a_comment_of_its_own_does_not_count() {
    let ignored = format!("{}  # scanhost:ignore secrets.* -- trust me\n", planted().trim_end());
    let project = change(|project| {
        without_the_old(project);
        project.write(PLANTED, ignored);
    });
    still_fails("comment", &project, &["is part of the change, so it does not count before it is merged"]);
    passes_once_merged("comment", &project);
}

#[test]
fn a_lower_gate_does_not_count() {
    let name = "turns the gate `fail-on = \"high\", new-only = true` into";
    let others = "stages = [\"nightly\"]\nfail-on = \"high\"\n[[gate]]\nstages = [\"commit\"]\nmax = { critical = 0 }";
    for to in ["fail-on = \"critical\"", "fail-on = \"none\"", "max = { high = 9 }", others] {
        let project = change(|project| {
            without_the_old(project);
            edit(project, "fail-on = \"high\"", to);
        });
        still_fails(to, &project, &[name]);
        passes_once_merged(to, &project);
    }
}

#[test]
fn a_removed_plugin_runs_all_the_same() {
    let project = change(|project| edit(project, "[\"secrets\"]", "[]"));
    still_fails("plugin", &project, &["takes the plugin `secrets` out in stage `commit`"]);
    let ran = run(&project, WAYS[0], &["--policy", "head"]).exits(2);
    ran.says(&["commit"]);
}

#[test]
fn a_lower_severity_does_not_count() {
    let severity = "\n[[severity]]\nrule = \"secrets.*\"\nset = \"info\"\nreason = \"trust me\"\n";
    let project = change(|project| {
        without_the_old(project);
        project.append("scan.toml", severity);
    });
    still_fails("severity", &project, &["sets the severity of rule = \"secrets.*\" to info"]);
    passes_once_merged("severity", &project);
}

#[test]
fn files_that_it_leaves_out_are_scanned() {
    for (files, name) in [
        ("exclude = [\"src/**\", \"*.zip\"]", "excludes `src/**` from every scan"),
        ("max-size = 1", "no longer scans files larger than 1 bytes"),
    ] {
        let project = change(|project| {
            without_the_old(project);
            project.append("scan.toml", &format!("\n[files]\n{files}\n[policy]\nnothing-scanned = \"warn\"\n"));
        });
        still_fails(files, &project, &[name, "a run that scans nothing becomes a warning"]);
        passes_once_merged(files, &project);
    }
}

#[test]
fn archives_are_opened_although_it_says_not_to() {
    let project = project();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, planted().as_bytes()).unwrap();
    project.write("src/log.gz", encoder.finish().unwrap()).append("scan.toml", "\n[files]\narchives = false\n");
    commit(&project);
    for way in WAYS {
        let ran = run(&project, way, &["--format", "json"]).exits(1);
        let report = ran.report();
        assert!(report.found().iter().any(|(_, path)| *path == "src/log.gz!/log"), "{}", ran.all());
        assert_eq!(of_kind(&report.0, "loosened"), ["no longer looks into archives"]);
        run(&project, way, &[]).exits(1).shows(&["no longer looks into archives"]);
        // The old one was there before.
        run(&project, way, &["--policy", "head"]).exits(0);
    }
}

#[test]
fn an_incomplete_run_is_judged_by_the_base() {
    for to in ["[policy]\nincomplete = \"warn\"\n\n[stages.commit]", "[stages.commit]\nincomplete = \"warn\""] {
        let project = project();
        // Cut off in the middle.
        project.write("src/bad.zip", b"PK\x03\x04 and then nothing that an archive would have");
        edit(&project, "[stages.commit]", to);
        commit(&project);
        for way in WAYS {
            let ran = run(&project, way, &["--format", "json"]).exits(3);
            let loosened = of_kind(&ran.report().0, "loosened");
            assert!(
                loosened.iter().any(|m| m.contains("`commit`") && m.contains("turns an incomplete run into a warning")),
                "{loosened:?}"
            );
            run(&project, way, &[]).exits(3).shows(&["turns an incomplete run into a warning"]);
            run(&project, way, &["--policy", "head"]).exits(0).shows(&["INCOMPLETE", "--policy head"]);
        }
    }
}

#[test]
fn a_smaller_budget_does_not_count() {
    let project = change(|project| edit(project, "\"1m\"", "\"1ms\""));
    still_fails("budget", &project, &["cuts the budget from 1m to 1ms in stage `commit`"]);
}

#[test]
fn a_narrower_scope_does_not_count() {
    for scope in ["staged", "changed"] {
        let project =
            change(|project| edit(project, "[stages.commit]", &format!("[stages.commit]\nscope = \"{scope}\"")));
        still_fails(scope, &project, &[&format!("narrows the scope from full to {scope} in stage `commit`")]);
    }
}

#[test]
fn a_baseline_of_its_own_does_not_count() {
    let project = change(|_| {});
    project.scanhost(["baseline", "create"]).exits(0);
    commit(&project);
    still_fails(
        "baseline",
        &project,
        &["takes `scan-baseline.json` as the baseline", "adds 2 findings to the baseline"],
    );
    passes_once_merged("baseline", &project);
    // The base has one, the change writes its credential into it.
    let project = self::project();
    project.git(&["checkout", "-q", "main"]).scanhost(["baseline", "create"]).exits(0);
    commit(&project);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).git(&["checkout", "-q", "-B", "change"]);
    project
        .write(PLANTED, planted())
        .scanhost(["baseline", "update"])
        .exits(0)
        .shows(&["1 finding added, 0 gone, 2 now"]);
    commit(&project);
    still_fails("baseline of the base", &project, &["adds 1 finding to the baseline `scan-baseline.json`"]);
    passes_once_merged("baseline of the base", &project);
}

#[test]
fn another_key_does_not_make_old_findings_new_or_new_ones_old() {
    let project = change(|project| edit(project, KEY, "fedcba9876543210fedcba9876543210"));
    still_fails("key", &project, &["changes the `fingerprint-key`"]);
}

#[test]
fn another_file_of_the_repository_is_the_bases_too() {
    let project = project();
    project.git(&["checkout", "-q", "main"]).write("ci/scan.toml", POLICY);
    commit(&project);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).git(&["checkout", "-q", "-B", "change"]);
    project.write(PLANTED, planted()).write("ci/scan.toml", POLICY.replace("\"high\"", "\"none\""));
    project.write("new/scan.toml", "version = 1\n[[gate]]\nfail-on = \"none\"\n");
    commit(&project);
    for way in WAYS {
        let ran = run(&project, way, &["--format", "json", "--config", "ci/scan.toml"]).exits(1);
        assert!(of_kind(&ran.report().0, "loosened").iter().any(|m| m.contains("the gate")), "{}", ran.all());
        assert_eq!(ran.report().0["policy"]["source"], "base");
        // One that the base does not have: nothing but the defaults is left.
        let ran = run(&project, way, &["--format", "json", "--config", "new/scan.toml"]).exits(1);
        assert_eq!(ran.report().0["policy"]["source"], "built-in");
        assert!(of_kind(&ran.report().0, "loosened").iter().any(|m| m.contains("the gate")), "{}", ran.all());
    }
}

#[test]
fn a_strangers_plugin_is_named_and_not_run() {
    let project = change(|project| {
        project.install(EVIL, "evil.wasm").write("src/x.good.evil", "x");
        edit(project, "[\"secrets\"]", "[\"evil\"]");
        project.append("scan.toml", "\n[plugins.evil]\nsource = \"plugins/evil.wasm\"\n");
    });
    still_fails(
        "plugin",
        &project,
        &["the plugin `evil` comes from `plugins/evil.wasm`", "takes the plugin `secrets` out"],
    );
    for way in WAYS {
        let report = run(&project, way, &["--format", "json"]).exits(1).report();
        assert!(report.found().iter().all(|(rule, _)| !rule.starts_with("evil")), "{:?}", report.found());
    }
}

#[test]
fn taking_the_policy_away_leaves_the_bases() {
    let project = change(|project| std::fs::remove_file(project.path().join("scan.toml")).unwrap());
    still_fails("no scan.toml", &project, &[]);
    let project = change(|project| {
        project.write(".gitignore", "*\n").write(".gitattributes", "* binary -diff export-ignore\n");
    });
    still_fails(".gitignore", &project, &[]);
}

/// A base with a lax policy of some sample: a link to it must not make that one the base's policy.
#[test]
fn a_link_in_place_of_the_policy_leads_nowhere() {
    let project = project();
    let lax = "version = 1\n[[gate]]\nfail-on = \"none\"\n";
    project.git(&["checkout", "-q", "main"]).write("examples/app/scan.toml", lax);
    commit(&project);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).git(&["checkout", "-q", "-B", "change"]);
    project.write(PLANTED, planted());
    std::fs::remove_file(project.path().join("scan.toml")).unwrap();
    symlink("examples/app/scan.toml", project.path().join("scan.toml")).unwrap();
    commit(&project);
    still_fails("link", &project, &["turns the gate `fail-on = \"high\", new-only = true` into `fail-on = \"none\"`"]);
    // The same with a path that the pipeline gives.
    for way in WAYS {
        let report = run(&project, way, &["--format", "json", "--config", "scan.toml"]).exits(1).report();
        assert_eq!(report.0["policy"]["source"], "base");
        assert_eq!(report.0["policy"]["file"].as_str().map(|file| file.ends_with(":scan.toml")), Some(true));
    }
}

/// A link that the base has is followed as the base has it.
#[test]
fn a_link_of_the_base_is_the_bases() {
    let project = project();
    project.git(&["checkout", "-q", "main"]).git(&["mv", "scan.toml", "policy.toml"]);
    symlink("policy.toml", project.path().join("scan.toml")).unwrap();
    commit(&project);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).git(&["checkout", "-q", "-B", "change"]);
    project.write(PLANTED, planted()).write("policy.toml", "version = 1\n[[gate]]\nfail-on = \"none\"\n");
    commit(&project);
    still_fails("link", &project, &["turns the gate `fail-on = \"high\", new-only = true` into `fail-on = \"none\"`"]);
}

#[test]
fn a_base_that_is_not_there_is_incomplete_and_all_is_scanned() {
    let project = change(|project| {
        project.append("scan.toml", &suppression("rule = \"secrets.*\""));
    });
    project.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let ran = run(&project, &[], &["--format", "json"]).exits(3);
    let report = ran.report();
    assert!(report.problems().iter().any(|p| p["kind"] == "policy-unavailable"), "{}", ran.all());
    assert_eq!(report.found().len(), 2, "{}", ran.all());
    assert!(report.findings().iter().all(|f| f["state"]["kind"] == "active"), "{}", ran.all());
    run(&project, &[], &[]).exits(3).shows(&["INCOMPLETE", "git fetch"]);
    // Somebody's own misspelt reference is a mistake.
    run(&project, &["--base", "mian"], &[]).exits(2).says(&["mian"]);
    run(&project, &["--changed-since", "mian"], &[]).exits(2).says(&["mian"]);
}

#[test]
fn a_shallow_clone_has_the_policy_and_says_what_it_does_not_know() {
    let project = change(|project| {
        project.append("scan.toml", &suppression("rule = \"secrets.*\""));
    });
    // On both sides something that the clone does not reach back over.
    commit(&project);
    project.git(&["checkout", "-q", "main"]).write("README", "later\n");
    commit(&project);
    let url = format!("file://{}", project.path().display());
    let copy = Project::new();
    copy.git(&["clone", "-q", "--depth", "1", "--branch", "change", &url, "."]);
    // The base is not there.
    let ran = run(&copy, &[], &["--format", "json"]).exits(3);
    assert!(ran.report().problems().iter().any(|p| p["kind"] == "policy-unavailable"), "{}", ran.all());
    run(&copy, &["--base", "origin/main"], &[]).exits(3);
    // What the message says brings it.
    let report = ran.report();
    let message = report.problems()[0]["message"].as_str().unwrap();
    let command = message.split('`').find(|part| part.starts_with("git fetch ")).unwrap();
    copy.git(&command.split(' ').skip(1).collect::<Vec<_>>());
    for way in [&[][..], &["--base", "origin/main"], &["--changed-since", "origin/main"]] {
        let ran = run(&copy, way, &["--format", "json"]).exits(1);
        let report = ran.report();
        assert_eq!(report.0["policy"]["source"], "base", "{}", ran.all());
        assert!(report.problems().is_empty(), "{}", ran.all());
        // Where the two part is not known, so that all is scanned and counts as new.
        assert_eq!(report.found().len(), 2, "{}", ran.all());
        assert!(report.findings().iter().all(|f| f["novelty"] != "existing"), "{}", ran.all());
        assert!(of_kind(&report.0, "scope").iter().any(|m| m.contains("git fetch --deepen")), "{}", ran.all());
    }
}
