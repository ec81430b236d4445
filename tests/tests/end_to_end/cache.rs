//! The result cache: a second run says the same, byte for byte, and does nothing; what must not be kept is not kept.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use scanhost_tests::{EVIL, Project, Ran, command, key, leaked_line, repository};
use tempfile::TempDir;

/// A project, and a folder for its cache beside it.
struct Cached {
    project: Project,
    dir: TempDir,
}

impl Cached {
    fn new(project: Project) -> Self {
        Self { project, dir: TempDir::new().unwrap() }
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// A reproducible run with these arguments; its log tells what the cache did.
    fn run(&self, args: &[&str]) -> Ran {
        let mut run = command();
        run.args(["run", "--stage", "commit", "-vv"]).args(args).env("SOURCE_DATE_EPOCH", "1");
        self.project.finish(run)
    }

    /// The same with the cache.
    fn with(&self, args: &[&str]) -> Ran {
        let dir = self.cache();
        self.run(&[&["--format", "json", "--cache-dir", dir.to_str().unwrap()], args].concat())
    }

    /// Asserts that a run with the cache says what one without says, and returns how many results it reused and made.
    #[track_caller]
    fn same(&self, args: &[&str]) -> (u64, u64) {
        let with = self.with(args);
        let without = self.run(&[&["--format", "json", "--no-cache"], args].concat());
        assert!(with.out == without.out && with.code == without.code, "{}\n{}", with.all(), without.all());
        counts(&with)
    }

    fn shards(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.cache()) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "shard"));
        paths.sort();
        paths
    }
}

/// `cache: 3 results reused, 4 made, …`
#[track_caller]
fn counts(ran: &Ran) -> (u64, u64) {
    let line = ran.err.lines().find(|line| line.contains("results reused")).unwrap_or_else(|| panic!("{}", ran.all()));
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (numbers[0], numbers[1])
}

/// Every form that the built-in plugin finds, files that it does not look at, and files without anything.
fn sample() -> Project {
    let project = Project::new();
    copy(&repository().join("examples/leaky-app"), &project);
    let line = leaked_line();
    project
        .write("plain.txt", &line)
        .write("same.txt", &line)
        .write("ignored.py", format!("x = '{}'  # scanhost:allow a test\n", key()))
        .write("encoded.yml", format!("data: {}\n", base64::engine::general_purpose::STANDARD.encode(&line)))
        .write("wide.txt", line.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
        .write("binary.bin", [b"\x7fELF\0\0\0".as_slice(), line.as_bytes()].concat())
        .write("large.txt", vec![b'x'; 17 << 20]);
    for n in 0..40 {
        project.write(format!("many/{n}.rs"), format!("fn f{n}() -> &'static str {{ \"a token, a password\" }}\n"));
    }
    project
}

fn copy(from: &Path, to: &Project) {
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                to.write(path.strip_prefix(from).unwrap(), std::fs::read(&path).unwrap());
            }
        }
    }
}

#[test]
fn a_second_run_does_nothing_and_says_the_same() {
    let cached = Cached::new(sample());
    let (reused, made) = cached.same(&[]);
    assert!(reused == 0 && made > 40, "{reused} {made}");
    for args in [&["--jobs", "1"][..], &["--jobs", "2"]] {
        let (again, new) = cached.same(args);
        assert!(again == made && new == 0, "{again} {new} {args:?}");
    }
    let dir = cached.cache();
    let sarif = |args: &[&str]| cached.run(&[&["--format", "sarif"], args].concat());
    let (with, without) = (sarif(&["--cache-dir", dir.to_str().unwrap()]), sarif(&["--no-cache"]));
    assert!(with.out == without.out, "{}\n{}", with.all(), without.all());
    assert_eq!(counts(&with), (made, 0));
    // No guest was called at all.
    let mut timed = command();
    timed.args(["run", "--format", "json", "--cache-dir"]).arg(&dir);
    let report = cached.project.finish(timed).report();
    assert_eq!(report.0["timings"]["guest_us"], 0, "{:#}", report.0["timings"]);
    assert!(report.0["plugins"][0]["files"].as_u64().unwrap() > 40, "{:#}", report.0["plugins"]);
    assert!(report.findings().len() > 5);
}

