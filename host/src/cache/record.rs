//! One record: what a guest reported of one file, as bytes.
//!
//! What is known from elsewhere is not written: a rule is its number in the manifest, the file's own path is
//! "here", a secret is a [`Recipe`]. So the texts in a record are the guest's own words only. What is read is
//! checked like what a guest says: the folder may have been restored from anywhere.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;
use crate::finding::raw::{self, Extent, Labels, Subject};
use crate::finding::severity::{Confidence, Severity};

/// The longest record that is kept or read. It bounds what a hostile one can make of itself in memory as well:
/// an empty text takes one byte here and 24 there.
pub const MAX_RECORD: usize = 1 << 20;

/// What a guest reported of one file.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// Findings.
    pub findings: Vec<raw::Finding>,
    /// Packages.
    pub packages: Vec<raw::Package>,
    /// Measurements.
    pub measurements: Vec<raw::Measurement>,
    /// What findings refer to by index.
    pub attachments: Vec<raw::Attachment>,
    /// What it counts for in the run's limit of bytes.
    pub bytes: usize,
}

/// The same, lent.
#[derive(Debug, Clone, Copy)]
pub struct Reported<'r> {
    /// Findings.
    pub findings: &'r [raw::Finding],
    /// Packages.
    pub packages: &'r [raw::Package],
    /// Measurements.
    pub measurements: &'r [raw::Measurement],
    /// What findings refer to by index.
    pub attachments: &'r [raw::Attachment],
    /// What it counts for in the run's limit of bytes.
    pub bytes: usize,
}

impl Reported<'_> {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
            && self.packages.is_empty()
            && self.measurements.is_empty()
            && self.attachments.is_empty()
    }
}

/// The file that a record is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'f> {
    /// As the guest was told.
    pub path: &'f str,
    /// All of it.
    pub bytes: &'f [u8],
}

/// Makes a record. None: it cannot be kept, because a secret stands in the file in no form that a recipe knows,
/// or because it is too long.
pub fn encode<'m>(
    reported: &Reported<'_>,
    rules: &(impl Iterator<Item = &'m str> + Clone),
    about: About<'_>,
) -> Option<Vec<u8>> {
    let findings = reported.findings.iter().map(|f| finding_out(f, rules.clone(), about)).collect::<Option<_>>()?;
    let record = Record {
        bytes: reported.bytes as u64,
        findings,
        packages: reported.packages.iter().map(|package| package_out(package, about)).collect(),
        measurements: reported.measurements.iter().cloned().map(measurement_out).collect(),
        attachments: reported.attachments.iter().cloned().map(|a| (a.name, a.media_type, a.body)).collect(),
    };
    postcard::to_allocvec(&record).ok().filter(|bytes| bytes.len() <= MAX_RECORD)
}

/// Reads a record; `rule` are the ids of the manifest's rules. None: it is not one of this file and this plugin.
pub fn decode<'m>(bytes: &[u8], rule: impl Fn(usize) -> Option<&'m str>, about: About<'_>) -> Option<Report> {
    if bytes.len() > MAX_RECORD {
        return None;
    }
    let (record, rest) = postcard::take_from_bytes::<Record>(bytes).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let known = record.attachments.len();
    let findings: Vec<raw::Finding> =
        record.findings.into_iter().map(|finding| finding_in(finding, &rule, about)).collect::<Option<_>>()?;
    let packages: Vec<raw::Package> = record.packages.into_iter().map(|p| package_in(p, about)).collect();
    let report = Report {
        findings,
        packages,
        measurements: record.measurements.into_iter().map(measurement_in).collect(),
        attachments: record
            .attachments
            .into_iter()
            .map(|(name, media_type, body)| raw::Attachment { name, media_type, body })
            .collect(),
        // Never less than it is, whatever it says.
        bytes: usize::try_from(record.bytes).unwrap_or(usize::MAX).max(bytes.len() / 2),
    };
    // What the sandbox asks of a guest.
    let handles = report.findings.iter().flat_map(|f| &f.attachments).all(|handle| (*handle as usize) < known);
    let purls = report.packages.iter().all(|package| package.purl.starts_with("pkg:"));
    let finite = report
        .measurements
        .iter()
        .all(|m| m.value.is_finite() && [m.lower95, m.upper95].iter().flatten().all(|bound| bound.is_finite()));
    (handles && purls && finite).then_some(report)
}

