//! Archives in a run: what a worker takes is looked at, and if it is an archive its members are taken like any
//! other file, under the path `outer.zip!/inner/path`. What hides a finding is a problem: damage, a limit.
//!
//! How archives are built is [`archive`]'s to know.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::collect::Collected;
use super::lock;
use super::shared::{Nest, Shared};
use super::worker::Worker;
use crate::outcome::{ProblemKind, SkipReason};
use crate::source::archive::{self, Budget, Format, Found, Input, Left, Limit, Why};
use crate::source::{Content, Entry, ReadError, Stat, read};

/// What stands between the path of an archive and the path in it.
const INSIDE: &str = "!/";

/// The key of an entry's provenance that names its archive.
const PROVENANCE: &str = "archive";

/// An archive that is not on disk, but in git, is unpacked as a whole before it is read.
const MAX_FROM_GIT: u64 = 256 << 20;

/// Bytes of files in archives that are kept for whole-project plugins, which run when all files are known.
const MAX_KEPT: u64 = 512 << 20;

/// The way out of every problem with an archive.
const WAY_OUT: &str = "if nothing in it matters, exclude it under `[files] exclude` in scan.toml";

impl Worker<'_> {
    /// Unpacks an entry that is not read, because of its size or because no plugin asks for it. True: it was an
    /// archive, or cannot be read at all, and all is said of it.
    pub(super) fn unpack_unread(&mut self, entry: &Entry, nest: Option<&Nest<'_, '_>>) -> bool {
        let Some(limits) = self.shared.plan.archives else { return false };
        if entry.size > limits.size || !archive::is_named_like_one(&entry.path) {
            return false;
        }
        let done = match &entry.content {
            Content::Bytes(bytes) => Ok(self.unpack_bytes(entry, bytes, nest)),
            Content::Disk(path) => read::open_file(path).and_then(|(file, size)| {
                if size > limits.size {
                    return Err(ReadError::TooLarge { size, limit: limits.size });
                }
                let input = Input::File { file: &file, size };
                match archive::recognise_input(&input, &entry.path) {
                    Ok(Some(format)) => {
                        self.unpack(entry, &input, size, format, nest);
                        Ok(true)
                    }
                    Ok(None) => Ok(false),
                    Err(error) => Err(ReadError::Unreadable(error)),
                }
            }),
            Content::Git(_) => {
                let mut bytes = Vec::new();
                let read = entry.read_into(limits.size.min(MAX_FROM_GIT), &mut bytes);
                read.map(|()| self.unpack_bytes(entry, &bytes, nest))
            }
        };
        match done {
            Ok(false) => return false,
            Ok(true) => {
                let counts = u64::from(entry.in_scope);
                self.shared.control.files.fetch_add(counts, Ordering::Relaxed);
                self.shared.control.bytes.fetch_add(entry.size * counts, Ordering::Relaxed);
            }
            Err(error) => self.all.unread(&entry.path, &error),
        }
        true
    }

    /// Unpacks an entry that is in memory before it is read: a member of an archive.
    pub(super) fn unpack_held(&mut self, entry: &Entry, nest: Option<&Nest<'_, '_>>) {
        if let Some(bytes) = entry.bytes() {
            self.unpack_bytes(entry, bytes, nest);
        }
    }

    /// Unpacks an entry that was read, out of the buffer.
    pub(super) fn unpack_read(&mut self, entry: &Entry, nest: Option<&Nest<'_, '_>>) {
        if entry.bytes().is_none() && archive::recognise(&self.buffer, &entry.path).is_some() {
            // The members are read into the buffer in turn.
            let bytes = std::mem::take(&mut self.buffer);
            self.unpack_bytes(entry, &bytes, nest);
            self.buffer = bytes;
        }
    }

    fn unpack_bytes(&mut self, entry: &Entry, bytes: &[u8], nest: Option<&Nest<'_, '_>>) -> bool {
        let format = archive::recognise(bytes, &entry.path);
        if let Some(format) = format {
            self.unpack(entry, &Input::Bytes(bytes), bytes.len() as u64, format, nest);
        }
        format.is_some()
    }

    fn unpack(&mut self, entry: &Entry, input: &Input<'_>, size: u64, format: Format, nest: Option<&Nest<'_, '_>>) {
        let shared = self.shared;
        let Some(limits) = shared.plan.archives else { return };
        let Some(nest) = nest else {
            let stop = || shared.is_over();
            let budget = Budget::new(limits, size, &stop);
            self.members(entry, input, format, &Nest { budget: &budget, depth: 1 });
            // That the run is over is said for all files together.
            if let Some(limit) = budget.hit().filter(|limit| *limit != Limit::Stopped) {
                let message = format!("the archive was unpacked in part only: {limit}; {WAY_OUT}");
                self.all.problem(ProblemKind::ArchiveLimit, None, Some(&entry.path), &message);
            }
            return;
        };
        if nest.depth >= limits.depth {
            let message = format!(
                "the archive was not opened: it is inside {} others, which is as deep as it goes; {WAY_OUT}",
                nest.depth
            );
            return self.all.problem(ProblemKind::ArchiveLimit, None, Some(&entry.path), &message);
        }
        self.members(entry, input, format, &Nest { budget: nest.budget, depth: nest.depth + 1 });
    }

    fn members(&mut self, outer: &Entry, input: &Input<'_>, format: Format, nest: &Nest<'_, '_>) {
        let shared = self.shared;
        let mut provenance = outer.provenance.clone();
        provenance.push((PROVENANCE.to_owned(), outer.path.clone()));
        let mut take = |found: Found<'_>| {
            match found {
                Found::Left(left) => self.left(&outer.path, left),
                Found::File(member) => {
                    let entry = Entry {
                        path: [&outer.path, INSIDE, &member.path].concat(),
                        size: member.bytes.len() as u64,
                        stat: member.stat.map(|(mode, uid, gid)| Stat { mode, uid, gid }),
                        provenance: provenance.clone(),
                        content: Content::Bytes(member.bytes.into()),
                        in_scope: outer.in_scope,
                    };
                    if shared.excludes(&entry.path) {
                        self.all.skip(&entry.path, SkipReason::Excluded, String::new());
                    } else {
                        shared.control.files_known.fetch_add(u64::from(entry.in_scope), Ordering::Relaxed);
                        self.entry(&entry, Some(nest));
                    }
                }
            }
            if shared.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let damage = archive::expand(input, format, &outer.path, shared.plan.max_file, nest.budget, &mut take);
        if let Some(damage) = damage {
            let message =
                format!("the archive is damaged, and what could be read of it was scanned: {damage}; {WAY_OUT}");
            self.all.problem(ProblemKind::ArchiveDamaged, None, Some(&outer.path), &message);
        }
    }

    fn left(&mut self, outer: &str, left: Left) {
        let (reason, detail) = match left.why {
            Why::TooLarge { size } => {
                let error = ReadError::TooLarge { size, limit: self.shared.plan.max_file };
                (SkipReason::TooLarge, error.to_string())
            }
            Why::Link(target) => (SkipReason::Symlink, target),
            Why::Special => (SkipReason::SpecialFile, String::new()),
            Why::Encrypted => (SkipReason::Encrypted, String::new()),
            Why::Method(name) => (SkipReason::UnsupportedCompression, name),
        };
        self.all.skip(&[outer, INSIDE, &left.path].concat(), reason, detail);
    }
}

