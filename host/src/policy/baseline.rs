//! The baseline: a file that names the findings that were there when a team began, so that gates can look at new
//! ones only. Text in, text out; nothing here reads or writes a file.
//!
//! An entry holds no secret and no line number: neither a change above a finding nor a look into the file says
//! anything. One entry stands on one line, sorted, so that two branches' changes merge and a review reads.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::gate::ResolvedGate;
use super::known::KnownFinding;
use crate::finding::{Finding, Fingerprint, State};
use crate::outcome::{Notice, NoticeKind};

/// What the file is called unless `scan.toml` says otherwise.
pub const FILE_NAME: &str = "scan-baseline.json";

/// The largest file that is read.
pub const MAX_BYTES: u64 = 64 << 20;

const SCHEMA: &str = "scanhost-baseline";
const VERSION: u64 = 1;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where, for a reader; not compared.
    pub path: String,
    /// Its rule, for a reader; not compared.
    pub rule: String,
    /// What identifies it.
    pub fingerprint: Fingerprint,
    /// The same without the path.
    pub moved: Fingerprint,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    /// Identifies the `fingerprint-key` that it was made with, without telling anything of it. None: made without.
    pub key: Option<String>,
    /// Sorted, each fingerprint once.
    pub entries: Vec<Entry>,
}

/// Why a file is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Not the right JSON.
    #[error("it is no baseline of scanhost: {0}")]
    Format(String),
    /// Of a later scanhost.
    #[error("it has version {0} of the format, and this scanhost reads version {VERSION}; use a newer scanhost")]
    Version(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "schema")]
    _schema: serde::de::IgnoredAny,
    #[serde(rename = "version")]
    _version: serde::de::IgnoredAny,
    key: Option<String>,
    findings: Vec<Entry>,
}

#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
    version: Option<u64>,
}

/// Identifies a `fingerprint-key`: 32 bits of a digest of it, which has at least 128 bits itself.
pub fn key_id(key: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("scanhost baseline key id 1");
    hasher.update(key);
    hasher.finalize().to_hex()[..8].to_owned()
}

impl Baseline {
    /// What a run found and counts. What is suppressed or ignored has its own record, with a reason and an expiry,
    /// which a baseline must not outlive.
    pub fn of(findings: &[Finding], key: Option<&[u8]>) -> Self {
        let kept = findings.iter().filter(|finding| finding.state == State::Active);
        let entries = kept.map(|finding| Entry {
            path: finding.location.path().to_owned(),
            rule: finding.rule.clone(),
            fingerprint: finding.fingerprint,
            moved: finding.moved_fingerprint,
        });
        let mut baseline = Self { key: key.map(key_id), entries: entries.collect() };
        baseline.settle();
        baseline
    }

    fn settle(&mut self) {
        self.entries.sort();
        let mut seen = std::collections::HashSet::new();
        self.entries.retain(|entry| seen.insert(entry.fingerprint));
    }

    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let format = |error: serde_json::Error| BaselineError::Format(error.to_string());
        // The version first: a later one may have other keys.
        let head: Head = serde_json::from_str(text).map_err(format)?;
        if head.schema.as_deref() != Some(SCHEMA) {
            return Err(BaselineError::Format(format!("it does not say `\"schema\": \"{SCHEMA}\"`")));
        }
        match head.version {
            Some(VERSION) => {}
            Some(other) => return Err(BaselineError::Version(other)),
            None => return Err(BaselineError::Format("it has no `version`".into())),
        }
        let Document { key, findings, .. } = serde_json::from_str(text).map_err(format)?;
        let mut baseline = Self { key, entries: findings };
        baseline.settle();
        Ok(baseline)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let json = |text: &str| serde_json::to_string(text).unwrap_or_else(|_| "\"\"".into());
        let mut out = format!("{{\n  \"schema\": \"{SCHEMA}\",\n  \"version\": {VERSION},\n");
        let key = self.key.as_deref().map_or("null".into(), json);
        // Writing to a `String` cannot fail.
        let _ = write!(out, "  \"key\": {key},\n  \"findings\": [");
        for (at, entry) in self.entries.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(
                out,
                "{comma}\n    {{\"path\": {}, \"rule\": {}, \"fingerprint\": \"{}\", \"moved\": \"{}\"}}",
                json(&entry.path),
                json(&entry.rule),
                entry.fingerprint,
                entry.moved
            );
        }
        out.push_str(if self.entries.is_empty() { "]\n}\n" } else { "\n  ]\n}\n" });
        out
    }

    /// Its findings, for looking up today's.
    pub fn known(&self) -> Vec<KnownFinding> {
        let known = |entry: &Entry| KnownFinding {
            fingerprint: entry.fingerprint,
            moved: entry.moved,
            secret: None,
            ignored: false,
            at_base: false,
        };
        self.entries.iter().map(known).collect()
    }

    /// Whether it was made with this `fingerprint-key`; with another one no secret is found again.
    pub fn fits(&self, key: Option<&[u8]>) -> bool {
        self.key == key.map(key_id)
    }

    /// What to say where it has no effect, or only some: on a stage that is judged with this `fingerprint-key` and
    /// by these gates.
    pub fn notices(&self, path: &Path, key: Option<&[u8]>, stage: &str, gates: &[ResolvedGate]) -> Vec<Notice> {
        let notice = |message| Notice { kind: NoticeKind::Baseline, place: None, message };
        let mut notices = Vec::new();
        if !self.entries.is_empty() && !self.fits(key) {
            notices.push(notice(format!(
                "the baseline `{}` was made with another `fingerprint-key`, so no secret in it is found again; make it \
                 anew with `scanhost baseline update`",
                path.display()
            )));
        }
        if !gates.iter().any(|gate| gate.new_only) {
            notices.push(notice(format!(
                "the baseline changes no verdict in stage `{stage}`: none of its gates says `new-only = true`"
            )));
        }
        notices
    }

    /// Entries of this one that the other does not have.
    pub fn without<'b>(&'b self, other: &Self) -> Vec<&'b Entry> {
        let others: std::collections::HashSet<Fingerprint> = other.entries.iter().map(|e| e.fingerprint).collect();
        self.entries.iter().filter(|entry| !others.contains(&entry.fingerprint)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, seed: u8) -> Entry {
        let rule = "secrets.a".to_owned();
        Entry { path: path.into(), rule, fingerprint: Fingerprint::stub(seed), moved: Fingerprint::stub(seed + 1) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let key = key_id(b"0123456789abcdef0123456789abcdef");
        let baseline = Baseline { key: Some(key), entries: vec![entry("a\"\u{202e}.py", 1), entry("b.py", 3)] };
        assert_eq!(Baseline::parse(&baseline.render()).unwrap(), baseline);
        assert_eq!(Baseline::parse(&Baseline::default().render()).unwrap(), Baseline::default());
        insta::assert_snapshot!(baseline.render());
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, words) in [
            ("", "EOF"),
            ("[]", "no baseline"),
            ("{}", "schema"),
            ("{\"schema\": \"scanhost-baseline\"}", "version"),
            ("{\"schema\": \"scanhost-baseline\", \"version\": 2, \"x\": 1}", "newer scanhost"),
            ("{\"schema\": \"scanhost-baseline\", \"version\": 1, \"key\": null, \"findings\": [{}]}", "line 1"),
        ] {
            let error = Baseline::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn another_key_does_not_fit() {
        let baseline = Baseline { key: Some(key_id(b"one")), entries: Vec::new() };
        assert!(baseline.fits(Some(b"one")) && !baseline.fits(Some(b"two")) && !baseline.fits(None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = Baseline::parse(&text);
        }
    }
}
