use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use globset::{Glob, GlobSetBuilder};

use super::super::testing::{contents, git, git_with, offers, paths, write};
use super::*;

fn options() -> StagedOptions {
    StagedOptions {
        exclude: GlobSet::empty(),
        max_size: 1 << 20,
        max_archive: 0,
        unchanged: false,
        environment: Environment::default(),
    }
}

fn source(root: &Path) -> StagedSource {
    StagedSource::new(root, options()).unwrap()
}

fn staged(root: &Path) -> Vec<(String, String)> {
    contents(&source(root))
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// A repository with one commit.
fn committed(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "all"]);
    dir
}

#[test]
fn the_index_counts_and_not_the_work_tree() {
    let dir = committed(&[("a", "1"), ("b", "1"), ("c/d", "1"), ("gone", "1"), ("c/e/f", "1")]);
    assert_eq!(staged(dir.path()), []);
    write(dir.path(), "a", "2");
    write(dir.path(), "c/new", "new");
    git(dir.path(), &["add", "a", "c/new"]);
    git(dir.path(), &["rm", "-q", "gone"]);
    write(dir.path(), "a", "3");
    write(dir.path(), "b", "not added");
    write(dir.path(), "untracked", "");
    std::fs::remove_file(dir.path().join("c/new")).unwrap();
    assert_eq!(staged(dir.path()), pairs(&[("a", "2"), ("c/new", "new")]));
}

#[test]
fn loose_packed_and_borrowed_objects_are_read() {
    let dir = committed(&[("a", &"line\n".repeat(500)), ("z", "1")]);
    write(dir.path(), "b", &("line\n".repeat(500) + "more"));
    git(dir.path(), &["add", "b"]);
    git(dir.path(), &["repack", "-q", "-a", "-d", "-f"]);
    git(dir.path(), &["repack", "-q"]);
    git(dir.path(), &["prune-packed"]);
    git(dir.path(), &["pack-refs", "--all"]);
    write(dir.path(), "c", "loose");
    git(dir.path(), &["add", "c"]);
    let all = pairs(&[("b", &("line\n".repeat(500) + "more")), ("c", "loose")]);
    assert_eq!(staged(dir.path()), all);

    let other = tempfile::tempdir().unwrap();
    git(other.path(), &["clone", "-q", "--shared", dir.path().to_str().unwrap(), "copy"]);
    let copy = other.path().join("copy");
    write(&copy, "a", "changed");
    git(&copy, &["mv", "z", "y"]);
    git(&copy, &["add", "a"]);
    assert_eq!(staged(&copy), pairs(&[("a", "changed"), ("y", "1")]));
}

