//! What `git commit` would commit: the entries of the index that HEAD does not have in the same form, with
//! the bytes that the index has. The files in the work tree are not looked at.
//!
//! A renamed file is one under its new name; a deleted one is none. Of an unmerged file, which cannot be
//! committed yet, one version is offered: ours if we changed it, otherwise theirs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::hash::ObjectId;
use gix::index::entry::{Flags, Mode, Stage};
use gix::index::extension::Tree as CachedTree;
use globset::GlobSet;

use super::exclude::excludes;
use super::git::{Environment, Index, Objects, Place, bytes_of};
use super::root::Root;
use super::{Content, Entry, GitBlob, Offer, ReadError, Sink, Source, SourceError, path, read};
use crate::outcome::{SkipReason, Skipped};

/// Git's mode of a folder in a tree.
const TREE: u16 = 0o040_000;

/// What is left out.
#[derive(Debug, Clone)]
pub struct StagedOptions {
    /// Of paths as [`Entry::path`] has them; see [`TreeOptions::exclude`](super::TreeOptions::exclude).
    pub exclude: GlobSet,
    /// In bytes; larger files are not offered.
    pub max_size: u64,
    /// The same for files that have the name of an archive; 0: as for all others.
    pub max_archive: u64,
    /// Offer all other files of the index too, out of scope.
    pub unchanged: bool,
    /// What git handed to the hook that this may be running in.
    pub environment: Environment,
}

/// See the module.
pub struct StagedSource {
    root: Root,
    options: StagedOptions,
    place: Place,
    index: Index,
    objects: Arc<Objects>,
    /// All entries in the root, by place in the index.
    scope: Range<usize>,
}

/// A file of a tree, or of the index.
type Version = (u32, ObjectId);

impl StagedSource {
    /// The root may be a folder of the repository, or a single file.
    pub fn new(root: &Path, options: StagedOptions) -> Result<Self, SourceError> {
        let given = path::escape(bytes_of(root));
        let absolute = Root::find(root)?;
        let broken = |message: String| SourceError::Repository {
            path: given.clone(),
            message: path::shorten(message.as_bytes(), super::MAX_DETAIL),
        };
        let place = place(&absolute, &options.environment)
            .map_err(broken)?
            .ok_or_else(|| SourceError::NoRepository { path: given.clone() })?;
        let index_path = match &options.environment.index_file {
            // As git reads it, which changes into the work tree first; an absolute path stays itself.
            Some(file) => place.work_tree.join(file),
            None => place.git_dir.join("index"),
        };
        let index = Place::index(&index_path).map_err(broken)?;
        let objects = Objects::open(&place).map_err(broken)?;
        if !absolute.starts_with(&place.work_tree) {
            return Err(broken(format!("it is outside the work tree {}", place.work_tree.display())));
        }
        let root = Root::new(root, absolute, Some(place.clone()));
        let path = root.path();
        let scope = if path.is_empty() {
            0..index.0.entries().len()
        } else {
            // `0` is what comes after `/`.
            let (first, end): (_, &[u8]) = if root.is_folder { (&root.prefix, b"0") } else { (&path, b"\0") };
            index.first_from(first)..index.first_from(&[&path, end].concat())
        };
        Ok(Self { root, options, place, index, objects, scope })
    }

    fn entry_at(&self, at: usize) -> (&[u8], Stage, Version, Flags) {
        let entry = &self.index.0.entries()[at];
        (entry.path(&self.index.0), entry.stage(), (entry.mode.bits(), entry.id), entry.flags)
    }

    /// What is to be said of a file that HEAD does not have in this form.
    fn offer(&self, full: &[u8], (mode, id): Version) -> Offer {
        let path = path::escape(full);
        let skip =
            |reason, detail: &str| Offer::Skipped(Skipped { path: path.clone(), reason, detail: detail.to_owned() });
        if self.excludes(full) {
            return skip(SkipReason::Excluded, "");
        }
        match Mode::from_bits(mode) {
            Some(Mode::COMMIT) => return skip(SkipReason::NestedRepository, "a submodule"),
            Some(Mode::SYMLINK) => return skip(SkipReason::Symlink, ""),
            Some(Mode::FILE | Mode::FILE_EXECUTABLE) => {}
            _ => return skip(SkipReason::SpecialFile, "a mode that git does not have"),
        }
        let limit = read::limit(&path, self.options.max_size, self.options.max_archive);
        match self.blob(path.clone(), id) {
            Ok(entry) => match read::check(entry.size, limit) {
                Ok(()) => Offer::File(entry),
                Err(error) => Offer::Skipped(error.skipped(&path)),
            },
            Err(error) => Offer::Skipped(error.skipped(&path)),
        }
    }

