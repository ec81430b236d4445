//! Places: where in a file, a package, an API or a model; and the arithmetic from bytes to lines.

use std::borrow::Cow;

use memchr::memchr_iter;

/// How far into a line of UTF-16 a column is counted by decoding.
const WIDE_EXACT: usize = 64 << 10;

/// The order of bytes of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

impl Endian {
    fn unit(self, bytes: &[u8]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes([bytes[0], bytes[1]]),
            Self::Big => u16::from_be_bytes([bytes[0], bytes[1]]),
        }
    }
}

/// Whether a text is UTF-16: a byte order mark (not UTF-32's), or NULs in nearly all odd or all even places of
/// the first 8,000 bytes and in none of the others.
pub fn utf16(text: &[u8]) -> Option<Endian> {
    let head = &text[..text.len().min(8_000)];
    if head.starts_with(b"\xff\xfe\0\0") {
        return None;
    }
    if head.starts_with(b"\xff\xfe") {
        return Some(Endian::Little);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(Endian::Big);
    }
    let units = head.len() / 2;
    if units < 8 {
        return None;
    }
    let (mut even, mut odd) = (0, 0);
    for pair in head.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let enough = |most: usize, least: usize| least == 0 && most * 10 >= units * 9;
    if enough(odd, even) { Some(Endian::Little) } else { enough(even, odd).then_some(Endian::Big) }
}

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSpan {
    /// 0-based.
    pub offset: u64,
    /// May be 0.
    pub len: u64,
}

impl ByteSpan {
    /// One past the last byte.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.len)
    }

    /// The part inside a file of `size` bytes, as indices.
    pub fn clip(self, size: usize) -> std::ops::Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(size);
        let end = usize::try_from(self.end()).unwrap_or(usize::MAX).min(size);
        start..end.max(start)
    }
}

/// 1-based; the column counts bytes of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// From `start` up to, but not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// First byte.
    pub start: Position,
    /// One past the last byte.
    pub end: Position,
}

/// An excerpt to show: whole lines, masked, shortened where they are long, safe to print.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snippet {
    /// Number of the first line.
    pub first_line: u32,
    /// The lines, without line ends.
    pub lines: Vec<String>,
    /// Where in `lines[0]` the finding starts, in bytes of that string.
    pub start: usize,
    /// Where in the last line it ends, in bytes of that string.
    pub end: usize,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLocation {
    /// From the root, `/` between the parts, safe to print.
    pub path: String,
    /// Lines and columns; none for the file as a whole.
    pub region: Option<Region>,
    /// The same in bytes, where the guest gave bytes.
    pub bytes: Option<ByteSpan>,
    /// What stands there.
    pub snippet: Option<Snippet>,
    /// A name inside the file.
    pub logical: Option<String>,
    /// `layer`, `commit` …, where the source knows.
    pub provenance: Vec<(String, String)>,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// A place in a file.
    File(FileLocation),
    /// A package.
    Package {
        /// Package URL.
        purl: String,
        /// The manifest or lockfile that names it.
        manifest: String,
    },
    /// An operation of an API.
    Endpoint {
        /// HTTP method.
        method: String,
        /// URL template.
        url: String,
    },
    /// A model under test.
    Model(String),
    /// What a later contract names.
    Other {
        /// Its kind.
        kind: String,
        /// Its value.
        value: String,
    },
}

impl Location {
    /// The file's path, for a place in a file; what stands for it otherwise.
    pub fn path(&self) -> &str {
        match self {
            Self::File(file) => &file.path,
            Self::Package { manifest, .. } => manifest,
            Self::Endpoint { url, .. } => url,
            Self::Model(name) => name,
            Self::Other { value, .. } => value,
        }
    }

    /// The place in a file, if it is one.
    pub fn file(&self) -> Option<&FileLocation> {
        if let Self::File(file) = self { Some(file) } else { None }
    }

    /// Line and column of the start, (0, 0) without.
    pub fn start(&self) -> (u32, u32) {
        self.file().and_then(|f| f.region).map_or((0, 0), |r| (r.start.line, r.start.column))
    }
}

/// Finds lines in a text. A line ends after `\n`; a `\r` before it belongs to the line's end. UTF-16 is seen
/// as what it says: its lines are its own, its columns those of the same text in UTF-8.
pub struct LineIndex<'t> {
    text: &'t [u8],
    wide: Option<Endian>,
    /// Offset of each line's first byte; the first is 0.
    starts: Vec<usize>,
}

