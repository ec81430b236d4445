//! From what a guest reported to what a report may show: places, excerpts, masks, fingerprints.
//!
//! All findings of one file are taken in together, because what one plugin calls secret is masked in the
//! excerpts of all. A guest is not believed: spans are clipped, texts shortened and made safe to print.

use std::collections::HashMap;
use std::ops::Range;

use scanhost_manifest::Manifest;

use super::inline::{self, InlineContext};
use super::location::LineIndex;
use super::mask::{self, MASK, Secrets};
use super::raw::{self, Extent, Subject};
use super::text::{printable, printable_line};
use super::{
    Attachment, ByteSpan, Comment, Edit, FileLocation, Finding, Fingerprint, Fix, Location, Measurement, Package,
    Position, Rating, Related, SecretDigest, Snippet, State, fingerprint,
};

/// Texts of a guest are cut to this many bytes.
const TEXT: usize = 2_000;

/// An excerpt has at most this many lines.
const SNIPPET_LINES: usize = 3;

/// How much of the end of a line is searched for a comment, at least; in UTF-16 it is half as many characters.
const LINE_TAIL: usize = 16 << 10;

/// A line of an excerpt is cut to about this many bytes around the finding.
const SNIPPET_BYTES: usize = 160;

/// What one plugin reported of one file.
pub struct Reported<'p> {
    /// Whose.
    pub manifest: &'p Manifest,
    /// What.
    pub findings: Vec<raw::Finding>,
    /// What the findings refer to.
    pub attachments: Vec<raw::Attachment>,
}

/// The file that was scanned.
pub struct File<'f> {
    /// Safe to print.
    pub path: &'f str,
    /// All of it; none when a finding is about a file that is not at hand.
    pub bytes: &'f [u8],
    /// Where it comes from.
    pub provenance: &'f [(String, String)],
}

/// Takes in all that was reported of one file. `secrets` learns what is secret.
pub fn file(file: &File<'_>, reported: Vec<Reported<'_>>, key: Option<&[u8]>, secrets: &mut Secrets) -> Vec<Finding> {
    if reported.iter().all(|r| r.findings.is_empty()) {
        return Vec::new();
    }
    let index = LineIndex::new(file.bytes);
    let size = file.bytes.len();
    let mut masked = Vec::new();
    for finding in reported.iter().flat_map(|r| &r.findings) {
        if about(file, &finding.primary) {
            masked
                .extend(finding.redact.iter().map(|(offset, len)| ByteSpan { offset: *offset, len: *len }.clip(size)));
        }
        if let Subject::Secret(bytes) = &finding.subject {
            secrets.add(bytes);
            if about(file, &finding.primary) && finding.redact.is_empty() {
                // A guest that calls it a secret and does not say where: all of the place.
                masked.extend(range(&index, &finding.primary, size));
            }
        }
    }
    let context = Context { file, index, masked: mask::join(masked), key };
    let mut out = Vec::new();
    for Reported { manifest, findings, attachments } in reported {
        let mut findings: Vec<raw::Finding> = findings;
        // Occurrences are counted in the order of the file, whatever order the guest reports in.
        findings.sort_by_key(|f| (f.rule.clone(), range(&context.index, &f.primary, size).map_or(0, |r| r.start)));
        let mut seen = HashMap::new();
        for finding in findings {
            out.extend(context.finding(manifest, finding, &attachments, &mut seen));
        }
    }
    out
}

/// A package, made safe to print.
pub fn package(manifest: &Manifest, package: raw::Package) -> Package {
    Package {
        purl: clean(&package.purl),
        plugin: manifest.id.clone(),
        locations: package.locations.into_iter().map(|place| elsewhere(&place)).collect(),
        licences: package.licences.iter().map(|text| clean(text)).collect(),
        path: package.path.iter().map(|text| clean(text)).collect(),
        scope: clean(&package.scope),
        labels: labels(package.labels),
    }
}

/// A measurement, made safe to print.
pub fn measurement(manifest: &Manifest, measurement: raw::Measurement) -> Measurement {
    Measurement {
        name: clean(&measurement.name),
        plugin: manifest.id.clone(),
        labels: labels(measurement.labels),
        value: measurement.value,
        unit: clean(&measurement.unit),
        trials: measurement.trials,
        lower95: measurement.lower95,
        upper95: measurement.upper95,
    }
}

struct Context<'f> {
    file: &'f File<'f>,
    index: LineIndex<'f>,
    masked: Vec<Range<usize>>,
    key: Option<&'f [u8]>,
}

