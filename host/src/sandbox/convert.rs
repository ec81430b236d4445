//! From the contract's generated types to our own, field by field; and how many bytes of text a record holds.

use super::bindings::scanhost::plugin::types as wit;
use crate::finding::raw;
use crate::finding::severity::{Confidence, Severity};

pub(super) fn finding(f: wit::Finding) -> raw::Finding {
    raw::Finding {
        rule: f.rule,
        severity: f.severity.map(|s| match s {
            wit::Severity::Info => Severity::Info,
            wit::Severity::Low => Severity::Low,
            wit::Severity::Medium => Severity::Medium,
            wit::Severity::High => Severity::High,
            wit::Severity::Critical => Severity::Critical,
        }),
        score: f.score,
        confidence: match f.confidence {
            wit::Confidence::Low => Confidence::Low,
            wit::Confidence::Medium => Confidence::Medium,
            wit::Confidence::High => Confidence::High,
        },
        message: f.message,
        primary: location(f.primary),
        related: f.related.into_iter().map(|(place, note)| (location(place), note)).collect(),
        subject: match f.subject {
            wit::Subject::Matched => raw::Subject::Matched,
            wit::Subject::Text(text) => raw::Subject::Text(text),
            wit::Subject::Secret(bytes) => raw::Subject::Secret(bytes),
        },
        redact: f.redact.into_iter().map(|s| (s.offset, s.len)).collect(),
        fix: f.fix.map(|fix| (fix.title, fix.edits.into_iter().map(edit).collect())),
        attachments: f.attachments,
        labels: f.labels,
    }
}

fn edit(e: wit::Edit) -> raw::Edit {
    raw::Edit { path: e.path, span: (e.span.offset, e.span.len), replacement: e.replacement }
}

fn location(place: wit::Location) -> raw::Location {
    match place {
        wit::Location::File(file) => raw::Location::File(file_location(file)),
        wit::Location::Package((purl, manifest)) => raw::Location::Package(purl, manifest),
        wit::Location::Endpoint((method, url)) => raw::Location::Endpoint(method, url),
        wit::Location::Model(name) => raw::Location::Model(name),
        wit::Location::Other((kind, value)) => raw::Location::Other(kind, value),
    }
}

fn file_location(file: wit::FileLocation) -> raw::FileLocation {
    let extent = match file.extent {
        wit::Extent::Whole => raw::Extent::Whole,
        wit::Extent::Bytes(span) => raw::Extent::Bytes(span.offset, span.len),
        wit::Extent::Text(r) => raw::Extent::Text((r.start.line, r.start.column), (r.end.line, r.end.column)),
    };
    raw::FileLocation { path: file.path, extent, logical: file.logical }
}

pub(super) fn package(p: wit::Package) -> raw::Package {
    raw::Package {
        purl: p.purl,
        locations: p.locations.into_iter().map(file_location).collect(),
        licences: p.licences,
        path: p.path,
        scope: p.scope,
        labels: p.labels,
    }
}

pub(super) fn measurement(m: wit::Measurement) -> raw::Measurement {
    raw::Measurement {
        name: m.name,
        labels: m.labels,
        value: m.value,
        unit: m.unit,
        trials: m.trials,
        lower95: m.lower95,
        upper95: m.upper95,
    }
}

/// A guest's error, in words.
pub(super) fn error(error: &wit::Error) -> String {
    match error {
        wit::Error::Denied(text) => format!("denied: {text}"),
        wit::Error::NotFound(text) => format!("not found: {text}"),
        wit::Error::Limit(text) => format!("limit: {text}"),
        wit::Error::Invalid(text) => format!("invalid: {text}"),
        wit::Error::Failed(text) => text.clone(),
    }
}

/// What an element of a list costs the host beside its texts, about: an empty one is kept, too.
const ELEMENT: usize = 64;

pub(super) fn labels_bytes(labels: &raw::Labels) -> usize {
    labels.iter().map(|(key, value)| ELEMENT + key.len() + value.len()).sum()
}

pub(super) fn finding_bytes(f: &raw::Finding) -> usize {
    let place = |place: &raw::Location| match place {
        raw::Location::File(file) => file.path.len() + file.logical.as_ref().map_or(0, String::len),
        raw::Location::Package(a, b) | raw::Location::Endpoint(a, b) | raw::Location::Other(a, b) => a.len() + b.len(),
        raw::Location::Model(a) => a.len(),
    };
    let subject = match &f.subject {
        raw::Subject::Matched => 0,
        raw::Subject::Text(text) => text.len(),
        raw::Subject::Secret(bytes) => bytes.len(),
    };
    let fix = f.fix.as_ref().map_or(0, |(title, edits)| {
        title.len() + edits.iter().map(|e| e.path.len() + e.replacement.len() + ELEMENT).sum::<usize>()
    });
    let related: usize = f.related.iter().map(|(at, note)| ELEMENT + place(at) + note.len()).sum();
    f.rule.len()
        + f.message.len()
        + place(&f.primary)
        + related
        + subject
        + fix
        + f.redact.len() * 16
        + f.attachments.len() * 4
        + labels_bytes(&f.labels)
}

pub(super) fn package_bytes(p: &raw::Package) -> usize {
    let places: usize =
        p.locations.iter().map(|l| ELEMENT + l.path.len() + l.logical.as_ref().map_or(0, String::len)).sum();
    let texts: usize = p.licences.iter().chain(&p.path).map(|text| ELEMENT + text.len()).sum();
    p.purl.len() + places + texts + p.scope.len() + labels_bytes(&p.labels)
}
