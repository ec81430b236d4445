use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::super::super::testing::git;
use super::super::resolve;
use super::*;

fn base(root: &Path, a: &str, b: &str) -> Result<MergeBase, String> {
    let place = Place::discover(root).unwrap().unwrap();
    let objects = Objects::open(&place).unwrap();
    let id = |text: &str| resolve(&place, &objects, text).unwrap();
    let found = merge_base(&objects, &place.shallow().unwrap(), id(a), id(b));
    assert_eq!(found, merge_base(&objects, &place.shallow().unwrap(), id(b), id(a)), "the sides make no difference");
    found
}

fn found(root: &Path, a: &str, b: &str) -> String {
    match base(root, a, b).unwrap() {
        MergeBase::Found(id) => id.to_string(),
        other => format!("{other:?}"),
    }
}

/// A history of these commits: each has a date and the numbers of its parents. The last twenty-five and the
/// first six get a branch `cN`.
fn history(commits: &[(i64, Vec<usize>)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    let mut stream = String::new();
    for (n, (date, parents)) in commits.iter().enumerate() {
        let branch = if n < 6 || n + 25 > commits.len() { format!("c{n}") } else { "rest".to_owned() };
        let _ = write!(stream, "commit refs/heads/{branch}\nmark :{}\n", n + 1);
        let _ = write!(stream, "committer t <t@e.c> {date} +0000\ndata 1\nm\n");
        for (at, parent) in parents.iter().enumerate() {
            let _ = writeln!(stream, "{} :{}", if at == 0 { "from" } else { "merge" }, parent + 1);
        }
        // Otherwise commits of one date would be one commit.
        let _ = write!(stream, "M 100644 inline n\ndata {}\n{n}\n\n", n.to_string().len());
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--date-format=raw"])
        .current_dir(dir.path())
        .env_remove("GIT_DIR")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    dir
}

fn above(commits: &[(i64, Vec<usize>)], of: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut next = vec![of];
    while let Some(at) = next.pop() {
        if seen.insert(at) {
            next.extend(&commits[at].1);
        }
    }
    seen
}

/// All that both have, but what is above another of these.
fn best(commits: &[(i64, Vec<usize>)], a: usize, b: usize) -> BTreeSet<usize> {
    let common: BTreeSet<_> = above(commits, a).intersection(&above(commits, b)).copied().collect();
    common.iter().filter(|at| !common.iter().any(|c| c != *at && above(commits, *c).contains(at))).copied().collect()
}

#[test]
fn a_fork_and_a_line() {
    let dir = history(&[(1, vec![]), (2, vec![0]), (3, vec![1]), (4, vec![1]), (5, vec![3])]);
    let id = |n: usize| git(dir.path(), &["rev-parse", &format!("c{n}")]);
    assert_eq!(found(dir.path(), "c2", "c4"), id(1));
    assert_eq!(found(dir.path(), "c0", "c4"), id(0));
    assert_eq!(found(dir.path(), "c4", "c4"), id(4));
}

#[test]
fn crosswise_merges_and_roots_apart() {
    let commits = [(1, vec![]), (2, vec![0]), (3, vec![0]), (4, vec![1, 2]), (4, vec![2, 1]), (9, vec![])];
    let dir = history(&commits);
    // The younger of two that are equally good.
    assert_eq!(found(dir.path(), "c3", "c4"), git(dir.path(), &["rev-parse", "c2"]));
    assert_eq!(base(dir.path(), "c3", "c5"), Ok(MergeBase::Unrelated));
}

#[test]
fn any_history_and_any_dates() {
    // A small generator of numbers: the same histories each time.
    let mut state = 7_u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..8 {
        let mut commits: Vec<(i64, Vec<usize>)> = Vec::new();
        for n in 0..24 {
            let mut parents: Vec<usize> = (0..next(3)).filter(|_| n > 0).map(|_| n - 1 - next(n.min(6))).collect();
            parents.dedup();
            // Dates that have nothing to do with the order.
            commits.push((i64::try_from(next(1000)).unwrap(), parents));
        }
        let dir = history(&commits);
        let place = Place::discover(dir.path()).unwrap().unwrap();
        let objects = Objects::open(&place).unwrap();
        let ids: Vec<_> = (0..commits.len()).map(|n| resolve(&place, &objects, &format!("c{n}")).unwrap()).collect();
        for a in 0..commits.len() {
            for b in 0..a {
                let all = best(&commits, a, b);
                match merge_base(&objects, &Shallow::default(), ids[a], ids[b]).unwrap() {
                    MergeBase::Found(id) => {
                        let at = ids.iter().position(|other| *other == id).unwrap();
                        assert!(all.contains(&at), "{a} and {b}: {at} is none of {all:?}, {commits:?}");
                    }
                    other => assert!(other == MergeBase::Unrelated && all.is_empty(), "{a} and {b}: {all:?}"),
                }
            }
        }
    }
}

#[test]
fn a_cut_history_is_told_from_two_histories() {
    let dir = history(&[(1, vec![]), (2, vec![0]), (3, vec![1]), (4, vec![1]), (5, vec![3])]);
    let url = format!("file://{}", dir.path().display());
    let other = tempfile::tempdir().unwrap();
    git(other.path(), &["clone", "-q", "--no-single-branch", "-b", "c2", "--depth", "1", &url, "c"]);
    let root = other.path().join("c");
    assert_eq!(base(&root, "origin/c2", "origin/c4"), Ok(MergeBase::Shallow));
    git(&root, &["fetch", "-q", "--depth", "3"]);
    assert_eq!(found(&root, "origin/c2", "origin/c4"), git(dir.path(), &["rev-parse", "c1"]));
}

#[test]
fn a_commit_that_is_missing_is_an_error() {
    let dir = history(&[(1, vec![]), (2, vec![0]), (3, vec![1]), (4, vec![1])]);
    let id = git(dir.path(), &["rev-parse", "c1"]);
    let pack = std::fs::read_dir(dir.path().join(".git/objects/pack")).unwrap();
    let packs: Vec<_> =
        pack.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "pack")).collect();
    for pack in packs {
        let (index, moved) = (pack.with_extension("idx"), dir.path().join("p"));
        std::fs::rename(&pack, &moved).unwrap();
        std::fs::remove_file(index).unwrap();
        let unpacked = Command::new("git")
            .args(["unpack-objects", "-q"])
            .current_dir(dir.path())
            .stdin(std::fs::File::open(&moved).unwrap())
            .status();
        assert!(unpacked.unwrap().success());
    }
    assert_eq!(found(dir.path(), "c2", "c3"), id);
    std::fs::remove_file(dir.path().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let error = base(dir.path(), "c2", "c3").unwrap_err();
    assert!(error.contains(&id), "{error}");
}

#[test]
fn ten_thousand_commits_in_a_moment() {
    let mut commits: Vec<_> =
        (0..10_000).map(|n: usize| (i64::try_from(n).unwrap(), n.checked_sub(1).into_iter().collect())).collect();
    commits.push((10_001, vec![5]));
    let dir = history(&commits);
    let started = Instant::now();
    assert_eq!(found(dir.path(), "c9999", "c10000"), git(dir.path(), &["rev-parse", "c5"]));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
