//! Files that a policy names, as the base has them: the change cannot have touched those.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gix::hash::ObjectId;

use crate::plan::{PolicyFile, PolicyFiles, read_file};
use crate::source::git::{self, Objects, bytes_of};

/// How many links may lead to each other.
const MAX_LINKS: usize = 8;

/// The longest target of a link.
const MAX_LINK_BYTES: u64 = 4096;

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
        match self.entry(path)? {
            None => Ok(None),
            Some((mode, id)) if git::tree::is_file(mode) => self.blob(id, max).map(Some),
            Some(_) => Err(io::Error::other("it is no regular file there")),
        }
    }

    /// The same, and a link is followed as the commit has it, to a file in its own folder or below.
    pub fn linked(&self, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut at = path.to_owned();
        for _ in 0..MAX_LINKS {
            match self.entry(&at)? {
                Some((git::tree::LINK, id)) => {
                    let target = self.blob(id, MAX_LINK_BYTES)?;
                    let beside = at.parent().unwrap_or(Path::new("")).join(OsStr::from_bytes(&target));
                    at = without_dots(&beside)
                        .filter(|to| to.starts_with(folder))
                        .ok_or_else(|| io::Error::other("it is a link that leads out of its folder there"))?;
                }
                None if at != path => return Err(io::Error::other("it is a link to no file there")),
                _ => return self.tracked(&at, max),
            }
        }
        Err(io::Error::other("it is a link to a link to a link there"))
    }

    fn entry(&self, path: &Path) -> io::Result<Option<(u16, ObjectId)>> {
        git::tree::file_at(&self.objects, self.tree, bytes_of(path)).map_err(io::Error::other)
    }

    fn blob(&self, id: ObjectId, max: u64) -> io::Result<Vec<u8>> {
        self.objects.blob(id, max).map_err(|error| io::Error::other(error.to_string()))
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

/// Where a path that was given to this process is in the work tree, by its name: what a link in the work tree leads to,
/// a change may have chosen. Links on the way to the work tree are followed. None: it is not in there, and leads to
/// nothing in there.
pub fn place_in(work_tree: &Path, path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    let above: Vec<&Path> = whole.ancestors().skip(1).collect();
    // The outermost folder that is the work tree: one further in may be a link that leads back to it.
    let root = above.into_iter().rev().find(|folder| folder.canonicalize().is_ok_and(|real| real == work_tree));
    let by_name = root.and_then(|root| whole.strip_prefix(root).ok()).and_then(without_dots);
    by_name.or_else(|| whole.canonicalize().ok()?.strip_prefix(work_tree).ok().map(Path::to_owned))
}

/// A relative path without its dots. None: it leads out of where it starts, or to nowhere but there.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !out.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!out.as_os_str().is_empty()).then_some(out)
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
    #[test]
    fn a_path_is_where_its_name_says_whatever_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let tree = root.join("tree");
        std::fs::create_dir_all(tree.join("ci")).unwrap();
        std::fs::write(tree.join("ci/lax.toml"), "").unwrap();
        std::fs::write(root.join("own.toml"), "").unwrap();
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
        link("ci/lax.toml", "tree/scan.toml");
        link(".", "tree/loop");
        link("tree", "way");
        link("tree/ci/lax.toml", "into.toml");
        let at = |path: &str| place_in(&tree, &root.join(path)).map(|path| path.display().to_string());
        assert_eq!(at("tree/scan.toml").as_deref(), Some("scan.toml"));
        assert_eq!(at("way/scan.toml").as_deref(), Some("scan.toml"));
        assert_eq!(at("way/ci/../ci/lax.toml").as_deref(), Some("ci/lax.toml"));
        assert_eq!(at("tree/loop/scan.toml").as_deref(), Some("loop/scan.toml"));
        assert_eq!(at("tree/none.toml").as_deref(), Some("none.toml"));
        assert_eq!(at("own.toml"), None);
        assert_eq!(at("tree/../own.toml"), None);
        assert_eq!(at("into.toml").as_deref(), Some("ci/lax.toml"));
    }
}