impl<'t> LineIndex<'t> {
    /// One pass over the text.
    pub fn new(text: &'t [u8]) -> Self {
        let wide = utf16(text);
        let mut starts = vec![0];
        match wide {
            None => starts.extend(memchr_iter(b'\n', text).map(|at| at + 1)),
            Some(endian) => {
                let ends = text.chunks_exact(2).enumerate().filter(|(_, unit)| endian.unit(unit) == u16::from(b'\n'));
                starts.extend(ends.map(|(at, _)| at * 2 + 2));
            }
        }
        Self { text, wide, starts }
    }

    /// The position of a byte; past the end: of the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let bytes = match self.wide {
            None => offset - start,
            Some(_) if offset - start <= WIDE_EXACT => self.decode(&(start..offset)).len(),
            // Decoding a line of megabytes for each finding in it would take for ever; exact for ASCII.
            Some(_) => (offset - start) / 2,
        };
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(bytes + 1) }
    }

    /// What bytes say. A byte order mark is no text.
    pub fn decode(&self, range: &std::ops::Range<usize>) -> Cow<'t, str> {
        let bytes = &self.text[range.clone()];
        let Some(endian) = self.wide else {
            let bytes = if range.start == 0 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
            return String::from_utf8_lossy(bytes);
        };
        // Units begin at even offsets.
        let bytes = if range.start % 2 == 1 { bytes.get(1..).unwrap_or_default() } else { bytes };
        let units = bytes.chunks_exact(2).map(|unit| endian.unit(unit));
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Cow::Owned(if range.start == 0 { text.trim_start_matches('\u{feff}').to_owned() } else { text })
    }

    /// Both ends of a span.
    pub fn region(&self, span: &std::ops::Range<usize>) -> Region {
        Region { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The byte at a position; none when there is no such line. A column past the line's end is its end.
    pub fn offset(&self, position: Position) -> Option<usize> {
        let line = usize::try_from(position.line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let column = position.column.saturating_sub(1) as usize;
        // Exact for ASCII, which is what is looked for in UTF-16.
        let bytes = if self.wide.is_some() { column * 2 } else { column };
        Some((start + bytes).min(end))
    }

    /// Where a line (1-based) is, its end excluded.
    pub fn line(&self, line: u32) -> std::ops::Range<usize> {
        let at = (line as usize).saturating_sub(1).min(self.starts.len() - 1);
        let start = self.starts[at];
        let width = if self.wide.is_some() { 2 } else { 1 };
        let mut end = self.starts.get(at + 1).map_or(self.text.len(), |next| next - width);
        if end >= start + width && &*self.decode(&(end - width..end)) == "\r" {
            end -= width;
        }
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_offsets_are_inverse() {
        let text = b"one\r\ntwo\n\nfour";
        let index = LineIndex::new(text);
        for offset in 0..=text.len() {
            assert_eq!(index.offset(index.position(offset)), Some(offset));
        }
        let line = |number| &text[index.line(number)];
        assert_eq!(line(1), b"one");
        assert_eq!(line(3), b"");
        assert_eq!(line(4), b"four");
        assert_eq!(index.position(99), Position { line: 4, column: 5 });
        assert_eq!(index.offset(Position { line: 9, column: 1 }), None);
    }

    #[test]
    fn utf16_has_lines_and_columns_of_its_own() {
        let text: Vec<u8> = "\u{feff}Ä = 1\r\nkey = 2".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let index = LineIndex::new(&text);
        let at = |needle: &str| {
            let wide: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
            text.windows(wide.len()).position(|window| window == wide).unwrap()
        };
        assert_eq!(index.position(at("1")), Position { line: 1, column: 6 });
        assert_eq!(index.position(at("2")), Position { line: 2, column: 7 });
        assert_eq!(index.decode(&index.line(1)), "Ä = 1");
        assert_eq!(index.decode(&index.line(2)), "key = 2");
    }

    #[test]
    fn a_span_past_the_end_is_clipped() {
        assert_eq!(ByteSpan { offset: 5, len: u64::MAX }.clip(8), 5..8);
        assert_eq!(ByteSpan { offset: 50, len: 1 }.clip(8), 8..8);
    }
}
