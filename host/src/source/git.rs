//! The little of git that the sources need: where a repository is, its index, the objects in it.
//!
//! No configuration is read, neither the repository's nor the user's, no program is run, nothing is written
//! and nothing fetched: so nothing in a repository can redirect a scan. That is why this stands on the parts
//! of `gix` and does not open a repository with it, which would obey `core.worktree` and others.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::bstr::BStr;
use gix::hash::{Kind, ObjectId};
use gix::index::entry::Mode;
use gix::objs::Find;
use gix::odb::Header;
use gix::refs::Target;

use super::read::{ReadError, check, read_file};

/// An index larger than this is not read: two million entries.
const MAX_INDEX: u64 = 256 << 20;

/// The largest single allocation on the word of a pack.
const MAX_ALLOCATION: usize = 512 << 20;

/// `.git` as a file holds one line.
const MAX_LINK: u64 = 64 << 10;

/// What git hands to its hooks, and obeys itself.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `GIT_DIR`.
    pub git_dir: Option<OsString>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<OsString>,
    /// `GIT_INDEX_FILE`. `git commit -a` and `git commit FILE` prepare another index than `.git/index`, and
    /// name it here for their hooks.
    pub index_file: Option<OsString>,
}

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        let get = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self { git_dir: get("GIT_DIR"), work_tree: get("GIT_WORK_TREE"), index_file: get("GIT_INDEX_FILE") }
    }
}

/// Where a repository is.
#[derive(Debug, Clone)]
pub struct Place {
    /// What is checked out.
    pub work_tree: PathBuf,
    /// `.git`, or what stands for it in a worktree or submodule: HEAD and the index.
    pub git_dir: PathBuf,
    /// What all worktrees share: objects and references.
    pub common_dir: PathBuf,
}

impl Place {
    /// The repository that a folder is in. None: in none.
    pub fn discover(folder: &Path) -> Result<Option<Self>, String> {
        for folder in folder.ancestors() {
            match Self::of_work_tree(folder) {
                Ok(None) => {}
                // As git does: a folder `.git` that is no repository is passed over, a broken link is not.
                Err(_) if folder.join(".git").is_dir() => {}
                found => return found,
            }
        }
        Ok(None)
    }

    /// The repository that is checked out in exactly this folder. None: there is no `.git` in it.
    pub fn of_work_tree(folder: &Path) -> Result<Option<Self>, String> {
        let dot_git = folder.join(".git");
        let Ok(metadata) = fs::metadata(&dot_git) else { return Ok(None) };
        if metadata.is_dir() {
            return Self::new(folder, dot_git).map(Some);
        }
        let mut text = Vec::new();
        read_file(&dot_git, MAX_LINK, &mut text).map_err(|error| format!(".git: {error}"))?;
        let target = text.strip_prefix(b"gitdir:").ok_or("the file .git does not begin with `gitdir:`")?;
        Self::new(folder, folder.join(OsStr::from_bytes(target.trim_ascii()))).map(Some)
    }

    /// The repository that a git folder is, with what is checked out of it.
    pub fn new(work_tree: &Path, git_dir: PathBuf) -> Result<Self, String> {
        let mut text = Vec::new();
        let common_dir = match read_file(&git_dir.join("commondir"), MAX_LINK, &mut text) {
            Ok(()) => git_dir.join(OsStr::from_bytes(text.trim_ascii())),
            Err(ReadError::Vanished) => git_dir.clone(),
            Err(error) => return Err(format!("commondir: {error}")),
        };
        if fs::symlink_metadata(git_dir.join("HEAD")).is_err() || !common_dir.join("objects").is_dir() {
            return Err(format!("{} is no git repository", git_dir.display()));
        }
        Ok(Self { work_tree: work_tree.to_owned(), git_dir, common_dir })
    }

