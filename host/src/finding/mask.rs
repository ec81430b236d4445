//! Masking. Two nets: by place, where a plugin says which bytes of a file are secret, before an excerpt is
//! cut; and by value, over every text of every plugin once all secrets of the run are known, because the same
//! secret may stand in another file, in a message, in a path's neighbour.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::text::{printable_bytes, printable_line};
use super::{Comment, FileLocation, Finding, Location, Measurement, Origin, Package, State};

/// What a masked part looks like, whatever its length: the length is a secret too.
pub const MASK: &str = "********";

/// Secrets shorter than this are masked by place only; by value they would mask ordinary words.
const BY_VALUE: usize = 6;

/// Sorts ranges and joins those that touch.
pub fn join(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// The secrets of a run, held in memory only.
#[derive(Default)]
pub struct Secrets {
    values: BTreeSet<Vec<u8>>,
}

impl Secrets {
    /// Remembers a secret, and each line of one that has several: an excerpt shows lines.
    pub fn add(&mut self, secret: &[u8]) {
        let mut add = |value: &[u8]| {
            let value = value.trim_ascii();
            if value.len() >= BY_VALUE && !value.starts_with(b"-----") {
                self.values.insert(value.to_vec());
                // Texts are made safe to print before they are masked, so the secret stands there as escapes, in
                // each of the ways that an excerpt and a message escape. What follows a `#` decides how it is
                // escaped, so a secret is looked for without its last ones as well.
                let lossy = String::from_utf8_lossy(value);
                let open = lossy.trim_end_matches('#');
                let shown = [
                    printable_bytes(value).into_bytes(),
                    printable_line(&lossy).into_owned().into_bytes(),
                    printable_line(open).into_owned().into_bytes(),
                ];
                self.values.extend(shown.into_iter().filter(|shown| shown.len() >= BY_VALUE));
            }
        };
        add(secret);
        if secret.contains(&b'\n') {
            // A line of a key block has 64 characters; short last lines and headers are left to the place.
            secret.split(|b| *b == b'\n').filter(|line| line.len() >= 16).for_each(&mut add);
        }
    }

    /// All that must not be shown, each in every form that is masked by value.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Vec::as_slice)
    }

    /// Takes in another worker's.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// Ready to mask; none when there is nothing to mask.
    ///
    /// Building fails only past two billion states, one for each byte; the limit of bytes that a plugin may report
    /// in a run is 2²⁸, far below it.
    pub fn masker(&self) -> Option<Masker> {
        if self.values.is_empty() {
            return None;
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.values).ok()?;
        let reversed = self.values.iter().map(|value| value.iter().rev().copied().collect()).collect();
        Some(Masker { finder, values: self.values.clone(), reversed })
    }
}

/// Replaces secrets by value.
pub struct Masker {
    finder: AhoCorasick,
    values: BTreeSet<Vec<u8>>,
    /// The same, each from its end.
    reversed: BTreeSet<Vec<u8>>,
}

/// Where a text was cut.
const CUT: char = '…';

/// The longest part of a secret that is looked for where a text was cut.
const CUT_PART: usize = 256;

impl Masker {
    /// The text without any of the secrets.
    pub fn text(&self, text: &mut String) {
        if self.finder.is_match(text.as_str()) {
            let masked = self.bytes(text.as_bytes());
            *text = String::from_utf8_lossy(&masked).into_owned();
        }
        if let Some(body) = text.strip_suffix(CUT)
            && let Some(len) = part(&self.values, body.bytes().rev())
        {
            let kept = String::from_utf8_lossy(&body.as_bytes()[..body.len() - len]);
            *text = format!("{kept}{MASK}{CUT}");
        }
        if let Some(body) = text.strip_prefix(CUT)
            && let Some(len) = part(&self.reversed, body.bytes())
        {
            let kept = String::from_utf8_lossy(&body.as_bytes()[len..]);
            *text = format!("{CUT}{MASK}{kept}");
        }
    }

    /// Whether one of the secrets, or what a cut left of one, stands anywhere in these bytes, whatever else they are.
    pub fn leaks(&self, bytes: &[u8]) -> bool {
        let cut = CUT.len_utf8();
        let mut mark = [0; 4];
        let mark = CUT.encode_utf8(&mut mark).as_bytes();
        self.finder.is_match(bytes)
            || memchr::memmem::find_iter(bytes, mark).any(|at| {
                part(&self.values, bytes[..at].iter().rev().copied()).is_some()
                    || part(&self.reversed, bytes[at + cut..].iter().copied()).is_some()
            })
    }

