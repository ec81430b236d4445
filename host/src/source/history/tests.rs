use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Mutex;

use globset::{Glob, GlobSetBuilder};

use super::super::testing::{contents, git, git_with, offers, paths, write};
use super::*;

fn options() -> HistoryOptions {
    HistoryOptions { exclude: GlobSet::empty(), max_size: 1 << 20, range: None, since: None }
}

fn history(root: &Path) -> HistorySource {
    HistorySource::new(root, options()).unwrap()
}

fn ranged(root: &Path, range: &str) -> HistorySource {
    HistorySource::new(root, HistoryOptions { range: Some(range.into()), ..options() }).unwrap()
}

/// Paths and contents, sorted by both.
fn versions(source: &dyn Source) -> Vec<(String, String)> {
    let mut all = contents(source);
    all.sort();
    all
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn problems(source: &dyn Source) -> Vec<Problem> {
    let all = Mutex::new(Vec::new());
    source
        .walk(2, &|offer| {
            if let Offer::Problem(problem) = offer {
                all.lock().unwrap().push(problem);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    all.into_inner().unwrap()
}

fn init() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    dir
}

/// Commits all that is there, on a day of 2024, by an author of another time zone than the committer.
fn commit(root: &Path, day: u32) {
    git(root, &["add", "-A"]);
    commit_staged(root, day, &["--allow-empty"]);
}

fn commit_staged(root: &Path, day: u32, args: &[&str]) {
    let committed = format!("2024-05-{day:02}T10:00:00+00:00");
    let authored = format!("2024-05-{day:02}T08:00:00+02:00");
    let env = [("GIT_COMMITTER_DATE", &*committed), ("GIT_AUTHOR_DATE", &*authored)];
    git_with(root, &env, &[&["commit", "-q", "-m", "x", "--author", "Zoë <z@example.com>"], args].concat());
}

fn id(root: &Path, name: &str) -> String {
    let out = std::process::Command::new("git").current_dir(root).args(["rev-parse", name]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// The commit under which a content is offered.
fn brought(source: &dyn Source, path: &str, text: &str) -> String {
    let mut buf = Vec::new();
    let found: Vec<_> = offers(source)
        .0
        .into_iter()
        .filter(|entry| {
            entry.read_into(1 << 20, &mut buf).unwrap();
            entry.path == path && buf == text.as_bytes()
        })
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    value(&found[0], "commit").unwrap().to_owned()
}

fn value<'e>(entry: &'e Entry, name: &str) -> Option<&'e str> {
    entry.provenance.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn every_version_once_with_the_commit_that_brought_it() {
    let dir = init();
    write(dir.path(), "a/secret", "1");
    write(dir.path(), "b", "same");
    commit(dir.path(), 1);
    write(dir.path(), "a/secret", "2");
    commit(dir.path(), 2);
    git(dir.path(), &["rm", "-q", "a/secret"]);
    commit(dir.path(), 3);
    // The first version comes back, which is not new.
    write(dir.path(), "a/secret", "1");
    commit(dir.path(), 4);
    let source = history(dir.path());
    assert_eq!(versions(&source), pairs(&[("a/secret", "1"), ("a/secret", "2"), ("b", "same")]));
    assert_eq!(brought(&source, "a/secret", "1"), id(dir.path(), "HEAD~3"));
    assert_eq!(brought(&source, "a/secret", "2"), id(dir.path(), "HEAD~2"));

    let (files, _) = offers(&source);
    let old = files.iter().find(|entry| value(entry, "commit") == Some(&id(dir.path(), "HEAD~2"))).unwrap();
    let provenance: Vec<_> = old.provenance.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("commit", &*id(dir.path(), "HEAD~2")),
        ("author", "Zoë <z@example.com>"),
        ("date", "2024-05-02T08:00:00+02:00"),
        ("head", "no"),
    ];
    assert_eq!(provenance, expected);
    assert_eq!(files.iter().filter(|entry| value(entry, "head") == Some("yes")).count(), 2);
    let ranks: Vec<_> = (0..4).map(|n| source.rank(&id(dir.path(), &format!("HEAD~{n}")))).collect();
    assert_eq!(ranks, [Some(3), Some(2), Some(1), Some(0)]);
    assert_eq!((source.rank(&"1".repeat(40)), source.rank("x")), (None, None));
    assert!((source.name(), source.has_versions()) == ("history", true) && problems(&source).is_empty());
}

#[test]
fn loose_and_packed_with_long_chains_of_differences() {
    let dir = init();
    let mut all = Vec::new();
    for n in 1..=25 {
        let text = (0..200)
            .map(|line| format!("line {line} of {}\n", if line == n { n } else { 0 }))
            .collect::<Vec<_>>()
            .concat();
        write(dir.path(), "d/f", &text);
        commit(dir.path(), n);
        all.push(("d/f".to_owned(), text));
    }
    all.sort();
    assert_eq!(versions(&history(dir.path())), all);
    git(dir.path(), &["repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    git(dir.path(), &["prune-packed"]);
    git(dir.path(), &["pack-refs", "--all"]);
    assert_eq!(versions(&history(dir.path())), all);
    git(dir.path(), &["multi-pack-index", "write"]);
    assert_eq!(versions(&history(dir.path())), all);
}

#[test]
fn a_merge_brings_what_was_changed_in_it_and_nothing_else() {
    let dir = init();
    write(dir.path(), "a", "1");
    write(dir.path(), "b", "1");
    write(dir.path(), "d/x", "1");
    commit(dir.path(), 1);
    git(dir.path(), &["checkout", "-q", "-b", "side"]);
    write(dir.path(), "b", "side");
    write(dir.path(), "d/side", "s");
    commit(dir.path(), 2);
    git(dir.path(), &["checkout", "-q", "main"]);
    write(dir.path(), "a", "main");
    write(dir.path(), "d/main", "m");
    commit(dir.path(), 3);
    git(dir.path(), &["merge", "-q", "--no-commit", "--no-ff", "side"]);
    write(dir.path(), "evil", "secret");
    write(dir.path(), "d/evil", "secret");
    commit(dir.path(), 4);
    let source = history(dir.path());
    let all = [
        ("a", "1"),
        ("a", "main"),
        ("b", "1"),
        ("b", "side"),
        ("d/evil", "secret"),
        ("d/main", "m"),
        ("d/side", "s"),
        ("d/x", "1"),
        ("evil", "secret"),
    ];
    assert_eq!(versions(&source), pairs(&all));
    let (merge, ours) = (id(dir.path(), "main"), id(dir.path(), "main^1"));
    for (path, text) in all {
        assert_eq!(brought(&source, path, text) == merge, text == "secret", "{path}");
    }
    assert_eq!(
        versions(&ranged(dir.path(), &format!("{ours}..main"))),
        pairs(&[("b", "side"), ("d/evil", "secret"), ("d/side", "s"), ("evil", "secret")])
    );
    assert_eq!(
        versions(&ranged(dir.path(), &format!("main ^{ours} ^side"))),
        pairs(&[("d/evil", "secret"), ("evil", "secret")])
    );
}

#[test]
fn a_renamed_file_is_looked_at_under_each_name() {
    let dir = init();
    write(dir.path(), "notes", "KEY=1");
    write(dir.path(), "d/notes", "KEY=1");
    commit(dir.path(), 1);
    git(dir.path(), &["mv", "notes", ".env"]);
    git(dir.path(), &["mv", "d", "e"]);
    commit(dir.path(), 2);
    let all = [(".env", "KEY=1"), ("d/notes", "KEY=1"), ("e/notes", "KEY=1"), ("notes", "KEY=1")];
    assert_eq!(versions(&history(dir.path())), pairs(&all));
}

#[test]
fn what_only_a_tag_a_remote_or_the_stash_reaches() {
    let dir = init();
    write(dir.path(), "f", "0");
    commit(dir.path(), 1);
    for (n, name) in ["light", "annotated", "remote"].iter().enumerate() {
        git(dir.path(), &["checkout", "-q", "--detach", "main"]);
        write(dir.path(), "f", name);
        commit(dir.path(), 2 + n as u32);
        let _ = match n {
            0 => git(dir.path(), &["tag", name]),
            1 => git(dir.path(), &["tag", "-a", "-m", "x", name]),
            _ => git(dir.path(), &["update-ref", "refs/remotes/origin/topic", "HEAD"]),
        };
    }
    git(dir.path(), &["checkout", "-q", "main"]);
    git(dir.path(), &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/nothing"]);
    git(dir.path(), &["tag", "tree", "main^{tree}"]);
    write(dir.path(), "f", "stashed");
    write(dir.path(), "new", "untracked");
    git(dir.path(), &["stash", "-q", "-u"]);
    let all = [("f", "0"), ("f", "annotated"), ("f", "light"), ("f", "remote"), ("f", "stashed"), ("new", "untracked")];
    let source = history(dir.path());
    assert_eq!(versions(&source), pairs(&all));
    let (_, skipped) = offers(&source);
    assert_eq!((skipped.len(), skipped[0].path.as_str()), (1, "refs/tags/tree"));
    assert_eq!(problems(&source), []);
    git(dir.path(), &["pack-refs", "--all"]);
    assert_eq!(versions(&history(dir.path())), pairs(&all));
    for (range, text) in [("light", "light"), ("refs/tags/annotated", "annotated"), ("origin/topic", "remote")] {
        assert_eq!(versions(&ranged(dir.path(), range)), pairs(&[("f", "0"), ("f", text)]), "{range}");
        assert_eq!(versions(&ranged(dir.path(), &format!("..{range}"))), pairs(&[("f", text)]), "{range}");
    }
    assert_eq!(versions(&ranged(dir.path(), "light..")), []);
    assert_eq!(versions(&ranged(dir.path(), "main..light  annotated")).len(), 2);
}

#[test]
fn ranges_that_mean_nothing_are_refused() {
    let dir = init();
    write(dir.path(), "f", "0");
    commit(dir.path(), 1);
    let error = |range: &str| {
        let options = HistoryOptions { range: Some(range.into()), ..options() };
        HistorySource::new(dir.path(), options).unwrap_err().to_string()
    };
    assert_eq!(error("a...b"), "--history=a...b: `a...b` is not supported; use `A..B`, what B has and A has not");
    assert_eq!(error("^main"), "--history=^main: it names no commit to begin with");
    assert!(
        error("mian..HEAD").contains("there is no `mian` in the repository, did you mean `main`?"),
        "{}",
        error("mian..HEAD")
    );
    assert!(error("\u{1b}[2J").starts_with(r"--history=\x1b[2J: "), "{}", error("\u{1b}[2J"));
    assert!(!error("\u{1b}[2J").contains('\u{1b}'));
    assert!(error(&"1".repeat(40)).contains("in the repository"), "{}", error(&"1".repeat(40)));
    assert!(error(&id(dir.path(), "HEAD^{tree}")).contains("a tree"), "{}", error(&id(dir.path(), "HEAD^{tree}")));
}

#[test]
fn since_a_date() {
    let dir = init();
    for day in [1, 3, 2, 4] {
        write(dir.path(), "f", &day.to_string());
        commit(dir.path(), day);
    }
    let since = |text| {
        let options = HistoryOptions { since: Some(parse_since(text).unwrap()), ..options() };
        let source = HistorySource::new(dir.path(), options).unwrap();
        contents(&source).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(since("2024-05-01"), "4 2 3 1");
    // One wrong clock does not hide what lies behind it.
    assert_eq!(since("2024-05-03"), "4 3");
    assert_eq!(since("2024-05-04T10:00:00Z"), "4");
    assert_eq!(since("2024-05-04T10:00:01Z"), "");
}

#[test]
fn a_shallow_clone_says_so() {
    let dir = init();
    for day in 1..=4 {
        write(dir.path(), "f", &day.to_string());
        commit(dir.path(), day);
    }
    let other = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    git(other.path(), &["clone", "-q", "--depth", "2", &url, "copy"]);
    let copy = other.path().join("copy");
    let source = history(&copy);
    assert_eq!(versions(&source), pairs(&[("f", "3"), ("f", "4")]));
    let found = problems(&source);
    assert_eq!((found.len(), found[0].kind), (1, ProblemKind::ShallowHistory));
    assert!(found[0].message.contains("git fetch --unshallow"), "{}", found[0].message);
    // Where nothing is missing there is nothing to say.
    assert_eq!(problems(&ranged(&copy, &format!("{}..HEAD", id(&copy, "HEAD~1")))), []);
    let since = |text| {
        let options = HistoryOptions { since: Some(parse_since(text).unwrap()), ..options() };
        problems(&HistorySource::new(&copy, options).unwrap()).len()
    };
    assert_eq!((since("2024-05-04"), since("2024-05-03")), (0, 1));
}

#[test]
fn what_a_partial_clone_left_out_is_unreadable() {
    let dir = init();
    write(dir.path(), "f", "1");
    write(dir.path(), "d/f", "1");
    commit(dir.path(), 1);
    write(dir.path(), "f", "2");
    commit(dir.path(), 2);
    write(dir.path(), "d/f", "3");
    commit(dir.path(), 3);
    let remove = |name: &str| {
        let id = id(dir.path(), name);
        let path = dir.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::remove_file(path).unwrap();
        id
    };
    let blob = remove("HEAD~1:f");
    let tree = remove("HEAD:d");
    let source = history(dir.path());
    assert_eq!(versions(&source), pairs(&[("d/f", "1"), ("f", "1")]));
    let (_, skipped) = offers(&source);
    let names: Vec<_> = skipped.iter().map(|s| (s.path.as_str(), s.reason)).collect();
    assert_eq!(names, [("d/", SkipReason::Unreadable), ("f", SkipReason::Unreadable)]);
    assert!(skipped[0].detail.contains(&tree), "{skipped:?}");
    assert!(skipped[1].detail.contains(&blob) && skipped[1].detail.contains(&id(dir.path(), "HEAD~1")), "{skipped:?}");

    let parent = remove("HEAD~1");
    let source = history(dir.path());
    let found = problems(&source);
    assert_eq!((found.len(), found[0].kind), (1, ProblemKind::Unreadable));
    assert!(found[0].message.contains(&parent), "{}", found[0].message);
    // What it stood on cannot be known, so all that the last commit has counts as brought by it, and is missing.
    let names: Vec<_> = offers(&source).1.into_iter().map(|s| s.path).collect();
    assert_eq!((paths(&source).len(), names), (0, vec!["d/".to_owned(), "f".to_owned()]));
}

#[test]
fn links_submodules_and_modes() {
    let dir = init();
    write(dir.path(), "script", "x");
    symlink("script", dir.path().join("link")).unwrap();
    symlink("script", dir.path().join("becomes")).unwrap();
    commit(dir.path(), 1);
    // Only the mode: the same file.
    std::fs::set_permissions(dir.path().join("script"), std::fs::Permissions::from_mode(0o755)).unwrap();
    commit(dir.path(), 2);
    // The same bytes, but a file now.
    std::fs::remove_file(dir.path().join("becomes")).unwrap();
    write(dir.path(), "becomes", "script");
    let head = id(dir.path(), "HEAD");
    git(dir.path(), &["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    git(dir.path(), &["add", "becomes"]);
    commit_staged(dir.path(), 3, &[]);
    // A file becomes a folder.
    std::fs::remove_file(dir.path().join("becomes")).unwrap();
    write(dir.path(), "becomes/file", "y");
    git(dir.path(), &["add", "becomes"]);
    commit_staged(dir.path(), 4, &[]);
    let source = history(dir.path());
    assert_eq!(versions(&source), pairs(&[("becomes", "script"), ("becomes/file", "y"), ("script", "x")]));
    assert_eq!(brought(&source, "script", "x"), id(dir.path(), "HEAD~3"));
    let (_, skipped) = offers(&source);
    let names: Vec<_> = skipped.iter().map(|s| (s.path.as_str(), s.reason)).collect();
    let expected =
        [("becomes", SkipReason::Symlink), ("link", SkipReason::Symlink), ("sub", SkipReason::NestedRepository)];
    assert_eq!(names, expected);
}

#[test]
fn an_empty_repository_and_none() {
    let dir = init();
    let source = history(dir.path());
    assert_eq!((offers(&source).0.len(), problems(&source)), (0, vec![]));
    assert!(source.lookup("f").is_none());
    let none = tempfile::tempdir().unwrap();
    let error = HistorySource::new(none.path(), options()).unwrap_err().to_string();
    assert!(error.contains("drop --history"), "{error}");
    let error = HistorySource::new(&none.path().join("gone"), options()).unwrap_err();
    assert!(matches!(error, SourceError::Root { .. }), "{error:?}");
}

#[test]
fn a_folder_a_file_and_a_bare_repository_are_roots() {
    let dir = init();
    write(dir.path(), "a/b/f", "1");
    write(dir.path(), "a/b/c/f", "1");
    write(dir.path(), "a/f", "1");
    commit(dir.path(), 1);
    write(dir.path(), "a/b/f", "2");
    write(dir.path(), "other/f", "1");
    commit(dir.path(), 2);
    let folder = history(&dir.path().join("a/b"));
    assert_eq!(versions(&folder), pairs(&[("a/b/c/f", "1"), ("a/b/f", "1"), ("a/b/f", "2")]));
    assert!(folder.lookup("a/b/c/f").is_some() && folder.lookup("f").is_none() && folder.lookup("a/b/c").is_none());
    let file = history(&dir.path().join("a/b/f"));
    assert_eq!(versions(&file), pairs(&[("a/b/f", "1"), ("a/b/f", "2")]));
    assert!(file.lookup("a/b/f").is_some() && file.lookup("a/b/c/f").is_none());
    let mut text = Vec::new();
    file.lookup("a/b/f").unwrap().read_into(100, &mut text).unwrap();
    assert_eq!(text, b"2");

    let other = tempfile::tempdir().unwrap();
    git(other.path(), &["clone", "-q", "--mirror", dir.path().to_str().unwrap(), "bare"]);
    assert_eq!(versions(&history(&other.path().join("bare"))).len(), 5);
}

#[test]
fn what_is_excluded_or_too_large() {
    let dir = init();
    write(dir.path(), "vendor/a/f", "1");
    write(dir.path(), "f", "small");
    commit(dir.path(), 1);
    write(dir.path(), "f", "too large");
    write(dir.path(), "vendor/a/f", "2");
    commit(dir.path(), 2);
    let exclude = GlobSetBuilder::new().add(Glob::new("vendor").unwrap()).build().unwrap();
    let source = HistorySource::new(dir.path(), HistoryOptions { exclude, max_size: 5, ..options() }).unwrap();
    assert_eq!(versions(&source), pairs(&[("f", "small")]));
    let (_, skipped) = offers(&source);
    let detail = format!("9 bytes, the limit is 5 (commit {})", id(dir.path(), "HEAD"));
    let expected = [("f", SkipReason::TooLarge, detail.as_str()), ("vendor/a/f", SkipReason::Excluded, "")];
    let named: Vec<_> = skipped.iter().map(|s| (s.path.as_str(), s.reason, s.detail.as_str())).collect();
    assert_eq!(named, expected);
    assert!(source.lookup("vendor/a/f").is_none());
}

#[test]
fn the_number_of_threads_is_of_no_account_and_a_walk_can_be_stopped() {
    let dir = init();
    for day in 1..=9 {
        write(dir.path(), &format!("d{}/f", day % 3), &day.to_string());
        write(dir.path(), "f", &(day % 4).to_string());
        commit(dir.path(), day);
    }
    let all = |jobs| {
        let all = Mutex::new(Vec::new());
        let sink = |offer| {
            if let Offer::File(entry) = offer {
                all.lock().unwrap().push((entry.path, entry.size, entry.provenance));
            }
            ControlFlow::Continue(())
        };
        history(dir.path()).walk(jobs, &sink).unwrap();
        all.into_inner().unwrap()
    };
    assert_eq!(all(1).len(), 13);
    assert_eq!(all(1), all(4));
    let count = Mutex::new(0);
    let sink = |offer| {
        *count.lock().unwrap() += usize::from(matches!(offer, Offer::File(_)));
        ControlFlow::Break(())
    };
    history(dir.path()).walk(2, &sink).unwrap();
    assert_eq!(count.into_inner().unwrap(), 0);
}

/// Writes a tree of `width` entries that all are the same object.
fn tree_of(root: &Path, mode: &str, kind: &str, id: &str, width: usize) -> String {
    let list = (0..width).map(|n| format!("{mode} {kind} {id}\t{n}\n")).collect::<Vec<_>>().concat();
    write(root, "list", &list);
    let list = std::fs::File::open(root.join("list")).unwrap();
    let out = std::process::Command::new("git").current_dir(root).arg("mktree").stdin(list).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_tree_of_ten_thousand_million_files_is_bounded() {
    for leaf in [true, false] {
        let dir = init();
        write(dir.path(), "f", "x");
        commit(dir.path(), 1);
        let mut tree = if leaf {
            tree_of(dir.path(), "100644", "blob", &id(dir.path(), "HEAD:f"), 10)
        } else {
            // No file at all, only folders.
            tree_of(dir.path(), "", "", "", 0)
        };
        for _ in 0..9 {
            tree = tree_of(dir.path(), "040000", "tree", &tree, 10);
        }
        let args = ["commit-tree", "-m", "x", "-p", "HEAD", &tree];
        let out = std::process::Command::new("git")
            .current_dir(dir.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(args)
            .output()
            .unwrap();
        git(dir.path(), &["tag", "bomb", String::from_utf8(out.stdout).unwrap().trim()]);
        let source = history(dir.path());
        let found = problems(&source);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("more files than can be kept"), "{}", found[0].message);
        assert!(offers(&source).0.len() <= 30_000);
    }
}
