//! What a revision names: `HEAD`, a branch, a tag, `origin/main`, `refs/…`, a commit's name or the beginning of
//! it, and the commits above these (`~3`, `^`, `^2`). The rest of git's language (`@{…}`, `:/text`, `A..B`) is
//! about reflogs, searches and ranges, and is refused by name.

use gix::bstr::BStr;
use gix::hash::{Kind, ObjectId, Prefix};
use gix::refs::Target;
use gix::refs::file::Store;

use super::super::path;
use super::{MAX_ALLOCATION, Objects, Place, Reader, Shallow};
use crate::config::suggest;

/// Git follows no more symbolic references, and nobody makes tags of tags of tags.
const MAX_LINKS: usize = 5;

/// A longer text names nothing.
const MAX_TEXT: usize = 1024;

/// References that are looked at for the one that may have been meant.
const MAX_NAMES: usize = 10_000;

/// Why a text does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// There is no such reference and no such object.
    #[error("there is no `{text}` in the repository{}; in CI it may have to be fetched first", near_words(.near.as_deref()))]
    NotFound {
        /// What was looked for, safe to print.
        text: String,
        /// A reference that may have been meant, safe to print.
        near: Option<String>,
    },
    /// Several objects' names begin so.
    #[error("`{text}` is the beginning of several objects' names; write more of it")]
    Ambiguous {
        /// What was looked for.
        text: String,
    },
    /// Several references are called so, and they are not the same.
    #[error("`{text}` is {names} in the repository; give the full name of the one that is meant")]
    AmbiguousName {
        /// What was looked for.
        text: String,
        /// Their full names.
        names: String,
    },
    /// Not a form that is understood.
    #[error("`{text}` is not understood: {why}; name a branch, a tag or a commit")]
    Syntax {
        /// As given, safe to print.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `~N` or `^N` of a commit that has fewer parents.
    #[error("`{text}`: commit {id} has no parent {number}")]
    NoParent {
        /// As given.
        text: String,
        /// The commit.
        id: ObjectId,
        /// Which parent.
        number: u32,
    },
    /// The history was cut off here when it was cloned.
    #[error(
        "`{text}`: the history of this shallow clone ends at commit {id}; fetch more of it (`git fetch --unshallow`)"
    )]
    Shallow {
        /// As given.
        text: String,
        /// The commit.
        id: ObjectId,
    },
    /// A file or a folder.
    #[error("`{text}` is a {kind} and no commit")]
    NoCommit {
        /// As given.
        text: String,
        /// `blob` or `tree`.
        kind: String,
    },
    /// The repository is damaged, or in a form that is not understood.
    #[error("cannot read the git repository: {0}")]
    Repository(String),
}

fn near_words(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}

/// The commit that a text names.
pub fn resolve(place: &Place, objects: &Objects, text: &str) -> Result<ObjectId, RevisionError> {
    let shown = path::shorten(text.as_bytes(), 256);
    let syntax = |why| RevisionError::Syntax { text: shown.clone(), why };
    if text.is_empty() {
        return Err(syntax("it is empty"));
    }
    if text.len() > MAX_TEXT {
        return Err(syntax("it is too long"));
    }
    if text.contains("..") {
        return Err(syntax("a range is no commit"));
    }
    if text.contains("@{") || text.contains(':') {
        return Err(syntax("`@{…}` and `:` are not supported"));
    }
    let (name, steps) = text.split_at(text.find(['~', '^']).unwrap_or(text.len()));
    let steps = steps_of(steps).map_err(syntax)?;
    let lookup = Lookup { place, reader: objects.reader(), shown: &shown };
    let mut id = lookup.name(if name == "@" { "HEAD" } else { name })?;
    if !steps.is_empty() {
        let shallow = lookup.place.shallow().map_err(RevisionError::Repository)?;
        for step in steps {
            id = lookup.walk(id, step, &shallow)?;
        }
    }
    Ok(id)
}

/// From a commit to another above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// That many first parents up.
    Up(u32),
    /// The parent of this number; 0: the commit itself.
    Parent(u32),
}

