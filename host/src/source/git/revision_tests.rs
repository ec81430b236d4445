use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::testing::{git, write};
use super::*;

fn open(root: &Path) -> (Place, Arc<Objects>) {
    let place = Place::discover(root).unwrap().unwrap();
    let objects = Objects::open(&place).unwrap();
    (place, objects)
}

fn named(root: &Path, text: &str) -> Result<String, RevisionError> {
    let (place, objects) = open(root);
    resolve(&place, &objects, text).map(|id| id.to_string())
}

fn commit(root: &Path, message: &str) -> String {
    git(root, &["commit", "-q", "--allow-empty", "-m", message]);
    git(root, &["rev-parse", "HEAD"])
}

/// Three commits on `main`, one on `topic`, a merge of both on `main`.
fn history() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    git(root, &["init", "-q"]);
    write(root, "f", "text");
    git(root, &["add", "-A"]);
    for message in ["one", "two", "three"] {
        commit(root, message);
    }
    git(root, &["branch", "release/1.0", "HEAD~2"]);
    git(root, &["checkout", "-q", "-b", "topic", "HEAD~1"]);
    commit(root, "topic");
    git(root, &["checkout", "-q", "main"]);
    git(root, &["merge", "-q", "--no-ff", "-m", "merge", "topic"]);
    git(root, &["tag", "-a", "v1", "-m", "v1", "topic"]);
    git(root, &["tag", "-a", "v1-again", "-m", "v1", "v1"]);
    git(root, &["tag", "light", "main~2"]);
    git(root, &["update-ref", "refs/remotes/origin/main", "main~1"]);
    git(root, &["update-ref", "refs/remotes/origin/next", "main"]);
    git(root, &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    dir
}

const NAMES: [&str; 21] = [
    "HEAD",
    "main",
    "topic",
    "release/1.0",
    "refs/heads/topic",
    "heads/topic",
    "light",
    "v1",
    "v1-again",
    "origin/main",
    "origin",
    "@",
    "HEAD~",
    "HEAD~2",
    "HEAD^2",
    "main^2~1^",
    "HEAD^^",
    "v1~1",
    "HEAD^0",
    "v1^{commit}",
    "v1^{}~2",
];

fn agrees_with_git(root: &Path) {
    for name in NAMES {
        assert_eq!(named(root, name).unwrap(), git(root, &["rev-parse", &format!("{name}^{{commit}}")]), "{name}");
    }
}

#[test]
fn names_mean_what_they_mean_to_git() {
    let dir = history();
    agrees_with_git(dir.path());
    git(dir.path(), &["gc", "-q"]);
    assert!(dir.path().join(".git/packed-refs").is_file() && !dir.path().join(".git/refs/heads/main").exists());
    agrees_with_git(dir.path());
}

#[test]
fn a_worktree_has_its_own_head_and_shares_the_branches() {
    let dir = history();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(dir.path(), &["worktree", "add", "-q", "--detach", tree.to_str().unwrap(), "topic"]);
    assert_eq!(named(&tree, "HEAD"), named(dir.path(), "topic"));
    git(&tree, &["checkout", "-q", "--detach", "main"]);
    agrees_with_git(&tree);
}

#[test]
fn what_was_fetched_last_can_be_named() {
    let dir = history();
    let other = tempfile::tempdir().unwrap();
    git(other.path(), &["init", "-q"]);
    git(other.path(), &["fetch", "-q", dir.path().to_str().unwrap(), "topic", "main"]);
    assert_eq!(named(other.path(), "FETCH_HEAD"), named(dir.path(), "topic"));
}

