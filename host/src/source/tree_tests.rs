use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Mutex;
use std::time::Instant;

use globset::{Glob, GlobSetBuilder};
use rustix::fs::{CWD, Mode};

use super::super::testing::{git, offers, paths, write};
use super::*;

fn source(root: &Path, exclude: &[&str]) -> TreeSource {
    let mut globs = GlobSetBuilder::new();
    for glob in exclude {
        globs.add(Glob::new(glob).unwrap());
    }
    TreeSource::new(root, TreeOptions { exclude: globs.build().unwrap(), max_size: 1 << 20, max_archive: 0 }).unwrap()
}

fn skips(root: &Path, exclude: &[&str]) -> Vec<(String, SkipReason)> {
    offers(&source(root, exclude)).1.into_iter().map(|skipped| (skipped.path, skipped.reason)).collect()
}

/// A repository with everything committed that is there.
fn committed(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    git(dir.path(), &["add", "-f", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", "all"]);
    dir
}

#[test]
fn a_rule_hides_untracked_files_only() {
    let dir = committed(&[
        (".gitignore", "*.key\n/build/\n/deep/\n!keep.key\n"),
        ("tracked.key", ""),
        ("build/tracked/a.js", ""),
        ("deep/er/b.js", ""),
        ("src/main.rs", ""),
    ]);
    for path in
        ["new.key", "keep.key", "build/out.js", "build/tracked/out.js", "build/other/x", "src/.hidden", "deep/c"]
    {
        write(dir.path(), path, "");
    }
    let all =
        [".gitignore", "build/tracked/a.js", "deep/er/b.js", "keep.key", "src/.hidden", "src/main.rs", "tracked.key"];
    assert_eq!(paths(&source(dir.path(), &[])), all);
    // A folder of the repository: the rules above it hold.
    write(dir.path(), "src/x.key", "");
    assert_eq!(paths(&source(&dir.path().join("src"), &[])), ["src/.hidden", "src/main.rs"]);
    // One that is ignored itself, named on the command line.
    let all = ["build/other/x", "build/out.js", "build/tracked/a.js", "build/tracked/out.js"];
    assert_eq!(paths(&source(&dir.path().join("build"), &[])), all);
}

#[test]
fn a_part_of_a_repository_is_shown_and_judged_by_its_whole_path() {
    let dir = committed(&[("a/b/f", ""), ("a/b/vendor/g", ""), ("a/x", ""), ("b/f", ""), (".gitignore", "/a/b/i\n")]);
    write(dir.path(), "a/b/i", "");
    let sub = source(&dir.path().join("a/b"), &["a/b/vendor/**", "f"]);
    assert_eq!(paths(&sub), ["a/b/f"]);
    assert_eq!(skips(&dir.path().join("a/b"), &["a/b/vendor/**"]), [("a/b/vendor/".to_owned(), SkipReason::Excluded)]);
    assert_eq!(sub.root(), dir.path().to_str().unwrap());
    assert!(sub.lookup("a/b/f").is_some() && sub.lookup("a/b/vendor/g").is_none());
    for path in ["f", "a/x", "a/b", "a/b/", "a/b/../x", "b/f", "a/b/a/b/f"] {
        assert!(sub.lookup(path).is_none(), "{path}");
    }
    let single = source(&dir.path().join("a/b/f"), &[]);
    assert_eq!(paths(&single), ["a/b/f"]);
    assert!(single.lookup("a/b/f").is_some() && single.lookup("f").is_none() && single.lookup("a/b/i").is_none());
    // The whole root is in a folder that is excluded.
    for exclude in ["a/**", "a", "a/b"] {
        assert_eq!(skips(&dir.path().join("a/b"), &[exclude]), [("a/b/".to_owned(), SkipReason::Excluded)]);
        assert!(source(&dir.path().join("a/b"), &[exclude]).lookup("a/b/f").is_none());
    }
}

#[test]
fn everything_is_ignored_and_everything_is_tracked() {
    let dir = committed(&[(".gitignore", "*\n"), ("a/b/c.txt", ""), ("a/b.txt", ""), ("a/b-c/d", ""), ("ab", "")]);
    assert_eq!(paths(&source(dir.path(), &[])), [".gitignore", "a/b-c/d", "a/b.txt", "a/b/c.txt", "ab"]);
}

#[test]
fn only_gits_own_rules_count() {
    let dir = committed(&[(".ignore", "*\n"), (".rgignore", "*\n"), ("a", "")]);
    write(dir.path(), "sub/.gitignore", "secret\n");
    write(dir.path(), "sub/secret", "");
    write(dir.path(), ".git/info/exclude", "local\n");
    write(dir.path(), "local", "");
    assert_eq!(paths(&source(dir.path(), &[])), [".ignore", ".rgignore", "a", "sub/.gitignore"]);
}

#[test]
fn outside_a_repository_nothing_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".gitignore", "*\n");
    write(dir.path(), "a", "");
    assert_eq!(paths(&source(dir.path(), &[])), [".gitignore", "a"]);
}

