//! What a guest reported, as the contract has it, in types that do not know wasmtime. Nothing in here has
//! been checked: [`normalise`](super::normalise) does that.

use super::severity::{Confidence, Severity};

/// Key and value pairs.
pub type Labels = Vec<(String, String)>;

/// How much of a file is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Offset and length in bytes.
    Bytes(u64, u64),
    /// Line and column of the start, then of the end; 1-based.
    Text((u32, u32), (u32, u32)),
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLocation {
    /// As the guest was told.
    pub path: String,
    /// How much.
    pub extent: Extent,
    /// A name inside the file.
    pub logical: Option<String>,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// In a file.
    File(FileLocation),
    /// purl and manifest.
    Package(String, String),
    /// Method and URL template.
    Endpoint(String, String),
    /// A target's name.
    Model(String),
    /// Kind and value.
    Other(String, String),
}

/// What identifies a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// The text at the location.
    Matched,
    /// A text of the guest's choice.
    Text(String),
    /// A secret's bytes.
    Secret(Vec<u8>),
}

/// A proposed replacement: path, offset, length, new text.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The file.
    pub path: String,
    /// Offset and length in bytes.
    pub span: (u64, u64),
    /// New text.
    pub replacement: String,
}

/// See the contract's `finding`.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Full id.
    pub rule: String,
    /// None: the rule's.
    pub severity: Option<Severity>,
    /// None: by level.
    pub score: Option<f32>,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence.
    pub message: String,
    /// Where.
    pub primary: Location,
    /// Other places.
    pub related: Vec<(Location, String)>,
    /// What identifies it.
    pub subject: Subject,
    /// Offset and length of what is to be masked.
    pub redact: Vec<(u64, u64)>,
    /// Title and edits.
    pub fix: Option<(String, Vec<Edit>)>,
    /// Handles.
    pub attachments: Vec<u32>,
    /// Key and value pairs.
    pub labels: Labels,
}

/// See the contract's `attachment`.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// A file name.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// Bytes.
    pub body: Vec<u8>,
}

/// See the contract's `package`.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Package URL.
    pub purl: String,
    /// Where.
    pub locations: Vec<FileLocation>,
    /// SPDX expressions.
    pub licences: Vec<String>,
    /// purls.
    pub path: Vec<String>,
    /// `runtime` …
    pub scope: String,
    /// Key and value pairs.
    pub labels: Labels,
}

/// See the contract's `measurement`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Name.
    pub name: String,
    /// Key and value pairs.
    pub labels: Labels,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Trials.
    pub trials: u64,
    /// Lower bound.
    pub lower95: Option<f64>,
    /// Upper bound.
    pub upper95: Option<f64>,
}