/// `~2^3` as steps.
fn steps_of(mut text: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    while let Some(sign) = text.chars().next() {
        let rest = &text[sign.len_utf8()..];
        // `^{commit}` and `^{}` say what is done anyway.
        if let Some(after) = rest.strip_prefix("{commit}").or_else(|| rest.strip_prefix("{}"))
            && sign == '^'
        {
            text = after;
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = match &rest[..end] {
            "" => 1,
            digits => digits.parse().map_err(|_| "a number is too large")?,
        };
        text = &rest[end..];
        steps.push(match sign {
            '~' => Step::Up(number),
            '^' => Step::Parent(number),
            _ => return Err("only `~N`, `^` and `^N` may follow a name"),
        });
    }
    Ok(steps)
}

struct Lookup<'p> {
    place: &'p Place,
    reader: Reader,
    /// The whole text, safe to print.
    shown: &'p str,
}

impl Lookup<'_> {
    /// The commit that a name without steps stands for. As in git a whole object name comes before a reference
    /// of that name, and a reference before the beginning of an object name.
    fn name(&self, name: &str) -> Result<ObjectId, RevisionError> {
        if let Ok(id) = ObjectId::from_hex(name.as_bytes()) {
            return match self.reader.header(id) {
                Ok(_) => self.commit_of(id),
                Err(_) => Err(self.not_found(None)),
            };
        }
        let refs = self.place.references().map_err(RevisionError::Repository)?;
        if let Some(id) = Place::follow(&refs, name.as_bytes()).map_err(RevisionError::Repository)? {
            self.only_one(&refs, name)?;
            return self.commit_of(id);
        }
        if let Ok(prefix) = Prefix::from_hex(name)
            && prefix.hex_len() < Kind::Sha1.len_in_hex()
        {
            match self.reader.by_prefix(prefix).map_err(RevisionError::Repository)? {
                Some(Ok(id)) => return self.commit_of(id),
                Some(Err(())) => return Err(RevisionError::Ambiguous { text: self.shown.to_owned() }),
                None => {}
            }
        }
        Err(self.not_found(near(&refs, name)))
    }

    /// Git warns where a branch and a tag share a name, and takes one. What is judged must not depend on which: a tag
    /// may be anybody's.
    fn only_one(&self, refs: &Store, name: &str) -> Result<(), RevisionError> {
        let mut found: Vec<(String, ObjectId)> = Vec::new();
        for folder in ["refs/tags", "refs/heads", "refs/remotes"] {
            let full = format!("{folder}/{name}");
            if let Some(id) = Place::follow(refs, full.as_bytes()).map_err(RevisionError::Repository)? {
                found.push((full, self.commit_of(id)?));
            }
        }
        if found.iter().all(|(_, id)| *id == found[0].1) {
            return Ok(());
        }
        let names = found.iter().map(|(name, _)| path::shorten(name.as_bytes(), 256)).collect::<Vec<_>>().join(" and ");
        Err(RevisionError::AmbiguousName { text: self.shown.to_owned(), names })
    }

    fn not_found(&self, near: Option<String>) -> RevisionError {
        RevisionError::NotFound { text: self.shown.to_owned(), near }
    }

    /// A commit itself, or the one that a tag is of.
    fn commit_of(&self, mut id: ObjectId) -> Result<ObjectId, RevisionError> {
        let broken = RevisionError::Repository;
        let mut buf = Vec::new();
        for _ in 0..MAX_LINKS {
            match self.reader.header(id).map_err(|error| broken(error.to_string()))?.0 {
                gix::objs::Kind::Commit => return Ok(id),
                gix::objs::Kind::Tag => {}
                other => return Err(RevisionError::NoCommit { text: self.shown.to_owned(), kind: other.to_string() }),
            }
            self.reader.read_into(id, MAX_ALLOCATION as u64, &mut buf).map_err(|error| broken(error.to_string()))?;
            id = gix::objs::TagRefIter::from_bytes(&buf, Kind::Sha1)
                .target_id()
                .map_err(|error| broken(format!("tag {id}: {error:#}")))?;
        }
        Err(broken(format!("{id} is a tag of a tag of a tag")))
    }

    fn walk(&self, mut id: ObjectId, step: Step, shallow: &Shallow) -> Result<ObjectId, RevisionError> {
        let (times, number) = match step {
            Step::Up(times) => (times, 1),
            Step::Parent(0) => return Ok(id),
            Step::Parent(number) => (1, number),
        };
        let mut buf = Vec::new();
        // Ends with the history, whatever the number: no commit is above itself.
        for _ in 0..times {
            if shallow.contains(id) {
                return Err(RevisionError::Shallow { text: self.shown.to_owned(), id });
            }
            let commit = self.reader.commit(id, &mut buf).map_err(RevisionError::Repository)?;
            let parent = commit.parents.get(number as usize - 1).copied();
            id = parent.ok_or_else(|| RevisionError::NoParent { text: self.shown.to_owned(), id, number })?;
        }
        Ok(id)
    }
}