impl Context<'_> {
    fn finding(
        &self,
        manifest: &Manifest,
        raw: raw::Finding,
        attachments: &[raw::Attachment],
        seen: &mut HashMap<(String, Vec<u8>), u64>,
    ) -> Option<Finding> {
        // The sandbox refuses undeclared rules; without one there is nothing to show.
        let rule = manifest.rule(&raw.rule)?;
        let span = range(&self.index, &raw.primary, self.file.bytes.len()).filter(|_| about(self.file, &raw.primary));
        let location = self.location(&raw.primary);
        let text = match (&raw.subject, &span) {
            (Subject::Secret(bytes), _) => fingerprint::secret(&raw.rule, bytes, self.key),
            (Subject::Text(text), _) => text.as_bytes().to_vec(),
            (Subject::Matched, Some(span)) => fingerprint::matched(&self.file.bytes[span.clone()]),
            (Subject::Matched, None) => fingerprint::matched(raw.message.as_bytes()),
        };
        let place = match &raw.primary {
            // Without its version, and without the manifest's place for a finding that names none.
            raw::Location::Package(purl, manifest) => format!("{}\n{manifest}", without_version(purl)),
            other => path_of(other).to_owned(),
        };
        let number = seen.entry((raw.rule.clone(), text.clone())).or_default();
        let occurrence = *number;
        *number += 1;
        let occurrence = occurrence.to_le_bytes();
        let comment = span.as_ref().and_then(|span| self.comment(&raw.rule, span));
        Some(Finding {
            title: rule.title.clone(),
            plugin: manifest.id.clone(),
            rating: Rating::new(rule.severity, raw.severity, raw.score),
            confidence: raw.confidence,
            message: clean(&raw.message),
            location,
            related: raw
                .related
                .iter()
                .map(|(place, note)| Related { location: self.location(place), note: clean(note) })
                .collect(),
            fingerprint: Fingerprint::of(&[raw.rule.as_bytes(), place.as_bytes(), &text, &occurrence]),
            moved_fingerprint: Fingerprint::of(&[raw.rule.as_bytes(), &text, &occurrence]),
            secret: match &raw.subject {
                Subject::Secret(bytes) => Some(SecretDigest::of(bytes)),
                Subject::Text(_) | Subject::Matched => None,
            },
            tags: rule.tags.clone(),
            labels: labels(raw.labels),
            fix: raw
                .fix
                .map(|(title, edits)| Fix { title: clean(&title), edits: edits.into_iter().map(edit).collect() }),
            attachments: raw
                .attachments
                .iter()
                .filter_map(|handle| attachments.get(*handle as usize))
                .map(|a| Attachment { name: clean(&a.name), media_type: clean(&a.media_type), body: a.body.clone() })
                .collect(),
            also: Vec::new(),
            comment,
            novelty: None,
            state: State::Active,
            rule: raw.rule,
        })
    }

    fn location(&self, place: &raw::Location) -> Location {
        match place {
            raw::Location::File(file) if about(self.file, place) => {
                let span = range(&self.index, place, self.file.bytes.len());
                let bytes = match file.extent {
                    Extent::Whole => None,
                    _ => span.as_ref().map(|s| ByteSpan { offset: s.start as u64, len: s.len() as u64 }),
                };
                Location::File(FileLocation {
                    path: self.file.path.to_owned(),
                    region: span.as_ref().map(|span| self.index.region(span)),
                    bytes,
                    snippet: span.as_ref().map(|span| self.snippet(span)),
                    logical: file.logical.as_deref().map(clean),
                    provenance: self.file.provenance.to_vec(),
                })
            }
            raw::Location::File(file) => Location::File(elsewhere(file)),
            raw::Location::Package(purl, manifest) => {
                Location::Package { purl: clean(purl), manifest: clean(manifest) }
            }
            raw::Location::Endpoint(method, url) => Location::Endpoint { method: clean(method), url: clean(url) },
            raw::Location::Model(name) => Location::Model(clean(name)),
            raw::Location::Other(kind, value) => Location::Other { kind: clean(kind), value: clean(value) },
        }
    }

    fn comment(&self, rule: &str, span: &Range<usize>) -> Option<Comment> {
        let region = self.index.region(span);
        // No more of a line than is looked at, or a line of megabytes would be decoded for each finding in it.
        let line = |number: u32| {
            let line = self.index.line(number);
            let over = line.len().saturating_sub(LINE_TAIL) & !1;
            self.index.decode(&(line.start + over..line.end))
        };
        let first = region.start.line;
        // A span that ends with a line's end ends on that line, not on the next.
        let last = self.index.position(span.end.saturating_sub(1).max(span.start)).line;
        let short = |number: &u32| *number > 0 && self.index.line(*number).len() <= LINE_TAIL;
        let before = first.checked_sub(1).filter(short).map(line);
        let (first, last) = (line(first), line(last));
        let context = InlineContext {
            before: before.as_ref().map(|line| line.as_bytes()),
            first: first.as_bytes(),
            last: last.as_bytes(),
        };
        inline::comment(rule, context)
    }

    /// The lines of a span, masked, cut and made safe to print.
    fn snippet(&self, span: &Range<usize>) -> Snippet {
        let first = self.index.position(span.start).line;
        let last = self.index.position(span.end.saturating_sub(1).max(span.start)).line;
        let shown = last.min(first.saturating_add(SNIPPET_LINES as u32 - 1));
        let mut lines = Vec::new();
        let (mut start, mut end) = (0, 0);
        for number in first..=shown {
            let line = self.index.line(number);
            let marks = span.start.clamp(line.start, line.end)..span.end.clamp(line.start, line.end);
            let (text, marks) = self.line(&line, &marks);
            if number == first {
                start = marks.start;
            }
            if number == shown {
                end = marks.end;
            }
            lines.push(text);
        }
        if shown == first {
            end = end.max(start);
        }
        Snippet { first_line: first, lines, start, end }
    }

    /// One line around its marks: masked, safe to print, with the marks moved along.
    fn line(&self, line: &Range<usize>, marks: &Range<usize>) -> (String, Range<usize>) {
        // A long line is cut around the finding: as much of it as fits, and context on both sides.
        let mut from = line.start;
        if line.len() > SNIPPET_BYTES {
            from = marks.start.saturating_sub(SNIPPET_BYTES / 4).max(line.start);
            while from < marks.start && self.file.bytes[from] & 0xc0 == 0x80 {
                from += 1;
            }
        }
        let mut to = line.end.min(from + SNIPPET_BYTES);
        while to > from && to < line.end && self.file.bytes[to] & 0xc0 == 0x80 {
            to -= 1;
        }
        let mut text = String::new();
        if from > line.start {
            text.push('…');
        }
        let (mut start, mut end) = (None, None);
        let mut at = from;
        while at < to {
            if at >= marks.start && start.is_none() {
                start = Some(text.len());
            }
            if at >= marks.end && end.is_none() {
                end = Some(text.len());
            }
            let next = self.masked.partition_point(|range| range.end <= at);
            match self.masked.get(next) {
                Some(range) if range.start <= at => {
                    text.push_str(MASK);
                    at = range.end;
                }
                range => {
                    let mut stop = range.map_or(to, |r| r.start.min(to));
                    for mark in [marks.start, marks.end] {
                        if mark > at {
                            stop = stop.min(mark);
                        }
                    }
                    text.push_str(&printable_line(&self.index.decode(&(at..stop))));
                    at = stop;
                }
            }
        }
        let start = start.unwrap_or(text.len());
        let end = end.unwrap_or(text.len()).max(start);
        if to < line.end && at < line.end {
            text.push('…');
        }
        (text, start..end)
    }
}

