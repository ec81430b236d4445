//! Where two histories part: the best commit that both have in common.
//!
//! Commits are looked at from the youngest to the oldest, each marked with the side that it was reached from. A
//! commit reached from both is common, and all above it are stale. Dates may lie, so a commit that was
//! looked at is looked at again when a mark is new to it, and the walk ends only when nothing but stale
//! commits waits: then every best common commit was found, if not those alone.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::hash::ObjectId;

use super::super::read::{ReadError, read_file};
use super::{Objects, Place, Reader};

/// Commits of one walk; twice the history of Linux. Each takes about a hundred bytes.
const MAX_COMMITS: usize = 3_000_000;

/// Common commits that are compared with each other. Of the rest, which no history has, the youngest counts.
const MAX_COMMON: usize = 64;

/// The file `shallow` has a line for each commit that the history was cut at.
const MAX_SHALLOW: u64 = 64 << 20;

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
/// Above a common commit.
const STALE: u8 = 4;
/// Noted as common.
const COMMON: u8 = 8;

/// Commits whose parents were left out when the repository was cloned.
#[derive(Debug, Clone, Default)]
pub struct Shallow(HashSet<ObjectId>);

impl Shallow {
    /// Whether the history ends here.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.0.contains(&id)
    }

    /// Whether the repository has its whole history.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Place {
    /// Where the history was cut off; empty for a whole clone.
    pub fn shallow(&self) -> Result<Shallow, String> {
        let mut text = Vec::new();
        match read_file(&self.common_dir.join("shallow"), MAX_SHALLOW, &mut text) {
            Ok(()) => {}
            Err(ReadError::Vanished) => return Ok(Shallow::default()),
            Err(error) => return Err(format!("shallow: {error}")),
        }
        text.split(|b| *b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .map(|line| ObjectId::from_hex(line).map_err(|_| "shallow: a line that is no commit".to_owned()))
            .collect::<Result<_, _>>()
            .map(Shallow)
    }
}

/// What two commits have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeBase {
    /// The best common commit; where histories were merged crosswise one of several, always the same.
    Found(ObjectId),
    /// Nothing, and both histories are there to the end.
    Unrelated,
    /// Nothing that can be seen: a history was cut off when it was cloned.
    Shallow,
}

/// The best commit that both histories have. A commit that should be there and is not is an error.
pub fn merge_base(objects: &Objects, shallow: &Shallow, a: ObjectId, b: ObjectId) -> Result<MergeBase, String> {
    let mut walk = Walk {
        reader: objects.reader(),
        shallow,
        commits: Vec::new(),
        places: HashMap::new(),
        queue: BinaryHeap::new(),
        live: 0,
        was_cut: false,
        buf: Vec::new(),
    };
    let mut common = walk.paint(a, b)?;
    common.retain(|at| walk.commits[*at].marks & STALE == 0);
    // Youngest first; of equals the first by name.
    common.sort_by_key(|at| (Reverse(walk.commits[*at].time), walk.commits[*at].id));
    common.truncate(MAX_COMMON);
    let mut common = common.into_iter().map(|at| walk.commits[at].id).collect::<Vec<_>>().into_iter();
    let Some(mut best) = common.next() else {
        return Ok(if walk.was_cut { MergeBase::Shallow } else { MergeBase::Unrelated });
    };
    // Where dates lie a common commit may not have been known to be above another.
    for other in common {
        if walk.is_above(best, other)? {
            best = other;
        }
    }
    Ok(MergeBase::Found(best))
}

struct Seen {
    id: ObjectId,
    time: i64,
    parents: Box<[ObjectId]>,
    marks: u8,
    waits: bool,
}

struct Walk<'s> {
    reader: Reader,
    shallow: &'s Shallow,
    commits: Vec<Seen>,
    places: HashMap<ObjectId, usize>,
    /// The youngest comes first; of equals always the same.
    queue: BinaryHeap<(i64, Reverse<ObjectId>, usize)>,
    /// How many of those that wait are not stale.
    live: usize,
    /// Whether a commit was met whose parents were left out.
    was_cut: bool,
    buf: Vec<u8>,
}

impl Walk<'_> {
    /// Marks both histories as far as they differ, and names all that was found in both.
    fn paint(&mut self, left: ObjectId, right: ObjectId) -> Result<Vec<usize>, String> {
        self.mark(left, LEFT)?;
        self.mark(right, RIGHT)?;
        let mut common = Vec::new();
        while self.live > 0 {
            let Some((.., at)) = self.queue.pop() else { break };
            let commit = &mut self.commits[at];
            commit.waits = false;
            let mut marks = commit.marks & (LEFT | RIGHT | STALE);
            if marks & STALE == 0 {
                self.live -= 1;
            }
            if marks == LEFT | RIGHT {
                if commit.marks & COMMON == 0 {
                    commit.marks |= COMMON;
                    common.push(at);
                }
                marks |= STALE;
            }
            // Taken out and put back, so that the others can be marked meanwhile.
            let parents = std::mem::take(&mut self.commits[at].parents);
            for parent in &parents {
                self.mark(*parent, marks)?;
            }
            self.commits[at].parents = parents;
        }
        Ok(common)
    }

    fn mark(&mut self, id: ObjectId, marks: u8) -> Result<(), String> {
        let at = self.find(id)?;
        let commit = &mut self.commits[at];
        if commit.marks & marks == marks {
            return Ok(());
        }
        let was_live = commit.waits && commit.marks & STALE == 0;
        commit.marks |= marks;
        let is_live = commit.marks & STALE == 0;
        if !commit.waits {
            commit.waits = true;
            self.queue.push((commit.time, Reverse(id), at));
            self.live += usize::from(is_live);
        } else if was_live && !is_live {
            self.live -= 1;
        }
        Ok(())
    }

    fn find(&mut self, id: ObjectId) -> Result<usize, String> {
        if let Some(at) = self.places.get(&id) {
            return Ok(*at);
        }
        if self.commits.len() >= MAX_COMMITS {
            return Err(format!("the history has more than {MAX_COMMITS} commits"));
        }
        let commit = self.reader.commit(id, &mut self.buf)?;
        let is_cut = self.shallow.contains(id);
        self.was_cut |= is_cut;
        let parents = if is_cut { Box::default() } else { commit.parents.into_boxed_slice() };
        self.places.insert(id, self.commits.len());
        self.commits.push(Seen { id, time: commit.committer_time, parents, marks: 0, waits: false });
        Ok(self.commits.len() - 1)
    }

    /// Whether `above` is in the history of `below`.
    fn is_above(&mut self, above: ObjectId, below: ObjectId) -> Result<bool, String> {
        for commit in &mut self.commits {
            (commit.marks, commit.waits) = (0, false);
        }
        self.queue.clear();
        self.live = 0;
        self.paint(above, below)?;
        let at = self.find(above)?;
        Ok(self.commits[at].marks & RIGHT != 0)
    }
}

#[cfg(test)]
#[path = "merge_base_tests.rs"]
mod tests;
