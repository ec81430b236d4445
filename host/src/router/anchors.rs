//! The one pass: all anchors of all plugins, in all their forms, searched at once.
//!
//! A form is a string of bytes that gives an anchor away: the anchor itself, its UTF-16 of either byte order,
//! or what base64 makes of it at one of three alignments. Several hundred anchors make more than a thousand
//! forms; an automaton over them takes milliseconds to build at each start, and more cache than there is.
//! So the pass is a filter and a check: four bytes at each position, folded to one case, are hashed into a
//! bitmap of 8 KiB; where the bit is set, a table names the forms to compare. Each form enters with its
//! rarest four bytes. Forms of three bytes have a bitmap of their own, and cost nothing when there are none.

use std::collections::HashMap;

use scanhost_manifest::Anchor;

use super::Hit;

/// log2 of the number of bits in the bitmap.
const BITS: u32 = 16;

/// Sets bit 5 of each byte: letters of both cases become one. What else falls together is told apart later.
const FOLD: u32 = 0x2020_2020;

/// One string of bytes that gives an anchor away.
struct Form {
    bytes: Box<[u8]>,
    /// ASCII letters match in both cases.
    ignore_case: bool,
    /// Where in `bytes` the hashed part begins.
    probe: u8,
    owners: Owners,
}

/// Whose a form is: plugin and anchor.
type Owners = Vec<(u32, u32)>;

/// Collects anchors.
#[derive(Default)]
pub struct Builder {
    forms: HashMap<(Box<[u8]>, bool), Owners>,
    plugins: usize,
}

impl Builder {
    /// Adds an anchor of a plugin, in all its forms.
    pub fn add(&mut self, plugin: usize, id: u32, anchor: &Anchor) {
        self.plugins = self.plugins.max(plugin + 1);
        let text = if anchor.ignore_case { anchor.text.to_ascii_lowercase() } else { anchor.text.clone() };
        let mut form = |bytes: Vec<u8>, ignore_case: bool| {
            let owners = self.forms.entry((bytes.into(), ignore_case)).or_default();
            if !owners.contains(&(plugin as u32, id)) {
                owners.push((plugin as u32, id));
            }
        };
        form(text.clone().into_bytes(), anchor.ignore_case);
        form(text.bytes().flat_map(|b| [b, 0]).collect(), anchor.ignore_case);
        form(text.bytes().flat_map(|b| [0, b]).collect(), anchor.ignore_case);
        if anchor.base64 && !anchor.ignore_case {
            for bytes in base64_forms(text.as_bytes()) {
                let url: Vec<u8> = bytes
                    .iter()
                    .map(|b| {
                        if *b == b'+' {
                            b'-'
                        } else if *b == b'/' {
                            b'_'
                        } else {
                            *b
                        }
                    })
                    .collect();
                if url != bytes {
                    form(url, false);
                }
                form(bytes, false);
            }
        }
    }

    /// Ready to search.
    pub fn build(self) -> AnchorSet {
        let mut forms: Vec<Form> = self
            .forms
            .into_iter()
            .map(|((bytes, ignore_case), mut owners)| {
                owners.sort_unstable();
                let probe = if bytes.len() >= 4 { rarest(&bytes) } else { 0 };
                Form { bytes, ignore_case, probe, owners }
            })
            .collect();
        // A hash map's order must not reach anything.
        forms.sort_by(|a, b| (&a.bytes, a.ignore_case).cmp(&(&b.bytes, b.ignore_case)));
        let slot = |form: &Form| {
            let at = form.probe as usize;
            match form.bytes.len() {
                0..=3 => (hash3(word3(&form.bytes)), true),
                _ => (hash4(word4(&form.bytes[at..])), false),
            }
        };
        let long =
            Table::new(forms.iter().enumerate().filter(|(_, f)| !slot(f).1).map(|(at, f)| (slot(f).0, at as u32)));
        let short =
            Table::new(forms.iter().enumerate().filter(|(_, f)| slot(f).1).map(|(at, f)| (slot(f).0, at as u32)));
        AnchorSet { forms, long, short, plugins: self.plugins }
    }
}

