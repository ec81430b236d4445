//! What the tests of all sources share: collecting offers, and making git repositories.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use super::{Entry, Offer, Source};
use crate::outcome::Skipped;

/// All offers, sorted by path.
pub fn offers(source: &dyn Source) -> (Vec<Entry>, Vec<Skipped>) {
    let all = Mutex::new((Vec::new(), Vec::new()));
    source
        .walk(3, &|offer| {
            let mut all = all.lock().unwrap();
            match offer {
                Offer::File(entry) => all.0.push(entry),
                Offer::Skipped(skipped) => all.1.push(skipped),
                Offer::Problem(_) | Offer::Waiting => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let (mut files, mut skipped) = all.into_inner().unwrap();
    files.sort_by(|a: &Entry, b| a.path.cmp(&b.path));
    skipped.sort();
    (files, skipped)
}

/// The paths of all files offered.
pub fn paths(source: &dyn Source) -> Vec<String> {
    offers(source).0.into_iter().map(|entry| entry.path).collect()
}

/// Paths and contents of all files offered.
pub fn contents(source: &dyn Source) -> Vec<(String, String)> {
    let mut buf = Vec::new();
    let read = |entry: Entry| {
        entry.read_into(1 << 20, &mut buf).unwrap();
        (entry.path, String::from_utf8_lossy(&buf).into_owned())
    };
    offers(source).0.into_iter().map(read).collect()
}

/// Runs git, deaf to the machine's configuration and to the environment of whoever runs the tests. What it says.
pub fn git(dir: &Path, args: &[&str]) -> String {
    git_with(dir, &[], args)
}

/// The same with more environment.
pub fn git_with(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> String {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let done = command
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"])
        .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null"])
        .args(args)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .envs(env.iter().copied())
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim_end().to_owned()
}

/// Writes a file, making its folders.
pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