#[test]
fn commits_by_the_beginning_of_their_names() {
    let dir = history();
    let (root, id) = (dir.path(), git(dir.path(), &["rev-parse", "topic"]));
    for len in [40, 39, 20, 12] {
        assert_eq!(named(root, &id[..len]).unwrap(), id);
    }
    assert_eq!(named(root, &id.to_uppercase()[..12]).unwrap(), id);
    assert!(matches!(named(root, &id[..3]), Err(RevisionError::NotFound { .. })));
    assert!(matches!(named(root, &"0".repeat(40)), Err(RevisionError::NotFound { .. })));
    // A branch of such a name comes before the beginning of an object's name, but not before a whole one.
    git(root, &["branch", &id[..10], "main"]);
    assert_eq!(named(root, &id[..10]), named(root, "main"));
    let blob = git(root, &["rev-parse", "HEAD:f"]);
    assert_eq!(named(root, &blob).unwrap_err(), RevisionError::NoCommit { text: blob, kind: "blob".into() });
}

#[test]
fn several_objects_that_begin_alike() {
    let dir = history();
    let (root, mut ids) = (dir.path(), Vec::new());
    // Two numbers that git happens to name alike.
    for text in ["142", "784"] {
        write(root, text, text);
    }
    git(root, &["add", "-A"]);
    for line in git(root, &["ls-files", "-s"]).lines() {
        ids.push(line.split(' ').nth(1).unwrap()[..4].to_owned());
    }
    ids.sort();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]).unwrap()[0].clone();
    assert_eq!(named(root, &twice), Err(RevisionError::Ambiguous { text: twice }));
}

#[test]
fn what_is_wrong_is_said() {
    let dir = history();
    let root = dir.path();
    let say = |text: &str| named(root, text).unwrap_err().to_string();
    let all: Vec<_> = [
        "mian",
        "next",
        "orign/main",
        "nothing-like-it",
        "",
        "main..topic",
        "main@{1}",
        "HEAD:f",
        "HEAD~99999999999",
        "HEAD^main",
        "HEAD^\u{1b}[2J",
        "refs",
        "heads",
        "config",
        "../config",
        "a b\n",
    ]
    .into_iter()
    .map(say)
    .collect();
    insta::assert_snapshot!(all.join("\n"));
    assert!(matches!(named(root, "HEAD^3"), Err(RevisionError::NoParent { number: 3, .. })));
    assert!(matches!(named(root, "HEAD~4000000000"), Err(RevisionError::NoParent { number: 1, .. })));
    assert!(matches!(named(root, &"x".repeat(5000)), Err(RevisionError::Syntax { .. })));
}

#[test]
fn an_empty_repository_and_one_of_another_format() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    assert!(matches!(named(dir.path(), "HEAD"), Err(RevisionError::NotFound { near: None, .. })));
    std::fs::create_dir(dir.path().join(".git/reftable")).unwrap();
    let said = named(dir.path(), "HEAD").unwrap_err().to_string();
    assert!(said.contains("reftable"), "{said}");
}

#[test]
fn a_shallow_history_ends_where_it_was_cut() {
    let dir = history();
    let other = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    git(other.path(), &["clone", "-q", "--depth", "1", &url, "c"]);
    let root = other.path().join("c");
    assert_eq!(named(&root, "HEAD"), named(dir.path(), "main"));
    assert!(matches!(named(&root, "HEAD~1"), Err(RevisionError::Shallow { .. })));
    // All branches but the one that was cloned are missing.
    assert!(matches!(named(&root, "topic"), Err(RevisionError::NotFound { .. })));
}

#[test]
fn references_in_a_circle() {
    let dir = history();
    write(dir.path(), ".git/refs/heads/a", "ref: refs/heads/b\n");
    write(dir.path(), ".git/refs/heads/b", "ref: refs/heads/a\n");
    assert!(matches!(named(dir.path(), "a"), Err(RevisionError::Repository(_))));
    write(dir.path(), ".git/refs/heads/c", "no reference at all");
    assert!(named(dir.path(), "c").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_answered(texts in proptest::collection::vec(prop_oneof!["\\PC{0,40}", "[a-fA-F0-9~^@{}/.HED-]{0,20}", "(HEAD|main)[~^0-9]{0,12}"], 40)) {
        // One repository for many texts: making it is what takes the time.
        static DIR: std::sync::LazyLock<tempfile::TempDir> = std::sync::LazyLock::new(history);
        let (place, objects) = open(DIR.path());
        for text in texts {
            if let Err(error) = resolve(&place, &objects, &text) {
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}
