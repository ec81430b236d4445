//! A folder on disk, or a single file.
//!
//! Everything is offered but what git would not show either: untracked files that its ignore rules name, and
//! `.git` itself. What git tracks is offered whatever the rules say, because the rules come with the pull
//! request that is being judged. Outside a repository nothing is ignored. A repository inside the root, a
//! submodule too, is walked like the rest, by its own rules and its own index.
//!
//! Links are not followed, so nothing outside the root is reached and nothing is met twice. The order is the
//! system's: who wants the same order each time sorts.

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;

use super::git::{Index, Place, Tracked, bytes_of};
use super::ignored::Rules;
use super::queue::Queue;
use super::root::Root;
use super::{Content, Entry, MAX_DETAIL, Offer, Sink, Source, SourceError, Stat, path, read};
use crate::outcome::{SkipReason, Skipped};

/// Files of one folder that are handed to another thread at once.
const BATCH: usize = 64;

/// What a tree leaves out.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Of paths as [`Entry::path`] has them. A folder that matches, or all of whose content does (`vendor/**`), is not entered.
    pub exclude: GlobSet,
    /// In bytes; larger files are not offered.
    pub max_size: u64,
    /// The same for files that have the name of an archive; 0: as for all others.
    pub max_archive: u64,
}

/// See the module.
pub struct TreeSource {
    root: Root,
    options: TreeOptions,
}

impl TreeSource {
    /// The root may be a symbolic link, and may be a single file.
    pub fn new(root: &Path, options: TreeOptions) -> Result<Self, SourceError> {
        let absolute = Root::find(root)?;
        let folder = if absolute.is_dir() { &absolute } else { absolute.parent().unwrap_or(&absolute) };
        let place = Place::discover(folder).unwrap_or_else(|error| {
            tracing::warn!(?root, error, "no usable repository, so nothing is ignored");
            None
        });
        Ok(Self { root: Root::new(root, absolute, place), options })
    }

    /// The root as a folder to begin with; of a single file the folder that it is in.
    fn folder(&self) -> Folder {
        let disk = &self.root.absolute;
        let disk = if self.root.is_folder { disk } else { disk.parent().unwrap_or(disk) };
        let path = self.root.prefix.clone();
        Folder { disk: disk.to_owned(), shown: path::escape(&path), path, ..Folder::default() }
    }

    /// The file's name when the root is a single one.
    fn single(&self) -> Option<&OsStr> {
        if self.root.is_folder { None } else { self.root.absolute.file_name() }
    }

    /// The root with the repository that it is in, and with the rules from above it.
    fn top(&self) -> Folder {
        let top = self.folder();
        let Some(place) = &self.root.place else { return top };
        let mut top = top.in_repository(place);
        if top.repository.is_some() && !self.root.prefix.is_empty() {
            // The folders between the repository's and ours; ours is done when it is entered.
            let below = Path::new(OsStr::from_bytes(&self.root.prefix));
            let between: Vec<_> = below.ancestors().skip(1).collect();
            for folder in between.into_iter().rev() {
                top.rules = Rules::of_folder(top.rules, &place.work_tree.join(folder));
            }
            top.tracked.clone_from(&self.root.prefix);
        }
        top
    }

    /// Whether the root is excluded, or a folder that it is in.
    fn excludes_root(&self) -> bool {
        let prefix = &self.root.prefix;
        let folders = prefix.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        folders.into_iter().any(|at| self.excludes_folder(&prefix[..at]))
    }

    /// Whether a path from the root is excluded as a folder.
    fn excludes_folder(&self, path: &[u8]) -> bool {
        let exclude = &self.options.exclude;
        // `vendor/**` matches everything in the folder, and `vendor/` in its stead.
        !exclude.is_empty()
            && (exclude.is_match(OsStr::from_bytes(path))
                || exclude.is_match(OsStr::from_bytes(&[path, b"/"].concat())))
    }

    fn excludes_file(&self, folder: &Folder, name: &OsStr) -> bool {
        let exclude = &self.options.exclude;
        !exclude.is_empty() && exclude.is_match(OsStr::from_bytes(&folder.path_of(name)))
    }
}

impl Source for TreeSource {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn root(&self) -> String {
        self.root.shown()
    }

    fn is_whole(&self) -> bool {
        self.root.is_folder && self.root.prefix.is_empty()
    }

    fn walk(&self, jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        let walk = Walk { source: self, sink };
        if let Some(name) = self.single() {
            // Named on the command line, so not excluded by a pattern.
            let _ = sink(offer(&self.folder(), name, self.options.max_size, self.options.max_archive));
            return Ok(());
        }
        if self.excludes_root() {
            let _ = sink(skipped(self.folder().shown, SkipReason::Excluded, String::new()));
            return Ok(());
        }
        // That the root itself cannot be listed is an error, not one more unreadable folder.
        fs::read_dir(&self.root.absolute).map_err(|error| SourceError::Root { path: self.root(), error })?;
        Queue::run(jobs, Work::Enter(self.top()), &|queue, work| match work {
            Work::Enter(folder) => walk.enter(queue, folder),
            Work::Offer(folder, names) => walk.offer(queue, &folder, &names),
        });
        Ok(())
    }