/// The surest characters of base64 that has `text` in it, at the three alignments: those whose six bits lie
/// wholly inside the text. Standard alphabet; the URL alphabet differs in two characters.
pub fn base64_forms(text: &[u8]) -> [Vec<u8>; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|before: usize| {
        let bit = |n: usize| {
            let n = n - before * 8;
            usize::from(text[n / 8] >> (7 - n % 8) & 1)
        };
        let (start, end) = (before * 8, (before + text.len()) * 8);
        (start.div_ceil(6)..end / 6)
            .map(|group| ALPHABET[(0..6).fold(0, |value, n| value << 1 | bit(group * 6 + n))])
            .collect()
    })
}

/// From hash to forms: a bitmap for the question whether, and a sorted list for the question which.
struct Table {
    bitmap: Box<[u64]>,
    /// `starts[h]..starts[h + 1]` in `entries`.
    starts: Box<[u32]>,
    entries: Box<[u32]>,
}

impl Table {
    fn new(slots: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut slots: Vec<(u32, u32)> = slots.collect();
        slots.sort_unstable();
        let size = 1_usize << BITS;
        let mut bitmap = vec![0_u64; size / 64];
        let mut starts = vec![0_u32; size + 1];
        for (hash, _) in &slots {
            bitmap[(hash / 64) as usize] |= 1 << (hash % 64);
            starts[*hash as usize + 1] += 1;
        }
        for at in 0..size {
            starts[at + 1] += starts[at];
        }
        let entries = slots.into_iter().map(|(_, form)| form).collect();
        Self { bitmap: bitmap.into(), starts: starts.into(), entries }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    fn may(&self, hash: u32) -> bool {
        // The index is below 1024 by the shift in the hash; the mask lets the compiler see it.
        self.bitmap[(hash >> 6) as usize & ((1 << (BITS - 6)) - 1)] >> (hash & 63) & 1 != 0
    }

    fn forms(&self, hash: u32) -> &[u32] {
        &self.entries[self.starts[hash as usize] as usize..self.starts[hash as usize + 1] as usize]
    }
}

/// The hits of one file, for each plugin in order of offset. Reused from file to file.
#[derive(Default)]
pub struct Hits {
    plugins: Vec<Vec<Hit>>,
}

impl Hits {
    /// A plugin's hits.
    pub fn of(&self, plugin: usize) -> &[Hit] {
        self.plugins.get(plugin).map_or(&[], Vec::as_slice)
    }
}

/// All anchors, ready to search.
pub struct AnchorSet {
    forms: Vec<Form>,
    long: Table,
    short: Table,
    plugins: usize,
}

impl AnchorSet {
    /// All occurrences of all anchors.
    pub fn find(&self, bytes: &[u8], hits: &mut Hits) {
        hits.plugins.iter_mut().for_each(Vec::clear);
        hits.plugins.resize_with(self.plugins, Vec::new);
        if self.short.is_empty() {
            self.pass::<false>(bytes, hits);
        } else {
            self.pass::<true>(bytes, hits);
        }
        for list in &mut hits.plugins {
            // A form's probe is not at its start, so hits come nearly, but not quite, in order.
            list.sort_unstable();
            list.dedup();
        }
    }

