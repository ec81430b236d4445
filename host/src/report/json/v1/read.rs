//! The document becomes an outcome again. Texts are safe to show by the time they are here; what is checked here
//! is what the types do not say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text::Text;
use super::{
    Attachment, Comment, CommentKind, FileLocation, Finding, Fix, Gate, Label, Location, Measurement, OriginKind,
    Package, Plugin, Policy, Problem, Related, Report, Rule, SeverityOrigin, Skipped, Snippet, State, StateKind,
    Timings,
};
use crate::finding::{self as model, Date, Level, Origin, Rating};
use crate::outcome::{self, Exit, GateVerdict, Outcome, PolicySource};
use crate::report::json::ReadError;

impl Report<'_> {
    /// The outcome that the document was written from, as far as the document knows it.
    pub fn into_outcome(self) -> Result<Outcome, ReadError> {
        // A report that says of itself that it is incomplete and not why would be judged as if it were complete.
        if self.complete != self.problems.is_empty() {
            return Err(ReadError::Contradiction("`complete` and `problems` do not agree".into()));
        }
        if self.verdict.exit_code != self.verdict.status.code() || self.verdict.status == Exit::Usage {
            return Err(ReadError::Contradiction("`verdict.exit_code` and `verdict.status` do not agree".into()));
        }
        let timings = self.timings.as_ref().map(timings);
        let rules = self.rules.into_iter().map(rule).map(|rule| (rule.id.clone(), rule)).collect();
        Ok(Outcome {
            version: self.tool.version.into(),
            stage: self.stage.into(),
            policy: policy(self.policy, timings.as_ref()),
            plugins: self.plugins.into_iter().map(|p| plugin(p, timings.is_some())).collect(),
            inputs: outcome::Inputs {
                source: self.source.into(),
                root: self.root.into(),
                files: self.inputs.files,
                bytes: self.inputs.bytes,
                binary: self.inputs.binary,
                skipped: self.inputs.skipped.into_iter().map(skipped).collect(),
            },
            problems: self.problems.into_iter().map(problem).collect(),
            notices: self
                .notices
                .into_iter()
                .map(|n| outcome::Notice { kind: n.kind, place: optional(n.place), message: n.message.into() })
                .collect(),
            findings: self.findings.into_iter().map(finding).collect::<Result<_, _>>()?,
            packages: self.packages.into_iter().map(package).collect(),
            measurements: self.measurements.into_iter().map(measurement).collect(),
            rules,
            gates: self.gates.into_iter().map(gate).collect(),
            timings,
            exit: self.verdict.status,
        })
    }
}

/// A report of version 1.0 was judged by the policy of what was scanned, on the day of the scan.
fn policy(policy: Option<Policy<'_>>, timings: Option<&outcome::Timings>) -> outcome::PolicyUse {
    let Some(policy) = policy else {
        let days = timings.map_or(0, |t| t.started_unix / (24 * 60 * 60));
        let day = Date::epoch().plus_days(u32::try_from(days).unwrap_or(u32::MAX));
        return outcome::PolicyUse { source: PolicySource::Head, file: None, base: None, baseline: None, day };
    };
    let base = policy.base.map(|base| outcome::BaseUse {
        reference: base.reference.into(),
        commit: base.commit.into(),
        merge_base: optional(base.merge_base),
    });
    let baseline = policy.baseline.map(|baseline| outcome::BaselineUse {
        path: baseline.path.into(),
        entries: baseline.entries,
        gone: baseline.gone,
    });
    outcome::PolicyUse { source: policy.source, file: optional(policy.file), base, baseline, day: policy.day }
}

/// A report that has to be reproducible has no time anywhere.
fn plugin(p: Plugin<'_>, timed: bool) -> outcome::PluginUse {
    outcome::PluginUse {
        id: p.id,
        version: p.version.into(),
        digest: p.digest.into(),
        source: p.source.into(),
        files: p.files,
        bytes: p.bytes,
        time_us: p.time_us.filter(|_| timed).unwrap_or(0),
    }
}

