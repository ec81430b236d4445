//! Words and numbers for people: wrapping, counts, sizes, times. Nothing here knows a finding.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text in lines of at most `first`, then `next` columns, broken at spaces, and inside a word that is
/// wider than a line. At least one line, which may be empty.
pub fn wrap(text: &str, first: usize, next: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let limit = |lines: &[String]| if lines.is_empty() { first } else { next }.max(1);
        let gap = usize::from(used > 0);
        if used + gap + word.width() <= limit(&lines) {
            line.push_str(&" ".repeat(gap));
            line.push_str(word);
            used += gap + word.width();
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used > 0 && used + wide > limit(&lines) {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `1 finding`, `3 findings`.
pub fn count(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Decimal units: `1.2 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let (mut value, mut unit) = (n as f64 / 1000.0, 0);
    // 999.95 is the least that would be shown as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `0.12 s`, `3 min 20 s`.
pub fn duration(us: u64) -> String {
    if us < 59_995_000 {
        format!("{:.2} s", us as f64 / 1e6)
    } else {
        format!("{} min {} s", us / 60_000_000, us / 1_000_000 % 60)
    }
}

/// The first sentence of the last paragraph of a rule's help, where there are two paragraphs: the first says
/// what the rule is about, the last what to do. Markdown's emphasis is taken off.
pub fn first_sentence(help: &str) -> Option<String> {
    let paragraphs: Vec<&str> = help.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).collect();
    let [_, .., last] = paragraphs.as_slice() else { return None };
    let text = last.split_whitespace().collect::<Vec<_>>().join(" ").replace(['*', '`'], "");
    // A full stop ends a sentence where a capital follows; "e.g. this" does not end one.
    let end = text.match_indices(". ").find(|(at, _)| text[at + 2..].starts_with(char::is_uppercase));
    Some(end.map_or(text.as_str(), |(at, _)| &text[..at]).trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(wrap("one extraordinary", 5, 6), ["one", "extrao", "rdinar", "y"]);
        assert_eq!(wrap("你好你好", 5, 5), ["你好", "你好"]);
        assert_eq!(wrap("", 5, 5), [""]);
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([count(1, "file"), count(0, "file")], ["1 file", "0 files"]);
        assert_eq!(
            [0, 999, 1000, 999_949, 999_950, 1_234_567].map(bytes),
            ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 MB"]
        );
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!([0, 123_456, 200_000_000].map(duration), ["0.00 s", "0.12 s", "3 min 20 s"]);
    }

    #[test]
    fn the_hint_is_what_the_help_says_to_do() {
        let help = "What it is. It hurts.\n\nRevoke it under *Settings › Tokens*, e.g. now,\nor `x`. Then look.\n";
        assert_eq!(first_sentence(help).unwrap(), "Revoke it under Settings › Tokens, e.g. now, or x");
        assert_eq!(first_sentence("What it is."), None);
        assert_eq!(first_sentence(""), None);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_it_may_be(text in "[a-z 你äé]{0,80}", first in 2..30usize, next in 2..30usize) {
            for (at, line) in wrap(&text, first, next).iter().enumerate() {
                let limit = if at == 0 { first } else { next };
                prop_assert!(line.width() <= limit);
            }
        }
    }
}