/// The reference that may have been meant, by any of the names that it has.
fn near(refs: &Store, name: &str) -> Option<String> {
    let all = refs.iter().ok()?;
    let mut names = Vec::new();
    for reference in all.all().ok()?.take(MAX_NAMES).flatten() {
        let full = String::from_utf8_lossy(reference.name.as_bstr()).into_owned();
        for prefix in ["refs/heads/", "refs/tags/", "refs/remotes/"] {
            names.extend(full.strip_prefix(prefix).map(str::to_owned));
        }
        // `main`, where only `origin/main` was fetched.
        if let Some((_, branch)) = full.strip_prefix("refs/remotes/").and_then(|rest| rest.split_once('/'))
            && branch == name
        {
            return names.last().map(|name| path::escape(name.as_bytes()));
        }
        names.push(full);
    }
    suggest::nearest(name, names.iter().map(String::as_str)).map(|near| path::escape(near.as_bytes()))
}

impl Place {
    /// The tree of HEAD's commit. None: nothing was committed yet.
    pub fn head_tree(&self, objects: &Objects) -> Result<Option<ObjectId>, String> {
        let refs = self.references()?;
        refs.find("HEAD").map_err(|error| format!("HEAD: {error:#}"))?;
        let Some(id) = Self::follow(&refs, b"HEAD")? else { return Ok(None) };
        let lookup = Lookup { place: self, reader: objects.reader(), shown: "HEAD" };
        let commit = lookup.commit_of(id).map_err(|error| error.to_string())?;
        lookup.reader.commit(commit, &mut Vec::new()).map(|commit| Some(commit.tree))
    }

    /// The references, loose and packed; a worktree's own before those that all share.
    pub(in super::super) fn references(&self) -> Result<Store, String> {
        if self.common_dir.join("reftable").exists() {
            return Err("its references are in the reftable format, which is not supported".to_owned());
        }
        Ok(Store::for_linked_worktree(self.git_dir.clone(), self.common_dir.clone(), Kind::Sha1))
    }

    /// What a reference leads to. None: it does not exist, or leads to one that does not.
    fn follow(refs: &Store, name: &[u8]) -> Result<Option<ObjectId>, String> {
        let Ok(partial) = <&gix::refs::PartialNameRef>::try_from(BStr::new(name)) else { return Ok(None) };
        let error_of = |error: &dyn std::fmt::Display| format!("{}: {error:#}", path::shorten(name, 256));
        let Some(mut reference) = refs.try_find(partial).map_err(|error| error_of(&error))? else { return Ok(None) };
        for _ in 0..MAX_LINKS {
            let name = match reference.target {
                Target::Object(id) => return Ok(Some(id)),
                Target::Symbolic(name) => name,
            };
            match refs.try_find(name.as_ref()) {
                Ok(Some(next)) => reference = next,
                Ok(None) => return Ok(None),
                Err(error) => return Err(error_of(&error)),
            }
        }
        Err(error_of(&"it leads from reference to reference"))
    }
}

#[cfg(test)]
#[path = "revision_tests.rs"]
mod tests;
