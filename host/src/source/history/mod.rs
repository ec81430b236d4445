//! A repository's past: every version that a file ever had, with the commit that brought it.
//!
//! In comes a range of commits, out go files: each content once for each path, under the first commit that had
//! it there (parents count as earlier than children, see `graph`). What a commit brings is what none of its
//! parents has (`changes`). All commits are compared before the first file is offered, on all threads, so that
//! each path's versions can be offered one after the other, newest first: that is the order in which a pack
//! is quick to read. What is kept meanwhile is some forty bytes a version and a hundred a commit.
//!
//! As everywhere in [`git`](super::git) no configuration is read and nothing fetched. Where a clone is shallow
//! or lacks objects, the source says so, as what is missing was not looked at.

mod changes;
mod graph;
mod provenance;
mod range;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use gix::hash::ObjectId;
use gix::objs::tree::EntryKind;
use globset::GlobSet;
use jiff::Timestamp;

use self::changes::{Change, Version};
use self::graph::Graph;
use self::range::Tips;
use super::git::{Objects, Place, Shallow, bytes_of};
use super::root::Root;
use super::{Content, Entry, GitBlob, MAX_DETAIL, Offer, ReadError, Sink, Source, SourceError, path, read};
use crate::outcome::{Problem, ProblemKind, SkipReason, Skipped};

pub use self::range::since as parse_since;

/// Versions that cannot be read, and commits, are named up to this many; then they are counted.
const MAX_NAMED: usize = 100;

/// Commits whose authors are kept while their files are offered.
const MAX_KNOWN: usize = 1 << 16;

/// Which part of the past.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Paths from the root; see [`TreeOptions::exclude`](super::TreeOptions::exclude).
    pub exclude: GlobSet,
    /// In bytes; larger files are not offered.
    pub max_size: u64,
    /// `B`, `A..B`, `^A`, or several of them. None: all that HEAD and any reference reach.
    pub range: Option<String>,
    /// Only commits that were committed then or later. Git stops its walk at the first older one; here all are
    /// looked at, so that one wrong clock does not hide what lies behind it. A date that cannot be read is no
    /// reason to leave a commit out.
    pub since: Option<Timestamp>,
}

/// See the module.
#[derive(Debug)]
pub struct HistorySource {
    /// Where paths are from, safe to print.
    shown: String,
    options: HistoryOptions,
    objects: Arc<Objects>,
    scope: Scope,
    shallow: Shallow,
    tips: Tips,
    /// None: nothing was committed on what is checked out.
    head: Option<ObjectId>,
    /// The commits that were looked at, with their numbers in the order; sorted by name. Set by the walk.
    ranks: OnceLock<Vec<(ObjectId, u32)>>,
}

/// The folder of the repository, or the file, that is looked at.
#[derive(Debug, Default)]
struct Scope {
    folders: Vec<Vec<u8>>,
    only: Option<Vec<u8>>,
}

impl HistorySource {
    /// The root may be a folder of a repository, a single file, or a repository without a work tree.
    pub fn new(root: &Path, options: HistoryOptions) -> Result<Self, SourceError> {
        let given = path::escape(bytes_of(root));
        let absolute = fs::canonicalize(root).map_err(|error| SourceError::Root { path: given.clone(), error })?;
        let short = |message: String| path::shorten(message.as_bytes(), MAX_DETAIL);
        let broken = |message| SourceError::Repository { path: given.clone(), message: short(message) };
        let place = place(&absolute).map_err(broken)?.ok_or_else(|| SourceError::NoHistory { path: given.clone() })?;
        let objects = Objects::open(&place).map_err(broken)?;
        let shallow = place.shallow().map_err(broken)?;
        let tips = match &options.range {
            None => range::all(&place, &objects).map_err(broken)?,
            Some(range) => range::parse(range, &place, &objects)
                .map_err(|message| SourceError::Range { range: short(range.clone()), message: short(message) })?,
        };
        let head = place.head_tree(&objects).map_err(broken)?;
        let scope = Scope::new(&place, &absolute);
        let shown = Root::new(root, absolute, Some(place)).shown();
        Ok(Self { shown, options, objects, scope, shallow, tips, head, ranks: OnceLock::new() })
    }

