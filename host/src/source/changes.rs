//! What a branch changed: the files of the work tree, committed or not, beside the tree of the commit where the
//! branch began. Found once, and shared by [`ChangedSource`](super::ChangedSource), which offers the files as they
//! are now, and [`BaseSource`](super::BaseSource), which offers them as they were.
//!
//! A file's content is known without reading it where the index vouches for it, by the file's size, times and inode,
//! as git does it; otherwise the file is hashed. Filters that change line endings on the way into the repository
//! are not applied: a file that differs only by them counts as changed. A change of the mode alone is none. A rename
//! is a deletion and an addition.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gix::hash::{Kind, ObjectId};
use gix::index::entry::{Mode, Stage, Stat, stat};
use globset::GlobSet;

use super::exclude::excludes;
use super::git::tree::{self, SUBMODULE, Version};
use super::git::{Index, MergeBase, Objects, Place, RevisionError, bytes_of, merge_base, resolve};
use super::read;
use super::root::Root;
use super::{Content, Offer, Source, SourceError, TreeOptions, TreeSource, path};
use crate::outcome::{SkipReason, Skipped};

/// Submodules that are looked into. Of more, all files count as new.
const MAX_SUBMODULES: usize = 1000;

/// What is left out, and how to look.
#[derive(Debug, Clone)]
pub struct ChangesOptions {
    /// Of paths as [`Entry::path`](super::Entry::path) has them; see [`TreeOptions::exclude`].
    pub exclude: GlobSet,
    /// In bytes; larger files are not offered.
    pub max_size: u64,
    /// See [`TreeOptions::max_archive`].
    pub max_archive: u64,
    /// Threads.
    pub jobs: usize,
}

/// Why it cannot be said what changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// There is no such folder or file.
    #[error(transparent)]
    Root(#[from] SourceError),
    /// Only in a repository there is something to compare with.
    #[error("`{path}` is not inside a git repository, so nothing can have changed since `{reference}`; scan it whole")]
    NoRepository {
        /// As given.
        path: String,
        /// As given.
        reference: String,
    },
    /// The reference names no commit.
    #[error("{0}")]
    Reference(RevisionError),
    /// The history was cut off before both meet.
    #[error(
        "this shallow clone does not reach back to where HEAD and `{reference}` part; fetch more of both histories"
    )]
    Shallow {
        /// As given.
        reference: String,
    },
    /// Two histories without a common commit.
    #[error("HEAD and `{reference}` have no commit in common")]
    Unrelated {
        /// As given.
        reference: String,
    },
    /// The repository is damaged, or in a form that is not understood.
    #[error("cannot read the git repository of `{path}`: {message}")]
    Repository {
        /// As given.
        path: String,
        /// What the library says.
        message: String,
    },
}

/// A file as the merge base has it.
pub(super) struct Was {
    pub(super) version: Version,
    /// Which of the repositories has it.
    repository: usize,
    /// Something is at this path now.
    is_there: AtomicBool,
}

/// A repository: the root's, or a submodule's.
struct Repository {
    objects: Arc<Objects>,
    /// None: what the files' contents are is to be found by reading them.
    index: Option<Index>,
    /// What the paths of its files begin with.
    prefix: Vec<u8>,
}

/// See the module.
pub struct Changes {
    pub(super) root: Root,
    pub(super) options: ChangesOptions,
    place: Place,
    tip: ObjectId,
    merge_base: ObjectId,
    /// None inside: it cannot be read.
    tip_tree: OnceLock<Option<ObjectId>>,
    repositories: Vec<Repository>,
    /// All files of the merge base that are in the root, by path.
    pub(super) base: HashMap<Vec<u8>, Was>,
    /// What to offer of each path that differs.
    pub(super) changed: BTreeMap<Vec<u8>, Offer>,
    /// What was left out without being compared: excluded folders, unreadable files.
    pub(super) skipped: Vec<Skipped>,
    deleted: Vec<Vec<u8>>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (changed, deleted) = (self.changed.len(), self.deleted.len());
        write!(f, "Changes(since {}: {changed} changed, {deleted} deleted)", self.merge_base)
    }
}

