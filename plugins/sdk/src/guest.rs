//! The component's side: between the generated bindings and the types of this crate. Only the code that
//! [`crate::export!`] generates calls it.

use std::cell::RefCell;

use crate::bindings::scanhost::plugin::{files, report, types};
use crate::{
    Anchor, Attachment, Confidence, Entry, Error, Extent, File, FileLocation, Finding, Labels, Level, Location,
    Measurement, Package, Position, Report, Scanner, Severity, Span, Stat, Subject,
};

/// The contract's error.
pub type WireError = types::Error;
/// The contract's file.
pub type WireFile = files::File;

/// The plugin's one instance.
#[derive(Debug)]
pub struct State<S>(RefCell<Option<S>>);

impl<S> State<S> {
    /// Before `open`.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

impl<S> Default for State<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Scanner> State<S> {
    /// The export `open`.
    pub fn open(&self, config: &str) -> Result<(), WireError> {
        *self.0.borrow_mut() = Some(S::open(config)?);
        Ok(())
    }

    /// The export `scan`.
    pub fn scan(&self, file: WireFile) -> Result<(), WireError> {
        let file = File::from_handle(Handle(file));
        self.call(|scanner, report| scanner.scan(&file, report))
    }

    /// The export `finish`.
    pub fn finish(&self) -> Result<(), WireError> {
        self.call(S::finish)
    }

    fn call(&self, run: impl FnOnce(&mut S, &mut Report) -> Result<(), Error>) -> Result<(), WireError> {
        let mut state = self.0.borrow_mut();
        let scanner = state.as_mut().ok_or_else(|| Error::Failed("called before `open`".into()))?;
        let mut report = Report::default();
        let result = run(scanner, &mut report);
        // What was found before an error is worth knowing, too.
        report.send()?;
        Ok(result?)
    }
}

impl Report {
    fn send(self) -> Result<(), WireError> {
        if !self.findings.is_empty() {
            let batch: Vec<_> = self.findings.into_iter().map(Into::into).collect();
            report::findings(&batch)?;
        }
        if !self.packages.is_empty() {
            let batch: Vec<_> = self.packages.into_iter().map(Into::into).collect();
            report::packages(&batch)?;
        }
        if !self.measurements.is_empty() {
            let batch: Vec<_> = self.measurements.into_iter().map(Into::into).collect();
            report::measurements(&batch)?;
        }
        Ok(())
    }
}

/// What goes to the host at once.
#[derive(Debug, Default)]
pub struct Wire;

#[allow(clippy::unused_self, reason = "the test kit's twin keeps what it is told")]
impl Wire {
    pub(crate) fn attach(&mut self, a: Attachment) -> Result<u32, Error> {
        report::attach(&types::Attachment { name: a.name, media_type: a.media_type, body: a.body }).map_err(Into::into)
    }

    pub(crate) fn unscanned(&mut self, path: &str, reason: &str) {
        report::unscanned(path, reason);
    }

    pub(crate) fn log(&mut self, level: Level, message: &str) {
        let level = match level {
            Level::Error => report::Level::Error,
            Level::Warn => report::Level::Warn,
            Level::Info => report::Level::Info,
            Level::Debug => report::Level::Debug,
        };
        report::log(level, message);
    }

