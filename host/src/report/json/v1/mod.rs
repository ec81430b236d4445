//! Version 1 of the JSON report: types that mirror the document, written from an outcome ([`write`](Report::new))
//! and read back into one (`read`). They are not the model's own types, so that the model can change and the
//! document does not.
//!
//! Every key is always there; `null` is what is not known or does not apply. A reader takes a document of an
//! earlier minor version, so what came later has a default; what comes in a later one is passed over.

mod read;
mod text;
mod write;

use serde::{Deserialize, Serialize};

use crate::finding::{Confidence, Date, Fingerprint, Level, Novelty, PluginId, Severity};
use crate::outcome::{Exit, GateVerdict, Judges, NoticeKind, PolicySource, ProblemKind, SkipReason};
use text::{Text, Verbatim};

/// `major.minor`: a minor version adds keys, a major one changes them.
pub const VERSION: &str = "1.1";
/// What the document calls itself.
pub const SCHEMA_NAME: &str = "scanhost-report";

/// The document.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report<'o> {
    schema: Text<'o>,
    version: Text<'o>,
    tool: Tool<'o>,
    stage: Text<'o>,
    root: Text<'o>,
    source: Text<'o>,
    verdict: Verdict,
    complete: bool,
    #[serde(skip_deserializing)]
    summary: Summary,
    /// Since 1.1.
    policy: Option<Policy<'o>>,
    /// Since 1.1.
    #[serde(default)]
    notices: Vec<Notice<'o>>,
    gates: Vec<Gate<'o>>,
    problems: Vec<Problem<'o>>,
    findings: Vec<Finding<'o>>,
    packages: Vec<Package<'o>>,
    measurements: Vec<Measurement<'o>>,
    rules: Vec<Rule<'o>>,
    plugins: Vec<Plugin<'o>>,
    inputs: Inputs<'o>,
    timings: Option<Timings>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tool<'o> {
    name: Text<'o>,
    version: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Verdict {
    exit_code: u8,
    status: Exit,
}

/// Counted anew from the findings when a report is read.
#[derive(Debug, Default, Serialize)]
struct Summary {
    active: u64,
    ignored: u64,
    suppressed: u64,
    new: Option<u64>,
    by_severity: BySeverity,
}

/// Active findings of each level.
#[derive(Debug, Default, Serialize)]
struct BySeverity {
    critical: u64,
    high: u64,
    medium: u64,
    unknown: u64,
    low: u64,
    info: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Policy<'o> {
    source: PolicySource,
    file: Option<Text<'o>>,
    base: Option<Base<'o>>,
    baseline: Option<Baseline<'o>>,
    day: Date,
}

#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the document's")]
struct Base<'o> {
    reference: Text<'o>,
    commit: Text<'o>,
    merge_base: Option<Text<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Baseline<'o> {
    path: Text<'o>,
    entries: u64,
    gone: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Notice<'o> {
    kind: NoticeKind,
    place: Option<Text<'o>>,
    message: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Gate<'o> {
    description: Text<'o>,
    origin: Text<'o>,
    passed: bool,
    /// Since 1.1.
    #[serde(default)]
    judges: Judges,
    /// Since 1.1; without, `passed` tells.
    verdict: Option<GateVerdict>,
    counted: u64,
    /// Since 1.1.
    #[serde(default)]
    detail: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Problem<'o> {
    kind: ProblemKind,
    plugin: Option<PluginId>,
    path: Option<Text<'o>>,
    message: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Finding<'o> {
    rule: Text<'o>,
    title: Text<'o>,
    plugin: PluginId,
    severity: Level,
    severity_origin: SeverityOrigin<'o>,
    score: f32,
    confidence: Confidence,
    message: Text<'o>,
    location: Location<'o>,
    related: Vec<Related<'o>>,
    fingerprint: Fingerprint,
    moved_fingerprint: Fingerprint,
    tags: Vec<Text<'o>>,
    labels: Vec<Label<'o>>,
    also: Vec<Text<'o>>,
    fix: Option<Fix<'o>>,
    attachments: Vec<Attachment<'o>>,
    /// Since 1.1.
    comment: Option<Comment<'o>>,
    /// Since 1.1.
    novelty: Option<Novelty>,
    state: State<'o>,
}

