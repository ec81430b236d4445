//! Where the repository and its build results are, and how its programs are started.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository that this program was built from.
pub struct Project {
    /// Its root.
    pub root: PathBuf,
    /// The folder that holds `debug` and `release`.
    target: PathBuf,
}

impl Project {
    /// Found by the place of this crate's manifest; the target folder by the place of this program, so that
    /// `CARGO_TARGET_DIR` and `build.target-dir` are honoured without reading either.
    pub fn find() -> Result<Self, String> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().filter(|root| root.join("wit/plugin.wit").is_file());
        let root =
            root.ok_or("the repository is not where this program was built; call it as `cargo xtask`")?.to_owned();
        let program = std::env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
        let target = program.parent().and_then(Path::parent).ok_or("this program is in no target folder")?.to_owned();
        Ok(Self { root, target })
    }

    /// A folder under the target folder, for what a command leaves behind. Made when missing.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// The cargo that called us.
    pub fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Run {
        self.program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
    }

    /// Any program, started in the root and without input: nothing here may wait for a person.
    pub fn program<I: IntoIterator<Item: AsRef<OsStr>>>(&self, program: impl AsRef<OsStr>, arguments: I) -> Run {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        // Set by `cargo run` for *this* crate; a nested cargo or build script must not take them for its own.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_PRIMARY_PACKAGE"
            {
                command.env_remove(&name);
            }
        }
        Run(command)
    }

    /// The path of the scanhost of this profile's folder.
    pub fn scanhost_path(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join(format!("scanhost{}", std::env::consts::EXE_SUFFIX))
    }

    /// The scanhost that was built in this profile's folder.
    pub fn scanhost<I: IntoIterator<Item: AsRef<OsStr>>>(&self, profile: &str, arguments: I) -> Run {
        self.program(self.scanhost_path(profile), arguments)
    }
}

/// A program about to be started.
pub struct Run(pub Command);

impl Run {
    /// More arguments.
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.0.args(arguments);
        self
    }

    /// One more variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it; its output is ours. One that a signal ended has no exit code and is an error.
    pub fn exit_code(mut self) -> Result<u8, String> {
        let status = self.0.status().map_err(|error| format!("cannot start {}: {error}", self.name()))?;
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .ok_or_else(|| format!("{} ended with {status}", self.name()))
    }

    /// Runs it; anything but 0 is an error.
    pub fn succeed(self) -> Result<(), String> {
        let name = self.name();
        match self.exit_code()? {
            0 => Ok(()),
            code => Err(format!("`{name}` ended with exit code {code}")),
        }
    }

    /// Runs it and keeps what it printed, or says why it could not.
    pub fn output(mut self) -> Result<std::process::Output, String> {
        self.0.output().map_err(|error| format!("cannot start {}: {error}", self.name()))
    }

    fn name(&self) -> String {
        let program = Path::new(self.0.get_program()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let first = self.0.get_args().next().map(|argument| format!(" {}", argument.to_string_lossy()));
        program + &first.unwrap_or_default()
    }
}
