//! Paths as text that is safe to print, and back to the bytes that the system knows.
//!
//! A file's name is any bytes but `/` and NUL. What a terminal would obey, what turns text around and what
//! cannot be seen is written as `\xNN` (ASCII controls, and bytes that are no UTF-8) or `\u{N}` (characters).
//! No two names give the same text: a backslash that would begin such an escape is itself written as `\x5c`;
//! every other backslash stays as it is, so that ordinary names are shown unchanged.

use std::fmt::Write as _;

/// Appends a path's bytes as safe text.
pub fn escape_into(bytes: &[u8], out: &mut String) {
    // Nearly all names are plain ASCII; one look settles it.
    if bytes.iter().all(|b| matches!(b, b' '..=b'~') && *b != b'\\') {
        out.extend(bytes.iter().map(|b| char::from(*b)));
        return;
    }
    // Writing to a `String` cannot fail, hence `let _`.
    for (at, chunk) in chunks(bytes) {
        for (offset, c) in chunk.valid().char_indices() {
            if c == '\\' && begins_escape(&bytes[at + offset..]) {
                out.push_str("\\x5c");
            } else if c.is_ascii_control() {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            } else if is_unsafe(c) {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// A path's bytes as safe text.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    escape_into(bytes, &mut out);
    out
}

/// The bytes that [`escape`] wrote as this text. Text that it never writes is taken as it stands.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some((byte, after)) = hex_byte(rest) {
            out.push(byte);
            rest = after;
        } else if let Some((c, after)) = hex_char(rest) {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        } else {
            out.push(b'\\');
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Any text from outside (an error's words, a link's target), safe to print and not longer than `max` bytes.
pub fn shorten(bytes: &[u8], max: usize) -> String {
    if bytes.len() <= max {
        return escape(bytes);
    }
    let mut end = max;
    // Not in the middle of a character, lest its first half be shown as damage.
    while end > 0 && max - end < 3 && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    let mut out = escape(&bytes[..end]);
    out.push('…');
    out
}

/// UTF-8 chunks with their offsets.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (usize, std::str::Utf8Chunk<'_>)> {
    let mut at = 0;
    bytes.utf8_chunks().map(move |chunk| {
        let start = at;
        at += chunk.valid().len() + chunk.invalid().len();
        (start, chunk)
    })
}

/// Whether text at a backslash could be read back as an escape.
fn begins_escape(at: &[u8]) -> bool {
    at.starts_with(b"\\x") || at.starts_with(b"\\u{")
}

/// Reads `\xNN`.
fn hex_byte(text: &str) -> Option<(u8, &str)> {
    let digits = text.strip_prefix("\\x")?.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((u8::from_str_radix(digits, 16).ok()?, &text[4..]))
}

/// Reads `\u{N}`.
fn hex_char(text: &str) -> Option<(char, &str)> {
    let (digits, after) = text.strip_prefix("\\u{")?.split_once('}')?;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let c = plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten().and_then(char::from_u32)?;
    Some((c, after))
}

/// Characters outside ASCII that a terminal obeys, that reorder what stands beside them, or that show nothing.
fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'                                   // C1 controls: some terminals obey them
        | '\u{61c}' | '\u{200e}' | '\u{200f}'                 // direction marks
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'   // embeddings, overrides, isolates
        | '\u{2028}' | '\u{2029}'                             // line and paragraph separators
        | '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}'      // soft hyphen, joiners, Mongolian selectors
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}'   // zero-width
        | '\u{206a}'..='\u{206f}' | '\u{feff}'                // deprecated format controls, byte order mark
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'   // Hangul fillers
        | '\u{fff0}'..='\u{fffb}'                             // annotations
        | '\u{1d173}'..='\u{1d17a}'                           // musical format controls
        | '\u{e0000}'..='\u{e0fff}'                           // tags and supplementary selectors
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay() {
        for name in ["src/main.rs", "ünï/日本語 ❤.txt", r"C:\temp\new", r"a\\b\"] {
            assert_eq!(escape(name.as_bytes()), name);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(escape(b"a\nb\x1b[2J\x7f"), r"a\x0ab\x1b[2J\x7f");
        assert_eq!(escape("a\u{202e}b\u{9b}".as_bytes()), r"a\u{202e}b\u{9b}");
        assert_eq!(escape(b"caf\xe9"), r"caf\xe9");
    }

    #[test]
    fn a_literal_escape_is_told_from_a_written_one() {
        assert_eq!(escape(br"a\x0a"), r"a\x5cx0a");
        assert_eq!(escape(br"\u{202e}"), r"\x5cu{202e}");
        assert_eq!(escape(b"\\\n"), r"\\x0a");
        assert_eq!(unescape(r"\\x0a"), b"\\\n");
    }

    #[test]
    fn text_that_was_never_written_is_taken_as_it_stands() {
        for text in [r"\xg0", r"\u{}", r"\u{d800}", r"\u{1234567}", r"\u{12", r"\x", "\\", r"\xé0"] {
            assert_eq!(unescape(text), text.as_bytes());
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shorten("ééé".as_bytes(), 3), "é…");
        assert_eq!(shorten(&[0x80; 9], 5), r"\x80\x80…");
        assert_eq!(shorten(b"abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn safe_and_reversible(bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'u'), Just(b'{'), Just(b'}'), Just(b'5'), Just(b'c'), Just(0xe2),
        ], 0..64)) {
            let text = escape(&bytes);
            prop_assert!(text.chars().all(|c| !c.is_control() && !is_unsafe(c)));
            prop_assert_eq!(unescape(&text), bytes);
        }

        #[test]
        fn safe_and_reversible_for_characters(name in proptest::collection::vec(any::<char>(), 0..32)) {
            let name: String = name.into_iter().collect();
            let text = escape(name.as_bytes());
            prop_assert!(text.chars().all(|c| !c.is_control() && !is_unsafe(c)));
            prop_assert_eq!(unescape(&text), name.as_bytes());
        }

        #[test]
        fn reading_back_never_panics(text in "\\PC*") {
            let _ = unescape(&text);
        }
    }
}
