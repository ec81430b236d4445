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
