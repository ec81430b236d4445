//! Git's history: what was committed once is found, whoever took it away again, and the report says who brought
//! it and when.

use scanhost_tests::{Project, leaked_line};

/// Three commits: the second brings a key, the third takes it away.
fn leaked_once() -> Project {
    let project = Project::new();
    project.git(&["init", "-q"]).write("app.env", "a=1\n");
    commit(&project);
    project.write("app.env", format!("a=1\n{}", leaked_line()));
    commit(&project);
    project.write("app.env", "a=2\n");
    commit(&project);
    project
}

fn commit(project: &Project) {
    project.git(&["add", "-A"]);
    project.git(&[
        "commit",
        "-q",
        "-m",
        "x",
        "--author",
        "Ann Author <ann@example.invalid>",
        "--date",
        "2024-05-01T12:00:00+02:00",
    ]);
}

#[test]
fn a_key_that_was_removed_is_found_with_its_commit() {
    let project = leaked_once();
    project.scanhost(["run"]).exits(0);
    let ran = project.json(&["--history"]).exits(1);
    let report = ran.report();
    assert_eq!(report.found(), [("secrets.aws-access-key-id", "app.env")], "{}", ran.all());
    assert_eq!(report.0["source"], "history");
    let provenance = &report.findings()[0]["location"]["provenance"];
    let get = |name: &str| {
        let pairs = provenance.as_array().unwrap();
        pairs.iter().find(|pair| pair["key"] == name).map(|pair| pair["value"].as_str().unwrap().to_owned())
    };
    assert_eq!(get("author").as_deref(), Some("Ann Author <ann@example.invalid>"), "{provenance:#}");
    assert_eq!(get("date").as_deref(), Some("2024-05-01T12:00:00+02:00"));
    assert_eq!(get("head").as_deref(), Some("no"));
    let commit = get("commit").unwrap();
    let short = format!("commit: {} by Ann Author, 2024-05-01, no longer there", &commit[..12]);
    project.scanhost(["run", "--history"]).exits(1).shows(&[&short]);
    project.scanhost(["run", "--history", "--format", "sarif"]).exits(1).shows(&[&commit, "Ann Author"]);
}

#[test]
fn many_versions_of_one_key_are_one_finding() {
    let project = leaked_once();
    for n in 0..3 {
        project.write("app.env", format!("{}{}", "b=1\n".repeat(n), leaked_line()));
        commit(&project);
    }
    let ran = project.json(&["--history"]).exits(1);
    let report = ran.report();
    assert_eq!(report.findings().len(), 1, "{}", ran.all());
    assert_eq!(report.findings()[0]["location"]["start"]["line"], 2, "the first version: {}", ran.all());
    project.scanhost(["run", "--history"]).exits(1).shows(&["still there"]);
    let sets: Vec<_> = (1..=4)
        .map(|jobs| project.json(&["--history", "--jobs", &jobs.to_string()]).report().0["findings"].clone())
        .collect();
    assert!(sets.windows(2).all(|pair| pair[0] == pair[1]), "{sets:#?}");
}

#[test]
fn ranges_and_dates_narrow_and_may_be_empty() {
    let project = leaked_once();
    project.git(&["tag", "leaked", "HEAD~1"]).git(&["tag", "before", "HEAD~2"]);
    project.json(&["--history=leaked..HEAD"]).exits(0);
    project.json(&["--history=before..leaked"]).exits(1);
    project.json(&["--history=HEAD..HEAD"]).exits(0);
    project.json(&["--history", "--since", "2100-01-01"]).exits(0);
    project.json(&["--history", "--since", "2001-01-01"]).exits(1);
    project.scanhost(["run", "--history=nowhere..HEAD"]).exits(2).says(&["nowhere"]);
    project.scanhost(["run", "--history", "--since", "soon"]).exits(2).says(&["2024-05-31"]);
    project.scanhost(["run", "--since", "2024-01-01"]).exits(2).says(&["--history"]);
    project.scanhost(["run", "--history", "--staged"]).exits(2).says(&["--staged"]);
    Project::new().scanhost(["run", "--history"]).exits(2).says(&["not inside a git repository"]);
}

#[test]
fn a_shallow_clone_is_incomplete() {
    let project = leaked_once();
    let url = format!("file://{}", project.path().display());
    let copy = Project::new();
    copy.git(&["clone", "-q", "--depth", "1", &url, "."]);
    let ran = copy.json(&["--history"]).exits(3);
    assert!(ran.report().problems().iter().any(|problem| problem["kind"] == "shallow-history"), "{}", ran.all());
}
