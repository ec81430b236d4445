//! What a finding is, once the host has taken it in: rated, placed, masked, fingerprinted.
//!
//! In comes what a guest reported ([`raw`]), out goes a [`Finding`] that any report can show as it is:
//! no secret is left in it, and no text that a terminal would obey (see [`text`]). Nothing here reads a
//! file or knows a format.

pub mod date;
pub mod fingerprint;
pub mod history;
pub mod inline;
pub mod location;
pub mod mask;
pub mod merge;
pub mod normalise;
pub mod pattern;
pub mod raw;
pub mod severity;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;

use serde::{Deserialize, Serialize};

pub use date::Date;
pub use fingerprint::{Fingerprint, SecretDigest};
pub use location::{ByteSpan, FileLocation, Location, Position, Region, Snippet};
pub use scanhost_manifest::PluginId;
pub use severity::{Confidence, Level, Origin, Rating, Severity};

/// What became of a finding. Set by the policy; what it is decided by stands beside it in the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Counts.
    Active,
    /// A comment beside it says that it is meant to be there.
    IgnoredInline {
        /// The comment's own words, if any.
        reason: String,
    },
    /// `scan.toml` says that it is accepted.
    Suppressed {
        /// Why.
        reason: String,
        /// The last day on which it is.
        expires: Date,
        /// Where that is said: `scan.toml:40`.
        place: String,
    },
}

/// A comment beside a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Comment {
    /// It says that the finding is meant to be there.
    Ignore {
        /// Its own words. Part of the scanned line, so masked.
        reason: String,
    },
    /// It means to, and lacks what such a comment must have.
    Malformed {
        /// What it lacks.
        lacks: String,
    },
}

/// Whether a finding was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Novelty {
    /// Neither in the baseline nor at the base.
    New,
    /// It was.
    Existing,
}

/// A place that helps to understand a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What is there.
    pub note: String,
}

/// One replacement of a [`Fix`].
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The file.
    pub path: String,
    /// What is replaced.
    pub span: ByteSpan,
    /// What it is replaced with.
    pub replacement: String,
}

/// A proposed change.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// In the imperative.
    pub title: String,
    /// All or none.
    pub edits: Vec<Edit>,
}

/// A file kept beside a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Without folders.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// Masked.
    pub body: Vec<u8>,
}

/// Something that a person should act on.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Full id: `secrets.github-pat`.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// Who found it.
    pub plugin: PluginId,
    /// How bad.
    pub rating: Rating,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence.
    pub message: String,
    /// Where.
    pub location: Location,
    /// Other places.
    pub related: Vec<Related>,
    /// What identifies it in later runs.
    pub fingerprint: Fingerprint,
    /// The same without the path: matches a moved file.
    pub moved_fingerprint: Fingerprint,
    /// Of what is secret in it. None: nothing is, or it comes out of a stored report.
    pub secret: Option<SecretDigest>,
    /// The rule's tags: CWE, OWASP, ATLAS.
    pub tags: Vec<String>,
    /// The guest's labels, and the host's.
    pub labels: Vec<(String, String)>,
    /// A proposed change.
    pub fix: Option<Fix>,
    /// Files kept beside it.
    pub attachments: Vec<Attachment>,
    /// Other rules that found the same bytes, merged into this one.
    pub also: Vec<String>,
    /// The comment beside it, if there is one that speaks about it.
    pub comment: Option<Comment>,
    /// Whether it was there before. None: there is nothing to compare with.
    pub novelty: Option<Novelty>,
    /// What became of it.
    pub state: State,
}

/// A software component.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Package URL.
    pub purl: String,
    /// Who reported it.
    pub plugin: PluginId,
    /// Where it is declared or installed.
    pub locations: Vec<FileLocation>,
    /// SPDX expressions.
    pub licences: Vec<String>,
    /// purls from a direct dependency to this one.
    pub path: Vec<String>,
    /// `runtime`, `dev` …
    pub scope: String,
    /// The guest's labels.
    pub labels: Vec<(String, String)>,
}

/// A measured number.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// `evasion.robust-accuracy`.
    pub name: String,
    /// Who measured.
    pub plugin: PluginId,
    /// What it was measured under.
    pub labels: Vec<(String, String)>,
    /// Finite.
    pub value: f64,
    /// `ratio`, `ms` …
    pub unit: String,
    /// Independent trials.
    pub trials: u64,
    /// Lower bound of the 95 % confidence interval.
    pub lower95: Option<f64>,
    /// Upper bound.
    pub upper95: Option<f64>,
}
