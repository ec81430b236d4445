use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

use globset::{Glob, GlobSetBuilder};

use super::super::testing::{contents, git, offers, paths, write};
use super::super::{ChangesError, ChangesOptions, RevisionError};
use super::*;

fn options(exclude: &[&str]) -> ChangesOptions {
    let mut globs = GlobSetBuilder::new();
    for glob in exclude {
        globs.add(Glob::new(glob).unwrap());
    }
    ChangesOptions { exclude: globs.build().unwrap(), max_size: 1 << 20, max_archive: 0, jobs: 2 }
}

fn since(root: &Path, reference: &str) -> Arc<Changes> {
    Arc::new(Changes::find(root, reference, options(&[])).unwrap())
}

fn fails(root: &Path, reference: &str) -> ChangesError {
    Changes::find(root, reference, options(&[])).unwrap_err()
}

type Files = Vec<(String, String)>;

fn pairs(of: &[(&str, &str)]) -> Files {
    of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Now, and as it was.
fn both(root: &Path, changes: &Arc<Changes>) -> (Files, Files) {
    let now = ChangedSource::new(root, Arc::clone(changes), false).unwrap();
    (contents(&now), contents(&BaseSource::new(Arc::clone(changes), false)))
}

fn commit(root: &Path, message: &str) {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", message]);
}

/// A repository with one commit on `main`, and `topic` checked out.
fn branched(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    commit(dir.path(), "all");
    git(dir.path(), &["checkout", "-q", "-b", "topic"]);
    dir
}

#[test]
fn a_branch_and_what_is_not_committed() {
    let dir = branched(&[
        (".gitignore", "*.log\n"),
        ("same", "1"),
        ("edited", "1"),
        ("later", "1"),
        ("gone", "1"),
        ("d/removed", "1"),
        ("d/old", "moved"),
    ]);
    let root = dir.path();
    // `main` goes on; that is no change of the branch.
    git(root, &["checkout", "-q", "main"]);
    write(root, "same", "changed on main");
    write(root, "only-main", "1");
    commit(root, "main goes on");
    git(root, &["checkout", "-q", "topic"]);
    write(root, "edited", "2");
    git(root, &["mv", "d/old", "new"]);
    git(root, &["rm", "-q", "d/removed"]);
    commit(root, "topic");
    write(root, "later", "2");
    write(root, "untracked", "2");
    write(root, "ignored.log", "2");
    fs::remove_file(root.join("gone")).unwrap();
    let changes = since(root, "main");
    let now = [("edited", "2"), ("later", "2"), ("new", "moved"), ("untracked", "2")];
    let was = [("d/old", "moved"), ("d/removed", "1"), ("edited", "1"), ("gone", "1"), ("later", "1")];
    assert_eq!(both(root, &changes), (pairs(&now), pairs(&was)));
    assert_eq!(changes.deleted().collect::<Vec<_>>(), ["d/old", "d/removed", "gone"]);
    assert!(changes.is_changed("new") && !changes.is_changed("same") && !changes.is_changed("gone"));
    assert_eq!(changes.tip().to_string(), git(root, &["rev-parse", "main"]));
    assert_eq!(changes.merge_base().to_string(), git(root, &["merge-base", "main", "topic"]));
    // What is in another commit, by any name.
    for reference in ["HEAD~1", "topic^", &git(root, &["rev-parse", "main~1"])] {
        assert_eq!(both(root, &since(root, reference)), (pairs(&now), pairs(&was)), "{reference}");
    }
}

#[test]
fn since_head_are_the_uncommitted_changes() {
    let dir = branched(&[("a", "1"), ("b", "1")]);
    let root = dir.path();
    assert!(since(root, "HEAD").is_empty() && since(root, "topic").is_empty());
    write(root, "a", "2");
    git(root, &["add", "a"]);
    write(root, "c", "2");
    assert_eq!(both(root, &since(root, "HEAD")), (pairs(&[("a", "2"), ("c", "2")]), pairs(&[("a", "1")])));
    git(root, &["pack-refs", "--all"]);
    git(root, &["gc", "-q"]);
    assert_eq!(both(root, &since(root, "main")), (pairs(&[("a", "2"), ("c", "2")]), pairs(&[("a", "1")])));
}

#[test]
fn a_branch_that_main_was_merged_into() {
    let dir = branched(&[("a", "1"), ("b", "1")]);
    let root = dir.path();
    write(root, "b", "2");
    commit(root, "topic");
    git(root, &["checkout", "-q", "main"]);
    write(root, "a", "2");
    commit(root, "main");
    git(root, &["checkout", "-q", "topic"]);
    git(root, &["merge", "-q", "-m", "merge", "main"]);
    let changes = since(root, "main");
    assert_eq!(changes.merge_base(), changes.tip());
    assert_eq!(both(root, &changes), (pairs(&[("b", "2")]), pairs(&[("b", "1")])));
}

#[test]
fn content_counts_and_not_what_the_file_system_says() {
    let dir = branched(&[("touched", "1"), ("script", "1"), ("swapped", "1"), ("back", "1"), ("crlf", "a\nb\n")]);
    let root = dir.path();
    write(root, "touched", "1");
    fs::set_permissions(root.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    // Of the same size, and with the time that the index knows.
    let time = fs::metadata(root.join("swapped")).unwrap().modified().unwrap();
    fs::write(root.join("swapped"), "2").unwrap();
    fs::File::options().write(true).open(root.join("swapped")).unwrap().set_modified(time).unwrap();
    write(root, "back", "2");
    commit(root, "there");
    write(root, "back", "1");
    write(root, "crlf", "a\r\nb\r\n");
    let now = pairs(&[("crlf", "a\r\nb\r\n"), ("swapped", "2")]);
    assert_eq!(both(root, &since(root, "main")).0, now);
    // Without an index all is read.
    fs::remove_file(root.join(".git/index")).unwrap();
    assert_eq!(both(root, &since(root, "main")).0, now);
}

#[test]
fn a_change_that_only_the_clock_could_hide_is_seen() {
    let dir = branched(&[("f", "0")]);
    let root = dir.path();
    for n in 1..30 {
        write(root, "f", &(n % 10).to_string());
        git(root, &["add", "f"]);
        write(root, "f", &((n + 1) % 10).to_string());
        let seen = both(root, &since(root, "HEAD")).0;
        assert_eq!(seen.len(), usize::from(n % 10 != 9), "{n}: {seen:?}");
    }
}

#[test]
fn links_types_and_names_of_any_bytes() {
    let dir = branched(&[("f", "1"), ("was-file", "1"), ("dir/x", "1"), ("becomes-dir", "1")]);
    let root = dir.path();
    let odd = OsStr::from_bytes(b"odd\xff\n\x1b[2J");
    fs::write(root.join(odd), "1").unwrap();
    symlink("f", root.join("same-link")).unwrap();
    symlink("f", root.join("other-link")).unwrap();
    commit(root, "base");
    git(root, &["branch", "-f", "main"]);
    fs::write(root.join(odd), "2").unwrap();
    fs::remove_file(root.join("other-link")).unwrap();
    symlink("dir", root.join("other-link")).unwrap();
    fs::remove_file(root.join("was-file")).unwrap();
    symlink("f", root.join("was-file")).unwrap();
    fs::remove_file(root.join("becomes-dir")).unwrap();
    write(root, "becomes-dir/x", "2");
    fs::remove_dir_all(root.join("dir")).unwrap();
    symlink("/etc", root.join("dir")).unwrap();
    let changes = since(root, "main");
    let shown = r"odd\xff\x0a\x1b[2J";
    let (now, was) = both(root, &changes);
    assert_eq!(now, pairs(&[("becomes-dir/x", "2"), (shown, "2")]));
    assert_eq!(was, pairs(&[("becomes-dir", "1"), ("dir/x", "1"), (shown, "1"), ("was-file", "1")]));
    assert!(changes.is_changed(shown));
    let skipped = offers(&ChangedSource::new(root, Arc::clone(&changes), false).unwrap()).1;
    let told: Vec<_> = skipped.iter().map(|skip| (skip.path.as_str(), skip.reason)).collect();
    let link = |path| (path, SkipReason::Symlink);
    assert_eq!(told, [link("dir"), link("other-link"), link("was-file")]);
}

#[test]
fn what_is_excluded_is_on_neither_side() {
    let dir = branched(&[("vendor/a", "1"), ("a.min.js", "1"), ("src/a", "1"), ("vendor/gone", "1")]);
    let root = dir.path();
    for path in ["vendor/a", "a.min.js", "src/a"] {
        write(root, path, "2");
    }
    fs::remove_file(root.join("vendor/gone")).unwrap();
    let changes = Arc::new(Changes::find(root, "main", options(&["vendor/**", "*.min.js"])).unwrap());
    assert_eq!(both(root, &changes), (pairs(&[("src/a", "2")]), pairs(&[("src/a", "1")])));
    assert_eq!(changes.deleted().count(), 0);
    assert_eq!(paths(&BaseSource::new(Arc::clone(&changes), true)), ["src/a"]);
    let base = BaseSource::new(changes, true);
    assert!(base.lookup("src/a").is_some() && base.lookup("vendor/a").is_none() && base.lookup("src").is_none());
}

#[test]
fn files_that_are_too_large_are_said_if_they_changed() {
    let dir = branched(&[("large", &"1".repeat(3000)), ("larger", &"1".repeat(3000)), ("a", "1")]);
    let root = dir.path();
    write(root, "larger", &"2".repeat(4000));
    let small = ChangesOptions { max_size: 1000, ..options(&[]) };
    let changes = Arc::new(Changes::find(root, "main", small).unwrap());
    let (files, skipped) = offers(&ChangedSource::new(root, Arc::clone(&changes), false).unwrap());
    assert!(files.is_empty());
    assert_eq!((skipped.len(), skipped[0].path.as_str(), skipped[0].reason), (1, "larger", SkipReason::TooLarge));
    let (files, skipped) = offers(&BaseSource::new(changes, false));
    assert_eq!((files.len(), skipped.len(), skipped[0].detail.as_str()), (0, 1, "3000 bytes, the limit is 1000"));
}

#[test]
fn all_other_files_are_out_of_scope() {
    let dir = branched(&[("a", "1"), ("b/c", "1"), ("gone", "1")]);
    let root = dir.path();
    symlink("a", root.join("link")).unwrap();
    commit(root, "link");
    git(root, &["branch", "-f", "main"]);
    write(root, "a", "2");
    write(root, "new", "2");
    fs::remove_file(root.join("gone")).unwrap();
    let changes = since(root, "main");
    let scopes = |source: &dyn Source| {
        let (files, skipped) = offers(source);
        assert!(skipped.is_empty(), "{skipped:?}");
        files.into_iter().map(|entry| (entry.path, entry.in_scope)).collect::<Vec<_>>()
    };
    let all = |of: &[(&str, bool)]| of.iter().map(|(path, scope)| ((*path).to_owned(), *scope)).collect::<Vec<_>>();
    let now = ChangedSource::new(root, Arc::clone(&changes), true).unwrap();
    assert_eq!(scopes(&now), all(&[("a", true), ("b/c", false), ("new", true)]));
    assert!(now.lookup("b/c").is_some() && now.lookup("gone").is_none() && now.lookup("../x").is_none());
    let was = BaseSource::new(changes, true);
    assert_eq!(scopes(&was), all(&[("a", true), ("b/c", false), ("gone", true)]));
    assert_eq!(contents(&was), pairs(&[("a", "1"), ("b/c", "1"), ("gone", "1")]));
}

#[test]
fn a_part_of_the_repository() {
    let dir = branched(&[("a/x", "1"), ("a/gone", "1"), ("ab", "1"), ("b", "1")]);
    let root = dir.path();
    for path in ["a/x", "ab", "b"] {
        write(root, path, "2");
    }
    fs::remove_file(root.join("a/gone")).unwrap();
    let part = root.join("a");
    assert_eq!(both(&part, &since(&part, "main")), (pairs(&[("a/x", "2")]), pairs(&[("a/gone", "1"), ("a/x", "1")])));
    let file = root.join("ab");
    assert_eq!(both(&file, &since(&file, "main")), (pairs(&[("ab", "2")]), pairs(&[("ab", "1")])));
}

#[test]
fn a_linked_worktree() {
    let dir = branched(&[("a", "1")]);
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(dir.path(), &["worktree", "add", "-q", "-b", "other", tree.to_str().unwrap(), "main"]);
    write(&tree, "a", "2");
    assert_eq!(both(&tree, &since(&tree, "main")), (pairs(&[("a", "2")]), pairs(&[("a", "1")])));
    assert!(since(dir.path(), "main").is_empty());
}

#[test]
fn submodules_are_compared_with_the_commit_that_was_named() {
    let inner = branched(&[("a", "1"), ("b", "1")]);
    let dir = branched(&[("top", "1")]);
    let root = dir.path();
    git(root, &["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    commit(root, "sub");
    git(root, &["branch", "-f", "main"]);
    assert!(since(root, "main").is_empty());
    write(root, "sub/a", "2");
    write(root, "sub/new", "2");
    commit(&root.join("sub"), "in sub");
    commit(root, "sub");
    let all = (pairs(&[("sub/a", "2"), ("sub/new", "2")]), pairs(&[("sub/a", "1")]));
    assert_eq!(both(root, &since(root, "main")), all);
    // A commit that is not there: all is new.
    git(root, &["submodule", "--quiet", "deinit", "-f", "sub"]);
    fs::remove_dir_all(root.join(".git/modules")).unwrap();
    fs::remove_dir_all(root.join("sub")).unwrap();
    git(root, &["clone", "-q", "--depth", "1", &format!("file://{}", inner.path().display()), "sub"]);
    fs::remove_dir_all(root.join("sub/.git")).unwrap();
    git(&root.join("sub"), &["init", "-q"]);
    assert_eq!(both(root, &since(root, "main")), (pairs(&[("sub/a", "1"), ("sub/b", "1")]), vec![]));
}

#[test]
fn why_it_cannot_be_said_what_changed() {
    let dir = branched(&[("a", "1")]);
    let root = dir.path();
    let outside = tempfile::tempdir().unwrap();
    assert!(matches!(fails(outside.path(), "main"), ChangesError::NoRepository { .. }));
    assert!(matches!(fails(&root.join("no"), "main"), ChangesError::Root(_)));
    let ChangesError::Reference(RevisionError::NotFound { near, .. }) = fails(root, "mian") else { panic!() };
    assert_eq!(near.as_deref(), Some("main"));
    git(root, &["checkout", "-q", "--orphan", "alone"]);
    commit(root, "alone");
    assert!(matches!(fails(root, "main"), ChangesError::Unrelated { .. }));
    git(root, &["checkout", "-q", "topic"]);
    commit(root, "topic goes on");
    let url = format!("file://{}", root.display());
    git(outside.path(), &["clone", "-q", "-b", "topic", "--depth", "1", "--no-single-branch", &url, "c"]);
    let clone = outside.path().join("c");
    for reference in ["origin/main", "HEAD~1"] {
        let error = fails(&clone, reference);
        assert!(matches!(error, ChangesError::Shallow { .. }), "{reference}: {error}");
    }
    git(&clone, &["fetch", "-q", "--unshallow"]);
    assert!(since(&clone, "origin/main").is_empty());
}

#[test]
fn ten_thousand_files_in_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    git(root, &["init", "-q"]);
    for n in 0..10_000 {
        write(root, &format!("{}/{}/{n}", n % 10, n % 100), &n.to_string());
    }
    commit(root, "all");
    // Once more, so that no file is as young as the index.
    std::thread::sleep(std::time::Duration::from_millis(20));
    git(root, &["read-tree", "HEAD"]);
    git(root, &["update-index", "--refresh"]);
    write(root, "3/53/4253", "changed");
    let started = Instant::now();
    let changes = since(root, "HEAD");
    let both = both(root, &changes);
    assert_eq!(both, (pairs(&[("3/53/4253", "changed")]), pairs(&[("3/53/4253", "4253")])));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