#[test]
fn a_damaged_index_hides_nothing() {
    let dir = committed(&[(".gitignore", "*.key\n"), ("a.key", "")]);
    write(dir.path(), "b.key", "");
    for damage in ["", "DIRC", "DIRC\0\0\0\x02\u{7f}\0\0\0aaaaaaaaaaaaaaaaaaaaaaaa"] {
        write(dir.path(), ".git/index", damage);
        assert_eq!(paths(&source(dir.path(), &[])), [".gitignore", "a.key", "b.key"]);
    }
}

#[test]
fn rules_that_never_end_are_not_read() {
    let dir = committed(&[("a.key", "")]);
    symlink("/dev/zero", dir.path().join(".gitignore")).unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    rustix::fs::mknodat(CWD, dir.path().join("sub/.gitignore"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    write(dir.path(), "sub/b", "");
    write(dir.path(), "big/.gitignore", &"*\n".repeat(100_000));
    write(dir.path(), "big/c", "");
    assert_eq!(paths(&source(dir.path(), &[])), ["a.key", "big/.gitignore", "big/c", "sub/b"]);
}

#[test]
fn nested_repositories_are_walked_by_their_own_rules() {
    let inner = committed(&[(".gitignore", "*.log\n"), ("kept.log", ""), ("a", "")]);
    let dir = committed(&[(".gitignore", "a\n"), ("top", "")]);
    git(dir.path(), &["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    git(dir.path(), &["commit", "-q", "-m", "sub"]);
    write(dir.path(), ".gitignore", "a\n/sub/\n");
    write(dir.path(), "sub/b.log", "");
    assert!(dir.path().join("sub/.git").is_file());
    let all = [".gitignore", ".gitmodules", "sub/.gitignore", "sub/a", "sub/kept.log", "top"];
    assert_eq!(paths(&source(dir.path(), &[])), all);
    // The submodule as the root.
    assert_eq!(paths(&source(&dir.path().join("sub"), &[])), [".gitignore", "a", "kept.log"]);
}

#[test]
fn a_worktree_has_its_own_index() {
    let dir = committed(&[(".gitignore", "*.key\n"), ("a.key", "")]);
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(dir.path(), &["worktree", "add", "-q", tree.to_str().unwrap()]);
    write(&tree, "b.key", "");
    assert_eq!(paths(&source(&tree, &[])), [".gitignore", "a.key"]);
}

#[test]
fn what_is_no_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "a/file", "");
    symlink("..", root.join("a/loop")).unwrap();
    symlink("/etc/\x1bpasswd", root.join("out")).unwrap();
    rustix::fs::mknodat(CWD, root.join("fifo"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _listening = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::File::create(root.join("sparse")).unwrap().set_len(4 << 30).unwrap();
    let started = Instant::now();
    let (files, skipped) = offers(&source(root, &[]));
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!(files.len(), 1);
    let told: Vec<_> = skipped.iter().map(|s| (s.path.as_str(), s.reason, s.detail.as_str())).collect();
    assert_eq!(
        told,
        [
            ("a/loop", SkipReason::Symlink, "to .."),
            ("fifo", SkipReason::SpecialFile, "a FIFO"),
            ("out", SkipReason::Symlink, r"to /etc/\x1bpasswd"),
            ("socket", SkipReason::SpecialFile, "a socket"),
            ("sparse", SkipReason::TooLarge, "4294967296 bytes, the limit is 1048576"),
        ]
    );
}

#[test]
fn excluded_folders_are_said_once() {
    let dir = tempfile::tempdir().unwrap();
    for path in ["vendor/a/b", "vendor/c", "node_modules/x/y", "src/a.min.js", "src/a.js", "src/vendor/z"] {
        write(dir.path(), path, "");
    }
    let exclude = ["vendor/**", "**/node_modules", "*.min.js"];
    let folder = |path: &str| (path.to_owned(), SkipReason::Excluded);
    assert_eq!(skips(dir.path(), &exclude), [folder("node_modules/"), folder("src/a.min.js"), folder("vendor/")]);
    assert_eq!(paths(&source(dir.path(), &exclude)), ["src/a.js", "src/vendor/z"]);
    let source = source(dir.path(), &exclude);
    assert!(source.lookup("src/a.js").is_some());
    for path in ["vendor/c", "node_modules/x/y", "src/a.min.js"] {
        assert!(source.lookup(path).is_none(), "{path}");
    }
}

#[test]
fn names_are_safe_to_print_and_can_be_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    for name in [&b"a\nb"[..], b"\x1b[2J", b"caf\xe9", br"back\slash", br"\x41", "\u{202e}gpj.exe".as_bytes()] {
        let folder = dir.path().join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("f"), name).unwrap();
    }
    let source = source(dir.path(), &[]);
    let (files, _) = offers(&source);
    let shown: Vec<_> = files.iter().map(|f| f.path.as_str()).collect();
    let all = [r"\x1b[2J/f", r"\x5cx41/f", r"\u{202e}gpj.exe/f", r"a\x0ab/f", r"back\slash/f", r"caf\xe9/f"];
    let mut all = all.to_vec();
    all.sort_unstable();
    assert_eq!(shown, all);
    for entry in files {
        assert_eq!(source.lookup(&entry.path).unwrap().path, entry.path);
        let mut buf = Vec::new();
        entry.read_into(100, &mut buf).unwrap();
        assert!(!buf.is_empty());
    }
}

#[test]
fn lookup_stays_inside() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    write(dir.path(), "outside", "");
    for path in ["a/b", "c", ".git/config"] {
        write(&root, path, "");
    }
    symlink("..", root.join("up")).unwrap();
    symlink("a", root.join("in")).unwrap();
    symlink("c", root.join("link")).unwrap();
    let source = source(&root, &[]);
    assert!(source.lookup("a/b").is_some() && source.lookup("c").is_some());
    let outside = dir.path().join("outside");
    let long = "x/".repeat(100_000);
    for path in [
        "",
        ".",
        "..",
        "/",
        "a",
        "a/",
        "a//b",
        "./c",
        "a/../c",
        "../outside",
        r"\x2e\x2e/outside",
        "up/outside",
        "in/b",
        "link",
        ".git/config",
        ".GIT/config",
        "a/b/c",
        "c\0",
        r"c\x00",
        r"a\x2fb/../../outside",
        &long,
        "nosuch",
        outside.to_str().unwrap(),
    ] {
        assert!(source.lookup(path).is_none(), "{path}");
    }
}

#[test]
fn a_single_file_is_a_root() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a/b", "x");
    write(dir.path(), "a/c", "x");
    let source = source(&dir.path().join("a/b"), &["b"]);
    assert_eq!(paths(&source), ["b"]);
    assert!(source.lookup("b").is_some() && source.lookup("c").is_none());
    let options = TreeOptions { exclude: GlobSet::empty(), max_size: 1, max_archive: 0 };
    assert!(matches!(TreeSource::new(&dir.path().join("no"), options), Err(SourceError::Root { .. })));
}

