//! The contract's records as plain Rust types, the same natively and in a component. Their meaning is
//! documented in `wit/plugin.wit`; here stands only what Rust adds: builders.

use std::fmt;
use std::ops::Range;

use crate::File;

/// Free-form key and value pairs; keys are lower case with dashes.
pub type Labels = Vec<(String, String)>;

/// One scale for all plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, nothing to do.
    Info,
    /// Needs another weakness to hurt.
    Low,
    /// Limited harm, or hard to use.
    Medium,
    /// Likely to be used for serious harm.
    High,
    /// To be acted on now.
    Critical,
}

/// How sure the plugin is that a finding is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A hint.
    Low,
    /// More often right than wrong.
    Medium,
    /// Little doubt.
    High,
}

/// A place in text, 1-based; the column counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// 1-based.
    pub line: u32,
    /// 1-based, in bytes.
    pub column: u32,
}

/// From `start` up to, but not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first byte.
    pub start: Position,
    /// Behind the last byte.
    pub end: Position,
}

/// Bytes of a file as it was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// 0-based.
    pub offset: u64,
    /// May be 0.
    pub len: u64,
}

impl From<Range<u64>> for Span {
    fn from(range: Range<u64>) -> Self {
        Self { offset: range.start, len: range.end.saturating_sub(range.start) }
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::from(range.start as u64..range.end as u64)
    }
}

/// How much of a file a location means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// The file as such.
    Whole,
    /// The usual case.
    Bytes(Span),
    /// Where only a parser's lines are known.
    Text(Region),
}

/// A place in a file of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation {
    /// As [`File::path`] gave it.
    pub path: String,
    /// How much of it.
    pub extent: Extent,
    /// A name inside the file: a function, a notebook's cell.
    pub logical: Option<String>,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A place in a file.
    File(FileLocation),
    /// purl, and the path of the manifest that names it.
    Package(String, String),
    /// HTTP method and URL template.
    Endpoint(String, String),
    /// Name of a target.
    Model(String),
    /// Kind and value.
    Other(String, String),
}

impl Location {
    /// Bytes of a file.
    pub fn bytes(file: &File, span: impl Into<Span>) -> Self {
        Self::File(FileLocation { path: file.path(), extent: Extent::Bytes(span.into()), logical: None })
    }

    /// A file as such.
    pub fn whole(file: &File) -> Self {
        Self::File(FileLocation { path: file.path(), extent: Extent::Whole, logical: None })
    }
}

/// What identifies the finding from one run to the next.
#[derive(Clone, PartialEq, Eq)]
pub enum Subject {
    /// The text at the primary location.
    Matched,
    /// A stable text of the plugin's choice.
    Text(String),
    /// A secret's bytes; the host masks them wherever they occur.
    Secret(Vec<u8>),
}

/// A secret must not end in a log because somebody printed a finding.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched => f.write_str("Matched"),
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Secret(bytes) => write!(f, "Secret({} bytes)", bytes.len()),
        }
    }
}

/// One replacement in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// As [`File::path`] gave it.
    pub path: String,
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// A proposed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// In the imperative: "Pin the action to a commit".
    pub title: String,
    /// All of them or none.
    pub edits: Vec<Edit>,
}

/// Something to keep beside a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A file name without folders.
    pub name: String,
    /// For example `image/png`.
    pub media_type: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Something that a person should act on. Made with [`Finding::new`] and the methods below.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Full id of a declared rule.
    pub rule: String,
    /// None: the rule's.
    pub severity: Option<Severity>,
    /// CVSS. None: derived from the level.
    pub score: Option<f32>,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence, without the secret, without line numbers.
    pub message: String,
    /// Where.
    pub primary: Location,
    /// Other places, each with a note.
    pub related: Vec<(Location, String)>,
    /// What identifies it.
    pub subject: Subject,
    /// Parts of the primary file that are masked.
    pub redact: Vec<Span>,
    /// A proposed change.
    pub fix: Option<Fix>,
    /// Handles from [`crate::Report::attach`].
    pub attachments: Vec<u32>,
    /// Everything else.
    pub labels: Labels,
}

