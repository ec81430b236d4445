//! Comments that set a finding aside: `scanhost:ignore RULE -- reason`, and for secrets `gitleaks:allow`, which
//! many repositories already hold.
//!
//! A pure function over the lines around a finding. Whoever can write such a comment can also write
//! anything else there, so this protects nobody from an author (a change's own comments do not count while it is
//! judged, see `policy`); it records a decision in the place where the next reader looks for it. An ignored
//! finding is still reported, with the comment's reason. A comment without a rule or without a reason does
//! nothing, and says what it lacks.

use memchr::memmem;

use super::Comment;
use super::pattern::matches;
use super::text::brief;

const OWN: &str = "scanhost:ignore";
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

/// The comment that speaks about a finding of this rule, if there is one.
///
/// The form is `scanhost:ignore RULE[,RULE] -- reason`; `*` in a rule stands for any text. For rules of `secrets.`
/// `gitleaks:allow` counts too. `scanhost:ignore` counts in a comment on the finding's first or last line, or alone
/// on the line before; `gitleaks:allow` anywhere on the first or last line, as Gitleaks has it.
///
/// The reason is safe to print. It is a part of the line, so it can hold the secret itself: the caller masks
/// it as it masks an excerpt.
pub fn comment(rule: &str, lines: InlineContext<'_>) -> Option<Comment> {
    let own = [lines.first, lines.last];
    let own = own.iter().copied().take(if lines.first == lines.last { 1 } else { 2 });
    let mut malformed = None;
    for line in own.map(tail) {
        for at in markers(line, OWN).filter(|at| in_comment(&line[..*at])) {
            match judge(rule, &line[at + OWN.len()..]) {
                Some(Comment::Malformed { lacks }) => malformed = Some(Comment::Malformed { lacks }),
                Some(ignore) => return Some(ignore),
                None => {}
            }
        }
        if rule.starts_with("secrets.")
            && let Some(at) = markers(line, GITLEAKS).next()
        {
            // Outside of a comment what follows is code.
            let in_comment = in_comment(&line[..at]);
            let reason = if in_comment { reason_of(&line[at + GITLEAKS.len()..]) } else { String::new() };
            return Some(Comment::Ignore { reason });
        }
    }
    malformed.or_else(|| before(rule, lines.before?))
}

