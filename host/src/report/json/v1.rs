//! Version 1 of the JSON report: types that mirror the document, and how an outcome becomes one. They are
//! not the model's own types, so that the model can change and the document does not.
//!
//! Every key is always there; `null` is what is not known or does not apply.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::finding as model;
use crate::finding::{Confidence, Level, State};
use crate::outcome::{Exit, Outcome, ProblemKind, SkipReason};

/// `major.minor`: a minor version adds keys, a major one changes them.
pub const VERSION: &str = "1.0";

/// The document.
#[derive(Debug, Serialize)]
pub struct Report<'o> {
    schema: &'static str,
    version: &'static str,
    tool: Tool<'o>,
    stage: &'o str,
    root: &'o str,
    source: &'o str,
    verdict: Verdict,
    complete: bool,
    summary: Summary,
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

#[derive(Debug, Serialize)]
struct Tool<'o> {
    name: &'static str,
    version: &'o str,
}

#[derive(Debug, Serialize)]
struct Verdict {
    exit_code: u8,
    status: Exit,
}

#[derive(Debug, Serialize)]
struct Summary {
    active: u64,
    ignored: u64,
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

#[derive(Debug, Serialize)]
struct Gate<'o> {
    description: &'o str,
    origin: &'o str,
    passed: bool,
    counted: u64,
}

#[derive(Debug, Serialize)]
struct Problem<'o> {
    kind: ProblemKind,
    plugin: Option<&'o str>,
    path: Option<&'o str>,
    message: &'o str,
}

#[derive(Debug, Serialize)]
struct Finding<'o> {
    rule: &'o str,
    title: &'o str,
    plugin: &'o str,
    severity: Level,
    severity_origin: SeverityOrigin<'o>,
    score: f32,
    confidence: Confidence,
    message: &'o str,
    location: Location<'o>,
    related: Vec<Related<'o>>,
    fingerprint: String,
    moved_fingerprint: String,
    tags: &'o [String],
    labels: Vec<Label<'o>>,
    also: &'o [String],
    fix: Option<Fix<'o>>,
    attachments: Vec<Attachment<'o>>,
    state: FindingState<'o>,
}

#[derive(Debug, Serialize)]
struct SeverityOrigin<'o> {
    from: &'static str,
    was: Option<Level>,
    reason: Option<&'o str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Location<'o> {
    File(FileLocation<'o>),
    Package { purl: &'o str, manifest: &'o str },
    Endpoint { method: &'o str, url: &'o str },
    Model { name: &'o str },
    Other { name: &'o str, value: &'o str },
}

#[derive(Debug, Serialize)]
struct FileLocation<'o> {
    path: &'o str,
    start: Option<Position>,
    end: Option<Position>,
    byte_offset: Option<u64>,
    byte_length: Option<u64>,
    snippet: Option<Snippet<'o>>,
    logical: Option<&'o str>,
    provenance: Vec<Label<'o>>,
}

#[derive(Debug, Serialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize)]
struct Snippet<'o> {
    first_line: u32,
    lines: &'o [String],
    start: usize,
    end: usize,
}

#[derive(Debug, Serialize)]
struct Related<'o> {
    location: Location<'o>,
    note: &'o str,
}

#[derive(Debug, Serialize)]
struct Label<'o> {
    key: &'o str,
    value: &'o str,
}

#[derive(Debug, Serialize)]
struct Fix<'o> {
    title: &'o str,
    edits: Vec<Edit<'o>>,
}

#[derive(Debug, Serialize)]
struct Edit<'o> {
    path: &'o str,
    byte_offset: u64,
    byte_length: u64,
    replacement: &'o str,
}

#[derive(Debug, Serialize)]
struct Attachment<'o> {
    name: &'o str,
    media_type: &'o str,
    size: usize,
    base64: String,
}

#[derive(Debug, Serialize)]
struct FindingState<'o> {
    kind: &'static str,
    reason: Option<&'o str>,
}

#[derive(Debug, Serialize)]
struct Package<'o> {
    purl: &'o str,
    plugin: &'o str,
    locations: Vec<FileLocation<'o>>,
    licences: &'o [String],
    path: &'o [String],
    scope: &'o str,
    labels: Vec<Label<'o>>,
}