impl Finding {
    /// A finding without a place; give it one with [`Finding::at`] or [`Finding::located`].
    pub fn new(rule: impl Into<String>, confidence: Confidence, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            severity: None,
            score: None,
            confidence,
            message: message.into(),
            primary: Location::Other(String::new(), String::new()),
            related: Vec::new(),
            subject: Subject::Matched,
            redact: Vec::new(),
            fix: None,
            attachments: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// These bytes of this file.
    #[must_use]
    pub fn at(self, file: &File, span: impl Into<Span>) -> Self {
        self.located(Location::bytes(file, span))
    }

    /// Any kind of location.
    #[must_use]
    pub fn located(mut self, primary: Location) -> Self {
        self.primary = primary;
        self
    }

    /// A name inside the file, when the primary location is one in a file.
    #[must_use]
    pub fn logical(mut self, name: impl Into<String>) -> Self {
        if let Location::File(place) = &mut self.primary {
            place.logical = Some(name.into());
        }
        self
    }

    /// Another severity than the rule's.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// A CVSS score.
    #[must_use]
    pub fn score(mut self, score: f32) -> Self {
        self.score = Some(score);
        self
    }

    /// The finding is about this secret: only a keyed digest of it is kept.
    #[must_use]
    pub fn secret(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.subject = Subject::Secret(bytes.into());
        self
    }

    /// A stable text that identifies the finding instead of the matched bytes.
    #[must_use]
    pub fn subject(mut self, text: impl Into<String>) -> Self {
        self.subject = Subject::Text(text.into());
        self
    }

    /// Mask these bytes of the primary file in every excerpt.
    #[must_use]
    pub fn redact(mut self, span: impl Into<Span>) -> Self {
        self.redact.push(span.into());
        self
    }

    /// Another place that explains the finding.
    #[must_use]
    pub fn related(mut self, location: Location, note: impl Into<String>) -> Self {
        self.related.push((location, note.into()));
        self
    }

    /// A proposed change.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// A handle from [`crate::Report::attach`].
    #[must_use]
    pub fn attachment(mut self, handle: u32) -> Self {
        self.attachments.push(handle);
        self
    }

    /// A label; a key may repeat.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }
}

/// A software component that the source contains or declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// A package URL.
    pub purl: String,
    /// Where it was seen.
    pub locations: Vec<FileLocation>,
    /// SPDX expressions, or a name as found.
    pub licences: Vec<String>,
    /// purls from a direct dependency to this package.
    pub path: Vec<String>,
    /// `runtime`, `dev`, `build`, `test`, `optional`, `os`; empty when unknown.
    pub scope: String,
    /// Everything else.
    pub labels: Labels,
}

/// A number that a gate may judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// With the plugin's id in front.
    pub name: String,
    /// What it was measured under.
    pub labels: Labels,
    /// The number.
    pub value: f64,
    /// `ratio`, `ms`, `bytes`, `count`, `1/s`.
    pub unit: String,
    /// Independent trials.
    pub trials: u64,
    /// Lower bound of the two-sided 95 % confidence interval.
    pub lower95: Option<f64>,
    /// Its upper bound.
    pub upper95: Option<f64>,
}

/// Why a call did not do what it was asked. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not granted.
    Denied(String),
    /// There is no such file, target or handle.
    NotFound(String),
    /// A limit of bytes, counts or time.
    Limit(String),
    /// The input, or the configuration, is malformed.
    Invalid(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::Denied(text) => ("not granted", text),
            Self::NotFound(text) => ("not found", text),
            Self::Limit(text) => ("a limit was reached", text),
            Self::Invalid(text) => ("malformed", text),
            Self::Failed(text) => ("failed", text),
        };
        write!(f, "{what}: {text}")
    }
}

impl std::error::Error for Error {}
