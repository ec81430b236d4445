//! Trees: the files of a commit by their paths.

use std::collections::HashMap;

use gix::hash::{Kind, ObjectId};

use super::{MAX_ALLOCATION, Objects, Reader};

/// Git's mode of a folder in a tree.
pub const TREE: u16 = 0o040_000;
/// Git's mode of a symbolic link.
pub const LINK: u16 = 0o120_000;
/// Git's mode of a submodule; its object is a commit of another repository.
pub const SUBMODULE: u16 = 0o160_000;

/// Whether a mode is a plain file's, executable or not. Old versions of git wrote others than the two of today.
pub fn is_file(mode: u16) -> bool {
    mode & 0o170_000 == 0o100_000
}

/// How much of one tree is read. A tree may name the same folder many times on each of many levels, so that a
/// handful of objects stands for more files than there are atoms.
#[derive(Debug, Clone, Copy)]
struct Limits {
    files: usize,
    /// Each costs a look into the database. The largest repositories that are known have a fifth of this.
    folders: usize,
}

const LIMITS: Limits = Limits { files: 2_000_000, folders: 200_000 };

/// Bytes of all paths of one tree, as much as an index may have.
const MAX_PATHS: usize = 256 << 20;

/// Folders in folders; git's own limit.
const MAX_DEPTH: usize = 2048;

/// Mode and object of a file.
pub type Version = (u16, ObjectId);

impl Objects {
    /// The entries of a tree: name, mode, object.
    pub fn tree(&self, id: ObjectId, buf: &mut Vec<u8>) -> Result<Vec<(Vec<u8>, u16, ObjectId)>, String> {
        self.reader().tree(id, buf)
    }
}

impl Reader {
    /// The entries of a tree: name, mode, object.
    pub fn tree(&self, id: ObjectId, buf: &mut Vec<u8>) -> Result<Vec<(Vec<u8>, u16, ObjectId)>, String> {
        match self.read_into(id, MAX_ALLOCATION as u64, buf).map_err(|error| error.to_string())? {
            gix::objs::Kind::Tree => {}
            other => return Err(format!("object {id} is a {other} and no tree")),
        }
        gix::objs::TreeRefIter::from_bytes(buf, Kind::Sha1)
            .map(|entry| {
                let entry = entry.map_err(|error| format!("tree {id}: {error:#}"))?;
                Ok((entry.filename.to_vec(), entry.mode.value(), entry.oid.to_owned()))
            })
            .collect()
    }
}

/// What a tree has at a path: a file, a link, a submodule or a folder. None: nothing.
pub fn file_at(objects: &Objects, tree: ObjectId, path: &[u8]) -> Result<Option<Version>, String> {
    let reader = objects.reader();
    let mut buf = Vec::new();
    let mut at = (TREE, tree);
    for part in path.split(|b| *b == b'/') {
        if at.0 != TREE {
            return Ok(None);
        }
        let found = reader.tree(at.1, &mut buf)?.into_iter().find(|(name, ..)| name == part);
        let Some((_, mode, id)) = found else { return Ok(None) };
        at = (mode, id);
    }
    Ok(Some(at))
}

/// All that is no folder in a tree, by its path.
pub fn flatten(objects: &Objects, tree: ObjectId) -> Result<HashMap<Vec<u8>, Version>, String> {
    flatten_within(objects, tree, LIMITS)
}

