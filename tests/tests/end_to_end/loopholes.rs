//! Ways past the policy of the base that were open once: what a change, a branch's history or a narrow look can do
//! that a rule about files alone does not see.

use scanhost_tests::{Project, Ran, command, leaked_line};

const LAX: &str = "version = 1\n[[gate]]\nfail-on = \"none\"\n";

const NEW_ONLY: &str = "version = 1\n[[gate]]\nfail-on = \"high\"\nnew-only = true\n";

fn commit(project: &Project) {
    project.git(&["add", "-A"]).git(&["commit", "-q", "--allow-empty", "-m", "x"]);
}

/// A repository with this policy on `main`, on a branch of its own.
fn project(policy: &str) -> Project {
    let project = Project::new();
    project.git(&["init", "-q"]).write("scan.toml", policy).write("README", "hello\n");
    commit(&project);
    project.git(&["checkout", "-q", "-b", "change"]);
    project
}

fn with(project: &Project, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut run = command();
    run.args(args).envs(variables.iter().copied());
    project.finish(run)
}

#[test]
fn a_pipeline_that_does_not_say_where_the_change_goes_judges_nothing_by_its_own_policy() {
    let project = project("version = 1\n");
    project.write("scan.toml", LAX).write("a.py", leaked_line());
    commit(&project);
    with(&project, &[], &["run"]).exits(0);
    for variables in [
        &[("GITHUB_EVENT_NAME", "pull_request_review")][..],
        &[("GITHUB_EVENT_NAME", "merge_group")],
        &[("CI_MERGE_REQUEST_IID", "7")],
        &[("CHANGE_ID", "PR-1")],
    ] {
        with(&project, variables, &["run"]).exits(3).shows(&["INCOMPLETE", "--base"]);
        with(&project, variables, &["run", "--base", "main"]).exits(1);
    }
}

#[test]
fn a_stored_report_is_judged_by_the_base_in_the_pipeline_of_a_change() {
    let project = project("version = 1\n");
    project.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    project.write("scan.toml", LAX).write("a.py", leaked_line());
    commit(&project);
    let pipeline = [("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")];
    with(&project, &pipeline, &["run", "--format", "json=stored.json", "-q"]).exits(1);
    with(&project, &pipeline, &["gate", "stored.json"]).exits(1).shows(&["judged by the policy of origin/main"]);
    with(&project, &pipeline, &["gate", "stored.json", "--policy", "head"]).exits(0).shows(&["--policy head"]);
    with(&project, &[], &["gate", "stored.json", "--base", "main"]).exits(1);
    with(&project, &[], &["gate", "stored.json"]).exits(0);
}

#[test]
fn a_budget_that_a_change_uses_up_is_no_pass() {
    let project = project("version = 1\n[stages.commit]\nbudget = \"1ms\"\n");
    project.write("a.py", "x = 1\n");
    commit(&project);
    with(&project, &[], &["run"]).exits(0).shows(&["INCOMPLETE"]);
    with(&project, &[], &["run", "--base", "main"]).exits(3).shows(&["INCOMPLETE"]);
}

#[test]
fn a_copy_is_new_where_the_original_was_not_looked_at() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("a.py", leaked_line());
    commit(&project);
    project.scanhost(["baseline", "create"]).exits(0);
    commit(&project);
    project.git(&["checkout", "-q", "-b", "change"]).write("src/b.py", leaked_line());
    project.git(&["add", "-A"]);
    for way in [&["--staged"][..], &["--changed-since", "main"], &["--base", "main"], &["src/b.py"], &[]] {
        let args: Vec<&str> = std::iter::once("run").chain(way.iter().copied()).collect();
        with(&project, &[], &args).exits(1).shows(&["src/b.py"]);
    }
    // Moved, it is the same one, where that can be seen.
    project.git(&["rm", "-q", "-f", "a.py"]);
    project.git(&["add", "-A"]);
    for way in [&["--changed-since", "main"][..], &["--base", "main"], &[]] {
        let args: Vec<&str> = std::iter::once("run").chain(way.iter().copied()).collect();
        with(&project, &[], &args).exits(0);
    }
}