    /// The index, usually `index` in the git folder; empty when nothing was ever added.
    pub fn index(path: &Path) -> Result<Index, String> {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err("the index is no regular file".to_owned()),
            Ok(metadata) if metadata.len() > MAX_INDEX => {
                return Err(format!("the index has {} bytes, the limit is {MAX_INDEX}", metadata.len()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("the index: {error}")),
        }
        let options = gix::index::decode::Options {
            thread_limit: Some(1),
            alloc_limit_bytes: Some(MAX_ALLOCATION),
            ..Default::default()
        };
        // With its checksum verified: half an index would hide files.
        let index = gix::index::File::at_or_default(path, Kind::Sha1, false, options)
            .map_err(|error| format!("the index: {error:#} (repositories with SHA-256 names are not supported)"))?;
        // All that is looked up in it is looked up by halving.
        if !index.entries().is_sorted_by(|a, b| a.path(&index) <= b.path(&index)) {
            return Err("the index is not sorted".to_owned());
        }
        Ok(Index(index))
    }

    /// The tree of HEAD's commit. None: nothing was committed yet.
    pub fn head_tree(&self, objects: &Objects) -> Result<Option<ObjectId>, String> {
        if self.common_dir.join("reftable").exists() {
            return Err("its references are in the reftable format, which is not supported".to_owned());
        }
        let refs =
            gix::refs::file::Store::for_linked_worktree(self.git_dir.clone(), self.common_dir.clone(), Kind::Sha1);
        let mut reference = refs.find("HEAD").map_err(|error| format!("HEAD: {error:#}"))?;
        // As many links as git follows.
        for _ in 0..5 {
            let name = match reference.target {
                Target::Object(id) => return objects.tree_of(id).map(Some),
                Target::Symbolic(name) => name,
            };
            match refs.try_find(name.as_ref()) {
                Ok(Some(next)) => reference = next,
                Ok(None) => return Ok(None),
                Err(error) => return Err(format!("{name}: {error:#}", name = name.as_bstr())),
            }
        }
        Err("HEAD leads from reference to reference".to_owned())
    }
}

/// What git tracks, sorted by path.
pub struct Index(pub gix::index::File);

/// How much of a folder git tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// Nothing in it.
    Nothing,
    /// Some files somewhere below it.
    Some,
    /// It is an entry itself: a submodule, or a folder left out of a sparse checkout.
    Whole,
}

impl Index {
    /// Whether a file is tracked; the path is from the work tree's root.
    pub fn has_file(&self, path: &[u8]) -> bool {
        let entry = self.0.entries().get(self.first_from(path));
        entry.is_some_and(|entry| entry.path(&self.0) == path)
    }

    /// How much of a folder is tracked.
    pub fn folder(&self, path: &[u8]) -> Tracked {
        let entries = self.0.entries();
        let is_whole = |at: usize, path: &[u8]| {
            let entry = entries.get(at).filter(|entry| entry.path(&self.0) == path);
            entry.is_some_and(|entry| entry.mode == Mode::COMMIT || entry.mode == Mode::DIR)
        };
        let below = [path, b"/"].concat();
        let first = self.first_from(&below);
        if is_whole(self.first_from(path), path) || is_whole(first, &below) {
            Tracked::Whole
        } else if entries.get(first).is_some_and(|entry| entry.path(&self.0).starts_with(&below)) {
            Tracked::Some
        } else {
            Tracked::Nothing
        }
    }

    /// The place of the first entry that is not before `path`.
    pub fn first_from(&self, path: &[u8]) -> usize {
        self.0.entries().partition_point(|entry| entry.path(&self.0) < BStr::new(path))
    }
}

/// Whether git tracks anything in a folder, which has to be there; the innermost repository around it counts.
pub fn tracked_below(folder: &Path) -> Result<bool, String> {
    let folder = fs::canonicalize(folder).map_err(|error| error.to_string())?;
    let Some(place) = Place::discover(&folder)? else { return Ok(false) };
    let Ok(below) = folder.strip_prefix(&place.work_tree) else { return Ok(false) };
    // The root of a work tree is no folder in the index; something is tracked there as soon as anything is.
    let index = Place::index(&place.git_dir.join("index"))?;
    if below.as_os_str().is_empty() {
        return Ok(!index.0.entries().is_empty());
    }
    Ok(index.folder(bytes_of(below)) != Tracked::Nothing)
}

/// The objects of a repository, loose and packed, its alternates' too.
pub struct Objects(Arc<gix::odb::Store>);

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Objects").field(&self.0.path()).finish()
    }
}