    /// Also a file that is ignored or too large, but none that is excluded, and nothing of git's own: there
    /// are credentials in `.git/config`.
    fn lookup(&self, path: &str) -> Option<Entry> {
        let bytes = path::unescape(path);
        let found = |folder: &Folder, name: &OsStr| {
            if let Offer::File(entry) = offer(folder, name, u64::MAX, 0) { Some(entry) } else { None }
        };
        let bytes = bytes.strip_prefix(&self.root.prefix[..])?;
        let mut folder = self.folder();
        if let Some(name) = self.single() {
            return if bytes == name.as_bytes() { found(&folder, name) } else { None };
        }
        if self.excludes_root() {
            return None;
        }
        let mut parts = bytes.split(|b| *b == b'/').peekable();
        loop {
            let part = parts.next()?;
            if matches!(part, b"" | b"." | b"..") || part.contains(&0) || part.eq_ignore_ascii_case(b".git") {
                return None;
            }
            let name = OsStr::from_bytes(part);
            if parts.peek().is_none() {
                return if self.excludes_file(&folder, name) { None } else { found(&folder, name) };
            }
            // A link could lead out of the root; what it leads to inside has a path of its own.
            if self.excludes_folder(&folder.path_of(name))
                || !fs::symlink_metadata(folder.disk.join(name)).ok()?.is_dir()
            {
                return None;
            }
            folder = folder.child(name);
        }
    }
}

/// A folder that is being walked.
#[derive(Default)]
struct Folder {
    /// Where it is.
    disk: PathBuf,
    /// As [`Entry::path`] has it, with a `/` at the end; may be empty for the root.
    path: Vec<u8>,
    /// The same, safe to print.
    shown: String,
    /// What it is in. None: in none, or in one that cannot be read; then nothing is ignored.
    repository: Option<Arc<Index>>,
    /// From the repository's work tree, with a `/` at the end.
    tracked: Vec<u8>,
    /// What is ignored here.
    rules: Option<Arc<Rules>>,
    /// It is ignored itself, and entered for the tracked files in it.
    only_tracked: bool,
}

impl Folder {
    fn path_of(&self, name: &OsStr) -> Vec<u8> {
        [&self.path, name.as_bytes()].concat()
    }

    fn tracked_as(&self, name: &OsStr) -> Vec<u8> {
        [&self.tracked, name.as_bytes()].concat()
    }

    fn shown_of(&self, name: &OsStr) -> String {
        let mut shown = String::with_capacity(self.shown.len() + name.len());
        shown.push_str(&self.shown);
        path::escape_into(name.as_bytes(), &mut shown);
        shown
    }

    fn child(&self, name: &OsStr) -> Self {
        Self {
            disk: self.disk.join(name),
            path: [&self.path, name.as_bytes(), b"/"].concat(),
            shown: self.shown_of(name) + "/",
            repository: self.repository.clone(),
            tracked: [&self.tracked, name.as_bytes(), b"/"].concat(),
            rules: self.rules.clone(),
            only_tracked: self.only_tracked,
        }
    }

    /// The same folder as part of a repository: its index, its own exclude file.
    fn in_repository(mut self, place: &Place) -> Self {
        (self.tracked, self.rules, self.only_tracked) = (Vec::new(), None, false);
        self.repository = match Place::index(&place.git_dir.join("index")) {
            Ok(index) => Some(Arc::new(index)),
            Err(error) => {
                tracing::warn!(git_dir = ?place.git_dir, error, "what is tracked is not known, so nothing is ignored");
                return self;
            }
        };
        self.rules = Rules::of_file(None, &place.work_tree, &place.common_dir.join("info/exclude"));
        self
    }

    /// Whether a file or folder in it is named by the ignore rules, or is in a folder that is.
    fn ignores(&self, name: &OsStr, is_folder: bool) -> bool {
        self.only_tracked || self.rules.as_ref().is_some_and(|rules| rules.ignores(&self.disk.join(name), is_folder))
    }
}

enum Work {
    /// List it.
    Enter(Folder),
    /// Offer these files of it.
    Offer(Arc<Folder>, Vec<OsString>),
}

struct Walk<'s> {
    source: &'s TreeSource,
    sink: &'s Sink<'s>,
}