#[test]
fn renames_modes_and_types() {
    let dir = committed(&[("old", "same"), ("script", "x"), ("was-link", "x"), ("dir/f", "x"), ("file", "x")]);
    git(dir.path(), &["mv", "old", "new"]);
    std::fs::set_permissions(dir.path().join("script"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_file(dir.path().join("was-link")).unwrap();
    symlink("new", dir.path().join("was-link")).unwrap();
    std::fs::remove_dir_all(dir.path().join("dir")).unwrap();
    write(dir.path(), "dir", "now a file");
    std::fs::remove_file(dir.path().join("file")).unwrap();
    write(dir.path(), "file/f", "now a folder");
    git(dir.path(), &["add", "-A"]);
    let all = [("dir", "now a file"), ("file/f", "now a folder"), ("new", "same"), ("script", "x")];
    assert_eq!(staged(dir.path()), pairs(&all));
    let (_, skipped) = offers(&source(dir.path()));
    assert_eq!((skipped.len(), skipped[0].path.as_str(), skipped[0].reason), (1, "was-link", SkipReason::Symlink));
}

#[test]
fn everything_is_staged_before_the_first_commit() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    assert_eq!(staged(dir.path()), []);
    write(dir.path(), "a/b", "1");
    git(dir.path(), &["add", "a/b"]);
    write(dir.path(), "c", "promised");
    git(dir.path(), &["add", "--intent-to-add", "c"]);
    assert_eq!(staged(dir.path()), pairs(&[("a/b", "1")]));
}

#[test]
fn a_folder_or_a_file_of_the_repository_is_a_root() {
    let dir = committed(&[("a/x", "1"), ("b", "1")]);
    for path in ["a/x", "a/y/z", "a.txt", "a0", "b"] {
        write(dir.path(), path, "2");
    }
    git(dir.path(), &["add", "-A"]);
    let sub = source(&dir.path().join("a"));
    assert_eq!(paths(&sub), ["a/x", "a/y/z"]);
    assert!(sub.lookup("a/y/z").is_some() && sub.lookup("a/../b").is_none() && sub.lookup("b").is_none());
    assert!(sub.lookup("y/z").is_none());
    assert_eq!(sub.root(), dir.path().to_str().unwrap());
    let single = source(&dir.path().join("a/y/z"));
    assert_eq!(paths(&single), ["a/y/z"]);
    assert!(single.lookup("a/y/z").is_some() && single.lookup("z").is_none() && single.lookup("a/x").is_none());
}

#[test]
fn lookup_reads_the_index_whether_staged_or_not() {
    let dir = committed(&[("a", "1"), ("b/c", "1")]);
    write(dir.path(), "a", "work tree");
    let source = source(dir.path());
    let mut buf = Vec::new();
    source.lookup("a").unwrap().read_into(100, &mut buf).unwrap();
    assert_eq!(buf, b"1");
    for path in ["", "b", "b/", "/a", "./a", "nosuch", ".git/config"] {
        assert!(source.lookup(path).is_none(), "{path}");
    }
}

#[test]
fn other_files_are_offered_out_of_scope() {
    let dir = committed(&[("a", "1"), ("b/c", "1"), ("vendor/x", "1"), ("d", "1")]);
    write(dir.path(), "a", "2");
    write(dir.path(), "new", "2");
    symlink("a", dir.path().join("link")).unwrap();
    git(dir.path(), &["add", "a", "new", "link"]);
    git(dir.path(), &["rm", "-q", "d"]);
    write(dir.path(), "b/c", "not added");
    let exclude = GlobSetBuilder::new().add(Glob::new("vendor/**").unwrap()).build().unwrap();
    let source = StagedSource::new(dir.path(), StagedOptions { unchanged: true, exclude, ..options() }).unwrap();
    assert_eq!(contents(&source), pairs(&[("a", "2"), ("b/c", "1"), ("new", "2")]));
    let (files, skipped) = offers(&source);
    assert_eq!(files.iter().map(|entry| entry.in_scope).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((skipped.len(), skipped[0].path.as_str()), (1, "link"));
}

#[test]
fn a_worktree_and_a_hook_in_it() {
    let dir = committed(&[("a", "1")]);
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(dir.path(), &["worktree", "add", "-q", tree.to_str().unwrap()]);
    write(&tree, "b", "2");
    git(&tree, &["add", "b"]);
    assert_eq!(staged(&tree), pairs(&[("b", "2")]));
    assert_eq!(staged(dir.path()), []);
    let environment = Environment {
        git_dir: Some(dir.path().join(".git/worktrees/tree").into()),
        index_file: Some(dir.path().join(".git/worktrees/tree/index").into()),
        ..Environment::default()
    };
    let source = StagedSource::new(&tree, StagedOptions { environment, ..options() }).unwrap();
    assert_eq!(contents(&source), pairs(&[("b", "2")]));
}

#[test]
fn a_git_folder_elsewhere_is_named_by_the_environment() {
    let dir = committed(&[("a", "1")]);
    let tree = tempfile::tempdir().unwrap();
    write(tree.path(), "a", "1");
    write(tree.path(), "b", "2");
    let (git_dir, work_tree) = (dir.path().join(".git"), tree.path());
    let env = [("GIT_DIR", git_dir.to_str().unwrap()), ("GIT_WORK_TREE", work_tree.to_str().unwrap())];
    git_with(tree.path(), &env, &["add", "b"]);
    let environment = Environment {
        git_dir: Some(git_dir.clone().into()),
        work_tree: Some(work_tree.into()),
        ..Environment::default()
    };
    let source = StagedSource::new(tree.path(), StagedOptions { environment, ..options() }).unwrap();
    assert_eq!(contents(&source), pairs(&[("b", "2")]));
    assert!(matches!(StagedSource::new(tree.path(), options()), Err(SourceError::NoRepository { .. })));
}

#[test]
fn the_index_of_a_partial_commit_is_the_environments() {
    let dir = committed(&[("a", "1"), ("b", "1")]);
    write(dir.path(), "a", "2");
    write(dir.path(), "b", "2");
    git(dir.path(), &["add", "a"]);
    // What `git commit b` prepares for its hooks: HEAD and `b`, without what is staged.
    let env = [("GIT_INDEX_FILE", ".git/next-index-1.lock")];
    git_with(dir.path(), &env, &["read-tree", "HEAD"]);
    git_with(dir.path(), &env, &["add", "b"]);
    for file in [".git/next-index-1.lock".into(), dir.path().join(".git/next-index-1.lock").into()] {
        let environment = Environment { index_file: Some(file), ..Environment::default() };
        let source = StagedSource::new(dir.path(), StagedOptions { environment, ..options() }).unwrap();
        assert_eq!(contents(&source), pairs(&[("b", "2")]));
    }
    assert_eq!(staged(dir.path()), pairs(&[("a", "2")]));
}

#[test]
fn an_unmerged_file_is_offered_once() {
    let dir = committed(&[("both", "0"), ("clean", "0")]);
    git(dir.path(), &["checkout", "-q", "-b", "theirs"]);
    write(dir.path(), "both", "theirs");
    write(dir.path(), "clean", "theirs");
    git(dir.path(), &["commit", "-q", "-a", "-m", "theirs"]);
    git(dir.path(), &["checkout", "-q", "-b", "ours", "HEAD~1"]);
    write(dir.path(), "both", "ours");
    git(dir.path(), &["commit", "-q", "-a", "-m", "ours"]);
    let merge = Command::new("git")
        .current_dir(dir.path())
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "merge", "theirs"])
        .output()
        .unwrap();
    assert!(!merge.status.success());
    assert_eq!(staged(dir.path()), pairs(&[("both", "theirs"), ("clean", "theirs")]));
}