impl Objects {
    /// Opens the database; it is read on demand.
    pub fn open(place: &Place) -> Result<Arc<Self>, String> {
        let options = gix::odb::store::init::Options { alloc_limit_bytes: Some(MAX_ALLOCATION), ..Default::default() };
        // Replacement references are not followed: what is committed is scanned, not what stands for it.
        let none = &mut std::iter::empty();
        gix::odb::Store::at_opts(place.common_dir.join("objects"), Kind::Sha1, none, options)
            .map(|store| Arc::new(Self(Arc::new(store))))
            .map_err(|error| format!("objects: {error:#}"))
    }

    /// An object's kind and size, without unpacking it.
    pub fn header(&self, id: ObjectId) -> Result<(gix::objs::Kind, u64), ReadError> {
        match self.0.to_handle_arc().try_header(&id) {
            Ok(Some(header)) => Ok((header.kind(), header.size())),
            Ok(None) => Err(missing(id)),
            Err(error) => Err(ReadError::Unreadable(io::Error::other(format!("object {id}: {error:#}")))),
        }
    }

    /// Replaces what is in `buf` with an object's bytes.
    pub fn read_into(&self, id: ObjectId, max: u64, buf: &mut Vec<u8>) -> Result<gix::objs::Kind, ReadError> {
        check(self.header(id)?.1, max)?;
        let found = self.0.to_handle_arc().try_find(&id, buf).map(|data| data.map(|data| (data.kind, data.data.len())));
        match found {
            Ok(Some((kind, len))) => {
                buf.truncate(len);
                Ok(kind)
            }
            Ok(None) => Err(missing(id)),
            Err(error) => Err(ReadError::Unreadable(io::Error::other(format!("object {id}: {error:#}")))),
        }
    }

    /// The tree of a commit, or of a tag of one.
    fn tree_of(&self, mut id: ObjectId) -> Result<ObjectId, String> {
        let mut buf = Vec::new();
        for _ in 0..5 {
            let kind = self.read_into(id, MAX_ALLOCATION as u64, &mut buf).map_err(|error| error.to_string())?;
            let next = match kind {
                gix::objs::Kind::Commit => {
                    return gix::objs::CommitRefIter::from_bytes(&buf, Kind::Sha1)
                        .tree_id()
                        .map_err(|error| format!("commit {id}: {error:#}"));
                }
                gix::objs::Kind::Tag => gix::objs::TagRefIter::from_bytes(&buf, Kind::Sha1).target_id(),
                other => return Err(format!("HEAD is a {other}")),
            };
            id = next.map_err(|error| format!("tag {id}: {error:#}"))?;
        }
        Err("HEAD is a tag of a tag of a tag".to_owned())
    }

    /// The entries of a tree: name, mode, object.
    pub fn tree(&self, id: ObjectId, buf: &mut Vec<u8>) -> Result<Vec<(Vec<u8>, u16, ObjectId)>, String> {
        self.read_into(id, MAX_ALLOCATION as u64, buf).map_err(|error| error.to_string())?;
        gix::objs::TreeRefIter::from_bytes(buf, Kind::Sha1)
            .map(|entry| {
                let entry = entry.map_err(|error| format!("tree {id}: {error:#}"))?;
                Ok((entry.filename.to_vec(), entry.mode.value(), entry.oid.to_owned()))
            })
            .collect()
    }
}

/// A partial clone leaves objects out; nothing is fetched.
fn missing(id: ObjectId) -> ReadError {
    ReadError::Unreadable(io::Error::other(format!("object {id} is not in the repository")))
}

/// The bytes of a file as git keeps them.
#[derive(Debug, Clone)]
pub struct GitBlob {
    objects: Arc<Objects>,
    id: ObjectId,
}

impl GitBlob {
    pub(super) fn new(objects: Arc<Objects>, id: ObjectId) -> Self {
        Self { objects, id }
    }

    pub(super) fn read_into(&self, max: u64, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        match self.objects.read_into(self.id, max, buf)? {
            gix::objs::Kind::Blob => Ok(()),
            _ => Err(ReadError::NotRegular),
        }
    }
}

/// A path from a work tree's root, as the index has it.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
