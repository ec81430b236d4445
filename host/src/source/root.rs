//! The root of a scan, and where paths are from.
//!
//! Fingerprints, suppressions and globs are about paths, and have to mean the same whichever part of a project is
//! scanned, and from whichever folder. So inside a repository paths are from its work tree's root; outside of one
//! they are from the root that was given, or from the folder of the file that was given.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::git::{Place, bytes_of};
use super::{SourceError, path};

/// What was given on the command line, found.
#[derive(Debug)]
pub struct Root {
    /// Without links, so that what is found stays found if somebody changes the working directory.
    pub absolute: PathBuf,
    /// Otherwise it is a single file.
    pub is_folder: bool,
    /// The repository that it is in.
    pub place: Option<Place>,
    /// What all paths begin with: nothing, or the folder with a `/` at its end.
    pub prefix: Vec<u8>,
    /// Where paths are from, as seen from the folder that the command was given in.
    base: PathBuf,
}

impl Root {
    /// The given path without links.
    pub fn find(given: &Path) -> Result<PathBuf, SourceError> {
        fs::canonicalize(given).map_err(|error| SourceError::Root { path: path::escape(bytes_of(given)), error })
    }

    /// `absolute` is what [`find`](Self::find) made of `given`. A place that it is not in counts as none.
    pub fn new(given: &Path, absolute: PathBuf, place: Option<Place>) -> Self {
        let is_folder = absolute.is_dir();
        let parent = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
        let (folder, given) =
            if is_folder { (absolute.clone(), given.to_owned()) } else { (parent(&absolute), parent(given)) };
        let place = place.filter(|place| folder.starts_with(&place.work_tree));
        let below = place.as_ref().and_then(|place| folder.strip_prefix(&place.work_tree).ok());
        let prefix = match below.map(bytes_of) {
            Some(below) if !below.is_empty() => [below, b"/"].concat(),
            _ => Vec::new(),
        };
        let base = match (below, &place) {
            (Some(below), Some(place)) if !prefix.is_empty() => base(&given, below, &place.work_tree),
            _ => given,
        };
        Self { absolute, is_folder, place, prefix, base }
    }

    /// Where paths are from, safe to print.
    pub fn shown(&self) -> String {
        let base = bytes_of(&self.base);
        if base.is_empty() { ".".to_owned() } else { path::escape(base) }
    }

    /// The root's own path; empty for where paths are from.
    pub fn path(&self) -> Vec<u8> {
        if self.is_folder {
            return self.prefix.strip_suffix(b"/").unwrap_or(&self.prefix).to_vec();
        }
        let name = self.absolute.file_name().unwrap_or_default();
        [&self.prefix, bytes_of(Path::new(name))].concat()
    }

    /// Whether a path is the root's, or of something in it.
    pub fn holds(&self, path: &[u8]) -> bool {
        if self.is_folder { path.starts_with(&self.prefix) } else { path == self.path() }
    }
}

/// The work tree as seen from here: the given folder, which is `below` it, without these parts.
fn base(given: &Path, below: &Path, work_tree: &Path) -> PathBuf {
    let mut base: PathBuf = given.components().filter(|part| *part != Component::CurDir).collect();
    let mut parts = below.components().rev();
    let mut left = 0;
    for part in parts.by_ref() {
        left = 1;
        if base.components().next_back() != Some(part) {
            break;
        }
        base.pop();
        left = 0;
    }
    for _ in 0..left + parts.count() {
        base.push("..");
    }
    let here = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    // Where links are in between, taking away a part is not going up.
    if fs::canonicalize(here).is_ok_and(|found| found == work_tree) { base } else { work_tree.to_owned() }
}

/// The root of the work tree that a file or folder is in. None: it is in no repository, or there is no such file.
pub fn work_tree_of(path: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(path).ok()?;
    let folder = if absolute.is_dir() { &absolute } else { absolute.parent()? };
    Place::discover(folder).ok()?.map(|place| place.work_tree)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testing::{git, write};
    use super::*;

    fn root(given: &Path) -> Root {
        let absolute = Root::find(given).unwrap();
        let place = work_tree_of(given).and_then(|tree| Place::of_work_tree(&tree).unwrap());
        Root::new(given, absolute, place)
    }

    #[test]
    fn paths_are_from_the_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        git(&top, &["init", "-q"]);
        write(&top, "a/b/f", "");
        symlink("a/b", top.join("link")).unwrap();
        for (given, prefix, path) in [
            ("", "", ""),
            ("a", "a/", "a"),
            ("a/b/", "a/b/", "a/b"),
            ("./a/./b", "a/b/", "a/b"),
            ("a/b/..", "a/", "a"),
            ("link", "a/b/", "a/b"),
            ("a/b/f", "a/b/", "a/b/f"),
            ("link/f", "a/b/", "a/b/f"),
        ] {
            let root = root(&top.join(given));
            assert_eq!(root.prefix, prefix.as_bytes(), "{given}");
            assert_eq!(root.path(), path.as_bytes(), "{given}");
            let base = PathBuf::from(root.shown());
            assert_eq!(base.canonicalize().unwrap(), top, "{given}: {}", base.display());
        }
        assert_eq!(root(&top.join("a/b")).shown(), top.to_str().unwrap());
        assert!(root(&top.join("a/b")).holds(b"a/b/x") && !root(&top.join("a/b")).holds(b"a/bx"));
        assert!(root(&top.join("a/b/f")).holds(b"a/b/f") && !root(&top.join("a/b/f")).holds(b"a/b/g"));
        assert_eq!(work_tree_of(&top.join("a/b/f")), Some(top.clone()));
        assert_eq!(work_tree_of(&top.join("nothing")), None);
    }

    #[test]
    fn seen_from_inside_it_is_above() {
        // This package is a folder of its repository, and tests run in it.
        let Some(top) = work_tree_of(Path::new(".")) else { return };
        let here = Path::new(".").canonicalize().unwrap();
        let depth = here.strip_prefix(&top).unwrap().components().count();
        assert_eq!(root(Path::new(".")).shown(), vec![".."; depth].join("/"));
        assert_eq!(root(Path::new("src/source")).shown(), vec![".."; depth].join("/"));
    }

    #[test]
    fn outside_of_a_repository_paths_are_from_what_was_given() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a/f", "");
        let (folder, file) = (root(&dir.path().join("a")), root(&dir.path().join("a/f")));
        let a = dir.path().join("a");
        assert_eq!((folder.prefix.len(), folder.shown().as_str()), (0, a.to_str().unwrap()));
        assert_eq!((file.path(), file.shown().as_str()), (b"f".to_vec(), a.to_str().unwrap()));
        assert_eq!(work_tree_of(&a), None);
    }
}
