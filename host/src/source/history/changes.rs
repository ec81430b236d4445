//! What commits bring: the files of each commit's tree that none of its parents has in the same form at the
//! same path. So a merge brings what was changed in the merge itself, and nothing that either side had.
//!
//! Trees that a parent has as well are not opened, so the cost is that of what changed. Commits are taken
//! newest first, because git packs old trees as differences to newer ones; who was first is found out when all
//! are known. Each file is kept once for each path that it ever had: a rule may look at the name.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use gix::hash::{Kind, ObjectId};
use gix::objs::TreeRefIter;
use gix::objs::tree::{EntryKind, EntryRef};

use super::super::git::Objects;
use super::super::path;
use super::Scope;
use crate::outcome::{SkipReason, Skipped};

/// Versions of all files. Linux has three million in a million commits.
const MAX_VERSIONS: usize = 16_000_000;

/// Bytes of all different paths.
const MAX_PATHS: usize = 256 << 20;

/// Files and folders that one commit changes. Ten trees of ten entries, each the next tree, name ten thousand
/// million files.
const MAX_CHANGED: usize = if cfg!(test) { 20_000 } else { 2_000_000 };

/// Trees that are opened.
const MAX_TREES: usize = 200_000_000;

/// A path longer than this cannot be checked out on any system.
const MAX_PATH: usize = 4096;

/// Parents that a commit is compared with; with more of them it is compared with these, and brings more.
const MAX_PARENTS: usize = 64;

/// Commits that a thread takes at a time.
const CHUNK: usize = 64;

/// A file as one commit has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Place in the list of paths.
    pub path: u32,
    /// Its bytes.
    pub id: ObjectId,
    /// Which commit, by its number in the order.
    pub commit: u32,
}