/// What a comment that stands alone on the line before says.
fn before(rule: &str, line: &[u8]) -> Option<Comment> {
    if line.len() > MAX_LINE {
        return None;
    }
    let at = markers(line, OWN).next().filter(|at| opens_comment(&line[..*at]))?;
    let rest = &line[at + OWN.len()..];
    // `/* scanhost:ignore … */ key = "…"` speaks about its own line.
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

/// What the words after `scanhost:ignore` say of a finding of this rule.
fn judge(rule: &str, rest: &[u8]) -> Option<Comment> {
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
    if !listed {
        return Some(Comment::Malformed { lacks: "a rule".into() });
    }
    if !meant {
        return None;
    }
    let reason = rest.strip_prefix(b"--").map(reason_of).filter(|reason| !reason.is_empty());
    Some(reason.map_or_else(|| Comment::Malformed { lacks: "a reason".into() }, |reason| Comment::Ignore { reason }))
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

    fn said(comment: Option<Comment>) -> Option<String> {
        comment.map(|comment| match comment {
            Comment::Ignore { reason } => reason,
            Comment::Malformed { lacks } => format!("lacks {lacks}"),
        })
    }

    fn on_line(rule: &str, line: &str) -> Option<String> {
        said(comment(rule, InlineContext { before: None, first: line.as_bytes(), last: line.as_bytes() }))
    }

    fn line_before(rule: &str, before: &str) -> Option<String> {
        said(comment(rule, InlineContext { before: Some(before.as_bytes()), first: b"key = 1", last: b"key = 1" }))
    }

    #[test]
    fn a_comment_on_the_line_counts_in_any_language() {
        for line in [
            "k = 1 # scanhost:ignore secrets.x -- test data",
            "k = 1; // scanhost:ignore secrets.x -- test data",
            "k = 1; /* scanhost:ignore secrets.x -- test data */ more()",
            "<a b='1'/> <!-- scanhost:ignore secrets.x -- test data -->",
            "<a b='1'/> <!--scanhost:ignore secrets.x --test data-->",
            "SELECT 1 --scanhost:ignore secrets.x -- test data",
            "k=1 ;scanhost:ignore secrets.* -- test data",
            " * scanhost:ignore secrets.x -- test data",
            "{{! scanhost:ignore secrets.x -- test data }}",
            "% scanhost:ignore secrets.x -- test data",
            "(* scanhost:ignore secrets.x -- test data *)",
            "# scanhost:ignore sast.y, secrets.* -- test data",
            "# scanhost:ignore sast.y -- other, scanhost:ignore secrets.x -- test data",
            "# noqa: X, scanhost:ignore sast.y,secrets.x -- test data",
        ] {
            assert_eq!(on_line("secrets.x", line).as_deref(), Some("test data"), "{line}");
        }
    }

    #[test]
    fn a_comment_that_lacks_something_says_what() {
        for (line, lacks) in [
            ("k = 1 # scanhost:ignore", "lacks a rule"),
            ("k = 1 /*scanhost:ignore*/", "lacks a rule"),
            ("k = 1 # scanhost:ignore test data", "lacks a rule"),
            ("k = 1 # scanhost:ignore -- test data", "lacks a rule"),
            ("k = 1 # scanhost:ignore secrets.x", "lacks a reason"),
            ("k = 1 # scanhost:ignore secrets.x test data", "lacks a reason"),
            ("k = 1 # scanhost:ignore secrets.x --", "lacks a reason"),
            ("k = 1 # scanhost:ignore secrets.x -- ", "lacks a reason"),
            ("k = 1 <!-- scanhost:ignore secrets.x -->", "lacks a reason"),
        ] {
            assert_eq!(on_line("secrets.x", line).as_deref(), Some(lacks), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_it_does_not() {
        for line in [
            "k = 1 # scanhost:ignored secrets.x -- a",
            "k = 1 # scanhost:ignore-list secrets.x -- a",
            "k = 1 # scanhost:ignore_x",
            "k = 1 # xscanhost:ignore secrets.x -- a",
            "k = 1 # scanhost:ignore:x",
            "https://scanhost:ignore@host/",
            "k = scanhost:ignore secrets.x -- a",
            "\"scanhost:ignore\": 1",
            "k = 1 # scanhost:ignore sast.y -- test data",
            "k = 1 # scanhost:ignore secrets.xy -- a",
            "k = 1 # scanhost: ignore secrets.x -- a",
            "k = 1 # SCANHOST:IGNORE secrets.x -- a",
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
        assert_eq!(line_before("sast.x", "  # scanhost:ignore sast.x -- fine").as_deref(), Some("fine"));
        assert_eq!(line_before("sast.x", "\t<!-- scanhost:ignore sast.x -- fine -->").as_deref(), Some("fine"));
        assert_eq!(line_before("sast.x", "/* scanhost:ignore */").as_deref(), Some("lacks a rule"));
        for other in [
            "other = 1 # scanhost:ignore sast.x -- a",
            "#define K 1 // scanhost:ignore sast.x -- a",
            "/* scanhost:ignore sast.x -- a */ other = 1",
            "scanhost:ignore sast.x -- a",
            "\"scanhost:ignore sast.x -- a\"",
            "# scanhost:ignore sast.y -- a",
        ] {
            assert_eq!(line_before("sast.x", other), None, "{other}");
        }
    }

    #[test]
    fn the_last_line_counts_and_a_reason_is_safe_to_print() {
        let last = b"end; // scanhost:ignore a.b -- \x1b[31m\xff why";
        let found = comment("a.b", InlineContext { before: None, first: b"start", last });
        assert_eq!(said(found).unwrap(), "\\x1b[31m\u{fffd} why");
    }

    #[test]
    fn a_long_line_is_searched_at_its_end() {
        let mut line = vec![b'x'; 1 << 20];
        line.extend_from_slice(b" # scanhost:ignore a.b -- why");
        let found = comment("a.b", InlineContext { before: None, first: &line, last: &line });
        assert_eq!(said(found).as_deref(), Some("why"));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(
            before in "[#/*' a-c.,:-]{0,8}(scanhost:ignore)?\\PC{0,12}",
            line in "\\PC{0,6}[#/*-]{0,2} ?(scanhost:ignore|gitleaks:allow)?[ ,.:a-c*-]{0,12}\\PC{0,6}",
        ) {
            let lines = InlineContext { before: Some(before.as_bytes()), first: line.as_bytes(), last: before.as_bytes() };
            if let Some(reason) = said(comment("secrets.a", lines)) {
                assert!(!reason.chars().any(char::is_control));
            }
        }
    }
}
