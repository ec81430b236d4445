//! Masking. Two nets: by place, where a plugin says which bytes of a file are secret, before an excerpt is
//! cut; and by value, over every text of every plugin once all secrets of the run are known, because the same
//! secret may stand in another file, in a message, in a path's neighbour.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Finding, Location};

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
            }
        };
        add(secret);
        if secret.contains(&b'\n') {
            // A line of a key block has 64 characters; short last lines and headers are left to the place.
            secret.split(|b| *b == b'\n').filter(|line| line.len() >= 16).for_each(&mut add);
        }
    }

    /// Takes in another worker's.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// Ready to mask; none when there is nothing to mask.
    pub fn masker(&self) -> Option<Masker> {
        if self.values.is_empty() {
            return None;
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.values).ok()?;
        Some(Masker { finder })
    }
}

/// Replaces secrets by value.
pub struct Masker {
    finder: AhoCorasick,
}

impl Masker {
    /// The text without any of the secrets.
    pub fn text(&self, text: &mut String) {
        if self.finder.is_match(text.as_str()) {
            let masked = self.bytes(text.as_bytes());
            *text = String::from_utf8_lossy(&masked).into_owned();
        }
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
        self.location(&mut finding.location);
        for related in &mut finding.related {
            self.location(&mut related.location);
            self.text(&mut related.note);
        }
        for (_, value) in &mut finding.labels {
            self.text(value);
        }
        if let Some(fix) = &mut finding.fix {
            self.text(&mut fix.title);
            // A masked replacement is no fix any more.
            if fix.edits.iter().any(|edit| self.finder.is_match(&edit.replacement)) {
                finding.fix = None;
            }
        }
        for attachment in &mut finding.attachments {
            self.text(&mut attachment.name);
            if self.finder.is_match(&attachment.body) {
                attachment.body = self.bytes(&attachment.body);
            }
        }
    }

    fn location(&self, location: &mut Location) {
        match location {
            Location::File(file) => {
                self.text(&mut file.path);
                if let Some(logical) = &mut file.logical {
                    self.text(logical);
                }
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
            Location::Endpoint { url, .. } => self.text(url),
            Location::Model(text) | Location::Other { value: text, .. } => self.text(text),
        }
    }
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
}
