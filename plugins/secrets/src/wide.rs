//! UTF-16 as bytes that the rules can read: one byte for each code unit, so that a place in the one is a
//! place in the other. What is no ASCII becomes 0xFF, which no rule matches.

/// How the code units lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    /// The first byte of the first code unit: 0 or 1.
    pub start: usize,
    /// The high byte comes first.
    pub big: bool,
}

impl Layout {
    /// The layout in which an occurrence of the anchor's text begins here.
    pub fn of(bytes: &[u8], offset: usize, text: &str, ignore_case: bool) -> Option<Self> {
        let found = bytes.get(offset..offset.checked_add(text.len() * 2)?)?;
        let same = |low: u8, high: u8, want: u8| {
            high == 0 && (low == want || (ignore_case && low.eq_ignore_ascii_case(&want)))
        };
        let pairs = || found.chunks_exact(2).zip(text.bytes());
        let start = offset % 2;
        if pairs().all(|(pair, want)| same(pair[0], pair[1], want)) {
            Some(Self { start, big: false })
        } else if pairs().all(|(pair, want)| same(pair[1], pair[0], want)) {
            Some(Self { start, big: true })
        } else {
            None
        }
    }

    /// The text as one byte a code unit.
    pub fn narrow(self, bytes: &[u8]) -> Vec<u8> {
        let tail = bytes.get(self.start..).unwrap_or_default();
        tail.chunks_exact(2)
            .map(|pair| {
                let (low, high) = if self.big { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
                if high == 0 && low < 0x80 { low } else { 0xFF }
            })
            .collect()
    }

    /// Where a place of the file lies in the narrowed text.
    pub fn inward(self, offset: usize) -> usize {
        (offset - self.start) / 2
    }

    /// Where a place of the narrowed text lies in the file.
    pub fn outward(self, offset: usize) -> usize {
        offset * 2 + self.start
    }
}
