//! An outcome becomes the document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text::{Text, Verbatim};
use super::{
    Attachment, Base, Baseline, BySeverity, Comment, CommentKind, Edit, FileLocation, Finding, Fix, Gate, Inputs,
    Label, Location, Measurement, Notice, OriginKind, Package, Plugin, Policy, Position, Problem, Related, Report,
    Rule, SCHEMA_NAME, SeverityOrigin, Skipped, Snippet, State, StateKind, Summary, Timings, Tool, VERSION, Verdict,
};
use crate::finding as model;
use crate::finding::Level;
use crate::outcome::{self, Outcome};
use crate::report::Tally;

impl<'o> Report<'o> {
    /// The document of an outcome.
    pub fn new(outcome: &'o Outcome) -> Self {
        let inputs = &outcome.inputs;
        let plugin = |p: &'o outcome::PluginUse| Plugin {
            id: p.id.clone(),
            version: (&p.version).into(),
            digest: (&p.digest).into(),
            source: (&p.source).into(),
            files: p.files,
            bytes: p.bytes,
            time_us: outcome.timings.as_ref().map(|_| p.time_us),
        };
        Self {
            schema: SCHEMA_NAME.into(),
            version: VERSION.into(),
            tool: Tool { name: "scanhost".into(), version: (&outcome.version).into() },
            stage: (&outcome.stage).into(),
            root: (&inputs.root).into(),
            source: (&inputs.source).into(),
            verdict: Verdict { exit_code: outcome.exit.code(), status: outcome.exit },
            complete: outcome.is_complete(),
            summary: summary(outcome),
            policy: Some(policy(&outcome.policy)),
            notices: outcome.notices.iter().map(notice).collect(),
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
    for (level, count) in outcome.counts() {
        *match level {
            Level::Critical => &mut by_severity.critical,
            Level::High => &mut by_severity.high,
            Level::Medium => &mut by_severity.medium,
            Level::Unknown => &mut by_severity.unknown,
            Level::Low => &mut by_severity.low,
            Level::Info => &mut by_severity.info,
        } = count;
    }
    let Tally { active, ignored, suppressed, new } = Tally::of(outcome);
    Summary { active, ignored, suppressed, new, by_severity }
}

fn policy(p: &outcome::PolicyUse) -> Policy<'_> {
    let base = p.base.as_ref().map(|base| Base {
        reference: (&base.reference).into(),
        commit: (&base.commit).into(),
        merge_base: optional(base.merge_base.as_ref()),
    });
    let baseline = p.baseline.as_ref().map(|baseline| Baseline {
        path: (&baseline.path).into(),
        entries: baseline.entries,
        gone: baseline.gone,
    });
    Policy { source: p.source, file: optional(p.file.as_ref()), base, baseline, day: p.day }
}

fn notice(n: &outcome::Notice) -> Notice<'_> {
    Notice { kind: n.kind, place: optional(n.place.as_ref()), message: (&n.message).into() }
}

fn gate(g: &outcome::GateResult) -> Gate<'_> {
    Gate {
        description: (&g.description).into(),
        origin: (&g.origin).into(),
        judges: g.judges,
        passed: g.passed(),
        verdict: Some(g.verdict),
        counted: g.counted,
        detail: (&g.detail).into(),
    }
}

fn problem(p: &outcome::Problem) -> Problem<'_> {
    Problem { kind: p.kind, plugin: p.plugin.clone(), path: optional(p.path.as_ref()), message: (&p.message).into() }
}

fn finding(f: &model::Finding) -> Finding<'_> {
    Finding {
        rule: (&f.rule).into(),
        title: (&f.title).into(),
        plugin: f.plugin.clone(),
        severity: f.rating.level,
        severity_origin: origin(&f.rating.origin),
        score: score(&f.rating),
        confidence: f.confidence,
        message: (&f.message).into(),
        location: location(&f.location),
        related: f.related.iter().map(related).collect(),
        fingerprint: f.fingerprint,
        moved_fingerprint: f.moved_fingerprint,
        tags: texts(&f.tags),
        labels: labels(&f.labels),
        also: texts(&f.also),
        fix: f.fix.as_ref().map(fix),
        attachments: f.attachments.iter().map(attachment).collect(),
        comment: f.comment.as_ref().map(comment),
        novelty: f.novelty,
        state: state(&f.state),
    }
}

/// A score is checked where it is taken in; JSON has no word for what is no number.
fn score(rating: &model::Rating) -> f32 {
    if rating.score.is_finite() { rating.score } else { rating.level.default_score() }
}

fn origin(origin: &model::Origin) -> SeverityOrigin<'_> {
    let plain = |from| SeverityOrigin { from, was: None, was_score: None, was_from: None, reason: None, place: None };
    match origin {
        model::Origin::Rule => plain(OriginKind::Rule),
        model::Origin::Finding => plain(OriginKind::Finding),
        model::Origin::Override { was, reason, place } => {
            let was = was.declared();
            let from = if was.origin == model::Origin::Finding { OriginKind::Finding } else { OriginKind::Rule };
            SeverityOrigin {
                from: OriginKind::Override,
                was: Some(was.level),
                was_score: Some(score(was)),
                was_from: Some(from),
                reason: Some(reason.into()),
                place: Some(place.into()),
            }
        }
    }
}

