//! The file's text, and how a line of it is shown: control characters made visible, the fingerprint key
//! masked, long lines cut. Nothing of the file reaches a terminal except through here.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::Span;
use crate::finding::text::{brief, cells};

/// What a masked part looks like.
const MASK: &str = "***";
/// Characters that are kept before and after the place in question.
const BEFORE: usize = 60;
const AFTER: usize = 120;

/// A file's text with its name.
#[derive(Clone)]
pub(super) struct Source {
    name: Arc<str>,
    text: Arc<str>,
    masked: Vec<Span>,
}

// Not derived: the text holds the fingerprint key.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

/// One line, ready to be shown.
pub(super) struct Excerpt {
    pub line: u32,
    /// In characters, 1-based, of the line as it stands in the file.
    pub column: usize,
    pub text: String,
    /// Bytes of `text`.
    pub span: Span,
}

impl Excerpt {
    /// Whether the place has the same column in `text` as in the file.
    pub fn keeps_column(&self) -> bool {
        self.text[..self.span.start].chars().count() + 1 == self.column
    }
}

impl Source {
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: brief(name, 300).into(), text: text.into(), masked: Vec::new() }
    }

    /// For a text that could not be parsed: what looks like the key's value is masked.
    pub fn guessing(name: &str, text: &str) -> Self {
        let mut source = Self::new(name, text);
        source.masked = guess_masks(text);
        source
    }

    /// Shows again what was masked by guessing, where a parser knows better.
    pub fn unmask(&mut self, starts: &HashSet<usize>) {
        self.masked.retain(|span| !starts.contains(&span.start));
    }

    /// Masks a part in all excerpts.
    pub fn mask(&mut self, span: Span) {
        self.masked.push(span);
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it, the key included: for reading it again, not for showing it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the line that holds a byte.
    pub fn line(&self, offset: usize) -> u32 {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).unwrap_or(u32::MAX)
    }

    /// The line where a span starts; a span over several lines is cut at the first one's end.
    pub fn excerpt(&self, span: &Span) -> Excerpt {
        let start = self.boundary(span.start);
        let first = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let last = if self.text[first..last].ends_with('\r') { last - 1 } else { last };
        let start = start.min(last);
        let end = self.boundary(span.end).clamp(start, last);

        let column = self.text[first..start].chars().count();
        let skip = column.saturating_sub(BEFORE);
        let mut out = Excerpt { line: self.line(start), column: column + 1, text: String::new(), span: 0..0 };
        if skip > 0 {
            out.text.push('…');
        }
        let masks: Vec<&Span> = self.masked.iter().filter(|mask| mask.start < last && mask.end > first).collect();
        let mut in_mask = false;
        let mut begun = false;
        for (count, (at, cell)) in cells(&self.text[first..last]).enumerate().skip(skip) {
            let at = first + at;
            if count > column + AFTER {
                out.text.push('…');
                break;
            }
            let masked = masks.iter().any(|mask| mask.contains(&at));
            if at >= start && !begun {
                begun = true;
                // Inside a masked part: the mask as a whole is what is pointed to.
                out.span.start = out.text.len() - if masked && in_mask { MASK.len() } else { 0 };
            }
            match (masked, in_mask) {
                (true, false) => out.text.push_str(MASK),
                (true, true) => {}
                // A byte order mark belongs to the file, not to the line.
                (false, _) if at == 0 && self.text.starts_with('\u{feff}') => {}
                (false, _) => out.text.push_str(&cell),
            }
            in_mask = masked;
            if at < end {
                out.span.end = out.text.len();
            }
        }
        if !begun {
            out.span.start = out.text.len();
        }
        out.span.end = out.span.end.max(out.span.start);
        out
    }

    /// The character boundary at or before an offset.
    fn boundary(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

/// Where the fingerprint key's value seems to stand, judged by the lines alone, so that it works for a file
/// that cannot be parsed: behind a name like the key's and a `=`, up to the line's end or to the end of a
/// multi-line string. Masking too much does no harm.
fn guess_masks(text: &str) -> Vec<Span> {
    let mut masks = Vec::new();
    let mut next = 0;
    let mut until = 0;
    for line in text.split_inclusive('\n') {
        let start = next;
        next += line.len();
        if start < until {
            continue;
        }
        if let Some(value) = line.match_indices(['=', ':']).find(|(at, _)| names_the_key(&line[..*at])) {
            let value = &line[value.0 + 1..];
            let from = next - value.trim_start().len();
            // TOML has the value on the same line; whoever did not know that wrote it on the next one.
            let line_below = || text[next..].find('\n').map_or(text.len(), |end| next + end + 1);
            let end = if value.trim().is_empty() { line_below() } else { next };
            until = value_end(text, from).max(end);
            masks.push(from..until);
        } else if names_the_key(line) {
            // `fingerprint-key "…"`, or a table of that name.
            until = if line.trim_start().starts_with('[') { text.len() } else { next };
            masks.push(start..until);
        }
    }
    masks
}

/// Where a value ends that may go over several lines; where it starts, if it does not.
fn value_end(text: &str, from: usize) -> usize {
    let value = &text[from..];
    if value.starts_with(['[', '{']) {
        return text.len();
    }
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inside) = value.strip_prefix(quotes) {
            return inside.find(quotes).map_or(text.len(), |end| from + end + 2 * quotes.len());
        }
    }
    from
}