#[derive(Debug, Serialize)]
struct Measurement<'o> {
    name: &'o str,
    plugin: &'o str,
    labels: Vec<Label<'o>>,
    value: f64,
    unit: &'o str,
    trials: u64,
    lower95: Option<f64>,
    upper95: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Rule<'o> {
    id: &'o str,
    plugin: &'o str,
    title: &'o str,
    severity: &'static str,
    tags: &'o [String],
    help: &'o str,
}

#[derive(Debug, Serialize)]
struct Plugin<'o> {
    id: &'o str,
    version: &'o str,
    digest: &'o str,
    source: &'o str,
    files: u64,
    bytes: u64,
    time_us: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Inputs<'o> {
    files: u64,
    bytes: u64,
    binary: u64,
    skipped: Vec<Skipped<'o>>,
}

#[derive(Debug, Serialize)]
struct Skipped<'o> {
    path: &'o str,
    reason: SkipReason,
    detail: &'o str,
}

#[derive(Debug, Serialize)]
struct Timings {
    started_unix: u64,
    total_us: u64,
    read_us: u64,
    route_us: u64,
    guest_us: u64,
}

impl<'o> Report<'o> {
    /// The document of an outcome.
    pub fn new(outcome: &'o Outcome) -> Self {
        let inputs = &outcome.inputs;
        let plugin = |p: &'o crate::outcome::PluginUse| Plugin {
            id: p.id.as_str(),
            version: &p.version,
            digest: &p.digest,
            source: &p.source,
            files: p.files,
            bytes: p.bytes,
            time_us: outcome.timings.as_ref().map(|_| p.time_us),
        };
        Self {
            schema: "scanhost-report",
            version: VERSION,
            tool: Tool { name: "scanhost", version: &outcome.version },
            stage: &outcome.stage,
            root: &inputs.root,
            source: &inputs.source,
            verdict: Verdict { exit_code: outcome.exit.code(), status: outcome.exit },
            complete: outcome.is_complete(),
            summary: summary(outcome),
            gates: outcome.gates.iter().map(gate).collect(),
            problems: outcome.problems.iter().map(problem).collect(),
            findings: outcome.findings.iter().map(finding).collect(),
            packages: outcome.packages.iter().map(package).collect(),
            measurements: outcome.measurements.iter().filter_map(measurement).collect(),
            rules: outcome.rules.values().map(rule).collect(),
            plugins: outcome.plugins.iter().map(plugin).collect(),
            inputs: Inputs {
                files: inputs.files,
                bytes: inputs.bytes,
                binary: inputs.binary,
                skipped: inputs.skipped.iter().map(skipped).collect(),
            },
            timings: outcome.timings.as_ref().map(timings),
        }
    }
}

fn summary(outcome: &Outcome) -> Summary {
    let mut by_severity = BySeverity::default();
    let mut active = 0;
    for (level, count) in outcome.counts() {
        active += count;
        *match level {
            Level::Critical => &mut by_severity.critical,
            Level::High => &mut by_severity.high,
            Level::Medium => &mut by_severity.medium,
            Level::Unknown => &mut by_severity.unknown,
            Level::Low => &mut by_severity.low,
            Level::Info => &mut by_severity.info,
        } = count;
    }
    Summary { active, ignored: outcome.findings.len() as u64 - active, by_severity }
}

fn gate(g: &crate::outcome::GateResult) -> Gate<'_> {
    Gate { description: &g.description, origin: &g.origin, passed: g.passed(), counted: g.counted }
}

fn problem(p: &crate::outcome::Problem) -> Problem<'_> {
    let plugin = p.plugin.as_ref().map(model::PluginId::as_str);
    Problem { kind: p.kind, plugin, path: p.path.as_deref(), message: &p.message }
}

fn finding(f: &model::Finding) -> Finding<'_> {
    Finding {
        rule: &f.rule,
        title: &f.title,
        plugin: f.plugin.as_str(),
        severity: f.rating.level,
        severity_origin: origin(&f.rating.origin),
        // A score is checked where it is taken in; JSON has no word for what is no number.
        score: if f.rating.score.is_finite() { f.rating.score } else { f.rating.level.default_score() },
        confidence: f.confidence,
        message: &f.message,
        location: location(&f.location),
        related: f.related.iter().map(|r| Related { location: location(&r.location), note: &r.note }).collect(),
        fingerprint: f.fingerprint.to_string(),
        moved_fingerprint: f.moved_fingerprint.to_string(),
        tags: &f.tags,
        labels: labels(&f.labels),
        also: &f.also,
        fix: f.fix.as_ref().map(fix),
        attachments: f.attachments.iter().map(attachment).collect(),
        state: state(&f.state),
    }
}