impl Shared<'_> {
    /// Whether a path in an archive is excluded, itself or by a folder above it.
    fn excludes(&self, path: &str) -> bool {
        let is_match = |path: &str| self.exclude.is_match(path);
        let folders = || path.match_indices('/').map(|(at, _)| at);
        !self.exclude.is_empty()
            && (is_match(path) || folders().any(|at| is_match(&path[..at]) || is_match(&path[..=at])))
    }

    /// Keeps an entry for a whole-project plugin. What is in an archive is kept with its bytes, up to a limit.
    pub(super) fn keep(&self, plugin: usize, entry: &Entry) {
        let mut entry = entry.clone();
        if is_inside(&entry) {
            let bytes = entry.bytes().map_or(0, <[u8]>::len) as u64;
            if self.kept.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_KEPT {
                entry.content = Content::Bytes([].into());
            }
        }
        lock(&self.project).push((plugin, entry));
    }

    /// All that was kept. If it was too much, nothing that is in an archive: which of it is there depends on the
    /// order of threads.
    pub(super) fn kept(&self, all: &mut Collected) -> Vec<(usize, Entry)> {
        let mut kept = std::mem::take(&mut *lock(&self.project));
        let bytes = self.kept.load(Ordering::Relaxed);
        if bytes > MAX_KEPT {
            kept.retain(|(_, entry)| !is_inside(entry));
            let message = format!(
                "plugins that see the whole project did not see what is in archives: {bytes} bytes of it are theirs, \
                 the limit is {MAX_KEPT}; exclude archives under `[files] exclude` in scan.toml"
            );
            all.problem(ProblemKind::ArchiveLimit, None, None, &message);
        }
        kept
    }
}

fn is_inside(entry: &Entry) -> bool {
    entry.provenance.iter().any(|(key, _)| key == PROVENANCE)
}
