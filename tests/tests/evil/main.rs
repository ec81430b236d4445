//! Hostile plugins against the real binary: one file for each module of `tests/evil/src/attack/`.
//!
//! Every test has the hostile plugin beside the built-in one, and asserts that the failing plugin and the file
//! are named, that the other plugin's findings are kept, and that it takes no longer than it may.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod files;
mod flood;
mod leak;
mod lies;
mod memory;
mod open;
mod project;
mod time;
mod trap;
mod wasi;

use std::time::Duration;

use scanhost_tests::{Project, Ran, Report};

/// Scans files whose names choose these attacks, in this order, in one instance; asserts what holds for all.
fn attack(names: &[&str], more: &str) -> (Ran, Report) {
    let project = Project::with_evil(more);
    for name in names {
        project.write(format!("{name}.evil"), "some content");
    }
    finish(&project, &["--jobs", "1"])
}

/// Runs it, and asserts what holds for all.
fn finish(project: &Project, args: &[&str]) -> (Ran, Report) {
    let ran = project.json(args);
    let report = ran.report();
    report.assert_others_kept();
    assert!(ran.time < Duration::from_secs(30), "{}", ran.all());
    assert!(ran.out.len() < 40_000_000, "a report of {} bytes", ran.out.len());
    (ran, report)
}

/// The hostile plugin's own settings.
fn settings(more: &str) -> String {
    format!("[plugins.evil]\nsource = \"plugins/evil.wasm\"\n{more}\n")
}
