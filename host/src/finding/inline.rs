//! Comments that set a finding aside: `scanhost:allow`, and for secrets `gitleaks:allow`, which many
//! repositories already hold.
//!
//! A pure function over the lines around a finding. Whoever can write such a comment can also write
//! anything else there, so this protects nobody from an author; it records a decision in the place where the
//! next reader looks for it. An ignored finding is still reported, with the comment's reason.

use memchr::memmem;

use super::pattern::matches;
use super::text::brief;

const OWN: &str = "scanhost:allow";
const GITLEAKS: &str = "gitleaks:allow";
/// Longer lines are searched in their last bytes: comments stand at the end, and a generated file has
/// thousands of findings in one line.
const MAX_LINE: usize = 8 * 1024;
/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// What starts a comment in the languages that people write.
const OPENERS: [&str; 11] = ["#", "//", "/*", "--", ";", "<!--", "%", "(*", "{-", "{{!", "{!"];
/// What ends a comment inside a line.
const CLOSERS: [&str; 6] = ["*/", "-->", "*)", "-}", "#}", "}}"];

/// The lines around a finding, without line ends.
#[derive(Debug, Clone, Copy)]
pub struct InlineContext<'l> {
    /// The line before the first; none at the file's start.
    pub before: Option<&'l [u8]>,
    /// The line where the finding starts.
    pub first: &'l [u8],
    /// The line where it ends; often the same.
    pub last: &'l [u8],
}

/// Whether a comment says to ignore a finding of this rule, and why it says so.
///
/// The forms are `scanhost:allow`, `scanhost:allow RULE[,RULE] reason`, and for rules of `secrets.` also
/// `gitleaks:allow`. `scanhost:allow` counts in a comment on the finding's first or last line, or alone on
/// the line before; `gitleaks:allow` anywhere on the first or last line, as Gitleaks has it. A list restricts the
/// comment to the rules in it, `*` stands for any text.
///
/// The reason is safe to print and may be empty. It is a part of the line, so it can hold the secret
/// itself: the caller masks it as it masks an excerpt.
pub fn ignored(rule: &str, lines: InlineContext<'_>) -> Option<String> {
    let own = [lines.first, lines.last];
    let own = own.iter().copied().take(if lines.first == lines.last { 1 } else { 2 });
    for line in own.map(tail) {
        let mut found = markers(line, OWN).filter(|at| in_comment(&line[..*at]));
        if let Some(reason) = found.find_map(|at| judge(rule, &line[at + OWN.len()..])) {
            return Some(reason);
        }
        if rule.starts_with("secrets.")
            && let Some(at) = markers(line, GITLEAKS).next()
        {
            // Outside of a comment what follows is code.
            let comment = in_comment(&line[..at]);
            return Some(if comment { reason_of(&line[at + GITLEAKS.len()..]) } else { String::new() });
        }
    }
    let before = lines.before.filter(|line| line.len() <= MAX_LINE)?;
    let at = markers(before, OWN).next().filter(|at| opens_comment(&before[..*at]))?;
    let rest = &before[at + OWN.len()..];
    // `/* scanhost:allow */ key = "…"` speaks about its own line.
    let alone = comment_end(rest).is_none_or(|(_, after)| rest[after..].iter().all(u8::is_ascii_whitespace));
    if alone { judge(rule, rest) } else { None }
}

fn tail(line: &[u8]) -> &[u8] {
    &line[line.len().saturating_sub(MAX_LINE)..]
}

/// Where a marker stands as a word of its own.
fn markers<'l>(line: &'l [u8], marker: &'static str) -> impl Iterator<Item = usize> + 'l {
    memmem::find_iter(line, marker.as_bytes()).filter(move |at| {
        let part_of_word =
            |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'_' | b'-' | b':' | b'.' | b'@');
        let before = at.checked_sub(1).map(|i| line[i]);
        let rest = &line[at + marker.len()..];
        // `--scanhost:allow` is a comment of SQL, `-->` ends one of HTML.
        let starts = before.is_none_or(|b| !part_of_word(b) || line[..*at].ends_with(b"--"));
        // A colon or a full stop may follow when the word ends there: `scanhost:allow: test data`.
        let ends = match rest {
            [] | [b':' | b'.'] => true,
            [b':' | b'.', next, ..] => next.is_ascii_whitespace(),
            [first, ..] => !part_of_word(*first) || CLOSERS.iter().any(|closer| rest.starts_with(closer.as_bytes())),
        };
        starts && ends
    })
}

/// Whether what stands before a marker opens a comment somewhere.
fn in_comment(before: &[u8]) -> bool {
    // A line inside of a block comment: ` * scanhost:allow`.
    before.trim_ascii_start().starts_with(b"*")
        || OPENERS.iter().any(|opener| memmem::find(before, opener.as_bytes()).is_some())
}

/// Whether what stands before a marker is the start of a comment and nothing else.
fn opens_comment(before: &[u8]) -> bool {
    let before = before.trim_ascii();
    let punctuation = |b: &u8| b.is_ascii_punctuation() || b.is_ascii_whitespace();
    !before.is_empty() && before.iter().all(punctuation) && in_comment(before)
}

/// Where a comment ends, and where what follows it starts.
fn comment_end(rest: &[u8]) -> Option<(usize, usize)> {
    let ends =
        CLOSERS.iter().filter_map(|closer| memmem::find(rest, closer.as_bytes()).map(|at| (at, at + closer.len())));
    ends.min()
}