#[test]
fn paths_longer_than_the_system_takes_are_said() {
    let dir = tempfile::tempdir().unwrap();
    // Made from inside, folder by folder: such a tree cannot be named as a whole.
    let name = "d".repeat(250);
    let mut at = rustix::fs::open(dir.path(), rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..20 {
        rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
        at = rustix::fs::openat(&at, &name, flags, Mode::empty()).unwrap();
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CREATE;
        rustix::fs::openat(&at, "f", flags, Mode::RUSR | Mode::WUSR).unwrap();
    }
    let (files, skipped) = offers(&source(dir.path(), &[]));
    assert!((14..=16).contains(&files.len()), "{}", files.len());
    assert!(!skipped.is_empty() && skipped.iter().all(|s| s.reason == SkipReason::Unreadable), "{skipped:?}");
    assert!(skipped[0].path.len() > 3900 && skipped[0].detail.contains("too long"), "{skipped:?}");
    // Rust's own removal goes by descriptors.
    fs::remove_dir_all(dir.path().join(&name)).unwrap();
}

#[test]
fn an_unreadable_folder_is_said() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "locked/f", "");
    write(dir.path(), "open/f", "");
    let locked = dir.path().join("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not bind root, as whom containers run their tests.
    if fs::read_dir(&locked).is_err() {
        assert_eq!(skips(dir.path(), &[]), [("locked/".to_owned(), SkipReason::Unreadable)]);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn modes_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "f", "");
    fs::set_permissions(dir.path().join("f"), fs::Permissions::from_mode(0o4755)).unwrap();
    assert_eq!(offers(&source(dir.path(), &[])).0[0].stat.as_ref().unwrap().mode, 0o4755);
}

#[test]
fn a_folder_of_many_files_is_shared_out_and_can_be_left() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..3000 {
        write(dir.path(), &n.to_string(), "");
    }
    assert_eq!(paths(&source(dir.path(), &[])).len(), 3000);
    let seen = Mutex::new(0);
    let sink = |_: Offer| {
        *seen.lock().unwrap() += 1;
        ControlFlow::Break(())
    };
    source(dir.path(), &[]).walk(3, &sink).unwrap();
    assert!((1..=3).contains(&seen.into_inner().unwrap()));
}