impl Changes {
    /// Compares the work tree that `root` is in, as far as it is in `root`, with the commit where HEAD and
    /// `reference` part.
    pub fn find(root: &Path, reference: &str, options: ChangesOptions) -> Result<Self, ChangesError> {
        let given = path::escape(bytes_of(root));
        let named = path::shorten(reference.as_bytes(), 256);
        let broken = |message: String| ChangesError::Repository {
            path: given.clone(),
            message: path::shorten(message.as_bytes(), super::MAX_DETAIL),
        };
        let absolute = Root::find(root)?;
        let folder = if absolute.is_dir() { &absolute } else { absolute.parent().unwrap_or(&absolute) };
        let place = Place::discover(folder)
            .map_err(broken)?
            .ok_or_else(|| ChangesError::NoRepository { path: given.clone(), reference: named.clone() })?;
        let objects = Objects::open(&place).map_err(broken)?;
        let commit = |text: &str| {
            resolve(&place, &objects, text).map_err(|error| match error {
                RevisionError::Repository(message) => broken(message),
                RevisionError::Shallow { .. } => ChangesError::Shallow { reference: named.clone() },
                other => ChangesError::Reference(other),
            })
        };
        let (tip, head) = (commit(reference)?, commit("HEAD")?);
        let shallow = place.shallow().map_err(broken)?;
        let merge_base = match merge_base(&objects, &shallow, tip, head).map_err(broken)? {
            MergeBase::Found(id) => id,
            MergeBase::Unrelated => return Err(ChangesError::Unrelated { reference: named }),
            MergeBase::Shallow => return Err(ChangesError::Shallow { reference: named }),
        };
        let mut changes = Self {
            root: Root::new(root, absolute, Some(place.clone())),
            options,
            place,
            tip,
            merge_base,
            tip_tree: OnceLock::new(),
            repositories: Vec::new(),
            base: HashMap::new(),
            changed: BTreeMap::new(),
            skipped: Vec::new(),
            deleted: Vec::new(),
        };
        let index = Place::index(&changes.place.git_dir.join("index")).ok();
        changes.add(Repository { objects, index, prefix: Vec::new() }, merge_base).map_err(broken)?;
        changes.add_submodules();
        changes.compare(root)?;
        Ok(changes)
    }

    /// The commit that the reference names.
    pub fn tip(&self) -> ObjectId {
        self.tip
    }

    /// The commit where HEAD and the reference part.
    pub fn merge_base(&self) -> ObjectId {
        self.merge_base
    }

    /// Where the repository is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The repository's objects.
    pub fn objects(&self) -> &Arc<Objects> {
        &self.repositories[0].objects
    }

    /// Whether the reference's newest commit still has something at a path that the merge base has. What the
    /// branch of the reference took away meanwhile, a change that began before would bring back.
    pub(super) fn is_at_tip(&self, path: &[u8], was: &Was) -> bool {
        if self.tip == self.merge_base || was.repository > 0 {
            return true;
        }
        let objects = self.objects();
        let tree =
            self.tip_tree.get_or_init(|| objects.reader().commit(self.tip, &mut Vec::new()).ok().map(|c| c.tree));
        tree.is_some_and(|tree| tree::file_at(objects, tree, path).is_ok_and(|found| found.is_some()))
    }

    /// The largest size that is offered of a path.
    pub(super) fn limit(&self, path: &str) -> u64 {
        read::limit(path, self.options.max_size, self.options.max_archive)
    }