impl Walk<'_> {
    /// Lists a folder: its folders become work, its files are offered here or by whoever has nothing to do.
    fn enter(&self, queue: &Queue<Work>, mut folder: Folder) {
        if folder.path.len() > self.source.root.prefix.len() {
            match Place::of_work_tree(&folder.disk) {
                Ok(None) => {}
                Ok(Some(place)) => folder = folder.in_repository(&place),
                Err(error) => {
                    tracing::warn!(folder = ?folder.disk, error, "no usable repository, so nothing is ignored");
                    (folder.repository, folder.rules, folder.only_tracked) = (None, None, false);
                }
            }
        }
        if folder.repository.is_some() {
            folder.rules = Rules::of_folder(folder.rules.take(), &folder.disk);
        }
        let folder = Arc::new(folder);
        let list = match fs::read_dir(&folder.disk) {
            Ok(list) => list,
            Err(error) => return self.skip_folder(queue, &folder, &error),
        };
        let mut files = Vec::new();
        for found in list {
            if queue.is_stopped() {
                return;
            }
            // The system may break off a listing; what came before it stands.
            let found = match found.and_then(|found| Ok((found.file_type()?, found.file_name()))) {
                Ok(found) => found,
                Err(error) => {
                    self.skip_folder(queue, &folder, &error);
                    break;
                }
            };
            match found {
                (_, name) if name == ".git" => {}
                (kind, name) if kind.is_dir() => self.found_folder(queue, &folder, &name),
                (_, name) => files.push(name),
            }
            if files.len() == BATCH {
                let names = std::mem::replace(&mut files, Vec::with_capacity(BATCH));
                if queue.is_full() {
                    self.offer(queue, &folder, &names);
                } else {
                    queue.push(Work::Offer(Arc::clone(&folder), names));
                }
            }
        }
        self.offer(queue, &folder, &files);
    }

    fn found_folder(&self, queue: &Queue<Work>, folder: &Folder, name: &OsStr) {
        let ignored = folder.ignores(name, true);
        let tracked = match &folder.repository {
            Some(index) if ignored => index.folder(&folder.tracked_as(name)),
            _ => Tracked::Whole,
        };
        if tracked == Tracked::Nothing {
            return;
        }
        if self.source.excludes_folder(&folder.path_of(name)) {
            return self.send(queue, skipped(folder.shown_of(name) + "/", SkipReason::Excluded, String::new()));
        }
        let mut child = folder.child(name);
        child.only_tracked = ignored && tracked == Tracked::Some;
        if ignored && tracked == Tracked::Whole {
            child.rules = None;
        }
        queue.push(Work::Enter(child));
    }

    fn offer(&self, queue: &Queue<Work>, folder: &Folder, names: &[OsString]) {
        for name in names {
            if queue.is_stopped() {
                return;
            }
            if folder.ignores(name, false)
                && !folder.repository.as_ref().is_some_and(|index| index.has_file(&folder.tracked_as(name)))
            {
                continue;
            }
            let what = if self.source.excludes_file(folder, name) {
                skipped(folder.shown_of(name), SkipReason::Excluded, String::new())
            } else {
                offer(folder, name, self.source.options.max_size, self.source.options.max_archive)
            };
            self.send(queue, what);
        }
    }

    fn skip_folder(&self, queue: &Queue<Work>, folder: &Folder, error: &io::Error) {
        let reason = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SkipReason::Vanished,
            _ => SkipReason::Unreadable,
        };
        let shown = if folder.shown.is_empty() { "./".to_owned() } else { folder.shown.clone() };
        self.send(queue, skipped(shown, reason, error.to_string()));
    }

    fn send(&self, queue: &Queue<Work>, what: Offer) {
        if (self.sink)(what) == ControlFlow::Break(()) {
            queue.stop();
        }
    }
}

/// What is to be said of a name in a folder that is no folder itself.
fn offer(folder: &Folder, name: &OsStr, max_size: u64, max_archive: u64) -> Offer {
    let path = folder.shown_of(name);
    let disk = folder.disk.join(name);
    let metadata = match fs::symlink_metadata(&disk) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return skipped(path, SkipReason::Vanished, String::new());
        }
        Err(error) => return skipped(path, SkipReason::Unreadable, error.to_string()),
    };
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(&disk).unwrap_or_default();
        let detail = format!("to {}", path::shorten(bytes_of(&target), MAX_DETAIL));
        return skipped(path, SkipReason::Symlink, detail);
    }
    if !kind.is_file() {
        return skipped(path, SkipReason::SpecialFile, name_of(kind).to_owned());
    }
    if let Err(error) = read::check(metadata.len(), read::limit(&path, max_size, max_archive)) {
        return Offer::Skipped(error.skipped(&path));
    }
    Offer::File(Entry {
        path,
        size: metadata.len(),
        stat: Some(Stat { mode: metadata.mode() & 0o7777, uid: metadata.uid(), gid: metadata.gid() }),
        provenance: Vec::new(),
        content: Content::Disk(disk),
        in_scope: true,
    })
}

fn skipped(path: String, reason: SkipReason, detail: String) -> Offer {
    Offer::Skipped(Skipped { path, reason, detail })
}

fn name_of(kind: FileType) -> &'static str {
    match () {
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() => "a block device",
        () if kind.is_char_device() => "a character device",
        () => "a folder",
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
