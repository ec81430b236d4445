//! Where files come from. A source offers entries, from any thread and in any order; who takes them cannot
//! tell which source it was. What a source leaves out it says, with the reason.
//!
//! In comes a place (a folder, an index, a stream), out go [`Entry`]s that are read on demand and
//! [`Skipped`]s. Nothing here knows plugins.

pub mod archive;
pub mod changed;
pub mod changes;
pub mod git;
pub mod history;
pub mod path;
pub mod read;
pub mod staged;
pub mod stdin;
pub mod tree;

mod exclude;
mod handles;
mod ignored;
mod queue;
mod root;
#[cfg(test)]
mod testing;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

pub use changed::{BaseSource, ChangedSource};
pub use changes::{Changes, ChangesError, ChangesOptions};
pub use git::{Environment, GitBlob, RevisionError, tracked_below};
pub use history::{HistoryOptions, HistorySource};
pub use read::ReadError;
pub use root::work_tree_of;
pub use staged::{StagedOptions, StagedSource, place as place_of};
pub use stdin::StdinSource;
pub use tree::{TreeOptions, TreeSource};

use crate::outcome::{Problem, Skipped};

/// How much of the system's words, or of a link's target, a [`Skipped`] repeats.
const MAX_DETAIL: usize = 512;

/// The mode bits and owner of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Permission bits, set-uid, set-gid and sticky included.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Where an entry's bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// On disk, at this path; read without following a symbolic link in the last part.
    Disk(PathBuf),
    /// In memory already.
    Bytes(Arc<[u8]>),
    /// In a git object database; unpacked by whoever reads it.
    Git(GitBlob),
}

/// A file that a source offers; not read yet.
#[derive(Debug, Clone)]
pub struct Entry {
    /// From the work tree's root, outside of a repository from the root that was given (see [`work_tree_of`]); `/`
    /// between the parts; bytes that are no UTF-8, control characters and what would turn
    /// text around are written as `\xNN` or `\u{NNNN}`.
    pub path: String,
    /// In bytes, as the source knows it.
    pub size: u64,
    /// None where the source keeps no such facts.
    pub stat: Option<Stat>,
    /// `layer`, `commit`, `archive`; empty for a plain tree.
    pub provenance: Vec<(String, String)>,
    /// Where its bytes are.
    pub content: Content,
    /// Whether it is what the run is about. `staged` and `changed` offer all other files too where a plugin sees
    /// the whole project; plugins that go file by file do not get those.
    pub in_scope: bool,
}

/// What a source says of one input.
#[derive(Debug)]
pub enum Offer {
    /// To be scanned.
    File(Entry),
    /// Left out, and why.
    Skipped(Skipped),
    /// What makes the scan incomplete and is about no single file.
    Problem(Problem),
    /// Nothing yet. A source that works for long before it has a file to offer asks so whether to go on.
    Waiting,
}

/// Takes offers, from several threads at once; `Break` stops the walk.
pub type Sink<'s> = dyn Fn(Offer) -> ControlFlow<()> + Sync + 's;

/// Why a source could not be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such folder or file.
    #[error("cannot read `{path}`: {error}")]
    Root {
        /// As given.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Only a git repository has an index.
    #[error("`{path}` is not inside a git repository, so nothing is staged; drop --staged to scan the folder")]
    NoRepository {
        /// As given.
        path: String,
    },
    /// Only a git repository has a history.
    #[error("`{path}` is not inside a git repository, so it has no history; drop --history to scan the folder")]
    NoHistory {
        /// As given.
        path: String,
    },
    /// A range of commits that means nothing in this repository.
    #[error("--history={range}: {message}")]
    Range {
        /// As given.
        range: String,
        /// What is wrong, and what to do.
        message: String,
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

/// A place that files come from.
pub trait Source: Sync {
    /// `tree`, `staged`, `changed`, `base`, `history`, `stdin`.
    fn name(&self) -> &'static str;

    /// Where paths are from, as seen from the folder that the command was given in: `.`, `..`, `../other`.
    fn root(&self) -> String;

    /// Whether one path may be offered in several versions, each with its commit in the provenance. Then a plugin
    /// that judges the project as a whole has no one project to judge, and what is found in several versions is
    /// one finding ([`finding::history`](crate::finding::history)).
    fn has_versions(&self) -> bool {
        false
    }

    /// Whether all that the policy is about is offered, so that what was not found is not there: not a part of a work
    /// tree, and not what is staged, was changed, or once was.
    fn is_whole(&self) -> bool {
        false
    }

    /// Where a commit that the source named in a provenance stands among all of them, the earliest first. Known
    /// once the walk is done.
    fn rank(&self, _commit: &str) -> Option<u64> {
        None
    }

    /// Offers everything once, on up to `jobs` threads of its own.
    fn walk(&self, jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError>;

    /// One entry by its path as entries have it (`/` between the parts, no `..`), for a guest that asks for
    /// another file. None: there is no such file, or it is outside the root, or not a regular file.
    fn lookup(&self, path: &str) -> Option<Entry>;
}