    fn pass<const SHORT: bool>(&self, bytes: &[u8], hits: &mut Hits) {
        for (at, window) in bytes.windows(4).enumerate() {
            let word = u32::from_le_bytes([window[0], window[1], window[2], window[3]]) | FOLD;
            let hash = hash4(word);
            if self.long.may(hash) {
                self.check(&self.long, hash, at, bytes, hits);
            }
            if SHORT {
                let hash = hash3(word & 0x00ff_ffff);
                if self.short.may(hash) {
                    self.check(&self.short, hash, at, bytes, hits);
                }
            }
        }
        // The last three bytes have no window of four.
        if SHORT && let Some(at) = bytes.len().checked_sub(3) {
            let hash = hash3(word3(&bytes[at..]));
            if self.short.may(hash) {
                self.check(&self.short, hash, at, bytes, hits);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn check(&self, table: &Table, hash: u32, at: usize, bytes: &[u8], hits: &mut Hits) {
        for form in table.forms(hash) {
            let form = &self.forms[*form as usize];
            let Some(start) = at.checked_sub(form.probe as usize) else { continue };
            let Some(found) = bytes.get(start..start + form.bytes.len()) else { continue };
            let same = if form.ignore_case { found.eq_ignore_ascii_case(&form.bytes) } else { found == &*form.bytes };
            if same {
                for (plugin, anchor) in &form.owners {
                    hits.plugins[*plugin as usize].push(Hit { offset: start as u64, anchor: *anchor });
                }
            }
        }
    }
}

fn word4(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) | FOLD
}

fn word3(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) | (FOLD & 0x00ff_ffff)
}

#[inline]
fn hash4(word: u32) -> u32 {
    word.wrapping_mul(0x9e37_79b1) >> (32 - BITS)
}

#[inline]
fn hash3(word: u32) -> u32 {
    word.wrapping_mul(0x85eb_ca6b) >> (32 - BITS)
}

/// Where the four rarest bytes of a form begin. What is common in source code, a letter of English words,
/// weighs more than a digit or a sign; NUL, half of every UTF-16 form, is rare in what is scanned most.
fn rarest(bytes: &[u8]) -> u8 {
    let weight = |byte: u8| match byte.to_ascii_lowercase() {
        b' ' => 18,
        b'e' | b't' => 12,
        b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 9,
        b'l' | b'c' | b'd' | b'u' | b'p' | b'm' => 6,
        b'h' | b'f' | b'g' | b'b' | b'y' | b'w' | b'_' | b'-' | b'.' => 4,
        b'0'..=b'9' | b'v' | b'k' | b'x' => 3,
        _ => 1,
    };
    let at = (0..=bytes.len() - 4).min_by_key(|at| bytes[*at..at + 4].iter().map(|b| weight(*b)).sum::<u32>());
    u8::try_from(at.unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn anchor(text: &str, ignore_case: bool, base64: bool) -> Anchor {
        Anchor { text: text.into(), ignore_case, base64 }
    }

    fn find(anchors: &[Anchor], bytes: &[u8]) -> Vec<(u64, u32)> {
        let mut builder = Builder::default();
        for (id, anchor) in anchors.iter().enumerate() {
            builder.add(0, id as u32, anchor);
        }
        let mut hits = Hits::default();
        builder.build().find(bytes, &mut hits);
        hits.of(0).iter().map(|hit| (hit.offset, hit.anchor)).collect()
    }

    #[test]
    fn exact_and_folded() {
        let anchors = [anchor("ghp_", false, false), anchor("key", true, false), anchor("password", true, false)];
        assert_eq!(find(&anchors, b"ghp_ GHP_ KEY PassWord key"), vec![(0, 0), (10, 1), (14, 2), (23, 1)]);
        assert_eq!(find(&anchors, b"ke"), vec![]);
        assert_eq!(find(&anchors, b"key"), vec![(0, 1)]);
    }

    #[test]
    fn utf16_of_both_orders() {
        let anchors = [anchor("token", true, false)];
        let little: Vec<u8> = "a ToKen".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "a token".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(find(&anchors, &little).contains(&(4, 0)));
        assert!(find(&anchors, &big).contains(&(4, 0)));
    }

    #[test]
    fn base64_at_all_alignments() {
        use base64::Engine as _;
        for before in 0..9 {
            let plain = [vec![b'.'; before], b"sk-ant-api03-something".to_vec()].concat();
            let coded = base64::engine::general_purpose::STANDARD.encode(&plain);
            let hits = find(&[anchor("sk-ant-api", false, true)], coded.as_bytes());
            assert_eq!(hits, vec![((before * 8).div_ceil(6) as u64, 0)], "{before} bytes before it, {coded}");
        }
    }

    proptest! {
        /// The pass finds what a plain search finds.
        #[test]
        fn as_a_plain_search(
            texts in prop::collection::vec("[a-cA-C_]{3,6}", 1..6),
            fold in any::<bool>(),
            bytes in prop::collection::vec(prop::sample::select(b"abcABC_ \0".to_vec()), 0..200),
        ) {
            let anchors: Vec<Anchor> = texts.iter().map(|text| anchor(text, fold, false)).collect();
            let mut expected = Vec::new();
            for (id, anchor) in anchors.iter().enumerate() {
                let plain = anchor.text.as_bytes().to_vec();
                let little: Vec<u8> = plain.iter().flat_map(|b| [*b, 0]).collect();
                let big: Vec<u8> = plain.iter().flat_map(|b| [0, *b]).collect();
                for form in [plain, little, big] {
                    for (at, window) in bytes.windows(form.len()).enumerate() {
                        if if fold { window.eq_ignore_ascii_case(&form) } else { window == form } {
                            expected.push((at as u64, id as u32));
                        }
                    }
                }
            }
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(find(&anchors, &bytes), expected);
        }
    }
}
