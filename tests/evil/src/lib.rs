//! A hostile guest. The name of the scanned file chooses the attack: `panic.evil` and `2.panic.evil` make it
//! panic, whatever they hold. The configuration chooses what `open` and `finish` do.
//!
//! One module an attack under `attack/`; `tests/tests/evil/` has a test file of the same name for each, which
//! runs the real binary. An attack that the sandbox survives says in a finding of `evil.note` what it came to.
//! Natively this crate is empty.
#![cfg(target_family = "wasm")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    reason = "misbehaving is the point"
)]

mod attack;

use attack::{Attack, project};
use scanhost_plugin::{Confidence, Error, File, Finding, Report, Scanner};

/// The one instance.
pub struct Evil {
    config: String,
    /// For attacks that reach over from one call into another.
    kept: Vec<File>,
    /// Paths of all files so far.
    seen: Vec<String>,
}

impl Evil {
    /// Whether the configuration has this; a hostile guest needs no parser.
    fn told(&self, key: &str, value: &str) -> bool {
        self.config.contains(&format!("\"{key}\":\"{value}\""))
    }

    /// A rule's full id: the same component is packed as `evil` and as `evil-project`.
    fn rule(&self, name: &str) -> String {
        let id = if self.config.contains("\"project\":true") { "evil-project" } else { "evil" };
        format!("{id}.{name}")
    }

    /// A finding that says what an attack came to.
    fn note(&self, file: &File, message: impl Into<String>) -> Finding {
        Finding::new(self.rule("note"), Confidence::High, message).at(file, 0..file.size().min(4) as usize)
    }
}

impl Scanner for Evil {
    fn open(config: &str) -> Result<Self, Error> {
        let evil = Self { config: config.to_owned(), kept: Vec::new(), seen: Vec::new() };
        attack::open::run(&evil)?;
        Ok(evil)
    }

    fn scan(&mut self, file: &File, report: &mut Report) -> Result<(), Error> {
        let path = file.path();
        self.seen.push(path.clone());
        let name = path.rsplit('/').next().unwrap_or_default().strip_suffix(".evil").unwrap_or_default();
        let attack = name.rsplit('.').next().unwrap_or_default();
        let run: Attack =
            attack::find(attack).ok_or_else(|| Error::Failed(format!("there is no attack `{attack}`")))?;
        run(self, file, report)
    }

    fn finish(&mut self, report: &mut Report) -> Result<(), Error> {
        project::finish(self, report)
    }
}

scanhost_plugin::export!(crate::Evil);