    fn note_gaps(&self, gaps: &graph::Gaps, graph: &Graph, sink: &Sink<'_>) -> ControlFlow<()> {
        // Behind a commit that is too old lie older ones.
        let taken: HashSet<_> = if self.options.since.is_none() {
            gaps.shallow.iter().collect()
        } else {
            let shallow: HashSet<_> = gaps.shallow.iter().collect();
            let taken = graph.commits.iter().filter(|commit| self.is_recent(commit.committed));
            taken.map(|commit| &commit.id).filter(|id| shallow.contains(id)).collect()
        };
        if !taken.is_empty() {
            let message = format!(
                "the clone is shallow, its history ends at {} commit(s); what is behind was not scanned: fetch it with `git fetch --unshallow`",
                taken.len()
            );
            sink(problem(ProblemKind::ShallowHistory, &message))?;
        }
        let broken = self.tips.broken.iter().map(|(name, error)| format!("{name}: {error}"));
        let unreadable = gaps.unreadable.iter().map(|(id, error)| format!("commit {id}: {error}"));
        named(broken.chain(unreadable).map(|text| problem(ProblemKind::Unreadable, &text)), "commits", sink)?;
        for (name, detail) in &self.tips.others {
            let path = path::escape(name.as_bytes());
            sink(Offer::Skipped(Skipped { path, reason: SkipReason::SpecialFile, detail: detail.clone() }))?;
        }
        ControlFlow::Continue(())
    }

    fn is_recent(&self, committed: Option<i64>) -> bool {
        self.options.since.is_none_or(|since| committed.is_none_or(|at| at >= since.as_second()))
    }

    /// Offers every version. Breaks when the sink does.
    fn offer(&self, jobs: usize, sink: &Sink<'_>) -> ControlFlow<()> {
        let go_on = || sink(Offer::Waiting).is_continue();
        let (graph, gaps) = Graph::new(&self.objects, &self.shallow, &self.tips.wanted, &self.tips.hidden, &go_on);
        self.note_gaps(&gaps, &graph, sink)?;
        let commit = |place: u32| &graph.commits[place as usize];
        let mut order = graph.order();
        order.retain(|place| self.is_recent(commit(*place).committed));
        let change = |number: usize| {
            let commit = commit(order[number]);
            let parents = commit.parents.iter().filter_map(|parent| graph.commits[*parent as usize].tree).collect();
            Some(Change { tree: commit.tree?, parents })
        };
        let mut ranks: Vec<_> = (0..).zip(&order).map(|(rank, place)| (commit(*place).id, rank)).collect();
        ranks.sort_unstable();
        // A second walk would find the same.
        let _ = self.ranks.set(ranks);
        let changes = changes::collect(&self.objects, &self.scope, order.len(), &change, jobs, &go_on);
        sink(Offer::Waiting)?;
        if changes.too_many {
            let message = "the history has more files than can be kept; those of older commits were not scanned: scan a range, as in --history=v1.0..HEAD";
            sink(problem(ProblemKind::Unreadable, message))?;
        }
        for skipped in changes.skipped {
            sink(Offer::Skipped(skipped))?;
        }
        let head = self.head.map(|tree| changes::files(&self.objects, &self.scope, tree));
        let mut offering = Offering {
            source: self,
            commits: order.iter().map(|place| commit(*place).id).collect(),
            head,
            known: HashMap::new(),
            buf: Vec::new(),
            unreadable: 0,
        };
        drop(graph);
        for versions in changes.versions.chunk_by(|a, b| a.path == b.path) {
            offering.path(&changes.paths[versions[0].path as usize], versions, sink)?;
        }
        if offering.unreadable > MAX_NAMED {
            let rest = offering.unreadable - MAX_NAMED;
            let message = format!(
                "{rest} more versions of files could not be read; a partial clone leaves objects out, clone without --filter"
            );
            sink(problem(ProblemKind::Unreadable, &message))?;
        }
        ControlFlow::Continue(())
    }

    fn excludes(&self, path: &[u8]) -> bool {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let exclude = &self.options.exclude;
        let mut folders = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        !exclude.is_empty()
            && (exclude.is_match(OsStr::from_bytes(path))
                || folders.any(|at| {
                    exclude.is_match(OsStr::from_bytes(&path[..at]))
                        || exclude.is_match(OsStr::from_bytes(&path[..=at]))
                }))
    }
}

