//! Who brought a file, and when: what a commit says of itself, made safe to print.

use gix::date::Time;
use gix::hash::{Kind, ObjectId};
use gix::objs::CommitRefIter;
use gix::objs::commit::ref_iter::Token;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::super::git::Objects;
use super::super::path;

/// Names and addresses are cut to this many bytes.
const MAX_PERSON: usize = 200;

/// The pairs that every file of a commit carries: its full name; the author as `Name <address>`; the author's
/// date with the author's offset.
pub fn of(objects: &Objects, id: ObjectId, buf: &mut Vec<u8>) -> Vec<(String, String)> {
    let mut pairs = vec![("commit".to_owned(), id.to_string())];
    if !matches!(objects.unpack_into(id, buf), Ok(gix::objs::Kind::Commit)) {
        return pairs;
    }
    // Damaged commits are rare, and no reason to show nothing: what can be read is shown.
    let author = CommitRefIter::from_bytes(buf, Kind::Sha1).map_while(Result::ok).find_map(|token| match token {
        Token::Author { signature } => Some(signature),
        _ => None,
    });
    if let Some(author) = author {
        pairs.push(("author".to_owned(), person(author.name, author.email)));
        if let Some(date) = author.time().ok().and_then(with_offset) {
            pairs.push(("date".to_owned(), date));
        }
    }
    pairs
}

fn person(name: &[u8], email: &[u8]) -> String {
    let whole = [name.trim_ascii(), b" <", email.trim_ascii(), b">"].concat();
    path::shorten(&whole, MAX_PERSON)
}

/// RFC 3339 with the offset that the author's clock had. None: no such time.
fn with_offset(time: Time) -> Option<String> {
    let at = Timestamp::from_second(time.seconds).ok()?;
    let offset = Offset::from_seconds(time.offset).unwrap_or(Offset::UTC);
    Some(at.display_with_offset(offset).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let time = |seconds, offset| with_offset(Time { seconds, offset });
        assert_eq!(time(1_714_557_600, 7200).as_deref(), Some("2024-05-01T12:00:00+02:00"));
        assert_eq!(time(0, -12600).as_deref(), Some("1969-12-31T20:30:00-03:30"));
        assert_eq!(time(0, i32::MAX).as_deref(), Some("1970-01-01T00:00:00+00:00"));
        assert_eq!(time(i64::MAX, 0), None);
    }

    #[test]
    fn people_are_safe_to_print() {
        assert_eq!(person("Zoë\u{202e}".as_bytes(), b" a@b\x1b[2J "), r"Zoë\u{202e} <a@b\x1b[2J>");
        assert!(person(&[b'a'; 9000], b"").len() < 300);
    }
}