fn origin(origin: &model::Origin) -> SeverityOrigin<'_> {
    let (from, was, reason) = match origin {
        model::Origin::Rule => ("rule", None, None),
        model::Origin::Finding => ("finding", None, None),
        model::Origin::Override { was, reason, .. } => ("override", Some(was.level), Some(reason.as_str())),
    };
    SeverityOrigin { from, was, reason }
}

fn state(state: &State) -> FindingState<'_> {
    match state {
        State::Active => FindingState { kind: "active", reason: None },
        State::IgnoredInline { reason } => FindingState { kind: "ignored-inline", reason: Some(reason) },
        State::Suppressed { reason, .. } => FindingState { kind: "suppressed", reason: Some(reason) },
    }
}

fn location(location: &model::Location) -> Location<'_> {
    match location {
        model::Location::File(file) => Location::File(file_location(file)),
        model::Location::Package { purl, manifest } => Location::Package { purl, manifest },
        model::Location::Endpoint { method, url } => Location::Endpoint { method, url },
        model::Location::Model(name) => Location::Model { name },
        model::Location::Other { kind, value } => Location::Other { name: kind, value },
    }
}

fn file_location(file: &model::FileLocation) -> FileLocation<'_> {
    let position = |p: model::Position| Position { line: p.line, column: p.column };
    FileLocation {
        path: &file.path,
        start: file.region.map(|r| position(r.start)),
        end: file.region.map(|r| position(r.end)),
        byte_offset: file.bytes.map(|b| b.offset),
        byte_length: file.bytes.map(|b| b.len),
        snippet: file.snippet.as_ref().map(snippet),
        logical: file.logical.as_deref(),
        provenance: labels(&file.provenance),
    }
}

fn snippet(s: &model::Snippet) -> Snippet<'_> {
    Snippet { first_line: s.first_line, lines: &s.lines, start: s.start, end: s.end }
}

fn labels(pairs: &[(String, String)]) -> Vec<Label<'_>> {
    pairs.iter().map(|(key, value)| Label { key, value }).collect()
}

fn fix<'f>(fix: &'f model::Fix) -> Fix<'f> {
    let edit = |e: &'f model::Edit| Edit {
        path: &e.path,
        byte_offset: e.span.offset,
        byte_length: e.span.len,
        replacement: &e.replacement,
    };
    Fix { title: &fix.title, edits: fix.edits.iter().map(edit).collect() }
}

fn attachment(a: &model::Attachment) -> Attachment<'_> {
    Attachment { name: &a.name, media_type: &a.media_type, size: a.body.len(), base64: STANDARD.encode(&a.body) }
}

fn package(p: &model::Package) -> Package<'_> {
    Package {
        purl: &p.purl,
        plugin: p.plugin.as_str(),
        locations: p.locations.iter().map(file_location).collect(),
        licences: &p.licences,
        path: &p.path,
        scope: &p.scope,
        labels: labels(&p.labels),
    }
}

/// None for what is no number: it was refused where it was taken in, and is not made up here.
fn measurement(m: &model::Measurement) -> Option<Measurement<'_>> {
    m.value.is_finite().then(|| Measurement {
        name: &m.name,
        plugin: m.plugin.as_str(),
        labels: labels(&m.labels),
        value: m.value,
        unit: &m.unit,
        trials: m.trials,
        lower95: m.lower95.filter(|bound| bound.is_finite()),
        upper95: m.upper95.filter(|bound| bound.is_finite()),
    })
}

fn rule(r: &crate::outcome::RuleInfo) -> Rule<'_> {
    Rule {
        id: &r.id,
        plugin: r.plugin.as_str(),
        title: &r.title,
        severity: r.severity.as_str(),
        tags: &r.tags,
        help: &r.help,
    }
}

fn skipped(s: &crate::outcome::Skipped) -> Skipped<'_> {
    Skipped { path: &s.path, reason: s.reason, detail: &s.detail }
}

fn timings(t: &crate::outcome::Timings) -> Timings {
    let crate::outcome::Timings { started_unix, total_us, read_us, route_us, guest_us } = *t;
    Timings { started_unix, total_us, read_us, route_us, guest_us }
}