fn gate(g: Gate<'_>) -> outcome::GateResult {
    let verdict = g.verdict.unwrap_or(if g.passed { GateVerdict::Passed } else { GateVerdict::Failed });
    outcome::GateResult {
        description: g.description.into(),
        origin: g.origin.into(),
        judges: g.judges,
        verdict,
        counted: g.counted,
        detail: g.detail.into(),
    }
}

fn problem(p: Problem<'_>) -> outcome::Problem {
    outcome::Problem { kind: p.kind, plugin: p.plugin, path: optional(p.path), message: p.message.into() }
}

fn finding(f: Finding<'_>) -> Result<model::Finding, ReadError> {
    let state = state(f.state)?;
    let comment = match f.comment {
        Some(comment) => Some(self::comment(comment)),
        // A report of version 1.0 tells of a comment by what it did.
        None => match &state {
            model::State::IgnoredInline { reason } => Some(model::Comment::Ignore { reason: reason.clone() }),
            model::State::Active | model::State::Suppressed { .. } => None,
        },
    };
    Ok(model::Finding {
        rule: f.rule.into(),
        title: f.title.into(),
        plugin: f.plugin,
        rating: rating(f.severity, f.score, f.severity_origin)?,
        confidence: f.confidence,
        message: f.message.into(),
        location: location(f.location),
        related: f.related.into_iter().map(related).collect(),
        fingerprint: f.fingerprint,
        moved_fingerprint: f.moved_fingerprint,
        secret: None,
        tags: texts(f.tags),
        labels: labels(f.labels),
        fix: f.fix.map(fix),
        attachments: f.attachments.into_iter().map(attachment).collect::<Result<_, _>>()?,
        also: texts(f.also),
        comment,
        novelty: f.novelty,
        state,
    })
}

fn rating(level: Level, score: f32, origin: SeverityOrigin<'_>) -> Result<Rating, ReadError> {
    let plain = |level: Level, score: Option<f32>, origin| {
        let score = score.filter(|s| (0.0..=10.0).contains(s)).unwrap_or_else(|| level.default_score());
        Rating { level, score, origin }
    };
    let was_from = match origin.was_from {
        Some(OriginKind::Finding) => Origin::Finding,
        Some(OriginKind::Rule | OriginKind::Override) | None => Origin::Rule,
    };
    let origin = match origin.from {
        OriginKind::Rule => Origin::Rule,
        OriginKind::Finding => Origin::Finding,
        OriginKind::Override => {
            let was = origin.was.ok_or_else(|| ReadError::Contradiction("an override without `was`".into()))?;
            Origin::Override {
                was: Box::new(plain(was, origin.was_score, was_from)),
                reason: or_empty(origin.reason),
                place: or_empty(origin.place),
            }
        }
    };
    Ok(plain(level, Some(score), origin))
}

fn comment(comment: Comment<'_>) -> model::Comment {
    match comment.kind {
        CommentKind::Ignore => model::Comment::Ignore { reason: or_empty(comment.reason) },
        CommentKind::Malformed => model::Comment::Malformed { lacks: or_empty(comment.lacks) },
    }
}

fn state(state: State<'_>) -> Result<model::State, ReadError> {
    Ok(match state.kind {
        StateKind::Active => model::State::Active,
        StateKind::IgnoredInline => model::State::IgnoredInline { reason: or_empty(state.reason) },
        StateKind::Suppressed => model::State::Suppressed {
            reason: or_empty(state.reason),
            expires: state
                .expires
                .ok_or_else(|| ReadError::Contradiction("a suppressed finding without `expires`".into()))?,
            place: or_empty(state.place),
        },
    })
}

fn related(r: Related<'_>) -> model::Related {
    model::Related { location: location(r.location), note: r.note.into() }
}

