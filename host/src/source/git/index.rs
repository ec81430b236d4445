//! The index: what git tracks, read whole and looked up by halving.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use gix::bstr::BStr;
use gix::hash::Kind;
use gix::index::entry::Mode;

use super::{MAX_ALLOCATION, Place, bytes_of};

/// An index larger than this is not read: two million entries.
const MAX_INDEX: u64 = 256 << 20;

impl Place {
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
}

/// What git tracks, sorted by path.
pub struct Index(
    /// As it was read.
    pub gix::index::File,
);

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} entries)", self.0.entries().len())
    }
}

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
