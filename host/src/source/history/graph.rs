//! The commits: which of them count, and in which order.
//!
//! In come the tips and what is hidden (`^A`, and the left side of `A..B`), out go the commits that count,
//! parents before children. Only ids, trees, parents and dates are kept, about a hundred bytes a commit.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use gix::hash::{Kind, ObjectId};
use gix::hashtable::HashMap;
use gix::objs::commit::ref_iter::Token;
use gix::objs::{CommitRefIter, Kind as ObjectKind};

use super::super::git::{Objects, Shallow};

/// Where a shallow clone ends, and what could not be read.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Commits that count and whose parents were not cloned, in order.
    pub shallow: Vec<ObjectId>,
    /// Commits that count and cannot be read.
    pub unreadable: Vec<(ObjectId, String)>,
}

/// A commit.
#[derive(Debug)]
pub struct Commit {
    /// Its name.
    pub id: ObjectId,
    /// None: it cannot be read.
    pub tree: Option<ObjectId>,
    /// Places in the list.
    pub parents: Box<[u32]>,
    /// Committer date, in seconds since the epoch. None: it has none that can be read.
    pub committed: Option<i64>,
}

/// All commits that matter, those that are hidden first.
#[derive(Debug, Default)]
pub struct Graph {
    /// Those that count, and those that they stand on.
    pub commits: Vec<Commit>,
    /// From here on they count.
    first: usize,
    at: HashMap<ObjectId, u32>,
}

impl Graph {
    /// Walks all that the tips reach; what the hidden ones reach as well does not count. `go_on` is asked now and
    /// then.
    pub fn new(
        objects: &Objects,
        shallow: &Shallow,
        tips: &[ObjectId],
        hidden: &[ObjectId],
        go_on: &dyn Fn() -> bool,
    ) -> (Self, Gaps) {
        let mut graph = Self::default();
        // A hidden commit that cannot be read hides nothing, which is no gap.
        graph.walk(objects, shallow, hidden, &mut Gaps::default(), go_on);
        graph.first = graph.commits.len();
        let mut gaps = Gaps::default();
        graph.walk(objects, shallow, tips, &mut gaps, go_on);
        graph.at = HashMap::default();
        gaps.shallow.sort();
        gaps.unreadable.sort();
        (graph, gaps)
    }

    fn walk(
        &mut self,
        objects: &Objects,
        shallow: &Shallow,
        from: &[ObjectId],
        gaps: &mut Gaps,
        go_on: &dyn Fn() -> bool,
    ) {
        let mut next = self.commits.len();
        for id in from {
            self.place(*id);
        }
        let mut buf = Vec::new();
        while next < self.commits.len() {
            if next.is_multiple_of(1024) && !go_on() {
                return;
            }
            let id = self.commits[next].id;
            match read(objects, id, &mut buf) {
                Ok(read) => {
                    let cut = !read.parents.is_empty() && shallow.contains(id);
                    let parents = if cut { &[][..] } else { &read.parents[..] };
                    if cut {
                        gaps.shallow.push(id);
                    }
                    let parents = parents.iter().map(|parent| self.place(*parent)).collect();
                    let commit = &mut self.commits[next];
                    commit.tree = Some(read.tree);
                    commit.committed = read.committed;
                    commit.parents = parents;
                }
                Err(message) => gaps.unreadable.push((id, message)),
            }
            next += 1;
        }
    }

    fn place(&mut self, id: ObjectId) -> u32 {
        let next = self.commits.len() as u32;
        let place = *self.at.entry(id).or_insert(next);
        if place == next {
            self.commits.push(Commit { id, tree: None, parents: Box::default(), committed: None });
        }
        place
    }

    /// Whether a commit counts.
    fn counts(&self, place: u32) -> bool {
        place as usize >= self.first
    }

    /// The commits that count, parents before children, and else the one that was committed earlier first, and
    /// else by name: an order that depends on nothing but the commits.
    pub fn order(&self) -> Vec<u32> {
        let all = self.first as u32..self.commits.len() as u32;
        let parents = |place: u32| self.commits[place as usize].parents.iter().filter(|parent| self.counts(**parent));
        // Children of each, one after the other in one list.
        let mut starts = vec![0_u32; self.commits.len() + 1];
        let mut missing = vec![0_u32; self.commits.len()];
        for place in all.clone() {
            for parent in parents(place) {
                starts[*parent as usize + 1] += 1;
                missing[place as usize] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut fill = starts.clone();
        let mut children = vec![0_u32; starts.last().map_or(0, |n| *n as usize)];
        for place in all.clone() {
            for parent in parents(place) {
                children[fill[*parent as usize] as usize] = place;
                fill[*parent as usize] += 1;
            }
        }
        let key = |place: u32| {
            let commit = &self.commits[place as usize];
            Reverse((commit.committed, commit.id, place))
        };
        let mut ready: BinaryHeap<_> = all.clone().filter(|place| missing[*place as usize] == 0).map(key).collect();
        let mut order = Vec::with_capacity(all.len());
        while let Some(Reverse((.., place))) = ready.pop() {
            order.push(place);
            let place = place as usize;
            for child in &children[starts[place] as usize..starts[place + 1] as usize] {
                missing[*child as usize] -= 1;
                if missing[*child as usize] == 0 {
                    ready.push(key(*child));
                }
            }
        }
        // No commit can be its own ancestor unless objects lie about their names; such ones are not left out.
        let mut rest: Vec<u32> = all.filter(|place| missing[*place as usize] > 0).collect();
        rest.sort_by_key(|place| Reverse(key(*place)));
        order.extend(rest);
        order
    }
}

struct Read {
    tree: ObjectId,
    parents: Vec<ObjectId>,
    committed: Option<i64>,
}

/// What is needed of a commit. A broken author or date does not make it unreadable: the tree is what counts.
fn read(objects: &Objects, id: ObjectId, buf: &mut Vec<u8>) -> Result<Read, String> {
    match objects.unpack_into(id, buf).map_err(|error| error.to_string())? {
        ObjectKind::Commit => {}
        other => return Err(format!("{id} is a {other}, not a commit")),
    }
    let mut tree = None;
    let mut parents = Vec::new();
    let mut committed = None;
    for token in CommitRefIter::from_bytes(buf, Kind::Sha1) {
        match token {
            Ok(Token::Tree { id }) => tree = Some(id),
            Ok(Token::Parent { id }) => parents.push(id),
            Ok(Token::Author { .. }) => {}
            Ok(Token::Committer { signature }) => {
                committed = signature.time().ok().map(|time| time.seconds);
                break;
            }
            _ => break,
        }
    }
    let tree = tree.ok_or_else(|| format!("commit {id} names no tree"))?;
    Ok(Read { tree, parents, committed })
}
