//! The little of git that the sources need: where a repository is ([`Place`]), its [`index`], the [`objects`] in
//! it, what a [`revision`] names, a [`commit`] and its history's [`mod@merge_base`] with another, a [`tree`]'s files.
//!
//! No configuration is read, neither the repository's nor the user's, no program is run, nothing is written
//! and nothing fetched: so nothing in a repository can redirect a scan. That is why this stands on the parts
//! of `gix` and does not open a repository with it, which would obey `core.worktree` and others.
//!
//! What is read here comes out of somebody's pull request: every count, length and depth has a limit, and what
//! git itself would not make is an error, not a guess.

pub mod commit;
pub mod index;
pub mod merge_base;
pub mod objects;
pub mod revision;
pub mod tree;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use commit::Commit;
pub use index::{Index, Tracked, tracked_below};
pub use merge_base::{MergeBase, Shallow, merge_base};
pub use objects::{GitBlob, Objects, Reader};
pub use revision::{RevisionError, resolve};

use super::read::{ReadError, read_file};

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
}

/// A path from a work tree's root, as the index has it.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
