//! Which commits are asked for: what `--history=RANGE` and `--since` mean.
//!
//! A range is one or more of `B` (all that B reaches), `A..B` (without what A reaches; an empty side is HEAD)
//! and `^A`, with spaces between. Without a range all that HEAD and any reference reach is meant, as with git's
//! `--all`: branches, tags, remotes' branches and the newest stash. Older stashes are in the log of references
//! only, which is not read.

use gix::hash::{Kind, ObjectId};
use gix::objs::Kind as ObjectKind;
use gix::refs::Target;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::git::{Objects, Place, RevisionError, resolve};

/// As many tags of tags as are followed.
const MAX_TAGS: usize = 10;

/// Where to begin, and what to leave out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tips {
    /// Commits.
    pub wanted: Vec<ObjectId>,
    /// Commits.
    pub hidden: Vec<ObjectId>,
    /// References that lead to no commit: the name and why.
    pub others: Vec<(String, String)>,
    /// References that cannot be read.
    pub broken: Vec<(String, String)>,
}

/// All that is reachable.
pub fn all(place: &Place, objects: &Objects) -> Result<Tips, String> {
    let store = place.references()?;
    let mut tips = Tips::default();
    match resolve(place, objects, "HEAD") {
        Ok(id) => tips.wanted.push(id),
        // Nothing was committed yet.
        Err(RevisionError::NotFound { .. }) => {}
        Err(error) => tips.broken.push(("HEAD".to_owned(), error.to_string())),
    }
    let iter = store.iter().map_err(|error| format!("references: {error:#}"))?;
    for reference in iter.all().map_err(|error| format!("references: {error}"))? {
        match reference {
            Ok(reference) => {
                let name = reference.name.as_bstr().to_string();
                match reference.target {
                    Target::Object(id) => tips.add(&name, objects, id),
                    // What it names is a reference itself, and in the list, or is not there, as with a clone of nothing.
                    Target::Symbolic(_) => {}
                }
            }
            Err(error) => tips.broken.push(("a reference".to_owned(), format!("{error:#}"))),
        }
    }
    tips.wanted.sort();
    tips.wanted.dedup();
    Ok(tips)
}

/// What a range says.
pub fn parse(range: &str, place: &Place, objects: &Objects) -> Result<Tips, String> {
    let commit = |name: &str| {
        resolve(place, objects, if name.is_empty() { "HEAD" } else { name }).map_err(|error| error.to_string())
    };
    let mut tips = Tips::default();
    for part in range.split_whitespace() {
        if part.contains("...") {
            return Err(format!("`{part}` is not supported; use `A..B`, what B has and A has not"));
        }
        if let Some((from, to)) = part.split_once("..") {
            tips.hidden.push(commit(from)?);
            tips.wanted.push(commit(to)?);
        } else if let Some(name) = part.strip_prefix('^') {
            tips.hidden.push(commit(name)?);
        } else {
            tips.wanted.push(commit(part)?);
        }
    }
    if tips.wanted.is_empty() {
        return Err("it names no commit to begin with".to_owned());
    }
    Ok(tips)
}

/// A date: a day, which begins at midnight UTC wherever this runs, or a moment as RFC 3339 has it.
pub fn since(text: &str) -> Result<Timestamp, String> {
    let day = |day: Date| day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    // A time of day without its offset would be taken for the day alone.
    let is_day = !text.contains(':');
    text.parse::<Timestamp>()
        .or_else(|error| if is_day { text.parse::<Date>().and_then(day) } else { Err(error) })
        .map_err(|_| "no such date; write it as 2024-05-31 or 2024-05-31T12:00:00Z".to_owned())
}

impl Tips {
    fn add(&mut self, name: &str, objects: &Objects, id: ObjectId) {
        match peel(objects, id) {
            Ok((id, ObjectKind::Commit)) => self.wanted.push(id),
            Ok((_, kind)) => self.others.push((name.to_owned(), format!("it names a {kind}, not a commit"))),
            Err(error) => self.broken.push((name.to_owned(), error)),
        }
    }
}

/// What a tag, or a tag of a tag, stands for.
fn peel(objects: &Objects, mut id: ObjectId) -> Result<(ObjectId, ObjectKind), String> {
    let mut buf = Vec::new();
    for _ in 0..MAX_TAGS {
        match objects.header(id).map_err(|error| error.to_string())?.0 {
            ObjectKind::Tag => {
                objects.unpack_into(id, &mut buf).map_err(|error| error.to_string())?;
                let target = gix::objs::TagRefIter::from_bytes(&buf, Kind::Sha1).target_id();
                id = target.map_err(|error| format!("tag {id}: {error:#}"))?;
            }
            kind => return Ok((id, kind)),
        }
    }
    Err(format!("tag {id} is a tag of a tag of a tag"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let seconds = |text| since(text).map(jiff::Timestamp::as_second);
        assert_eq!(seconds("2024-05-31"), Ok(1_717_113_600));
        assert_eq!(seconds("2024-05-31T02:00:00+02:00"), Ok(1_717_113_600));
        assert_eq!(seconds("2024-05-31T00:00:01Z"), Ok(1_717_113_601));
        for wrong in ["", "yesterday", "2024-13-01", "31.5.2024", "2024-05-31T12:00"] {
            assert!(since(wrong).is_err_and(|error| error.contains("2024-05-31")), "{wrong}");
        }
    }
}