    pub(crate) fn progress(&mut self, done: u64, total: u64, note: &str) {
        report::progress(done, total, note);
    }
}

/// A handle of the host's.
#[derive(Debug)]
pub struct Handle(WireFile);

impl Handle {
    pub(crate) fn path(&self) -> String {
        self.0.path()
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn read(&self, offset: u64, len: u32) -> Result<Vec<u8>, Error> {
        self.0.read(offset, len).map_err(Into::into)
    }

    pub(crate) fn anchors(&self, start: u32, max: u32) -> Vec<Anchor> {
        self.0.anchors(start, max).into_iter().map(|a| Anchor { id: a.id, offset: a.offset }).collect()
    }

    pub(crate) fn stat(&self) -> Option<Stat> {
        self.0.stat().map(|s| Stat { entry: s.kind.into(), mode: s.mode, uid: s.uid, gid: s.gid, link: s.link })
    }

    pub(crate) fn sibling(&self, path: &str) -> Result<Self, Error> {
        self.0.sibling(path).map(Self).map_err(Into::into)
    }

    pub(crate) fn provenance(&self) -> Labels {
        self.0.provenance()
    }

    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        files::open(path).map(Self).map_err(Into::into)
    }
}

impl From<files::Kind> for Entry {
    fn from(kind: files::Kind) -> Self {
        match kind {
            files::Kind::Regular => Self::Regular,
            files::Kind::Directory => Self::Directory,
            files::Kind::Symlink => Self::Symlink,
            files::Kind::Device => Self::Device,
            files::Kind::Fifo => Self::Fifo,
            files::Kind::Deleted => Self::Deleted,
        }
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::NotFound(text) => Self::NotFound(text),
            types::Error::Limit(text) => Self::Limit(text),
            types::Error::Invalid(text) => Self::Invalid(text),
            types::Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::NotFound(text) => Self::NotFound(text),
            Error::Limit(text) => Self::Limit(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<Severity> for types::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

impl From<Confidence> for types::Confidence {
    fn from(confidence: Confidence) -> Self {
        match confidence {
            Confidence::Low => Self::Low,
            Confidence::Medium => Self::Medium,
            Confidence::High => Self::High,
        }
    }
}

impl From<Span> for types::Span {
    fn from(span: Span) -> Self {
        Self { offset: span.offset, len: span.len }
    }
}

impl From<Position> for types::Position {
    fn from(position: Position) -> Self {
        Self { line: position.line, column: position.column }
    }
}

impl From<FileLocation> for types::FileLocation {
    fn from(place: FileLocation) -> Self {
        let extent = match place.extent {
            Extent::Whole => types::Extent::Whole,
            Extent::Bytes(span) => types::Extent::Bytes(span.into()),
            Extent::Text(region) => {
                types::Extent::Text(types::Region { start: region.start.into(), end: region.end.into() })
            }
        };
        Self { path: place.path, extent, logical: place.logical }
    }
}

impl From<Location> for types::Location {
    fn from(location: Location) -> Self {
        match location {
            Location::File(place) => Self::File(place.into()),
            Location::Package(purl, path) => Self::Package((purl, path)),
            Location::Endpoint(method, url) => Self::Endpoint((method, url)),
            Location::Model(name) => Self::Model(name),
            Location::Other(kind, value) => Self::Other((kind, value)),
        }
    }
}

impl From<Finding> for types::Finding {
    fn from(finding: Finding) -> Self {
        let edit = |e: crate::Edit| types::Edit { path: e.path, span: e.span.into(), replacement: e.replacement };
        Self {
            rule: finding.rule,
            severity: finding.severity.map(Into::into),
            score: finding.score,
            confidence: finding.confidence.into(),
            message: finding.message,
            primary: finding.primary.into(),
            related: finding.related.into_iter().map(|(place, note)| (place.into(), note)).collect(),
            subject: match finding.subject {
                Subject::Matched => types::Subject::Matched,
                Subject::Text(text) => types::Subject::Text(text),
                Subject::Secret(bytes) => types::Subject::Secret(bytes),
            },
            redact: finding.redact.into_iter().map(Into::into).collect(),
            fix: finding.fix.map(|f| types::Fix { title: f.title, edits: f.edits.into_iter().map(edit).collect() }),
            attachments: finding.attachments,
            labels: finding.labels,
        }
    }
}

impl From<Package> for types::Package {
    fn from(package: Package) -> Self {
        Self {
            purl: package.purl,
            locations: package.locations.into_iter().map(Into::into).collect(),
            licences: package.licences,
            path: package.path,
            scope: package.scope,
            labels: package.labels,
        }
    }
}

impl From<Measurement> for types::Measurement {
    fn from(m: Measurement) -> Self {
        Self {
            name: m.name,
            labels: m.labels,
            value: m.value,
            unit: m.unit,
            trials: m.trials,
            lower95: m.lower95,
            upper95: m.upper95,
        }
    }
}