    /// Whether nothing was changed, added or deleted.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.deleted.is_empty()
    }

    /// Whether what is at a path, as [`Entry::path`](super::Entry::path) has it, is not what was there.
    pub fn is_changed(&self, path: &str) -> bool {
        self.changed.contains_key(&path::unescape(path))
    }

    /// Paths that the merge base has and the work tree has not, in order, as [`Entry::path`](super::Entry::path) has them.
    pub fn deleted(&self) -> impl Iterator<Item = String> {
        self.deleted.iter().map(|path| path::escape(path))
    }

    /// Paths of which the merge base had something else: changed ones and deleted ones, in order.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (&[u8], &Was)> {
        let changed = self.changed.keys().chain(&self.deleted);
        changed.filter_map(|path| self.base.get(path).map(|was| (&path[..], was)))
    }

    /// The objects that a file's bytes are among.
    pub(super) fn objects_of(&self, was: &Was) -> &Arc<Objects> {
        &self.repositories[was.repository].objects
    }

    pub(super) fn excludes(&self, path: &[u8]) -> bool {
        // A file that was named on the command line is not excluded by a pattern.
        self.root.is_folder && excludes(&self.options.exclude, path)
    }

    /// The folder again, or the file.
    pub(super) fn tree(&self, root: &Path) -> Result<TreeSource, SourceError> {
        let ChangesOptions { exclude, max_size, max_archive, .. } = self.options.clone();
        let options = TreeOptions { exclude, max_size, max_archive };
        TreeSource::new(root, options)
    }

    /// Takes in a commit's files, as far as they are in the root.
    fn add(&mut self, repository: Repository, commit: ObjectId) -> Result<(), String> {
        let tree = repository.objects.reader().commit(commit, &mut Vec::new())?.tree;
        let number = self.repositories.len();
        for (path, version) in tree::flatten(&repository.objects, tree)? {
            let path = if repository.prefix.is_empty() { path } else { [&repository.prefix[..], &path].concat() };
            // A submodule above the root is looked into for what is in the root.
            let above = version.0 == SUBMODULE && self.root.prefix.starts_with(&[&path[..], b"/"].concat());
            if above || self.root.holds(&path) {
                let is_there = AtomicBool::new(false);
                self.base.insert(path, Was { version, repository: number, is_there });
            }
        }
        self.repositories.push(repository);
        Ok(())
    }

    /// Takes in the files of submodules that are checked out and have the commit which the merge base names. Of
    /// all others every file counts as new.
    fn add_submodules(&mut self) {
        let of = |base: &HashMap<Vec<u8>, Was>, repository| {
            let all = base.iter().filter(|(_, was)| was.repository == repository && was.version.0 == SUBMODULE);
            all.map(|(path, was)| (path.clone(), was.version.1)).collect::<Vec<_>>()
        };
        let mut next = 0;
        while next < self.repositories.len() {
            for (path, commit) in of(&self.base, next) {
                if self.repositories.len() > MAX_SUBMODULES {
                    return;
                }
                if let Some(repository) = self.submodule(&path)
                    && let Err(error) = self.add(repository, commit)
                {
                    tracing::info!(path = path::escape(&path), error, "all files of this submodule count as new");
                }
            }
            next += 1;
        }
    }

    fn submodule(&self, path: &[u8]) -> Option<Repository> {
        let folder = self.place.work_tree.join(Path::new(OsStr::from_bytes(path)));
        // A link in its place leads to a repository that has nothing to do with this one.
        if std::fs::canonicalize(&folder).ok()? != folder {
            return None;
        }
        let place = Place::of_work_tree(&folder).ok()??;
        let index = Place::index(&place.git_dir.join("index")).ok();
        Some(Repository { objects: Objects::open(&place).ok()?, index, prefix: [path, b"/"].concat() })
    }

    /// Walks the work tree.
    fn compare(&mut self, root: &Path) -> Result<(), ChangesError> {
        let found = Mutex::new((BTreeMap::new(), Vec::new()));
        self.tree(root)?.walk(self.options.jobs, &|offer| {
            match self.judge(offer) {
                Judged::Same => {}
                Judged::Changed(path, offer) => {
                    found.lock().unwrap_or_else(PoisonError::into_inner).0.insert(path, offer);
                }
                Judged::Unknown(skipped) => found.lock().unwrap_or_else(PoisonError::into_inner).1.push(skipped),
            }
            ControlFlow::Continue(())
        })?;
        (self.changed, self.skipped) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let unlisted: Vec<_> = self.skipped.iter().map(|skip| path::unescape(&skip.path)).collect();
        let unlisted: Vec<_> = unlisted.into_iter().filter(|path| path.ends_with(b"/")).collect();
        let is_gone = |path: &[u8], was: &Was| {
            !was.is_there.load(Ordering::Relaxed)
                && was.version.0 != SUBMODULE
                && !self.excludes(path)
                && !unlisted.iter().any(|folder| path.starts_with(folder) || folder == b"./")
        };
        self.deleted =
            self.base.iter().filter(|(path, was)| is_gone(path, was)).map(|(path, _)| path.clone()).collect();
        self.deleted.sort_unstable();
        Ok(())
    }

    /// Compares one thing that was found.
    fn judge(&self, offer: Offer) -> Judged {
        let shown = match &offer {
            Offer::File(entry) => &entry.path,
            Offer::Skipped(skip) => &skip.path,
            // No walk of a tree says so.
            Offer::Problem(_) | Offer::Waiting => return Judged::Same,
        };
        let path = path::unescape(shown);
        let was = self.base.get(&path);
        if let Some(was) = was {
            was.is_there.store(true, Ordering::Relaxed);
        }
        let offer = match offer {
            Offer::Skipped(skip) if !matches!(skip.reason, SkipReason::Symlink | SkipReason::TooLarge) => {
                return Judged::Unknown(skip);
            }
            other => other,
        };
        match was {
            Some(was) if self.is_same(&path, was, &offer) => Judged::Same,
            _ => Judged::Changed(path, offer),
        }
    }

    fn is_same(&self, path: &[u8], was: &Was, now: &Offer) -> bool {
        let (mode, id) = was.version;
        let disk = self.place.work_tree.join(Path::new(OsStr::from_bytes(path)));
        let hash = |bytes: &[u8]| gix::objs::compute_hash(Kind::Sha1, gix::objs::Kind::Blob, bytes).ok();
        match now {
            Offer::Skipped(Skipped { reason: SkipReason::Symlink, .. }) => {
                mode == tree::LINK && std::fs::read_link(disk).is_ok_and(|to| hash(bytes_of(&to)) == Some(id))
            }
            _ if !tree::is_file(mode) => false,
            Offer::Skipped(_) | Offer::Problem(_) | Offer::Waiting => self.vouched(path, was, &disk) == Some(id),
            Offer::File(entry) => {
                let Content::Disk(disk) = &entry.content else { return false };
                if let Some(now) = self.vouched(path, was, disk) {
                    return now == id;
                }
                let mut buf = Vec::new();
                entry.read_into(self.limit(&entry.path), &mut buf).is_ok() && hash(&buf) == Some(id)
            }
        }
    }

    /// What a file's content is by the word of the index.
    fn vouched(&self, path: &[u8], was: &Was, disk: &Path) -> Option<ObjectId> {
        let repository = &self.repositories[was.repository];
        let index = &repository.index.as_ref()?.0;
        let path = path.strip_prefix(&repository.prefix[..])?;
        let entry = index.entry_by_path_and_stage(path.into(), Stage::Unconflicted)?;
        let is_file = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE);
        let now = stat_of(&std::fs::symlink_metadata(disk).ok()?)?;
        // A change within the same tick of the clock as the writing of the index would not be seen.
        let exact = stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };
        let holds = is_file && entry.stat.matches(&now, exact) && !entry.stat.is_racy(index.timestamp(), exact);
        holds.then_some(entry.id)
    }
}

enum Judged {
    Same,
    Changed(Vec<u8>, Offer),
    /// It was not compared; a report says why.
    Unknown(Skipped),
}

/// As git keeps it in the index: of all numbers the lower 32 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "git's own form")]
fn stat_of(metadata: &std::fs::Metadata) -> Option<Stat> {
    if !metadata.is_file() {
        return None;
    }
    Some(Stat {
        mtime: stat::Time { secs: metadata.mtime() as u32, nsecs: metadata.mtime_nsec() as u32 },
        ctime: stat::Time { secs: metadata.ctime() as u32, nsecs: metadata.ctime_nsec() as u32 },
        dev: metadata.dev() as u32,
        ino: metadata.ino() as u32,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: metadata.size() as u32,
    })
}
