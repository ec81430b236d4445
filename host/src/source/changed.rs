//! The two sides of [`Changes`]: the files as they are now, and as they were where the branch began.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Changes, Was};
use super::git::tree;
use super::{Content, Entry, GitBlob, Offer, Sink, Source, SourceError, TreeSource, path, read};
use crate::outcome::{SkipReason, Skipped};

/// Files of the work tree that differ from the merge base, with their bytes on disk.
pub struct ChangedSource {
    given: PathBuf,
    changes: Arc<Changes>,
    tree: TreeSource,
    unchanged: bool,
}

impl ChangedSource {
    /// `root` as the changes were found with. With `unchanged` all other files are offered too, out of scope.
    pub fn new(root: &Path, changes: Arc<Changes>, unchanged: bool) -> Result<Self, SourceError> {
        let tree = changes.tree(root)?;
        Ok(Self { given: root.to_owned(), changes, tree, unchanged })
    }

    /// What a walk met, with its scope; none: nothing is to be said of it.
    fn scoped(&self, offer: Offer) -> Option<Offer> {
        let changes = &self.changes;
        let differs = |shown: &str| {
            let path = path::unescape(shown);
            // What came up since counts as new.
            changes.changed.contains_key(&path) || !changes.base.contains_key(&path)
        };
        match offer {
            Offer::File(entry) => {
                let in_scope = differs(&entry.path);
                Some(Offer::File(Entry { in_scope, ..entry }))
            }
            Offer::Skipped(skip) => {
                let compared = matches!(skip.reason, SkipReason::Symlink | SkipReason::TooLarge);
                (!compared || differs(&skip.path)).then_some(Offer::Skipped(skip))
            }
            other => Some(other),
        }
    }
}

impl Source for ChangedSource {
    fn name(&self) -> &'static str {
        "changed"
    }

    fn root(&self) -> String {
        self.changes.root.shown()
    }

    fn walk(&self, jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        if self.unchanged {
            return self.changes.tree(&self.given)?.walk(jobs, &|offer| match self.scoped(offer) {
                Some(offer) => sink(offer),
                None => std::ops::ControlFlow::Continue(()),
            });
        }
        let skipped = self.changes.skipped.iter().map(|skip| Offer::Skipped(skip.clone()));
        for offer in self.changes.changed.values().map(again).chain(skipped) {
            if sink(offer).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Any file of the work tree, changed or not.
    fn lookup(&self, path: &str) -> Option<Entry> {
        self.tree.lookup(path)
    }
}

fn again(offer: &Offer) -> Offer {
    match offer {
        Offer::File(entry) => Offer::File(entry.clone()),
        Offer::Skipped(skip) => Offer::Skipped(skip.clone()),
        Offer::Problem(problem) => Offer::Problem(problem.clone()),
        Offer::Waiting => Offer::Waiting,
    }
}

/// What the merge base has in place of the files that were changed or deleted, under the paths that it has them.
/// A scan of it tells which findings are no news, those of renamed files included: the old path is a deleted one.
pub struct BaseSource {
    changes: Arc<Changes>,
    full: bool,
}

impl BaseSource {
    /// With `full` all other files of the merge base are offered too, out of scope.
    pub fn new(changes: Arc<Changes>, full: bool) -> Self {
        Self { changes, full }
    }

    fn offer(&self, bytes: &[u8], was: &Was, in_scope: bool) -> Option<Offer> {
        let shown = path::escape(bytes);
        let skip = |reason, detail: String| {
            let skip = Skipped { path: shown.clone(), reason, detail };
            in_scope.then_some(Offer::Skipped(skip))
        };
        if in_scope && !self.changes.is_at_tip(bytes, was) {
            return None;
        }
        match was.version.0 {
            tree::LINK => return skip(SkipReason::Symlink, String::new()),
            tree::SUBMODULE => return None,
            mode if tree::is_file(mode) => {}
            _ => return skip(SkipReason::SpecialFile, "a mode that git does not have".to_owned()),
        }
        let found = self.entry(&shown, was, in_scope).and_then(|entry| {
            read::check(entry.size, self.changes.limit(&shown))?;
            Ok(entry)
        });
        match found {
            Ok(entry) => Some(Offer::File(entry)),
            Err(error) => {
                let Skipped { reason, detail, .. } = error.skipped(&shown);
                skip(reason, detail)
            }
        }
    }

    fn entry(&self, shown: &str, was: &Was, in_scope: bool) -> Result<Entry, read::ReadError> {
        let objects = self.changes.objects_of(was);
        let (kind, size) = objects.header(was.version.1)?;
        if kind != gix::objs::Kind::Blob {
            return Err(read::ReadError::NotRegular);
        }
        let content = Content::Git(GitBlob::new(Arc::clone(objects), was.version.1, size));
        Ok(Entry { path: shown.to_owned(), size, stat: None, provenance: Vec::new(), content, in_scope })
    }
}

impl Source for BaseSource {
    fn name(&self) -> &'static str {
        "base"
    }

    fn root(&self) -> String {
        self.changes.root.shown()
    }

    /// On the caller's thread: the bytes are unpacked by whoever reads them.
    fn walk(&self, _jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        let changes = &self.changes;
        let offer = |path: &[u8], was: &Was, in_scope| {
            let left_out = changes.excludes(path);
            let offer = if left_out { None } else { self.offer(path, was, in_scope) };
            offer.is_none_or(|offer| sink(offer).is_continue())
        };
        let mut replaced = std::collections::HashSet::new();
        for (path, was) in changes.replaced() {
            if !offer(path, was, true) {
                return Ok(());
            }
            replaced.insert(path);
        }
        if self.full {
            for (path, was) in &changes.base {
                if !replaced.contains(&path[..]) && !offer(path, was, false) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Any file of the merge base, changed or not; none that is excluded.
    fn lookup(&self, path: &str) -> Option<Entry> {
        let bytes = path::unescape(path);
        let was = self.changes.base.get(&bytes).filter(|was| tree::is_file(was.version.0))?;
        if self.changes.excludes(&bytes) { None } else { self.entry(path, was, true).ok() }
    }
}

#[cfg(test)]
#[path = "changed_tests.rs"]
mod tests;