    /// The bytes without any of the secrets.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for found in self.finder.find_iter(bytes) {
            out.extend_from_slice(&bytes[from..found.start()]);
            out.extend_from_slice(MASK.as_bytes());
            from = found.end();
        }
        out.extend_from_slice(&bytes[from..]);
        out
    }

    /// Every text of a finding. A path is masked too: a secret in a file's name is still a secret.
    pub fn finding(&self, finding: &mut Finding) {
        self.text(&mut finding.message);
        // The reason is a part of the scanned line.
        if let Some(Comment::Ignore { reason }) = &mut finding.comment {
            self.text(reason);
        }
        self.location(&mut finding.location);
        for related in &mut finding.related {
            self.location(&mut related.location);
            self.text(&mut related.note);
        }
        self.labels(&mut finding.labels);
        if let Some(fix) = &mut finding.fix {
            self.text(&mut fix.title);
            // A masked replacement is no fix any more.
            if fix.edits.iter().any(|edit| self.finder.is_match(&edit.replacement) || self.finder.is_match(&edit.path))
            {
                finding.fix = None;
            }
        }
        for attachment in &mut finding.attachments {
            self.text(&mut attachment.name);
            self.text(&mut attachment.media_type);
            if self.finder.is_match(&attachment.body) {
                attachment.body = self.bytes(&attachment.body);
            }
        }
    }

    /// What the policy says of a finding: its reasons are texts of `scan.toml`, which is a scanned file like others.
    pub fn judged(&self, finding: &mut Finding) {
        if let State::Suppressed { reason, .. } | State::IgnoredInline { reason } = &mut finding.state {
            self.text(reason);
        }
        if let Origin::Override { reason, .. } = &mut finding.rating.origin {
            self.text(reason);
        }
    }

    /// Every text of a package.
    pub fn package(&self, package: &mut Package) {
        self.text(&mut package.purl);
        package.locations.iter_mut().for_each(|place| self.file(place));
        package.licences.iter_mut().chain(&mut package.path).for_each(|text| self.text(text));
        self.text(&mut package.scope);
        self.labels(&mut package.labels);
    }

    /// Every text of a measurement.
    pub fn measurement(&self, measurement: &mut Measurement) {
        self.text(&mut measurement.name);
        self.text(&mut measurement.unit);
        self.labels(&mut measurement.labels);
    }

    fn labels(&self, labels: &mut [(String, String)]) {
        for (key, value) in labels {
            self.text(key);
            self.text(value);
        }
    }

    fn file(&self, file: &mut FileLocation) {
        self.text(&mut file.path);
        if let Some(logical) = &mut file.logical {
            self.text(logical);
        }
        self.labels(&mut file.provenance);
    }

    fn location(&self, location: &mut Location) {
        match location {
            Location::File(file) => {
                self.file(file);
                if let Some(snippet) = &mut file.snippet {
                    let last = snippet.lines.len().saturating_sub(1);
                    for (at, line) in snippet.lines.iter_mut().enumerate() {
                        let before = line.len();
                        self.text(line);
                        if line.len() != before {
                            // The marks may point past the masked line; the whole line is marked instead.
                            if at == 0 {
                                snippet.start = 0;
                            }
                            if at == last {
                                snippet.end = line.len();
                            }
                        }
                    }
                }
            }
            Location::Package { purl, manifest } => {
                self.text(purl);
                self.text(manifest);
            }
            Location::Endpoint { method: one, url: other } | Location::Other { kind: one, value: other } => {
                self.text(one);
                self.text(other);
            }
            Location::Model(text) => self.text(text),
        }
    }
}

/// How many bytes next to a cut are what it left of a secret. `near` goes from the cut into the text; `values` are
/// the secrets in the opposite direction, so that what is left of one is how it begins.
fn part(values: &BTreeSet<Vec<u8>>, near: impl Iterator<Item = u8>) -> Option<usize> {
    let mut near: Vec<u8> = near.take(CUT_PART).collect();
    near.reverse();
    (BY_VALUE..=near.len()).rev().find(|len| {
        let left = &near[near.len() - len..];
        values.range(left.to_vec()..).next().is_some_and(|value| value.starts_with(left))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_joined() {
        assert_eq!(join(vec![5..9, 1..3, 2..5, 20..20, 12..13]), vec![1..9, 12..13]);
    }

    #[test]
    fn values_are_masked_wherever_they_stand() {
        let mut secrets = Secrets::default();
        secrets.add(b"hunter2hunter2");
        secrets.add(b"abc");
        let masker = secrets.masker().expect("one is long enough");
        let mut text = "pw=hunter2hunter2; abc".to_owned();
        masker.text(&mut text);
        assert_eq!(text, "pw=********; abc");
    }

    #[test]
    fn what_a_cut_leaves_of_a_secret_is_masked() {
        let mut secrets = Secrets::default();
        secrets.add(b"0123456789abcdef");
        let masker = secrets.masker().expect("one is long enough");
        for (text, expected) in [
            ("x 0123456789…", "x ********…"),
            ("…9abcdef y", "…******** y"),
            ("x 01234…", "x 01234…"),
            ("…0123456 y", "…0123456 y"),
            ("…bcdef0123456…", "…bcdef********…"),
            ("…", "…"),
        ] {
            let mut masked = text.to_owned();
            masker.text(&mut masked);
            assert_eq!(masked, expected);
        }
    }

    #[test]
    fn every_text_of_a_package_and_a_measurement_is_masked() {
        let mut secrets = Secrets::default();
        secrets.add(b"hunter2\nhunter2");
        let masker = secrets.masker().expect("one is long enough");
        let text = || "a hunter2\\x0ahunter2 b".to_owned();
        let plugin = crate::finding::PluginId::try_from("x".to_owned()).expect("an id");
        let place = FileLocation {
            path: text(),
            region: None,
            bytes: None,
            snippet: None,
            logical: Some(text()),
            provenance: vec![(text(), text())],
        };
        let mut package = Package {
            purl: text(),
            plugin: plugin.clone(),
            locations: vec![place],
            licences: vec![text()],
            path: vec![text()],
            scope: text(),
            labels: vec![(text(), text())],
        };
        masker.package(&mut package);
        let mut measurement = Measurement {
            name: text(),
            plugin,
            labels: vec![(text(), text())],
            value: 1.0,
            unit: text(),
            trials: 1,
            lower95: None,
            upper95: None,
        };
        masker.measurement(&mut measurement);
        let shown = format!("{package:?} {measurement:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