/// Where a severity came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OriginKind {
    Rule,
    Finding,
    Override,
}

/// What `was` before an override is null without one; its score, its own origin and the override's place came
/// with 1.1.
#[derive(Debug, Serialize, Deserialize)]
struct SeverityOrigin<'o> {
    from: OriginKind,
    was: Option<Level>,
    was_score: Option<f32>,
    was_from: Option<OriginKind>,
    reason: Option<Text<'o>>,
    place: Option<Text<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Location<'o> {
    File(FileLocation<'o>),
    Package { purl: Text<'o>, manifest: Text<'o> },
    Endpoint { method: Text<'o>, url: Text<'o> },
    Model { name: Text<'o> },
    Other { name: Text<'o>, value: Text<'o> },
}

#[derive(Debug, Serialize, Deserialize)]
struct FileLocation<'o> {
    path: Text<'o>,
    start: Option<Position>,
    end: Option<Position>,
    byte_offset: Option<u64>,
    byte_length: Option<u64>,
    snippet: Option<Snippet<'o>>,
    logical: Option<Text<'o>>,
    provenance: Vec<Label<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Snippet<'o> {
    first_line: u32,
    lines: Vec<Text<'o>>,
    start: usize,
    end: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Related<'o> {
    location: Location<'o>,
    note: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Label<'o> {
    key: Text<'o>,
    value: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fix<'o> {
    title: Text<'o>,
    edits: Vec<Edit<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Edit<'o> {
    path: Text<'o>,
    byte_offset: u64,
    byte_length: u64,
    replacement: Verbatim<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Attachment<'o> {
    name: Text<'o>,
    media_type: Text<'o>,
    size: usize,
    base64: Verbatim<'o>,
}

/// The model's, with the texts made safe.
#[derive(Debug, Serialize, Deserialize)]
struct Comment<'o> {
    kind: CommentKind,
    reason: Option<Text<'o>>,
    lacks: Option<Text<'o>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CommentKind {
    Ignore,
    Malformed,
}

/// `expires` and `place` are a suppression's, since 1.1.
#[derive(Debug, Serialize, Deserialize)]
struct State<'o> {
    kind: StateKind,
    reason: Option<Text<'o>>,
    expires: Option<Date>,
    place: Option<Text<'o>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StateKind {
    Active,
    IgnoredInline,
    Suppressed,
}

#[derive(Debug, Serialize, Deserialize)]
struct Package<'o> {
    purl: Text<'o>,
    plugin: PluginId,
    locations: Vec<FileLocation<'o>>,
    licences: Vec<Text<'o>>,
    path: Vec<Text<'o>>,
    scope: Text<'o>,
    labels: Vec<Label<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Measurement<'o> {
    name: Text<'o>,
    plugin: PluginId,
    labels: Vec<Label<'o>>,
    value: f64,
    unit: Text<'o>,
    trials: u64,
    lower95: Option<f64>,
    upper95: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Rule<'o> {
    id: Text<'o>,
    plugin: PluginId,
    title: Text<'o>,
    severity: Severity,
    tags: Vec<Text<'o>>,
    help: Verbatim<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Plugin<'o> {
    id: PluginId,
    version: Text<'o>,
    digest: Text<'o>,
    source: Text<'o>,
    files: u64,
    bytes: u64,
    time_us: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Inputs<'o> {
    files: u64,
    bytes: u64,
    binary: u64,
    skipped: Vec<Skipped<'o>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Skipped<'o> {
    path: Text<'o>,
    reason: SkipReason,
    detail: Text<'o>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Timings {
    started_unix: u64,
    total_us: u64,
    read_us: u64,
    route_us: u64,
    guest_us: u64,
}