fn flatten_within(objects: &Objects, tree: ObjectId, limits: Limits) -> Result<HashMap<Vec<u8>, Version>, String> {
    let reader = objects.reader();
    let mut buf = Vec::new();
    let mut files = HashMap::new();
    let (mut opened, mut bytes) = (0_usize, 0_usize);
    let mut folders = vec![(Vec::new(), 0, tree)];
    while let Some((folder, depth, id)) = folders.pop() {
        opened += 1;
        for (name, mode, id) in reader.tree(id, &mut buf)? {
            if matches!(name[..], [] | [b'.'] | [b'.', b'.']) || name.iter().any(|b| matches!(b, b'/' | 0)) {
                return Err(format!("tree {id} has a file whose name is none"));
            }
            bytes += folder.len() + name.len();
            if files.len() > limits.files || opened > limits.folders || bytes > MAX_PATHS || depth > MAX_DEPTH {
                let files = files.len();
                return Err(format!("tree {tree} is too large: {files} files, {opened} folders, {depth} levels deep"));
            }
            let mut path = [&folder[..], &name].concat();
            if mode == TREE {
                path.push(b'/');
                folders.push((path, depth + 1, id));
            } else {
                files.insert(path, (mode, id));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::super::super::testing::{git, write};
    use super::super::{Place, resolve};
    use super::*;

    #[test]
    fn files_by_their_paths() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        git(root, &["init", "-q"]);
        for path in ["a", "b/c", "b/d/e", "caf\u{e9}/f"] {
            write(root, path, path);
        }
        std::os::unix::fs::symlink("a", root.join("link")).unwrap();
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", "all"]);
        let place = Place::discover(root).unwrap().unwrap();
        let objects = Objects::open(&place).unwrap();
        let commit = resolve(&place, &objects, "HEAD").unwrap();
        let tree = objects.reader().commit(commit, &mut Vec::new()).unwrap().tree;
        let files = flatten(&objects, tree).unwrap();
        let mut paths: Vec<_> = files.keys().map(|path| String::from_utf8_lossy(path)).collect();
        paths.sort();
        assert_eq!(paths, ["a", "b/c", "b/d/e", "caf\u{e9}/f", "link"]);
        assert!(files[&b"link"[..]].0 == LINK && is_file(files[&b"a"[..]].0));
        for (path, version) in &files {
            assert_eq!(file_at(&objects, tree, path).unwrap(), Some(*version));
        }
        let (mode, id) = file_at(&objects, tree, b"b/d/e").unwrap().unwrap();
        assert!(is_file(mode));
        assert_eq!(objects.blob(id, 5).unwrap(), b"b/d/e");
        assert!(objects.blob(id, 4).is_err() && objects.blob(tree, 1000).is_err());
        assert_eq!(file_at(&objects, tree, b"b/d").unwrap().unwrap().0, TREE);
        for path in ["", "/", "b/", "/a", "a/x", "b/../a", "nothing", "link/x"] {
            assert_eq!(file_at(&objects, tree, path.as_bytes()).unwrap(), None, "{path}");
        }
    }

    /// A tree of these lines, unchecked.
    fn make(root: &std::path::Path, lines: &str) -> ObjectId {
        let mut command = Command::new("git");
        let made = command.args(["mktree", "--missing"]).current_dir(root).env_remove("GIT_DIR");
        let mut made = made.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut made.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        let out = made.wait_with_output().unwrap().stdout;
        ObjectId::from_hex(out.trim_ascii()).unwrap()
    }

    #[test]
    fn a_tree_that_stands_for_more_files_than_there_are_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q"]);
        let limits = Limits { files: 20_000, folders: 1_000 };
        let empty = make(dir.path(), "");
        for leaf in [format!("040000 tree {empty}"), format!("100644 blob {}", "1".repeat(40))] {
            let mut line = leaf;
            for _ in 0..9 {
                let all: Vec<_> = (0..100).map(|n| format!("{line}\t{n}")).collect();
                line = format!("040000 tree {}", make(dir.path(), &(all.join("\n") + "\n")));
            }
            let objects = Objects::open(&Place::discover(dir.path()).unwrap().unwrap()).unwrap();
            let error =
                flatten_within(&objects, ObjectId::from_hex(&line.as_bytes()[12..]).unwrap(), limits).unwrap_err();
            assert!(error.contains("too large"), "{error}");
        }
    }
}
