//! Falls over.

use super::attack;

#[test]
fn every_trap_names_plugin_and_file_and_costs_that_file_only() {
    let traps = ["panic", "unreachable", "recursion", "exit", "exit-failure"];
    let mut names = traps.to_vec();
    names.push("good");
    let (ran, report) = attack(&names, "");
    for name in traps {
        report.assert_blames("plugin-trapped", "evil", &format!("{name}.evil"));
    }
    assert_eq!(report.problems().len(), traps.len(), "{:#?}", report.problems());
    assert_eq!(report.messages("evil.note"), ["scanned"]);
    ran.exits(3);
}

#[test]
fn the_terminal_says_who_fell_over() {
    let project = scanhost_tests::Project::with_evil("");
    project.write("panic.evil", "x");
    project.scanhost(["run", "-v"]).exits(3).shows(&["evil", "panic.evil", "leaked.txt", "INCOMPLETE"]);
}

#[test]
fn a_policy_that_only_warns_still_says_so() {
    let project = scanhost_tests::Project::with_evil("[policy]\nincomplete = \"warn\"");
    project.write("panic.evil", "x").write("leaked.txt", "nothing");
    let ran = project.json(&[]).exits(0);
    assert_eq!(ran.report().0["complete"], false);
    ran.report().assert_blames("plugin-trapped", "evil", "panic.evil");
}