fn comment(comment: &model::Comment) -> Comment<'_> {
    match comment {
        model::Comment::Ignore { reason } => {
            Comment { kind: CommentKind::Ignore, reason: Some(reason.into()), lacks: None }
        }
        model::Comment::Malformed { lacks } => {
            Comment { kind: CommentKind::Malformed, reason: None, lacks: Some(lacks.into()) }
        }
    }
}

fn state(state: &model::State) -> State<'_> {
    match state {
        model::State::Active => State { kind: StateKind::Active, reason: None, expires: None, place: None },
        model::State::IgnoredInline { reason } => {
            State { kind: StateKind::IgnoredInline, reason: Some(reason.into()), expires: None, place: None }
        }
        model::State::Suppressed { reason, expires, place } => State {
            kind: StateKind::Suppressed,
            reason: Some(reason.into()),
            expires: Some(*expires),
            place: Some(place.into()),
        },
    }
}

fn related(r: &model::Related) -> Related<'_> {
    Related { location: location(&r.location), note: (&r.note).into() }
}

fn location(location: &model::Location) -> Location<'_> {
    match location {
        model::Location::File(file) => Location::File(file_location(file)),
        model::Location::Package { purl, manifest } => {
            Location::Package { purl: purl.into(), manifest: manifest.into() }
        }
        model::Location::Endpoint { method, url } => Location::Endpoint { method: method.into(), url: url.into() },
        model::Location::Model(name) => Location::Model { name: name.into() },
        model::Location::Other { kind, value } => Location::Other { name: kind.into(), value: value.into() },
    }
}

fn file_location(file: &model::FileLocation) -> FileLocation<'_> {
    let position = |p: model::Position| Position { line: p.line, column: p.column };
    FileLocation {
        path: (&file.path).into(),
        start: file.region.map(|r| position(r.start)),
        end: file.region.map(|r| position(r.end)),
        byte_offset: file.bytes.map(|b| b.offset),
        byte_length: file.bytes.map(|b| b.len),
        snippet: file.snippet.as_ref().map(snippet),
        logical: optional(file.logical.as_ref()),
        provenance: labels(&file.provenance),
    }
}

fn snippet(s: &model::Snippet) -> Snippet<'_> {
    Snippet { first_line: s.first_line, lines: texts(&s.lines), start: s.start, end: s.end }
}

fn texts(list: &[String]) -> Vec<Text<'_>> {
    list.iter().map(Text::from).collect()
}

fn optional(text: Option<&String>) -> Option<Text<'_>> {
    text.map(Text::from)
}

fn labels(pairs: &[(String, String)]) -> Vec<Label<'_>> {
    pairs.iter().map(|(key, value)| Label { key: key.into(), value: value.into() }).collect()
}

fn fix<'f>(fix: &'f model::Fix) -> Fix<'f> {
    let edit = |e: &'f model::Edit| Edit {
        path: (&e.path).into(),
        byte_offset: e.span.offset,
        byte_length: e.span.len,
        replacement: e.replacement.as_str().into(),
    };
    Fix { title: (&fix.title).into(), edits: fix.edits.iter().map(edit).collect() }
}

fn attachment(a: &model::Attachment) -> Attachment<'_> {
    Attachment {
        name: (&a.name).into(),
        media_type: (&a.media_type).into(),
        size: a.body.len(),
        base64: Verbatim(STANDARD.encode(&a.body).into()),
    }
}

fn package(p: &model::Package) -> Package<'_> {
    Package {
        purl: (&p.purl).into(),
        plugin: p.plugin.clone(),
        locations: p.locations.iter().map(file_location).collect(),
        licences: texts(&p.licences),
        path: texts(&p.path),
        scope: (&p.scope).into(),
        labels: labels(&p.labels),
    }
}

/// None for what is no number: it was refused where it was taken in, and is not made up here.
fn measurement(m: &model::Measurement) -> Option<Measurement<'_>> {
    m.value.is_finite().then(|| Measurement {
        name: (&m.name).into(),
        plugin: m.plugin.clone(),
        labels: labels(&m.labels),
        value: m.value,
        unit: (&m.unit).into(),
        trials: m.trials,
        lower95: m.lower95.filter(|bound| bound.is_finite()),
        upper95: m.upper95.filter(|bound| bound.is_finite()),
    })
}

fn rule(r: &outcome::RuleInfo) -> Rule<'_> {
    Rule {
        id: (&r.id).into(),
        plugin: r.plugin.clone(),
        title: (&r.title).into(),
        severity: r.severity,
        tags: texts(&r.tags),
        help: r.help.as_str().into(),
    }
}

fn skipped(s: &outcome::Skipped) -> Skipped<'_> {
    Skipped { path: (&s.path).into(), reason: s.reason, detail: (&s.detail).into() }
}

fn timings(t: &outcome::Timings) -> Timings {
    let outcome::Timings { started_unix, total_us, read_us, route_us, guest_us } = *t;
    Timings { started_unix, total_us, read_us, route_us, guest_us }
}
