//! Making hostile text safe to show. A scanned repository chooses its file names, its lines and through
//! them much of what a plugin says; here all of it becomes text that no terminal, no log viewer of a CI
//! service and no reader's eye can be fooled with.
//!
//! What is written out as an escape:
//! - control characters, the C1 set included: colours, cursor movements, titles, hyperlinks, line ends;
//! - what has no shape of its own or turns text around: Unicode's default-ignorable code points (zero-width
//!   characters, bidirectional marks, overrides and isolates, tags, variation selectors, fillers), line and
//!   paragraph separators, interlinear annotations;
//! - the beginning of a CI service's commands that are obeyed anywhere in a line of the log: `##[`,
//!   `##vso[`, `##teamcity[`. Commands that have to begin a line (`::error::`) are kept from doing so by
//!   the renderer.
//!
//! A backslash is *not* escaped, so a file that is really called `a\x1b` looks like one with an escape
//! character in its name. In return escaping twice is the same as escaping once, and any layer may do it.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything that is not safe to show written as `\xNN` or `\u{NNNN}`. A tab and a line end
/// are not safe; see [`printable_line`] for lines of a file.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// At most `max` characters of a text, safe to print.
pub(crate) fn brief(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}

/// [`printable`] for a line that is shown as an excerpt: a tab becomes one space, so that offsets and the
/// caret below the line stay right.
pub fn printable_line(line: &str) -> Cow<'_, str> {
    escape(line, true)
}

/// [`printable`] for bytes: what is no UTF-8 is written as `\xNN`.
pub fn printable_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            push_byte(&mut out, *byte);
        }
    }
    out
}

/// The text cut into characters, each with its offset in the text and as it may be shown: itself, or its
/// escape. Tabs become spaces, as in [`printable_line`].
pub fn cells(line: &str) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    line.char_indices().map(|(at, c)| {
        let rest = &line[at..];
        let cell = match c {
            '\t' => Cow::Borrowed(" "),
            _ if is_unsafe(c, rest) => {
                let mut escape = String::new();
                push_char(&mut escape, c);
                Cow::Owned(escape)
            }
            _ => Cow::Borrowed(&rest[..c.len_utf8()]),
        };
        (at, cell)
    })
}

/// Whether a character, the first of `rest`, has to be written as an escape.
pub fn is_unsafe(c: char, rest: &str) -> bool {
    match c {
        '#' => begins_command(rest),
        ' '..='~' => false,
        _ => c.is_control() || is_invisible(c),
    }
}

fn escape(text: &str, tabs: bool) -> Cow<'_, str> {
    // Nearly all text is fine, and then nothing is copied.
    let Some(first) = text.char_indices().find(|(at, c)| is_unsafe(*c, &text[*at..])) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first.0]);
    for (at, c) in text[first.0..].char_indices() {
        match c {
            '\t' if tabs => out.push(' '),
            _ if is_unsafe(c, &text[first.0 + at..]) => push_char(&mut out, c),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// ASCII as a byte, everything else as a code point: `\x85` is a stray byte, `\u{85}` a character.
fn push_char(out: &mut String, c: char) {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => push_byte(out, byte),
        _ => push_escape(out, format_args!("\\u{{{:x}}}", u32::from(c))),
    }
}

fn push_byte(out: &mut String, byte: u8) {
    push_escape(out, format_args!("\\x{byte:02x}"));
}

fn push_escape(out: &mut String, escape: std::fmt::Arguments<'_>) {
    // Writing to a `String` does not fail.
    let _ = out.write_fmt(escape);
}

/// Azure Pipelines and GitHub's old syntax look for these anywhere in a line, in either case.
fn begins_command(rest: &str) -> bool {
    let begins =
        |with: &str| rest.as_bytes().get(..with.len()).is_some_and(|r| r.eq_ignore_ascii_case(with.as_bytes()));
    ["##[", "##vso[", "##teamcity["].into_iter().any(begins)
}

/// Unicode's `Default_Ignorable_Code_Point`, and the separators and annotations that belong to the same
/// trouble. The ranges are a stable property; unassigned code points are in it on purpose.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        for text in ["", "src/main.rs", "größe → 你好 🙂 ## [x]", r"C:\x1b"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(printable("a\x1b[31mb\r\n\t\x7f"), r"a\x1b[31mb\x0d\x0a\x09\x7f");
        assert_eq!(printable("\u{9b}31m"), r"\u{9b}31m");
        assert_eq!(printable("\x1b]8;;http://x\x07"), r"\x1b]8;;http://x\x07");
    }

    #[test]
    fn what_fools_the_eye_is_written_out() {
        assert_eq!(printable("user\u{202e} \u{2066}// admin\u{2069}"), r"user\u{202e} \u{2066}// admin\u{2069}");
        assert_eq!(printable("a\u{200b}b\u{feff}c\u{2028}\u{e0041}"), r"a\u{200b}b\u{feff}c\u{2028}\u{e0041}");
    }

    #[test]
    fn a_log_viewers_commands_are_broken() {
        assert_eq!(printable("x ##[error]y"), r"x \x23#[error]y");
        assert_eq!(printable("##VSO[task.setvariable]"), r"\x23#VSO[task.setvariable]");
        assert_eq!(printable("###[x"), r"#\x23#[x");
    }

    #[test]
    fn a_line_keeps_its_offsets_over_tabs() {
        assert_eq!(printable_line("\tkey\t= \x1b"), r" key = \x1b");
        assert_eq!(printable_line("\tkey"), " key");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_written_out() {
        assert_eq!(printable_bytes(b"a\xff\xfe\xc3\xa9\x1b"), "a\\xff\\xfe\u{e9}\\x1b");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_and_twice_is_once(text in any::<String>()) {
            let once = printable(&text);
            prop_assert!(once.char_indices().all(|(at, c)| !is_unsafe(c, &once[at..])));
            prop_assert_eq!(&printable(&once), &once);
        }

        #[test]
        fn bytes_never_panic_and_come_out_safe(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let once = printable_bytes(&bytes);
            prop_assert_eq!(printable(&once), once.as_str());
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(printable(text), once.as_str());
            }
        }

        #[test]
        fn cells_are_the_printable_line(text in "[\\t#\\[vso\u{1b}\u{202e}\u{e4}a]{0,40}") {
            let joined: String = cells(&text).map(|(_, cell)| cell.into_owned()).collect();
            prop_assert_eq!(joined, printable_line(&text));
        }
    }
}