impl Source for HistorySource {
    fn name(&self) -> &'static str {
        "history"
    }

    fn root(&self) -> String {
        self.shown.clone()
    }

    fn has_versions(&self) -> bool {
        true
    }

    fn rank(&self, commit: &str) -> Option<u64> {
        let id = ObjectId::from_hex(commit.as_bytes()).ok()?;
        let ranks = self.ranks.get()?;
        let at = ranks.binary_search_by(|(other, _)| other.cmp(&id)).ok()?;
        Some(u64::from(ranks[at].1))
    }

    fn walk(&self, jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        let _ = self.offer(jobs, sink);
        Ok(())
    }

    /// The file as HEAD has it, whichever version asks: what a plugin reads beside a file is its settings.
    fn lookup(&self, path: &str) -> Option<Entry> {
        let bytes = path::unescape(path);
        if self.excludes(&bytes) {
            return None;
        }
        let names: Vec<&[u8]> = bytes.split(|b| *b == b'/').collect();
        let inside = names.strip_prefix(&self.scope.folders.iter().map(Vec::as_slice).collect::<Vec<_>>()[..])?;
        if self.scope.only.as_ref().is_some_and(|only| inside != [only.as_slice()]) {
            return None;
        }
        let mut id = self.head?;
        let mut buf = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let entries = self.objects.tree(id, &mut buf).ok()?;
            let (_, mode, found) = entries.into_iter().find(|(other, ..)| other == name)?;
            let kind = gix::objs::tree::EntryMode::try_from(u32::from(mode)).ok()?.kind();
            let is_last = at + 1 == names.len();
            match kind {
                EntryKind::Tree if !is_last => {}
                EntryKind::Blob | EntryKind::BlobExecutable if is_last => {}
                _ => return None,
            }
            id = found;
        }
        let (_, size) = self.objects.header(id).ok()?;
        let content = Content::Git(GitBlob::new(Arc::clone(&self.objects), id, size));
        Some(Entry { path: path.to_owned(), size, stat: None, provenance: Vec::new(), content, in_scope: true })
    }
}

struct Offering<'s> {
    source: &'s HistorySource,
    /// By their numbers in the order.
    commits: Vec<ObjectId>,
    /// What HEAD has.
    head: Option<HashMap<Box<[u8]>, ObjectId>>,
    known: HashMap<u32, Vec<(String, String)>>,
    buf: Vec<u8>,
    unreadable: usize,
}

impl Offering<'_> {
    /// Offers all versions of one path.
    fn path(&mut self, bytes: &[u8], versions: &[Version], sink: &Sink<'_>) -> ControlFlow<()> {
        let path = path::escape(bytes);
        if self.source.excludes(bytes) {
            return sink(Offer::Skipped(Skipped { path, reason: SkipReason::Excluded, detail: String::new() }));
        }
        for version in versions {
            match self.entry(&path, bytes, *version) {
                Ok(entry) => sink(Offer::File(entry))?,
                Err(error) => {
                    let mut skipped = error.skipped(&path);
                    if skipped.reason == SkipReason::Unreadable {
                        self.unreadable += 1;
                        if self.unreadable > MAX_NAMED {
                            continue;
                        }
                    }
                    skipped.detail = format!("{} (commit {})", skipped.detail, self.commits[version.commit as usize]);
                    sink(Offer::Skipped(skipped))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, path: &str, bytes: &[u8], version: Version) -> Result<Entry, ReadError> {
        let objects = &self.source.objects;
        let (kind, size) = objects.header(version.id)?;
        if kind != gix::objs::Kind::Blob {
            return Err(ReadError::NotRegular);
        }
        read::check(size, self.source.options.max_size)?;
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let commit = self.commits[version.commit as usize];
        let known = self.known.entry(version.commit).or_insert_with(|| provenance::of(objects, commit, &mut self.buf));
        let mut provenance = known.clone();
        if let Some(head) = &self.head {
            let is_there = head.get(bytes) == Some(&version.id);
            provenance.push(("head".to_owned(), if is_there { "yes" } else { "no" }.to_owned()));
        }
        let content = Content::Git(GitBlob::new(Arc::clone(objects), version.id, size));
        Ok(Entry { path: path.to_owned(), size, stat: None, provenance, content, in_scope: true })
    }
}

impl Scope {
    fn new(place: &Place, root: &Path) -> Self {
        let below = root.strip_prefix(&place.work_tree).map(bytes_of).unwrap_or_default();
        let mut folders: Vec<_> =
            below.split(|b| *b == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
        let only = if root.is_dir() { None } else { folders.pop() };
        Self { folders, only }
    }
}

/// The repository around the root, or the one that the root is.
fn place(root: &Path) -> Result<Option<Place>, String> {
    let folder = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
    if let Some(place) = Place::discover(folder)? {
        return Ok(Some(place));
    }
    let is_bare = root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir();
    if is_bare { Place::new(root, root.to_owned()).map(Some) } else { Ok(None) }
}

fn problem(kind: ProblemKind, message: &str) -> Offer {
    let message = path::shorten(message.as_bytes(), MAX_DETAIL);
    Offer::Problem(Problem { kind, plugin: None, path: None, message })
}

/// Passes on the first few, and says how many more there are.
fn named(all: impl Iterator<Item = Offer>, what: &str, sink: &Sink<'_>) -> ControlFlow<()> {
    let mut count = 0;
    for offer in all {
        count += 1;
        if count <= MAX_NAMED {
            sink(offer)?;
        }
    }
    if count > MAX_NAMED {
        sink(problem(ProblemKind::Unreadable, &format!("{} more {what} cannot be read", count - MAX_NAMED)))?;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
