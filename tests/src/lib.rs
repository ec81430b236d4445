//! What the end-to-end tests share: a folder to scan, the real binary to scan it with, and the report as data.
//!
//! A test writes files into a [`Project`], runs `scanhost` over it and looks at a [`Ran`]. Every run has a limit
//! of time, none sees the environment of whoever runs the tests, and each checks what holds for all: no panic,
//! nothing on the terminal that the terminal would obey.

#![allow(
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "a test that cannot be set up fails in the plainest way"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code: a failure should end the test")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No run may take longer, whatever it is fed.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The hostile plugin that sees single files, packed.
pub const EVIL: &str = concat!(env!("OUT_DIR"), "/evil.wasm");

/// The same, as a plugin that sees the whole project.
pub const EVIL_PROJECT: &str = concat!(env!("OUT_DIR"), "/evil-project.wasm");

/// The same component without a manifest.
pub const UNPACKED: &str = concat!(env!("OUT_DIR"), "/unpacked.wasm");

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The binary under test. It belongs to another package, so cargo does not name it: it lies two folders above
/// the test's own, `<target>/<profile>/deps/<test>`.
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join("scanhost");
    assert!(path.is_file(), "there is no `{}`; run `cargo build --workspace` first", path.display());
    path
}

/// A command that runs the binary with nothing of this process's environment but `PATH`; so without a home, and
/// without a result cache unless a test names one.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A credential of the provider that `secrets.aws-access-key-id` knows. Put together here, so that scanning this repository
/// does not find it.
pub fn key() -> String {
    ["AKIA", "WK6PQ235W75YVNEJ"].concat()
}

/// A line with a credential that the rule `secrets.github-pat` finds.
pub fn leaked_line() -> String {
    format!("aws_access_key_id = \"{}\"\n", key())
}

/// A folder with files to scan.
pub struct Project {
    dir: TempDir,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty one.
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    /// One that has the hostile plugin and the built-in one in its stage `commit`, a leaked key in `leaked.txt`, and
    /// `more` in its `scan.toml`.
    pub fn with_evil(more: &str) -> Self {
        let project = Self::new();
        project.install(EVIL, "evil.wasm").write("leaked.txt", leaked_line());
        project
            .write("scan.toml", format!("version = 1\n[stages.commit]\nplugins = [\"evil\", \"secrets\"]\n{more}\n"));
        if !more.contains("[plugins.evil]") {
            project.append("scan.toml", "[plugins.evil]\nsource = \"plugins/evil.wasm\"\n");
        }
        project
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, with the folders that it needs.
    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Adds to a file.
    pub fn append(&self, name: &str, text: &str) -> &Self {
        let old = std::fs::read_to_string(self.path().join(name)).unwrap_or_default();
        self.write(name, old + text)
    }

    /// Puts a packed plugin into `plugins/`.
    pub fn install(&self, wasm: &str, name: &str) -> &Self {
        let folder = self.path().join("plugins");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(wasm, folder.join(name)).unwrap();
        self
    }

    /// `scanhost ARGS` in the project's folder.
    pub fn scanhost<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        let mut command = command();
        command.args(args);
        self.finish(command)
    }

    /// `scanhost run --format json ARGS .`, whose report is read.
    pub fn json(&self, args: &[&str]) -> Ran {
        self.scanhost(["run", "--format", "json"].iter().chain(args))
    }

    /// Runs a prepared command in the project's folder.
    pub fn finish(&self, mut command: Command) -> Ran {
        command.current_dir(self.path());
        run(command, b"")
    }