/// Whether a text ends in the key's name, or in one that was meant to be it.
fn names_the_key(text: &str) -> bool {
    let in_key = |c: &char| {
        c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'' | '\\' | ' ' | '\t' | ']' | '\n' | '\r')
    };
    let backwards = text.chars().rev().take_while(in_key).filter(char::is_ascii_alphabetic).take(100);
    let letters: String = backwards.map(|c| c.to_ascii_lowercase()).collect();
    let near = || super::suggest::nearest(&letters, ["yektnirpregnif"]).is_some();
    // The length first: a hostile file has a hundred thousand names.
    letters.contains("tnirpregnif") || ((10..=18).contains(&letters.len()) && near())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(brief("a\u{1b}[31m\u{202e}b\u{9b}", 99), r"a\x1b[31m\u{202e}b\u{9b}");
        assert_eq!(brief("abcdef", 3), "abc…");
    }

    #[test]
    fn a_masked_part_is_shown_as_one_mark() {
        let mut source = Source::new("x", "a = \"secret\" # c");
        source.mask(5..11);
        let excerpt = source.excerpt(&(4..12));
        assert_eq!(excerpt.text, "a = \"***\" # c");
        assert_eq!(&excerpt.text[excerpt.span], "\"***\"");
        let excerpt = source.excerpt(&(7..9));
        assert_eq!(&excerpt.text[excerpt.span], "***");
    }

    #[test]
    fn the_key_is_guessed_in_a_broken_file() {
        let text = "x = [\nFINGERPRINT_key = 'aaa'\nfingerprnt-key = '''b\nbb''' \ny = 1\n\"fingerprint-key\" zzz\n";
        let source = Source::guessing("x", text);
        let shown: Vec<String> = text.match_indices('\n').map(|(at, _)| source.excerpt(&(at..at)).text).collect();
        assert_eq!(shown, ["x = [", "FINGERPRINT_key = ***", "fingerprnt-key = ***", "*** ", "y = 1", "***"]);
    }

    #[test]
    fn the_key_is_guessed_in_odd_places() {
        for text in [
            "policy = { fingerprint-key = 'hunter2' }",
            "policy = { a = 1, \"fingerprint\\u002dkey\" = 'hunter2' }",
            "fingerprint-key = [\n'hunter2'",
            "[fingerprint-key]\nx = 'hunter2'",
            "fingerprint-key: hunter2",
            "fingerprint-key hunter2",
        ] {
            let source = Source::guessing("x", text);
            for at in 0..text.len() {
                assert!(!source.excerpt(&(at..at)).text.contains("hunter2"), "{text}");
            }
        }
    }

    #[test]
    fn any_span_of_any_text_has_an_excerpt() {
        let text = "é\r\n\u{feff}x\n\ny".to_owned() + &"z".repeat(1000);
        let source = Source::new("x", &text);
        for start in 0..text.len() + 3 {
            for len in [0, 1, 2, 500, usize::MAX - 2000] {
                let excerpt = source.excerpt(&(start..start + len));
                assert!(excerpt.text.get(excerpt.span.clone()).is_some());
                assert!(excerpt.text.chars().count() < 200);
            }
        }
    }
}
