//! Misbehaves after the last file, or there reports about all of them.

use scanhost_tests::{EVIL_PROJECT, Project};

use super::{attack, finish, settings};

fn project(config: &str) -> Project {
    let section = format!(
        "[plugins.evil-project]\nsource = \"plugins/evil-project.wasm\"\nconfig = {{ project = true, {config} }}"
    );
    let project = Project::with_evil(&format!("{section}\nlimits = {{ time = \"300ms\" }}"));
    let text = std::fs::read_to_string(project.path().join("scan.toml")).unwrap();
    project
        .write("scan.toml", text.replace("[\"evil\",", "[\"evil-project\","))
        .install(EVIL_PROJECT, "evil-project.wasm");
    project.write("a/1.quiet.evil", "first file").write("a/2.quiet.evil", "second").write("b.quiet.evil", "third");
    project
}

#[test]
fn a_conclusion_may_be_about_any_file() {
    let (ran, report) = finish(&project("finish = \"report\""), &[]);
    let mut found: Vec<_> = report.found().into_iter().filter(|(rule, _)| *rule == "evil-project.note").collect();
    found.sort_unstable();
    let expected = [
        "../../etc/passwd",
        "a/1.quiet.evil",
        "a/2.quiet.evil",
        "b.quiet.evil",
        "not/a/file.txt",
        "x\\x1b[31m\\x0a::error::y",
    ];
    assert_eq!(found.iter().map(|(_, path)| *path).collect::<Vec<_>>(), expected);
    for finding in report.findings().iter().filter(|f| f["plugin"] == "evil-project") {
        assert_eq!(finding["message"], "one of 3");
        let inside = finding["location"]["path"].as_str().unwrap().split('.').next_back() == Some("evil");
        assert_eq!(finding["location"]["snippet"].is_object(), inside, "{finding:#}");
    }
    ran.exits(1);
}

#[test]
fn a_conclusion_that_fails_is_named() {
    for (how, kind) in [("error", "unscanned"), ("trap", "plugin-trapped"), ("forever", "plugin-timeout")] {
        let (ran, report) = finish(&project(&format!("finish = \"{how}\"")), &[]);
        report.assert_blames(kind, "evil-project", "(finish)");
        ran.exits(3);
        let (ran, report) = attack(
            &["good"],
            &settings(&format!("config = {{ finish = \"{how}\" }}\nlimits = {{ time = \"300ms\" }}")),
        );
        report.assert_blames(kind, "evil", "(finish)");
        assert_eq!(report.messages("evil.note"), ["scanned"]);
        ran.exits(3);
    }
}

#[test]
fn a_trap_in_the_middle_names_its_file_and_the_rest_is_seen() {
    let project = project("finish = \"report\"");
    project.write("a/1.panic.evil", "x");
    let (ran, report) = finish(&project, &[]);
    report.assert_blames("plugin-trapped", "evil-project", "a/1.panic.evil");
    assert!(report.found().contains(&("evil-project.note", "b.quiet.evil")), "{:?}", report.found());
    ran.exits(3);
}

/// Files that a plugin was handed.
fn handed(report: &scanhost_tests::Report, plugin: &str) -> u64 {
    let plugins = report.0["plugins"].as_array().unwrap();
    plugins.iter().find(|p| p["id"] == plugin).unwrap()["files"].as_u64().unwrap()
}

#[test]
fn of_staged_files_it_sees_the_whole_project_if_one_of_its_files_is_staged() {
    let project = project("finish = \"report\"");
    project.git(&["init", "-q"]).git(&["add", "-A"]).git(&["commit", "-qm", "all"]);
    // Nothing that it wants: it has nothing to say, and the leak that was committed before is no file of this run.
    project.write("other.txt", "clean").git(&["add", "other.txt"]);
    let report = project.json(&["--staged"]).exits(0).report();
    assert_eq!((handed(&report, "evil-project"), handed(&report, "secrets")), (0, 0));
    assert!(report.found().is_empty(), "{:?}", report.found());
    project.write("b.quiet.evil", "changed").git(&["add", "b.quiet.evil"]);
    let report = project.json(&["--staged"]).report();
    assert_eq!(handed(&report, "evil-project"), 3);
    let found = report.found();
    assert!(found.contains(&("evil-project.note", "a/1.quiet.evil")), "{found:?}");
    assert!(!found.iter().any(|(rule, _)| rule.starts_with("secrets.")), "{found:?}");
    assert_eq!(report.0["inputs"]["files"], 2);
}
