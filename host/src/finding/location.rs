//! Places: where in a file, a package, an API or a model; and the arithmetic from bytes to lines.

use memchr::memchr_iter;

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

/// Finds lines in a text. A line ends after `\n`; a `\r` before it belongs to the line's end.
pub struct LineIndex {
    /// Offset of each line's first byte; the first is 0.
    starts: Vec<usize>,
    size: usize,
}

impl LineIndex {
    /// One pass over the text.
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr_iter(b'\n', text).map(|at| at + 1));
        Self { starts, size: text.len() }
    }

    /// The position of a byte; past the end: of the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.size);
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = offset - self.starts[line - 1] + 1;
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    /// Both ends of a span.
    pub fn region(&self, span: &std::ops::Range<usize>) -> Region {
        Region { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The byte at a position; none when there is no such line. A column past the line's end is its end.
    pub fn offset(&self, position: Position) -> Option<usize> {
        let line = usize::try_from(position.line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).copied().unwrap_or(self.size);
        Some((start + position.column.saturating_sub(1) as usize).min(end))
    }

    /// The bytes of a line (1-based), its end excluded.
    pub fn line<'t>(&self, text: &'t [u8], line: u32) -> &'t [u8] {
        let at = (line as usize).saturating_sub(1).min(self.starts.len() - 1);
        let start = self.starts[at];
        let end = self.starts.get(at + 1).map_or(self.size, |next| next - 1);
        let bytes = &text[start..end];
        bytes.strip_suffix(b"\r").unwrap_or(bytes)
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
        assert_eq!(index.line(text, 1), b"one");
        assert_eq!(index.line(text, 3), b"");
        assert_eq!(index.line(text, 4), b"four");
        assert_eq!(index.position(99), Position { line: 4, column: 5 });
        assert_eq!(index.offset(Position { line: 9, column: 1 }), None);
    }

    #[test]
    fn a_span_past_the_end_is_clipped() {
        assert_eq!(ByteSpan { offset: 5, len: u64::MAX }.clip(8), 5..8);
        assert_eq!(ByteSpan { offset: 50, len: 1 }.clip(8), 8..8);
    }
}