#[test]
fn submodules_and_large_files_are_said() {
    let inner = committed(&[("a", "1")]);
    let dir = committed(&[("a", "1")]);
    git(dir.path(), &["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    write(dir.path(), "big", &"x".repeat(2000));
    write(dir.path(), "vendor/x", "");
    git(dir.path(), &["add", "big", "vendor"]);
    let exclude = GlobSetBuilder::new().add(Glob::new("vendor/**").unwrap()).build().unwrap();
    let source = StagedSource::new(dir.path(), StagedOptions { max_size: 1999, exclude, ..options() }).unwrap();
    let (files, skipped) = offers(&source);
    assert_eq!((files.len(), files[0].path.as_str()), (1, ".gitmodules"));
    let told: Vec<_> = skipped.iter().map(|s| (s.path.as_str(), s.reason)).collect();
    let all =
        [("big", SkipReason::TooLarge), ("sub", SkipReason::NestedRepository), ("vendor/x", SkipReason::Excluded)];
    assert_eq!(told, all);
    assert_eq!(skipped[0].detail, "2000 bytes, the limit is 1999");
}

#[test]
fn a_missing_object_is_said_and_a_missing_commit_is_an_error() {
    let dir = committed(&[("a", "1")]);
    let absent = "0123456789012345678901234567890123456789";
    git(dir.path(), &["update-index", "--add", "--cacheinfo", &format!("100644,{absent},gone\x1b")]);
    let (files, skipped) = offers(&source(dir.path()));
    assert!(files.is_empty());
    assert_eq!((skipped[0].path.as_str(), skipped[0].reason), (r"gone\x1b", SkipReason::Unreadable));
    assert!(skipped[0].detail.contains(absent));

    write(dir.path(), ".git/HEAD", absent);
    let error = source(dir.path()).walk(1, &|_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, SourceError::Repository { .. }), "{error:?}");
}

#[test]
fn what_is_damaged_is_an_error() {
    let dir = committed(&[("a", "1")]);
    write(dir.path(), ".git/index", "DIRC");
    assert!(matches!(StagedSource::new(dir.path(), options()), Err(SourceError::Repository { .. })));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".git", "gitdir: /nowhere\n");
    assert!(matches!(StagedSource::new(dir.path(), options()), Err(SourceError::Repository { .. })));
    write(dir.path(), "sub/.git", "rubbish");
    assert!(matches!(StagedSource::new(&dir.path().join("sub"), options()), Err(SourceError::Repository { .. })));
}

#[test]
fn the_repositorys_configuration_redirects_nothing() {
    let dir = committed(&[("a", "1")]);
    write(dir.path(), "b", "2");
    git(dir.path(), &["add", "b"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let config = format!("[core]\n\tworktree = {0}\n\tfsmonitor = touch {0}/ran\n", elsewhere.path().display());
    write(dir.path(), ".git/config", &config);
    assert_eq!(staged(dir.path()), pairs(&[("b", "2")]));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn split_and_sparse_indexes_are_understood() {
    let dir = committed(&[("a/x", "1"), ("b/y", "1"), ("b/deep/z", "1"), ("top", "1")]);
    git(dir.path(), &["update-index", "--split-index"]);
    write(dir.path(), "a/x", "2");
    git(dir.path(), &["add", "a/x"]);
    assert_eq!(staged(dir.path()), pairs(&[("a/x", "2")]));
    git(dir.path(), &["update-index", "--no-split-index"]);
    git(dir.path(), &["sparse-checkout", "init", "--cone", "--sparse-index"]);
    git(dir.path(), &["sparse-checkout", "set", "a"]);
    assert!(source(dir.path()).index.0.is_sparse());
    assert_eq!(staged(dir.path()), pairs(&[("a/x", "2")]));
}

#[test]
fn what_the_index_remembers_of_trees_saves_no_more_than_it_may() {
    let dir = committed(&[("a/b/x", "1"), ("a/c/y", "1"), ("d/z", "1")]);
    git(dir.path(), &["write-tree"]);
    write(dir.path(), "a/b/x", "2");
    write(dir.path(), "d/e/new", "2");
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["write-tree"]);
    assert_eq!(staged(dir.path()), pairs(&[("a/b/x", "2"), ("d/e/new", "2")]));
}