/// Whether a place is in this very file.
fn about(file: &File<'_>, place: &raw::Location) -> bool {
    matches!(place, raw::Location::File(at) if at.path == file.path)
}

/// The bytes that a place in this file means, clipped; none for the file as a whole and for other places.
fn range(index: &LineIndex<'_>, place: &raw::Location, size: usize) -> Option<Range<usize>> {
    let raw::Location::File(file) = place else { return None };
    match file.extent {
        Extent::Whole => None,
        Extent::Bytes(offset, len) => Some(ByteSpan { offset, len }.clip(size)),
        Extent::Text(start, end) => {
            let at = |(line, column)| index.offset(Position { line, column }).unwrap_or(size);
            let start = at(start);
            Some(start..at(end).max(start))
        }
    }
}

/// A place in a file that is not at hand: lines as the guest gave them, no excerpt.
fn elsewhere(file: &raw::FileLocation) -> FileLocation {
    let region = match file.extent {
        Extent::Text(start, end) => Some(super::Region {
            start: Position { line: start.0.max(1), column: start.1.max(1) },
            end: Position { line: end.0.max(1), column: end.1.max(1) },
        }),
        _ => None,
    };
    let bytes = if let Extent::Bytes(offset, len) = file.extent { Some(ByteSpan { offset, len }) } else { None };
    FileLocation {
        path: clean(&file.path),
        region,
        bytes,
        snippet: None,
        logical: file.logical.as_deref().map(clean),
        provenance: Vec::new(),
    }
}

fn path_of(place: &raw::Location) -> &str {
    match place {
        raw::Location::File(file) => &file.path,
        raw::Location::Package(_, manifest) => manifest,
        raw::Location::Endpoint(_, url) => url,
        raw::Location::Model(name) => name,
        raw::Location::Other(_, value) => value,
    }
}

/// A purl without `@version` and what follows it.
fn without_version(purl: &str) -> &str {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    match purl[..end].rfind('@') {
        // A scope, as in pkg:npm/@scope/name, is no version.
        Some(at) if !purl[at..end].contains('/') => &purl[..at],
        _ => &purl[..end],
    }
}

fn edit(edit: raw::Edit) -> Edit {
    Edit {
        path: clean(&edit.path),
        span: ByteSpan { offset: edit.span.0, len: edit.span.1 },
        replacement: edit.replacement,
    }
}

fn labels(labels: raw::Labels) -> Vec<(String, String)> {
    let mut labels: Vec<_> = labels.into_iter().map(|(key, value)| (clean(&key), clean(&value))).collect();
    labels.sort();
    labels
}

/// A guest's text: short enough and safe to print.
fn clean(text: &str) -> String {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = printable(&text[..end]).into_owned();
    if end < text.len() {
        out.push('…');
    }
    out
}