/// Whether what follows `scanhost:allow` means this rule; the reason, if so.
fn judge(rule: &str, rest: &[u8]) -> Option<String> {
    let end = comment_end(rest).map_or(rest.len(), |(end, _)| end);
    let mut rest = rest[..end].trim_ascii_start();
    let mut listed = false;
    let mut meant = false;
    loop {
        let len = rest.iter().position(|b| b.is_ascii_whitespace() || *b == b',').unwrap_or(rest.len());
        let (word, after) = rest.split_at(len);
        let Some(word) = std::str::from_utf8(word).ok().filter(|word| is_rule(word)) else { break };
        listed = true;
        meant |= matches(word, rule);
        let after = after.trim_ascii_start();
        let Some(more) = after.strip_prefix(b",") else {
            rest = after;
            break;
        };
        rest = more.trim_ascii_start();
    }
    (meant || !listed).then(|| reason_of(rest))
}

/// Whether a word is a rule's id or a pattern of ids, and not the first word of a reason: `a.b`.
fn is_rule(word: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'*'))
    };
    word.len() <= 100 && word.contains('.') && word.split('.').all(part)
}

fn reason_of(rest: &[u8]) -> String {
    let end = comment_end(rest).map_or(rest.len(), |(end, _)| end);
    let text = String::from_utf8_lossy(&rest[..end]);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | ',' | '.'));
    brief(text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')), MAX_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_line(rule: &str, line: &str) -> Option<String> {
        ignored(rule, InlineContext { before: None, first: line.as_bytes(), last: line.as_bytes() })
    }

    fn line_before(rule: &str, before: &str) -> Option<String> {
        ignored(rule, InlineContext { before: Some(before.as_bytes()), first: b"key = 1", last: b"key = 1" })
    }

    #[test]
    fn a_comment_on_the_line_counts_in_any_language() {
        for line in [
            "k = 1 # scanhost:allow test data",
            "k = 1; // scanhost:allow test data",
            "k = 1; /* scanhost:allow test data */ more()",
            "<a b='1'/> <!-- scanhost:allow: test data -->",
            "SELECT 1 --scanhost:allow test data",
            "k=1 ;scanhost:allow - test data",
            " * scanhost:allow test data",
            "# scanhost:allow secrets.x test data",
            "# scanhost:allow sast.y, secrets.* test data",
            "# noqa: X, scanhost:allow sast.y,secrets.x test data",
        ] {
            assert_eq!(on_line("secrets.x", line).as_deref(), Some("test data"), "{line}");
        }
        assert_eq!(on_line("secrets.x", "k = 1 # scanhost:allow").as_deref(), Some(""));
        assert_eq!(on_line("secrets.x", "k = 1 /*scanhost:allow*/").as_deref(), Some(""));
    }

    #[test]
    fn what_only_looks_like_it_does_not() {
        for line in [
            "k = 1 # scanhost:allowed",
            "k = 1 # scanhost:allow-list",
            "k = 1 # scanhost:allow_x",
            "k = 1 # xscanhost:allow",
            "k = 1 # scanhost:allow:x",
            "https://scanhost:allow@host/",
            "k = scanhost:allow",
            "\"scanhost:allow\": 1",
            "k = 1 # scanhost:allow sast.y test data",
            "k = 1 # scanhost:allow secrets.xy",
            "k = 1 # scanhost: allow",
            "k = 1 # SCANHOST:ALLOW",
        ] {
            assert_eq!(on_line("secrets.x", line), None, "{line}");
        }
    }

    #[test]
    fn gitleaks_comments_hold_for_secrets_on_their_own_line() {
        assert_eq!(on_line("secrets.x", "\"k\": \"gitleaks:allow\"").as_deref(), Some(""));
        assert_eq!(on_line("secrets.x", "k # gitleaks:allow a test").as_deref(), Some("a test"));
        assert_eq!(on_line("sast.x", "k # gitleaks:allow"), None);
        assert_eq!(on_line("secrets.x", "k # gitleaks:allowed"), None);
        assert_eq!(line_before("secrets.x", "# gitleaks:allow"), None);
    }

    #[test]
    fn alone_on_the_line_before() {
        assert_eq!(line_before("sast.x", "  # scanhost:allow fine").as_deref(), Some("fine"));
        assert_eq!(line_before("sast.x", "\t<!-- scanhost:allow sast.x fine -->").as_deref(), Some("fine"));
        assert_eq!(line_before("sast.x", "/* scanhost:allow */").as_deref(), Some(""));
        for other in [
            "other = 1 # scanhost:allow",
            "#define K 1 // scanhost:allow",
            "/* scanhost:allow */ other = 1",
            "scanhost:allow",
            "\"scanhost:allow\"",
            "# scanhost:allow sast.y",
        ] {
            assert_eq!(line_before("sast.x", other), None, "{other}");
        }
    }

    #[test]
    fn the_last_line_counts_and_a_reason_is_safe_to_print() {
        let last = b"end; // scanhost:allow \x1b[31m\xff why";
        let reason = ignored("a.b", InlineContext { before: None, first: b"start", last }).unwrap();
        assert_eq!(reason, "\\x1b[31m\u{fffd} why");
    }

    #[test]
    fn a_long_line_is_searched_at_its_end() {
        let mut line = vec![b'x'; 1 << 20];
        line.extend_from_slice(b" # scanhost:allow why");
        assert_eq!(ignored("a.b", InlineContext { before: None, first: &line, last: &line }).as_deref(), Some("why"));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(
            before in "[#/*' a-c.,:-]{0,8}(scanhost:allow)?\\PC{0,12}",
            line in "\\PC{0,6}[#/*-]{0,2} ?(scanhost:allow|gitleaks:allow)?[ ,.:a-c*-]{0,12}\\PC{0,6}",
        ) {
            let lines = InlineContext { before: Some(before.as_bytes()), first: line.as_bytes(), last: before.as_bytes() };
            if let Some(reason) = ignored("secrets.a", lines) {
                assert!(!reason.chars().any(char::is_control));
            }
        }
    }
}