#[derive(Serialize, Deserialize)]
struct Record {
    bytes: u64,
    findings: Vec<FindingRecord>,
    packages: Vec<PackageRecord>,
    measurements: Vec<MeasurementRecord>,
    attachments: Vec<(String, String, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
struct FindingRecord {
    rule: u32,
    severity: Option<Severity>,
    score: Option<f32>,
    confidence: Confidence,
    message: String,
    primary: Place,
    related: Vec<(Place, String)>,
    subject: SubjectRecord,
    redact: Vec<(u64, u64)>,
    fix: Option<(String, Vec<EditRecord>)>,
    attachments: Vec<u32>,
    labels: Labels,
}

#[derive(Serialize, Deserialize)]
enum SubjectRecord {
    Matched,
    Text(String),
    Secret(Recipe),
}

#[derive(Serialize, Deserialize)]
enum Span {
    Whole,
    Bytes(u64, u64),
    Text((u32, u32), (u32, u32)),
}

/// A path; none: the file's own.
type Path = Option<String>;

#[derive(Serialize, Deserialize)]
struct FilePlace {
    path: Path,
    span: Span,
    logical: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Place {
    File(FilePlace),
    Package(String, String),
    Endpoint(String, String),
    Model(String),
    Other(String, String),
}

/// Path, span, replacement.
type EditRecord = (Path, (u64, u64), String);

#[derive(Serialize, Deserialize)]
struct PackageRecord {
    purl: String,
    locations: Vec<FilePlace>,
    licences: Vec<String>,
    path: Vec<String>,
    scope: String,
    labels: Labels,
}

#[derive(Serialize, Deserialize)]
struct MeasurementRecord {
    name: String,
    labels: Labels,
    value: f64,
    unit: String,
    trials: u64,
    lower95: Option<f64>,
    upper95: Option<f64>,
}

fn finding_out<'m>(
    f: &raw::Finding,
    mut rules: impl Iterator<Item = &'m str>,
    about: About<'_>,
) -> Option<FindingRecord> {
    let subject = match &f.subject {
        Subject::Matched => SubjectRecord::Matched,
        Subject::Text(text) => SubjectRecord::Text(text.clone()),
        Subject::Secret(secret) => SubjectRecord::Secret(Recipe::find(secret, about.bytes, &near(f, about))?),
    };
    Some(FindingRecord {
        rule: u32::try_from(rules.position(|rule| rule == f.rule)?).ok()?,
        severity: f.severity,
        score: f.score,
        confidence: f.confidence,
        message: f.message.clone(),
        primary: place_out(&f.primary, about),
        related: f.related.iter().map(|(place, note)| (place_out(place, about), note.clone())).collect(),
        subject,
        redact: f.redact.clone(),
        fix: f.fix.as_ref().map(|(title, edits)| {
            let edit = |e: &raw::Edit| (path_out(&e.path, about), e.span, e.replacement.clone());
            (title.clone(), edits.iter().map(edit).collect())
        }),
        attachments: f.attachments.clone(),
        labels: f.labels.clone(),
    })
}

fn finding_in<'m>(f: FindingRecord, rule: impl Fn(usize) -> Option<&'m str>, about: About<'_>) -> Option<raw::Finding> {
    Some(raw::Finding {
        rule: rule(f.rule as usize)?.to_owned(),
        severity: f.severity,
        score: f.score,
        confidence: f.confidence,
        message: f.message,
        primary: place_in(f.primary, about),
        related: f.related.into_iter().map(|(place, note)| (place_in(place, about), note)).collect(),
        subject: match f.subject {
            SubjectRecord::Matched => Subject::Matched,
            SubjectRecord::Text(text) => Subject::Text(text),
            SubjectRecord::Secret(recipe) => Subject::Secret(recipe.apply(about.bytes)?),
        },
        redact: f.redact,
        fix: f.fix.map(|(title, edits)| {
            let edit = |(path, span, replacement)| raw::Edit { path: path_in(path, about), span, replacement };
            (title, edits.into_iter().map(edit).collect())
        }),
        attachments: f.attachments,
        labels: f.labels,
    })
}

/// Where a finding's secret may stand.
fn near(f: &raw::Finding, about: About<'_>) -> Vec<Range<usize>> {
    let own = match &f.primary {
        raw::Location::File(file) if file.path == about.path => match file.extent {
            Extent::Bytes(offset, len) => Some((offset, len)),
            _ => None,
        },
        _ => None,
    };
    let clip = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(about.bytes.len());
    let range = |(offset, len): &(u64, u64)| clip(*offset)..clip(offset.saturating_add(*len));
    // A guest that redacts a thousand places does not get a thousand searches.
    f.redact.iter().take(8).chain(&own).map(range).collect()
}

fn path_out(path: &str, about: About<'_>) -> Path {
    (path != about.path).then(|| path.to_owned())
}

fn path_in(path: Path, about: About<'_>) -> String {
    path.unwrap_or_else(|| about.path.to_owned())
}

fn file_out(file: &raw::FileLocation, about: About<'_>) -> FilePlace {
    let span = match file.extent {
        Extent::Whole => Span::Whole,
        Extent::Bytes(offset, len) => Span::Bytes(offset, len),
        Extent::Text(start, end) => Span::Text(start, end),
    };
    FilePlace { path: path_out(&file.path, about), span, logical: file.logical.clone() }
}

fn file_in(file: FilePlace, about: About<'_>) -> raw::FileLocation {
    let extent = match file.span {
        Span::Whole => Extent::Whole,
        Span::Bytes(offset, len) => Extent::Bytes(offset, len),
        Span::Text(start, end) => Extent::Text(start, end),
    };
    raw::FileLocation { path: path_in(file.path, about), extent, logical: file.logical }
}

fn place_out(place: &raw::Location, about: About<'_>) -> Place {
    match place.clone() {
        raw::Location::File(file) => Place::File(file_out(&file, about)),
        raw::Location::Package(purl, manifest) => Place::Package(purl, manifest),
        raw::Location::Endpoint(method, url) => Place::Endpoint(method, url),
        raw::Location::Model(name) => Place::Model(name),
        raw::Location::Other(kind, value) => Place::Other(kind, value),
    }
}

fn place_in(place: Place, about: About<'_>) -> raw::Location {
    match place {
        Place::File(file) => raw::Location::File(file_in(file, about)),
        Place::Package(purl, manifest) => raw::Location::Package(purl, manifest),
        Place::Endpoint(method, url) => raw::Location::Endpoint(method, url),
        Place::Model(name) => raw::Location::Model(name),
        Place::Other(kind, value) => raw::Location::Other(kind, value),
    }
}

fn package_out(p: &raw::Package, about: About<'_>) -> PackageRecord {
    PackageRecord {
        purl: p.purl.clone(),
        locations: p.locations.iter().map(|place| file_out(place, about)).collect(),
        licences: p.licences.clone(),
        path: p.path.clone(),
        scope: p.scope.clone(),
        labels: p.labels.clone(),
    }
}

fn package_in(p: PackageRecord, about: About<'_>) -> raw::Package {
    raw::Package {
        purl: p.purl,
        locations: p.locations.into_iter().map(|place| file_in(place, about)).collect(),
        licences: p.licences,
        path: p.path,
        scope: p.scope,
        labels: p.labels,
    }
}

fn measurement_out(m: raw::Measurement) -> MeasurementRecord {
    let raw::Measurement { name, labels, value, unit, trials, lower95, upper95 } = m;
    MeasurementRecord { name, labels, value, unit, trials, lower95, upper95 }
}

fn measurement_in(m: MeasurementRecord) -> raw::Measurement {
    let MeasurementRecord { name, labels, value, unit, trials, lower95, upper95 } = m;
    raw::Measurement { name, labels, value, unit, trials, lower95, upper95 }
}