#[test]
fn a_copy_of_what_is_suppressed_counts_where_the_original_was_not_looked_at() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("tests/a.py", leaked_line()).write("scan.toml", "version = 1\n");
    commit(&project);
    let report = project.json(&[]).exits(1).report();
    let fingerprint = report.findings()[0]["fingerprint"].as_str().unwrap().to_owned();
    project.scanhost(["suppress", "add", &fingerprint, "--reason", "made up"]).exits(0);
    commit(&project);
    project.git(&["checkout", "-q", "-b", "change"]).write("prod.py", leaked_line());
    project.git(&["add", "-A"]);
    for way in [&["--staged"][..], &["--changed-since", "main"], &["prod.py"], &[]] {
        let args: Vec<&str> = std::iter::once("run").chain(way.iter().copied()).collect();
        with(&project, &[], &args).exits(1).shows(&["prod.py"]);
    }
}

#[test]
fn what_the_base_took_away_meanwhile_is_new_when_it_comes_back() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("scan.toml", NEW_ONLY).write("leak.py", leaked_line());
    commit(&project);
    project.git(&["checkout", "-q", "-b", "change"]);
    project.git(&["checkout", "-q", "main"]).git(&["rm", "-q", "leak.py"]);
    commit(&project);
    project.git(&["checkout", "-q", "change"]).git(&["rm", "-q", "leak.py"]).write("srv.py", leaked_line());
    commit(&project);
    with(&project, &[], &["run", "--base", "main"]).exits(1).shows(&["srv.py"]);
    with(&project, &[], &["run", "--changed-since", "main"]).exits(1).shows(&["srv.py"]);
}

#[test]
fn without_a_key_another_secret_in_the_same_place_is_new_all_the_same() {
    let project = project(NEW_ONLY);
    project.git(&["checkout", "-q", "main"]);
    // Many enough that 12 bits of some are those of others.
    let lines = |seed: u64| -> String {
        (0..300_u64).map(|n| format!("key_{n} = \"AKIA{}\"\n", letters(seed * 1_000 + n))).collect::<Vec<_>>().concat()
    };
    project.write("keys.py", lines(1));
    commit(&project);
    project.git(&["checkout", "-q", "-b", "other"]).write("keys.py", lines(2));
    commit(&project);
    let report = project.json(&["--base", "main", "-q"]).exits(1).report();
    assert!(report.findings().len() > 250, "{}", report.findings().len());
    assert!(report.findings().iter().all(|finding| finding["novelty"] == "new"));
}

/// Sixteen letters and digits that look like no others, as an access key id has.
fn letters(seed: u64) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(ALPHABET[(state >> 33) as usize % 32])
    };
    (0..16).map(|_| next()).collect()
}

#[test]
fn a_name_that_is_a_branch_and_a_tag_judges_nothing() {
    let project = project("version = 1\n");
    project.write("scan.toml", LAX).write("a.py", leaked_line());
    commit(&project);
    project.git(&["tag", "main"]);
    with(&project, &[], &["run", "--base", "main"]).exits(2).says(&["refs/tags/main", "refs/heads/main"]);
    with(&project, &[], &["run", "--base", "refs/heads/main"]).exits(1);
}

#[test]
fn a_changed_file_that_is_too_large_is_not_said_to_be_unchanged() {
    let project = project("version = 1\n[files]\nmax-size = 1000\n");
    project.write("a.py", leaked_line().repeat(60));
    commit(&project);
    let ran = with(&project, &[], &["run", "--changed-since", "main"]).exits(0);
    assert!(!ran.out.contains("nothing has changed") && ran.out.contains("1 file skipped"), "{}", ran.all());
}