#[test]
fn what_changes_is_scanned_anew() {
    let cached = Cached::new(sample());
    let (_, all) = cached.same(&[]);
    cached.project.append("many/3.rs", &leaked_line());
    assert_eq!(cached.same(&[]), (all - 1, 1));
    let folder = cached.project.path();
    std::fs::rename(folder.join("plain.txt"), folder.join("other.txt")).unwrap();
    assert_eq!(cached.same(&[]), (all - 1, 1));
    std::fs::rename(folder.join("other.txt"), folder.join("plain.txt")).unwrap();
    assert_eq!(cached.same(&[]), (all, 0));
    // What only concerns the host's judgement is no other result.
    cached
        .project
        .write("scan.toml", "version = 1\n[[severity]]\nrule = \"secrets.*\"\nset = \"low\"\nreason = \"x\"\n");
    assert_eq!(cached.same(&[]), (all - 1, 1));
    let low = cached.with(&[]);
    assert!(low.report().findings().iter().all(|finding| finding["severity"] == "low"), "{}", low.all());
    // Other limits are.
    cached.project.append("scan.toml", "[plugins.secrets]\nlimits = { time = \"33s\" }\n");
    assert_eq!(cached.same(&[]), (0, all));
    assert_eq!(cached.shards().len(), 2);
}

#[test]
fn another_configuration_is_another_result() {
    let cached = Cached::new(Project::new());
    cached.project.install(EVIL, "evil.wasm").write("1.good.evil", leaked_line());
    let run = |config: &str| {
        cached.project.write(
            "scan.toml",
            format!("version = 1\n[plugins.evil]\nsource = \"plugins/evil.wasm\"\nconfig = {{ {config} }}\n"),
        );
        cached.same(&["--plugin", "evil"])
    };
    assert_eq!(run(""), (0, 1));
    assert_eq!(run(""), (1, 0));
    assert_eq!(run("project = false"), (0, 1));
    assert_eq!(run("project = false"), (1, 0));
    // What is said outside of any file would be lost.
    for config in ["open = \"log\"", "finish = \"report\"", "finish = \"trap\""] {
        assert_eq!(run(config), (0, 1));
        assert_eq!(run(config), (0, 1), "{config}");
    }
}

#[test]
fn no_secret_is_in_the_cache() {
    let cached = Cached::new(sample());
    // A message, a label and a name of a file may hold one as well.
    cached.project.write(format!("dir/{}.txt", key()), leaked_line());
    cached.with(&[]).exits(1);
    cached.with(&[]).exits(1);
    let bytes: Vec<u8> = cached.shards().iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
    assert!(bytes.len() > 1000);
    let env = std::fs::read_to_string(repository().join("examples/leaky-app/.env")).unwrap();
    let mut secrets: Vec<String> =
        env.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.to_owned()).collect();
    secrets.retain(|secret| secret.len() >= 12);
    secrets.push(key());
    assert!(secrets.len() > 3);
    for secret in secrets {
        let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut forms = vec![secret.clone().into_bytes(), wide];
        for before in ["", "a", "ab"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}"));
            // Without what the neighbours have a part in.
            forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
        }
        for form in forms {
            assert!(!bytes.windows(form.len()).any(|part| part == form), "{}", String::from_utf8_lossy(&form));
        }
    }
}

#[test]
fn calls_that_failed_are_made_again() {
    let project = Project::with_evil("");
    for name in ["panic", "error", "undeclared", "unscanned", "log", "stderr", "good"] {
        project.write(format!("{name}.evil"), leaked_line());
    }
    let cached = Cached::new(project);
    cached.same(&["--jobs", "1"]);
    let (_, made) = cached.same(&["--jobs", "1"]);
    assert!(made >= 3, "{made}");
}

#[test]
fn who_opens_another_file_is_asked_again() {
    let project =
        Project::with_evil("[plugins.evil]\nsource = \"plugins/evil.wasm\"\nallow = { read = [\"granted/**\"] }\n");
    project.write("reach.evil", "x").write("granted/ok.txt", "12345");
    let cached = Cached::new(project);
    cached.same(&["--plugin", "evil"]);
    cached.project.write("granted/ok.txt", "1234567");
    assert_eq!(cached.same(&["--plugin", "evil"]), (0, 1));
}

