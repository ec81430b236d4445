//! One commit: its tree, its parents, who made it and when. Nothing of its message is kept.

use gix::hash::{Kind, ObjectId};
use gix::objs::CommitRef;

use super::super::path;
use super::Reader;

/// A commit larger than this is none that a person or a tool made.
const MAX_COMMIT: u64 = 16 << 20;

/// How much of a name or an address is kept.
const MAX_NAME: usize = 256;

/// What is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// What was committed.
    pub tree: ObjectId,
    /// What it was made from; several of a merge, none of the first.
    pub parents: Vec<ObjectId>,
    /// As its author wrote it, safe to print.
    pub author_name: String,
    /// As its author wrote it, safe to print.
    pub author_email: String,
    /// Seconds since the epoch. 0 where the date makes no sense, as git reads it.
    pub author_time: i64,
    /// Seconds since the epoch, of the commit as it is; the author's is older after a rebase.
    pub committer_time: i64,
}

impl Commit {
    /// Reads a commit's bytes.
    pub fn parse(id: ObjectId, bytes: &[u8]) -> Result<Self, String> {
        let commit = CommitRef::from_bytes(bytes, Kind::Sha1).map_err(|error| format!("commit {id}: {error:#}"))?;
        let author = commit.author().ok();
        let text = |bytes: &[u8]| path::shorten(bytes.trim_ascii(), MAX_NAME);
        Ok(Self {
            tree: commit.tree(),
            parents: commit.parents().collect(),
            author_name: author.map(|author| text(author.name)).unwrap_or_default(),
            author_email: author.map(|author| text(author.email)).unwrap_or_default(),
            author_time: author.map_or(0, |author| author.seconds()),
            committer_time: commit.committer().map_or(0, |committer| committer.seconds()),
        })
    }
}

impl Reader {
    /// Reads a commit; `buf` is room to work in, kept from one to the next.
    pub fn commit(&self, id: ObjectId, buf: &mut Vec<u8>) -> Result<Commit, String> {
        match self.read_into(id, MAX_COMMIT, buf).map_err(|error| error.to_string())? {
            gix::objs::Kind::Commit => Commit::parse(id, buf),
            other => Err(format!("object {id} is a {other} and no commit")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn parse(text: &str) -> Result<Commit, String> {
        Commit::parse(Kind::Sha1.null(), text.as_bytes())
    }

    #[test]
    fn who_and_when() {
        let text = format!(
            "tree {TREE}\nparent {TREE}\nparent {TREE}\nauthor Ann\x1b[2J Lee <a@b.c> 12 +0200\ncommitter B <b@b> 34 +0000\n\nm\n"
        );
        let commit = parse(&text).unwrap();
        assert_eq!((commit.author_name.as_str(), commit.author_email.as_str()), (r"Ann\x1b[2J Lee", "a@b.c"));
        assert_eq!((commit.author_time, commit.committer_time, commit.parents.len()), (12, 34, 2));
        assert_eq!(commit.tree.to_string(), TREE);
    }

    #[test]
    fn nonsense_dates_and_names_are_read_as_git_reads_them() {
        for date in ["", "never", "99999999999999999999999 +0000", "x -9999999"] {
            let text = format!("tree {TREE}\nauthor <> {date}\ncommitter <> {date}\n\n");
            let Ok(commit) = parse(&text) else { continue };
            assert!(commit.author_name.is_empty(), "{date}: {commit:?}");
        }
        assert!(parse("tree x\n").is_err());
        assert!(parse("").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..150) {
            let mut text = format!("tree {TREE}\nparent {TREE}\nauthor A <a@b> 1 +0000\ncommitter B <b@b> 2 +0000\n\nm\n").into_bytes();
            let _ = Commit::parse(Kind::Sha1.null(), &bytes);
            let at = at.min(text.len());
            text.splice(at..at, bytes);
            let _ = Commit::parse(Kind::Sha1.null(), &text);
        }
    }
}