    /// `git ARGS` in the project's folder.
    pub fn git(&self, args: &[&str]) -> &Self {
        let mut git = Command::new("git");
        git.current_dir(self.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", self.path());
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main"])
            .args(args);
        let output = git.output().expect("git is installed");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        self
    }
}

/// Runs a command with this on standard input, and checks what holds for every run.
pub fn run(command: Command, stdin: &[u8]) -> Ran {
    let started = Instant::now();
    let output = assert_cmd::Command::from_std(command).write_stdin(stdin).timeout(PATIENCE).output().unwrap();
    let ran = Ran::new(output, started.elapsed());
    assert!(ran.time < PATIENCE, "it did not end\n{}", ran.all());
    ran
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How long it took.
    pub time: Duration,
}

impl Ran {
    /// Takes a finished process's output in.
    pub fn new(output: Output, time: Duration) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
        let code = output.status.code().unwrap_or(-1);
        let ran = Self { code, out: text(output.stdout), err: text(output.stderr), time };
        assert!(ran.code >= 0, "killed by a signal: {:?}\n{}", output.status, ran.all());
        assert!(
            !ran.err.contains("panicked at crates") && !ran.err.contains("thread 'main' panicked"),
            "{}",
            ran.all()
        );
        assert!(
            !ran.err.contains("scanhost itself failed") && !ran.out.contains("scanhost itself failed"),
            "{}",
            ran.all()
        );
        for text in [&ran.out, &ran.err] {
            let bad = text.chars().find(|c| is_obeyed(*c));
            assert!(bad.is_none(), "{bad:?} reaches the terminal\n{}", ran.all());
        }
        ran
    }

    /// Everything, for a failed assertion's message.
    pub fn all(&self) -> String {
        let cut =
            |text: &str| text.chars().take(6000).collect::<String>().escape_debug().to_string().replace("\\n", "\n");
        format!("exit {} after {:?}\n--- out\n{}\n--- err\n{}", self.code, self.time, cut(&self.out), cut(&self.err))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Asserts that standard error has all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is missing\n{}", self.all());
        }
        self
    }

    /// Asserts that standard output has all of these.
    #[track_caller]
    pub fn shows(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "`{part}` is missing\n{}", self.all());
        }
        self
    }

    /// The JSON report on standard output.
    #[track_caller]
    pub fn report(&self) -> Report {
        let value = serde_json::from_str(&self.out);
        Report(value.unwrap_or_else(|error| panic!("no JSON: {error}\n{}", self.all())))
    }
}

/// Whether a terminal, or a reader's eye, would obey a character.
pub fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A JSON report.
#[derive(Debug)]
pub struct Report(pub Value);

impl Report {
    fn list(&self, key: &str) -> &[Value] {
        self.0[key].as_array().unwrap_or_else(|| panic!("no `{key}`"))
    }

    /// All findings.
    pub fn findings(&self) -> &[Value] {
        self.list("findings")
    }

    /// All problems.
    pub fn problems(&self) -> &[Value] {
        self.list("problems")
    }

    /// Rule and path of each finding, for a whole comparison.
    pub fn found(&self) -> Vec<(&str, &str)> {
        self.findings()
            .iter()
            .map(|f| (f["rule"].as_str().unwrap(), f["location"]["path"].as_str().unwrap_or_default()))
            .collect()
    }

    /// Messages of the findings of a rule, in the order of the report.
    pub fn messages(&self, rule: &str) -> Vec<&str> {
        self.findings().iter().filter(|f| f["rule"] == rule).map(|f| f["message"].as_str().unwrap()).collect()
    }

    /// Whether there is a problem of this kind that names the plugin and the file.
    pub fn blames(&self, kind: &str, plugin: &str, path: &str) -> bool {
        self.problems().iter().any(|p| p["kind"] == kind && p["plugin"] == plugin && p["path"] == path)
    }

    /// Asserts it, with the whole list in the message.
    #[track_caller]
    pub fn assert_blames(&self, kind: &str, plugin: &str, path: &str) {
        assert!(self.blames(kind, plugin, path), "no {kind} of {plugin} in {path}: {:#?}", self.problems());
    }

    /// Asserts that the other plugin's finding in `leaked.txt` is there, whatever became of the hostile one.
    #[track_caller]
    pub fn assert_others_kept(&self) {
        let kept = self.findings().iter().any(|f| f["plugin"] == "secrets" && f["location"]["path"] == "leaked.txt");
        assert!(kept, "the finding of `secrets` is lost: {:#?}", self.0);
    }
}