fn location(location: Location<'_>) -> model::Location {
    match location {
        Location::File(file) => model::Location::File(file_location(file)),
        Location::Package { purl, manifest } => {
            model::Location::Package { purl: purl.into(), manifest: manifest.into() }
        }
        Location::Endpoint { method, url } => model::Location::Endpoint { method: method.into(), url: url.into() },
        Location::Model { name } => model::Location::Model(name.into()),
        Location::Other { name, value } => model::Location::Other { kind: name.into(), value: value.into() },
    }
}

fn file_location(file: FileLocation<'_>) -> model::FileLocation {
    let position = |p: super::Position| model::Position { line: p.line, column: p.column };
    let region = file.start.zip(file.end);
    let bytes = file.byte_offset.zip(file.byte_length);
    model::FileLocation {
        path: file.path.into(),
        region: region.map(|(start, end)| model::Region { start: position(start), end: position(end) }),
        bytes: bytes.map(|(offset, len)| model::ByteSpan { offset, len }),
        snippet: file.snippet.map(snippet),
        logical: optional(file.logical),
        provenance: labels(file.provenance),
    }
}

fn snippet(s: Snippet<'_>) -> model::Snippet {
    model::Snippet { first_line: s.first_line, lines: texts(s.lines), start: s.start, end: s.end }
}

fn fix(fix: Fix<'_>) -> model::Fix {
    let edit = |e: super::Edit<'_>| model::Edit {
        path: e.path.into(),
        span: model::ByteSpan { offset: e.byte_offset, len: e.byte_length },
        replacement: e.replacement.into(),
    };
    model::Fix { title: fix.title.into(), edits: fix.edits.into_iter().map(edit).collect() }
}

fn attachment(a: Attachment<'_>) -> Result<model::Attachment, ReadError> {
    let body = STANDARD
        .decode(a.base64.0.as_bytes())
        .ok()
        .filter(|body| body.len() == a.size)
        .ok_or_else(|| ReadError::Contradiction("an attachment's `base64` is not `size` bytes in base64".into()))?;
    Ok(model::Attachment { name: a.name.into(), media_type: a.media_type.into(), body })
}

fn package(p: Package<'_>) -> model::Package {
    model::Package {
        purl: p.purl.into(),
        plugin: p.plugin,
        locations: p.locations.into_iter().map(file_location).collect(),
        licences: texts(p.licences),
        path: texts(p.path),
        scope: p.scope.into(),
        labels: labels(p.labels),
    }
}

fn measurement(m: Measurement<'_>) -> model::Measurement {
    model::Measurement {
        name: m.name.into(),
        plugin: m.plugin,
        labels: labels(m.labels),
        value: m.value,
        unit: m.unit.into(),
        trials: m.trials,
        lower95: m.lower95,
        upper95: m.upper95,
    }
}

fn rule(r: Rule<'_>) -> outcome::RuleInfo {
    outcome::RuleInfo {
        id: r.id.into(),
        plugin: r.plugin,
        title: r.title.into(),
        severity: r.severity,
        tags: texts(r.tags),
        help: r.help.into(),
    }
}

fn skipped(s: Skipped<'_>) -> outcome::Skipped {
    outcome::Skipped { path: s.path.into(), reason: s.reason, detail: s.detail.into() }
}

fn timings(t: &Timings) -> outcome::Timings {
    let Timings { started_unix, total_us, read_us, route_us, guest_us } = *t;
    outcome::Timings { started_unix, total_us, read_us, route_us, guest_us }
}

fn labels(labels: Vec<Label<'_>>) -> Vec<(String, String)> {
    labels.into_iter().map(|label| (label.key.into(), label.value.into())).collect()
}

fn texts(list: Vec<Text<'_>>) -> Vec<String> {
    list.into_iter().map(String::from).collect()
}

fn optional(text: Option<Text<'_>>) -> Option<String> {
    text.map(String::from)
}

fn or_empty(text: Option<Text<'_>>) -> String {
    text.map(String::from).unwrap_or_default()
}