#[test]
fn a_damaged_cache_is_replaced() {
    let cached = Cached::new(sample());
    let (_, all) = cached.same(&[]);
    let shard = cached.shards().remove(0);
    let good = std::fs::read(&shard).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [flipped, good[..good.len() - 7].to_vec(), Vec::new(), b"something else entirely".to_vec()] {
        std::fs::write(&shard, bad).unwrap();
        assert_eq!(cached.same(&[]), (0, all));
        assert_eq!(cached.same(&[]), (all, 0));
    }
}

#[test]
fn a_folder_that_cannot_be_written_or_used_is_done_without() {
    let cached = Cached::new(sample());
    let (_, all) = cached.same(&[]);
    let dir = cached.cache();
    // Whoever is root writes there nevertheless; the result is the same.
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o500)).unwrap();
    cached.project.write("new.txt", leaked_line());
    let (reused, _) = cached.same(&[]);
    assert_eq!(reused, all);
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = cached.with(&[]).exits(1).says(&["is not used", "chmod 700"]);
    assert!(!ran.err.contains("results reused"), "{}", ran.all());
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::write(&dir, "no folder").unwrap();
    cached.with(&[]).exits(1).says(&["is not used"]);
}

#[test]
fn a_cache_that_git_tracks_is_refused() {
    let cached = Cached::new(Project::new());
    cached.project.write("a.txt", leaked_line()).git(&["init", "-q"]);
    let run = |project: &Project| {
        let mut run = command();
        run.args(["run", "--format", "json", "--cache-dir", ".cache/scanhost"]);
        project.finish(run)
    };
    let first = run(&cached.project).exits(1);
    // Untracked it is ignored by its own `.gitignore`, and no part of the tree.
    assert_eq!(first.report().0["inputs"]["files"], run(&cached.project).exits(1).report().0["inputs"]["files"]);
    let mut shards = std::fs::read_dir(cached.project.path().join(".cache/scanhost")).unwrap();
    assert!(shards.any(|entry| entry.unwrap().path().extension().is_some_and(|e| e == "shard")));
    cached.project.git(&["add", "-f", ".cache"]);
    run(&cached.project).exits(2).says(&["git tracks", "--no-cache", "git rm"]);
    let mut without = command();
    without.args(["run", "--no-cache"]);
    cached.project.finish(without).exits(1);
}

#[test]
fn two_runs_at_once_lose_nothing() {
    let (one, two) = (sample(), Project::new());
    for n in 0..40 {
        two.write(format!("two/{n}.rs"), format!("let password{n} = ask();\n"));
    }
    let dir = TempDir::new().unwrap();
    let cache = dir.path().join("cache");
    let run = |project: &Project| {
        let mut run = command();
        run.args(["run", "--format", "json", "-vv", "--cache-dir"]).arg(&cache);
        project.finish(run)
    };
    std::thread::scope(|scope| {
        let handles = [scope.spawn(|| run(&one)), scope.spawn(|| run(&two))];
        for handle in handles {
            handle.join().unwrap();
        }
    });
    for project in [&one, &two] {
        assert_eq!(counts(&run(project)).1, 0);
    }
}

#[test]
fn where_the_cache_is() {
    let project = Project::new();
    project.write("a.txt", leaked_line());
    let home = TempDir::new().unwrap();
    let is_there = |name: &str| home.path().join(name).is_dir();
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut run = command();
        run.arg("run").args(args).env("HOME", home.path());
        run.envs(variables.iter().map(|(name, folder)| (name, home.path().join(folder))));
        project.finish(run).exits(1);
    };
    run(&["--no-cache"], &[]);
    run(&["--stage", "nightly", "--plugin", "secrets"], &[("SCANHOST_CACHE_DIR", "variable")]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    run(&[], &[]);
    assert!(is_there(".cache/scanhost"));
    run(&[], &[("XDG_CACHE_HOME", "xdg")]);
    assert!(is_there("xdg/scanhost"));
    run(&[], &[("XDG_CACHE_HOME", "xdg2"), ("SCANHOST_CACHE_DIR", "variable")]);
    assert!(is_there("variable") && !is_there("xdg2"));
    let flag = home.path().join("flag");
    run(&["--stage", "nightly", "--plugin", "secrets", "--cache-dir", flag.to_str().unwrap()], &[]);
    assert!(is_there("flag"));
    let mut stdin = command();
    stdin.args(["run", "--stdin", "a.txt", "--cache-dir"]).arg(home.path().join("stdin"));
    scanhost_tests::run(stdin, leaked_line().as_bytes()).exits(1);
    assert!(!is_there("stdin"));
}
