//! Opens and keeps what it should not.

use std::os::unix::fs::symlink;

use scanhost_tests::Project;

use super::{attack, finish, settings};

#[test]
fn only_what_is_granted_is_opened() {
    let project = Project::with_evil(&settings("allow = { read = [\"granted/**\"] }"));
    project.write("deep/reach.evil", "content").write("granted/ok.txt", "hello").write("granted/folder/x", "x");
    project.write("ungranted.txt", "no");
    symlink("/etc/passwd", project.path().join("granted/link")).unwrap();
    let (ran, report) = finish(&project, &[]);
    let messages = report.messages("evil.note");
    let opened: Vec<_> = messages.iter().filter(|text| text.contains("OPENED")).collect();
    // All attempts have one place, so the report joins them: it is enough that no other was opened.
    let also = serde_json::to_string(&report.0).unwrap();
    assert!(also.matches("OPENED").count() <= 1, "{opened:?}");
    assert!(opened.iter().all(|text| **text == "OPENED granted/ok.txt: 5 bytes"), "{opened:?}");
    assert!(!also.contains("root:x:"), "the system's files leak");
    ran.exits(1);
}

#[test]
fn a_handle_ends_with_its_call() {
    let (ran, report) = attack(&["1.keep", "2.keep"], &settings("allow = { read = [\"*.evil\"] }"));
    // Which of the two comes first is the system's choice.
    assert!(
        report.blames("plugin-trapped", "evil", "1.keep.evil")
            || report.blames("plugin-trapped", "evil", "2.keep.evil")
    );
    assert!(report.messages("evil.note").is_empty());
    ran.exits(3);
}

#[test]
fn handles_are_limited() {
    let (ran, report) = attack(&["hoard"], &settings("allow = { read = [\"*.evil\"] }"));
    let notes = report.messages("evil.note");
    assert!(notes.len() == 1 && notes[0].starts_with("opened 256: a limit was reached"), "{notes:?}");
    ran.exits(1);
}

#[test]
fn reading_far_outside_reads_nothing() {
    let (ran, report) = attack(&["far"], "");
    assert_eq!(report.messages("evil.note"), ["read 0 0 0 0 0 1; 0 anchors"]);
    ran.exits(1);
}
