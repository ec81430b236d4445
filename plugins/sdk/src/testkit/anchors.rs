//! Where the anchors are: a plain reference for what the host's router does in its one pass. Clarity
//! before speed, but fast enough to measure a plugin with.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use scanhost_manifest::Anchor as Text;

use crate::Anchor;

/// The anchors of one manifest, ready to be searched.
#[derive(Debug)]
pub struct AnchorFinder {
    /// ASCII and base64, as written.
    exact: Forms,
    /// ASCII, either case.
    folded: Forms,
    /// UTF-16 of both orders, as written and in either case; searched in files that hold a NUL.
    wide: [Forms; 2],
}

#[derive(Debug, Default)]
struct Forms {
    searcher: Option<AhoCorasick>,
    ids: Vec<u32>,
}

impl AnchorFinder {
    /// The index of an anchor in the list is its id.
    pub fn new(anchors: &[Text]) -> Self {
        let mut exact = Vec::new();
        let mut folded = Vec::new();
        let mut wide = [Vec::new(), Vec::new()];
        for (id, anchor) in anchors.iter().enumerate() {
            let id = id as u32;
            let text = anchor.text.as_bytes();
            if anchor.ignore_case { &mut folded } else { &mut exact }.push((text.to_vec(), id));
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let form = text.iter().flat_map(|&b| order(u16::from(b))).collect();
                wide[usize::from(anchor.ignore_case)].push((form, id));
            }
            if anchor.base64 {
                exact.extend(base64_forms(text).into_iter().map(|form| (form, id)));
            }
        }
        let [wide_exact, wide_folded] = wide;
        Self {
            exact: Forms::new(&exact, false),
            folded: Forms::new(&folded, true),
            wide: [Forms::new(&wide_exact, false), Forms::new(&wide_folded, true)],
        }
    }

    /// All occurrences, in order of their offset.
    pub fn find(&self, bytes: &[u8]) -> Vec<Anchor> {
        let mut found = Vec::new();
        self.exact.find(bytes, &mut found);
        self.folded.find(bytes, &mut found);
        if memchr::memchr(0, bytes).is_some() {
            for forms in &self.wide {
                forms.find(bytes, &mut found);
            }
        }
        found.sort_unstable_by_key(|anchor| (anchor.offset, anchor.id));
        found.dedup();
        found
    }
}

impl Forms {
    fn new(forms: &[(Vec<u8>, u32)], fold: bool) -> Self {
        if forms.is_empty() {
            return Self::default();
        }
        let ids = forms.iter().map(|form| form.1).collect();
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(fold)
            .build(forms.iter().map(|form| &form.0))
            .ok();
        Self { searcher, ids }
    }

    fn find(&self, bytes: &[u8], found: &mut Vec<Anchor>) {
        let Some(searcher) = &self.searcher else { return };
        for hit in searcher.find_overlapping_iter(bytes) {
            found.push(Anchor { id: self.ids[hit.pattern().as_usize()], offset: hit.start() as u64 });
        }
    }
}

/// The characters that an encoding of `text` holds for sure, whatever stands around it: for each of the
/// three alignments, in the standard alphabet and, where it differs, in the one for URLs.
fn base64_forms(text: &[u8]) -> Vec<Vec<u8>> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut forms = Vec::new();
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(text);
        let first = (8 * shift).div_ceil(6);
        let last = 8 * padded.len() / 6;
        padded.push(0);
        let form: Vec<u8> = (first..last)
            .map(|at| {
                let bit = at * 6;
                let pair = u16::from_be_bytes([padded[bit / 8], padded[bit / 8 + 1]]);
                STANDARD[usize::from(pair >> (10 - bit % 8) & 63)]
            })
            .collect();
        let url: Vec<u8> = form
            .iter()
            .map(|&b| match b {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            })
            .collect();
        if url != form {
            forms.push(url);
        }
        forms.push(form);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(text: &str, ignore_case: bool, base64: bool) -> AnchorFinder {
        AnchorFinder::new(&[Text { text: text.into(), ignore_case, base64 }])
    }

    fn offsets(finder: &AnchorFinder, bytes: &[u8]) -> Vec<u64> {
        finder.find(bytes).iter().map(|anchor| anchor.offset).collect()
    }

    #[test]
    fn as_written_or_in_either_case() {
        assert_eq!(offsets(&finder("ghp_", false, false), b"x ghp_ GHP_"), [2]);
        assert_eq!(offsets(&finder("token", true, false), b"TOKEN token"), [0, 6]);
    }

    #[test]
    fn in_utf16_of_both_orders() {
        let little: Vec<u8> = "a ghp_b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(offsets(&finder("ghp_", false, false), &little).contains(&4));
        let big: Vec<u8> = "a ghp_b".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(offsets(&finder("ghp_", false, false), &big).contains(&4));
    }

    #[test]
    fn in_base64_at_every_alignment() {
        // base64 of "ghp_x", "aghp_x" and "aaghp_x".
        let find = |text: &[u8]| offsets(&finder("ghp_", false, true), text);
        assert_eq!(find(b"Z2hwX3g="), [0]);
        assert_eq!(find(b"YWdocF94"), [2]);
        assert_eq!(find(b"YWFnaHBfeA=="), [3]);
    }
}