/// One commit to be compared.
#[derive(Debug)]
pub struct Change {
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents' trees.
    pub parents: Vec<ObjectId>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Changes {
    /// From the repository's root, or from the folder that is looked at.
    pub paths: Vec<Box<[u8]>>,
    /// Sorted by path, the newest first, each path and content once, with the first commit.
    pub versions: Vec<Version>,
    /// What is no file, or cannot be read.
    pub skipped: Vec<Skipped>,
    /// There is more than can be kept.
    pub too_many: bool,
}

/// Compares commits with their parents on up to `jobs` threads; `change` gives the one of a number. Lower
/// numbers are earlier. Ends early when `go_on` says so.
pub fn collect(
    objects: &Objects,
    scope: &Scope,
    count: usize,
    change: &(dyn Fn(usize) -> Option<Change> + Sync),
    jobs: usize,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Changes {
    let found = Mutex::new(Found::default());
    let over = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut walk = Walk { objects, scope, buffers: Vec::new(), trees: 0 };
        let mut brought = Brought::default();
        loop {
            let done = next.fetch_add(CHUNK, Relaxed);
            if done >= count || over.load(Relaxed) {
                return;
            }
            if !go_on() {
                over.store(true, Relaxed);
                return;
            }
            for number in (count.saturating_sub(done + CHUNK)..count - done).rev() {
                let Some(change) = change(number) else { continue };
                walk.change(&change, &mut brought);
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.add(&mut brought, number as u32, &mut walk.trees);
                if found.too_many {
                    over.store(true, Relaxed);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 1..jobs {
            // A machine out of threads is a slower walk, not a failed one.
            if std::thread::Builder::new().name(format!("history-{number}")).spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
}

/// All files of one tree, by path.
pub fn files(objects: &Objects, scope: &Scope, tree: ObjectId) -> HashMap<Box<[u8]>, ObjectId> {
    let mut brought = Brought::default();
    let mut walk = Walk { objects, scope, buffers: Vec::new(), trees: 0 };
    walk.change(&Change { tree, parents: Vec::new() }, &mut brought);
    brought.files.into_iter().map(|(path, id)| (path.into(), id)).collect()
}

/// What one commit brings.
#[derive(Default)]
struct Brought {
    files: Vec<(Vec<u8>, ObjectId)>,
    others: Vec<(Vec<u8>, SkipReason, String)>,
    too_many: bool,
}

#[derive(Default)]
struct Found {
    places: HashMap<Box<[u8]>, u32>,
    path_bytes: usize,
    trees: usize,
    versions: Vec<Version>,
    /// By path and reason: a submodule may have changed a thousand times.
    others: BTreeMap<(Vec<u8>, SkipReason), String>,
    too_many: bool,
}

impl Found {
    fn add(&mut self, brought: &mut Brought, commit: u32, trees: &mut usize) {
        for (path, id) in brought.files.drain(..) {
            let next = self.places.len() as u32;
            let path = if let Some(place) = self.places.get(&path[..]) {
                *place
            } else {
                self.path_bytes += path.len();
                self.places.insert(path.into(), next);
                next
            };
            self.versions.push(Version { path, id, commit });
        }
        for (path, reason, detail) in brought.others.drain(..) {
            self.others.entry((path, reason)).or_insert(detail);
        }
        self.trees += std::mem::take(trees);
        self.too_many |= brought.too_many
            || self.versions.len() + self.others.len() > MAX_VERSIONS
            || self.path_bytes > MAX_PATHS
            || self.trees > MAX_TREES;
    }

    fn finish(self) -> Changes {
        let mut paths = vec![Box::default(); self.places.len()];
        for (path, place) in self.places {
            paths[place as usize] = path;
        }
        // Numbered anew in the order of the text: which thread saw a path first is of no account.
        let mut sorted: Vec<u32> = (0..paths.len() as u32).collect();
        sorted.sort_unstable_by(|a, b| paths[*a as usize].cmp(&paths[*b as usize]));
        let mut rank = vec![0; paths.len()];
        for (place, old) in sorted.iter().enumerate() {
            rank[*old as usize] = place as u32;
        }
        let mut versions = self.versions;
        for version in &mut versions {
            version.path = rank[version.path as usize];
        }
        versions.sort_unstable();
        versions.dedup_by_key(|version| (version.path, version.id));
        versions.sort_unstable_by_key(|version| (version.path, std::cmp::Reverse(version.commit), version.id));
        let skip = |((path, reason), detail): ((Vec<u8>, _), _)| Skipped { path: path::escape(&path), reason, detail };
        let skipped = self.others.into_iter().map(skip).collect();
        let paths = sorted.iter().map(|old| std::mem::take(&mut paths[*old as usize])).collect();
        Changes { paths, versions, skipped, too_many: self.too_many }
    }
}

/// A folder to be compared.
struct Folder {
    path: Vec<u8>,
    tree: ObjectId,
    parents: Vec<ObjectId>,
}

struct Walk<'w> {
    objects: &'w Objects,
    scope: &'w Scope,
    /// The tree's bytes, then those of the parents'.
    buffers: Vec<Vec<u8>>,
    trees: usize,
}

impl Walk<'_> {
    fn change(&mut self, change: &Change, out: &mut Brought) {
        let before = self.trees;
        let Some(tree) = self.scoped(change.tree, out) else { return };
        let parents = change.parents.iter().take(MAX_PARENTS);
        // What cannot be read of a parent is compared with nothing, and so brought: rather too much than too little.
        let parents: Vec<_> = parents.filter_map(|id| self.scoped(*id, &mut Brought::default())).collect();
        if parents.contains(&tree) {
            return;
        }
        let mut folders = vec![Folder { path: self.scope.folders.join(&b'/'), tree, parents }];
        while let Some(folder) = folders.pop() {
            self.folder(&folder, &mut folders, out);
            if self.trees - before + out.files.len() + out.others.len() + folders.len() > MAX_CHANGED {
                out.too_many = true;
                return;
            }
        }
    }

    /// The tree of the folder that is looked at. None: it has none.
    fn scoped(&mut self, mut tree: ObjectId, out: &mut Brought) -> Option<ObjectId> {
        for (at, name) in self.scope.folders.iter().enumerate() {
            let path = || self.scope.folders[..at].join(&b'/');
            let bytes = self.tree(0, tree).map_err(|error| out.unreadable(path(), error)).ok()?;
            let mut entries = TreeRefIter::from_bytes(bytes, Kind::Sha1).filter_map(Result::ok);
            tree = entries.find(|entry| entry.filename == name.as_slice() && entry.mode.is_tree())?.oid.to_owned();
        }
        Some(tree)
    }

    fn tree(&mut self, at: usize, id: ObjectId) -> Result<&[u8], String> {
        if self.buffers.len() <= at {
            self.buffers.resize_with(at + 1, Vec::new);
        }
        self.trees += 1;
        let buf = &mut self.buffers[at];
        match self.objects.unpack_into(id, buf) {
            Ok(gix::objs::Kind::Tree) => Ok(buf),
            Ok(other) => Err(format!("{id} is a {other}, not a tree")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn folder(&mut self, folder: &Folder, folders: &mut Vec<Folder>, out: &mut Brought) {
        if let Err(error) = self.tree(0, folder.tree) {
            out.unreadable(folder.path.clone(), error);
            return;
        }
        let mut known = 0;
        for parent in &folder.parents {
            known += usize::from(self.tree(known + 1, *parent).is_ok());
        }
        let mut parents: Vec<_> = self.buffers[1..=known].iter().map(|bytes| Side(bytes)).collect();
        let mut rest = &self.buffers[0][..];
        while !rest.is_empty() {
            let raw = first(rest);
            rest = &rest[raw.len()..];
            // Nearly all of a folder is as it was.
            // Every parent has to go on, whatever the others say.
            let mut before = false;
            for parent in &mut parents {
                before |= parent.skip(raw);
            }
            if before {
                continue;
            }
            let entry = match parse(raw) {
                Ok(entry) => entry,
                Err(error) => {
                    out.unreadable(folder.path.clone(), format!("tree {}: {error}", folder.tree));
                    return;
                }
            };
            let kind = entry.mode.kind();
            let is_folder = kind == EntryKind::Tree;
            if !is_folder && self.scope.only.as_deref().is_some_and(|only| entry.filename != only) {
                continue;
            }
            let mut same = false;
            let mut below: Vec<ObjectId> = Vec::new();
            for parent in &mut parents {
                if let Some(old) = parent.find(&entry) {
                    same |= old.oid == entry.oid && class(old.mode.kind()) == class(kind);
                    if is_folder && old.mode.is_tree() && !below.iter().any(|id| **id == *old.oid) {
                        below.push(old.oid.to_owned());
                    }
                }
            }
            if same || (is_folder && self.scope.only.is_some()) {
                continue;
            }
            let mut path = folder.path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.filename);
            if path.len() > MAX_PATH {
                out.unreadable(folder.path.clone(), format!("a name in it makes a path of {} bytes", path.len()));
                continue;
            }
            match kind {
                EntryKind::Tree => folders.push(Folder { path, tree: entry.oid.to_owned(), parents: below }),
                EntryKind::Blob | EntryKind::BlobExecutable => out.files.push((path, entry.oid.to_owned())),
                EntryKind::Link => out.others.push((path, SkipReason::Symlink, String::new())),
                EntryKind::Commit => out.others.push((path, SkipReason::NestedRepository, "a submodule".to_owned())),
            }
        }
    }
}

impl Brought {
    fn unreadable(&mut self, mut path: Vec<u8>, detail: String) {
        path.push(b'/');
        self.others.push((path, SkipReason::Unreadable, detail));
    }
}

/// A file that becomes executable is the same file; one that was a link's target is not.
fn class(kind: EntryKind) -> EntryKind {
    if kind == EntryKind::BlobExecutable { EntryKind::Blob } else { kind }
}

/// A tree's first entry as it stands there; all of the tree if it is damaged.
fn first(tree: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, tree).map_or(tree.len(), |at| at + 1 + Kind::Sha1.len_in_bytes());
    tree.get(..end).unwrap_or(tree)
}

fn parse(entry: &[u8]) -> Result<EntryRef<'_>, String> {
    match TreeRefIter::from_bytes(entry, Kind::Sha1).next() {
        Some(Ok(entry)) => Ok(entry),
        Some(Err(error)) => Err(format!("{error:#}")),
        None => Err("it ends in the middle of an entry".to_owned()),
    }
}

/// What is left of a parent's tree, read along with the commit's: both are sorted alike. If one is not, entries
/// are not found, and what is not found counts as brought.
struct Side<'t>(&'t [u8]);

impl<'t> Side<'t> {
    /// Passes over an entry if it comes next.
    fn skip(&mut self, raw: &[u8]) -> bool {
        let rest = self.0.strip_prefix(raw);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// The entry of the same name. It stays the next one.
    fn find(&mut self, entry: &EntryRef<'_>) -> Option<EntryRef<'t>> {
        while !self.0.is_empty() {
            let raw = first(self.0);
            let current = parse(raw).ok()?;
            match current.cmp(entry) {
                Ordering::Less => self.0 = &self.0[raw.len()..],
                _ if current.filename == entry.filename => return Some(current),
                _ => return None,
            }
        }
        None
    }
}
