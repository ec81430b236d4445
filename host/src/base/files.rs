//! Files that a policy names, as the base has them: the change cannot have touched those.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gix::hash::ObjectId;

use crate::plan::{PolicyFile, PolicyFiles, read_file};
use crate::source::git::{self, Objects, bytes_of};

/// The files of one commit, and of the disk where the commit has none.
pub struct AtCommit {
    objects: Arc<Objects>,
    tree: ObjectId,
    work_tree: PathBuf,
    /// The folder of `scan.toml`, from the work tree's root.
    folder: PathBuf,
}

impl AtCommit {
    /// `folder` is where the paths that are asked for start, from the work tree's root.
    pub fn new(objects: Arc<Objects>, tree: ObjectId, work_tree: &Path, folder: &Path) -> Self {
        Self { objects, tree, work_tree: work_tree.to_owned(), folder: folder.to_owned() }
    }

    /// A file that the commit has, by its path from the work tree's root. None: it has none there.
    pub fn tracked(&self, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
        let found = git::tree::file_at(&self.objects, self.tree, bytes_of(path)).map_err(io::Error::other)?;
        let Some((mode, id)) = found else { return Ok(None) };
        if !git::tree::is_file(mode) {
            return Err(io::Error::other("it is no regular file there"));
        }
        self.objects.blob(id, max).map(Some).map_err(|error| io::Error::other(error.to_string()))
    }
}

impl PolicyFiles for AtCommit {
    fn read(&self, path: &Path, max: u64) -> io::Result<Option<PolicyFile>> {
        let whole = self.work_tree.join(&self.folder).join(path);
        let Some(inside) = inside(&self.work_tree, &whole) else {
            // Outside the repository: whoever set up the machine put it there, no change did.
            let bytes = read_file(&whole, max)?;
            return Ok(bytes.map(|bytes| PolicyFile { bytes, from_head: false }));
        };
        if let Some(bytes) = self.tracked(&inside, max)? {
            return Ok(Some(PolicyFile { bytes, from_head: false }));
        }
        Ok(read_file(&whole, max)?.map(|bytes| PolicyFile { bytes, from_head: true }))
    }
}

/// A path without its dots, from the work tree's root. None: it leads out of it. Links are not followed: what a
/// link in the work tree leads to, a change may have chosen.
fn inside(work_tree: &Path, path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    let rest = out.strip_prefix(work_tree).ok()?;
    (!rest.as_os_str().is_empty()).then(|| PathBuf::from(OsStr::from_bytes(bytes_of(rest))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_inside_or_it_is_not() {
        let at = |path: &str| inside(Path::new("/w/t"), Path::new(path)).map(|p| p.display().to_string());
        assert_eq!(at("/w/t/a/../b/./c").as_deref(), Some("b/c"));
        assert_eq!(at("/w/t/../x"), None);
        assert_eq!(at("/w/t/a/../../../x"), None);
        assert_eq!(at("/w/tx/a"), None);
        assert_eq!(at("/w/t"), None);
    }
}