    fn blob(&self, path: String, id: ObjectId) -> Result<Entry, ReadError> {
        let (kind, size) = self.objects.header(id)?;
        if kind != gix::objs::Kind::Blob {
            return Err(ReadError::NotRegular);
        }
        let content = Content::Git(GitBlob::new(Arc::clone(&self.objects), id, size));
        Ok(Entry { path, size, stat: None, provenance: Vec::new(), content, in_scope: true })
    }

    /// Whether a path is excluded, itself or by a folder above it.
    fn excludes(&self, path: &[u8]) -> bool {
        excludes(&self.options.exclude, path)
    }

    /// Offers what is not staged. What is left out of that is not said: nobody asked for it.
    fn others(&self, staged: &HashSet<Vec<u8>>, sink: &Sink<'_>) {
        let mut at = self.scope.start;
        while at < self.scope.end {
            let (full, ..) = self.entry_at(at);
            let (next, version) = self.version(at, None);
            at = next;
            let Some(version) = version.filter(|_| !staged.contains(full)) else { continue };
            if let Offer::File(entry) = self.offer(full, version)
                && sink(Offer::File(Entry { in_scope: false, ..entry })).is_break()
            {
                return;
            }
        }
    }

    /// Calls `each` with all that differs from HEAD. Index and trees are both sorted by folder, so each folder
    /// is compared with its tree; folders whose tree the index knows to be HEAD's are not opened.
    fn changes(&self, each: &mut dyn FnMut(&[u8], Version) -> ControlFlow<()>) -> Result<(), String> {
        let head = self.place.head_tree(&self.objects)?;
        let mut buf = Vec::new();
        let mut folders = vec![Folder { tree: head, start: 0, range: self.whole(), cached: self.index.0.tree() }];
        while let Some(folder) = folders.pop() {
            if folder.is_unchanged() {
                continue;
            }
            let tree: HashMap<_, _> = match folder.tree {
                Some(id) => {
                    self.objects.tree(id, &mut buf)?.into_iter().map(|(name, mode, id)| (name, (mode, id))).collect()
                }
                None => HashMap::new(),
            };
            let mut at = folder.range.start;
            while at < folder.range.end {
                let (full, ..) = self.entry_at(at);
                let rest = &full[folder.start..];
                let slash = rest.iter().position(|b| *b == b'/');
                let name = &rest[..slash.unwrap_or(rest.len())];
                let old = tree.get(name).copied();
                if let Some(slash) = slash {
                    let start = folder.start + slash + 1;
                    let after = [&full[..start - 1], b"0"].concat();
                    let end = self.index.first_from(&after).clamp(at + 1, folder.range.end);
                    let cached = folder.cached.and_then(|c| c.children.iter().find(|c| c.name[..] == *name));
                    let tree = old.filter(|(mode, _)| *mode == TREE).map(|(_, id)| id);
                    // A sparse index has one entry for a whole folder, with a `/` at its end.
                    if start == full.len() {
                        self.sparse(full, at, tree)?;
                    } else if at < self.scope.end && end > self.scope.start {
                        folders.push(Folder { tree, start, range: at..end, cached });
                    }
                    at = end;
                } else {
                    let (next, version) = self.version(at, old.map(|(mode, id)| (u32::from(mode), id)));
                    let in_scope = self.scope.contains(&at);
                    at = next;
                    if let Some(version) = version.filter(|_| in_scope)
                        && each(full, version).is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn whole(&self) -> Range<usize> {
        0..self.index.0.entries().len()
    }

    /// The version of one path to offer, and where the next path begins. An unmerged one has up to three
    /// entries: the common ancestor's, ours, theirs.
    fn version(&self, first: usize, old: Option<Version>) -> (usize, Option<Version>) {
        let (path, ..) = self.entry_at(first);
        let mut found = None;
        let mut at = first;
        while at < self.whole().end {
            let (other, stage, version, flags) = self.entry_at(at);
            if other != path {
                break;
            }
            // `git add --intent-to-add` promises a file without its content.
            let counts = stage != Stage::Base && !flags.contains(Flags::INTENT_TO_ADD);
            if found.is_none() && counts && Some(version) != old {
                found = Some(version);
            }
            at += 1;
        }
        (at, found)
    }

    /// Nothing can be staged in a folder outside a sparse checkout but by replacing it as a whole.
    fn sparse(&self, full: &[u8], at: usize, head: Option<ObjectId>) -> Result<(), String> {
        let (_, _, (_, id), _) = self.entry_at(at);
        if head == Some(id) {
            return Ok(());
        }
        Err(format!("the index has `{}` as a whole; run `git sparse-checkout disable`", path::escape(full)))
    }
}

impl Source for StagedSource {
    fn name(&self) -> &'static str {
        "staged"
    }

    fn root(&self) -> String {
        self.root.shown()
    }

    /// On the caller's thread: the bytes are unpacked by whoever reads them.
    fn walk(&self, _jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        let mut staged = HashSet::new();
        let mut left = false;
        self.changes(&mut |full, version| {
            staged.insert(full.to_vec());
            let flow = sink(self.offer(full, version));
            left = flow.is_break();
            flow
        })
        .map_err(|message| SourceError::Repository {
            path: self.root(),
            message: path::shorten(message.as_bytes(), super::MAX_DETAIL),
        })?;
        if self.options.unchanged && !left {
            self.others(&staged, sink);
        }
        Ok(())
    }

    /// Any entry of the index, staged or not; none that is excluded.
    fn lookup(&self, path: &str) -> Option<Entry> {
        let full = path::unescape(path);
        let at = self.index.first_from(&full);
        if self.excludes(&full) || !self.scope.contains(&at) || self.entry_at(at).0 != full {
            return None;
        }
        let (mode, id) = self.version(at, None).1?;
        let is_file = matches!(Mode::from_bits(mode), Some(Mode::FILE | Mode::FILE_EXECUTABLE));
        if is_file { self.blob(path.to_owned(), id).ok() } else { None }
    }
}

/// A folder to compare: HEAD's tree with a range of the index.
struct Folder<'i> {
    tree: Option<ObjectId>,
    /// Where the names begin in the paths.
    start: usize,
    range: Range<usize>,
    /// What the index remembers of the tree that it was last written as.
    cached: Option<&'i CachedTree>,
}

impl Folder<'_> {
    /// `git add` invalidates what is remembered of all folders above a file.
    fn is_unchanged(&self) -> bool {
        self.cached.is_some_and(|cached| {
            Some(cached.id) == self.tree && cached.num_entries.is_some_and(|n| n as usize == self.range.len())
        })
    }
}

/// The repository that git would use: what the environment names, otherwise the one around the root.
pub fn place(root: &Path, environment: &Environment) -> Result<Option<Place>, String> {
    let folder = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
    let Some(git_dir) = &environment.git_dir else { return Place::discover(folder) };
    let git_dir = fs::canonicalize(git_dir).map_err(|error| format!("GIT_DIR: {error}"))?;
    let work_tree = match &environment.work_tree {
        Some(work_tree) => PathBuf::from(work_tree),
        // In a worktree's hook git names the folder, but not the work tree, which is then found around the root.
        None => match Place::discover(folder) {
            Ok(Some(found)) if fs::canonicalize(&found.git_dir).is_ok_and(|found| found == git_dir) => found.work_tree,
            _ => PathBuf::from("."),
        },
    };
    let work_tree = fs::canonicalize(work_tree).map_err(|error| format!("GIT_WORK_TREE: {error}"))?;
    Place::new(&work_tree, git_dir).map(Some)
}

#[cfg(test)]
#[path = "staged_tests.rs"]
mod tests;
