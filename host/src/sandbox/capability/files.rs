//! `files`: reading the file at hand, and others inside the grants.

use std::sync::Arc;

use wasmtime::component::Resource;

use crate::sandbox::bindings::scanhost::plugin::files::{Anchor, Error, Host, HostFile, Kind, Stat};
use crate::sandbox::state::{FileData, FileHandle, OpenFile, State};

/// What one `read` may copy; a guest that wants more asks again.
const READ_MAX: u64 = 32 << 20;

impl Host for State {
    fn open(&mut self, path: String) -> wasmtime::Result<Result<Resource<FileHandle>, Error>> {
        self.open_granted(&path)
    }
}

impl HostFile for State {
    fn path(&mut self, file: Resource<FileHandle>) -> wasmtime::Result<String> {
        Ok(self.opened(&file)?.data.path.clone())
    }

    fn size(&mut self, file: Resource<FileHandle>) -> wasmtime::Result<u64> {
        Ok(self.opened(&file)?.data.bytes.len() as u64)
    }

    fn read(&mut self, file: Resource<FileHandle>, offset: u64, len: u32) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        let bytes = &self.opened(&file)?.data.bytes;
        let size = bytes.len() as u64;
        let start = offset.min(size);
        let end = offset.saturating_add(u64::from(len).min(READ_MAX)).min(size);
        Ok(Ok(bytes[start as usize..end as usize].to_vec()))
    }

    fn anchors(&mut self, file: Resource<FileHandle>, start: u32, max: u32) -> wasmtime::Result<Vec<Anchor>> {
        let hits = &self.opened(&file)?.hits;
        let from = (start as usize).min(hits.len());
        let to = from.saturating_add(max as usize).min(hits.len());
        Ok(hits[from..to].iter().map(|hit| Anchor { id: hit.anchor, offset: hit.offset }).collect())
    }

    fn stat(&mut self, file: Resource<FileHandle>) -> wasmtime::Result<Option<Stat>> {
        self.batch.asked.stat = true;
        let stat = self.opened(&file)?.data.stat.as_ref();
        Ok(stat.map(|s| Stat { kind: Kind::Regular, mode: s.mode, uid: s.uid, gid: s.gid, link: None }))
    }

    fn sibling(
        &mut self,
        file: Resource<FileHandle>,
        path: String,
    ) -> wasmtime::Result<Result<Resource<FileHandle>, Error>> {
        self.batch.asked.other = true;
        let own = self.opened(&file)?.data.path.clone();
        match resolve(&own, &path) {
            Some(target) => self.open_granted(&target),
            None => Ok(Err(Error::Denied(format!("`{path}` leads out of the root")))),
        }
    }

    fn provenance(&mut self, file: Resource<FileHandle>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.opened(&file)?.data.provenance.clone())
    }

    fn drop(&mut self, file: Resource<FileHandle>) -> wasmtime::Result<()> {
        self.handles.retain(|rep| *rep != file.rep());
        self.table.delete(file)?;
        Ok(())
    }
}

impl State {
    /// The file of a handle, as long as its call lasts.
    fn opened(&self, file: &Resource<FileHandle>) -> wasmtime::Result<&OpenFile> {
        let stale = || wasmtime::format_err!("it used a file after the call that the file was given to");
        self.table.get(file)?.open.as_ref().ok_or_else(stale)
    }

    fn open_granted(&mut self, path: &str) -> wasmtime::Result<Result<Resource<FileHandle>, Error>> {
        self.batch.asked.other = true;
        let shared = Arc::clone(&self.shared);
        let Some(path) = resolve("", path) else {
            return Ok(Err(Error::Denied(format!("`{path}` leads out of the root"))));
        };
        if !shared.read.is_match(&path) {
            let id = &shared.manifest.id;
            return Ok(Err(Error::Denied(format!(
                "`allow.read` of [plugins.{id}] in scan.toml does not cover `{path}`"
            ))));
        }
        if self.handles.len() > shared.limits.open_files {
            return Ok(Err(Error::Limit(format!("more than {} files are open", shared.limits.open_files))));
        }
        let Some(entry) = shared.source.as_ref().and_then(|source| source.lookup(&path)) else {
            return Ok(Err(Error::NotFound(format!("there is no file `{path}`"))));
        };
        let mut bytes = Vec::new();
        if let Err(error) = entry.read_into(shared.max_file, &mut bytes) {
            return Ok(Err(Error::Failed(format!("cannot read `{path}`: {error}"))));
        }
        let data = FileData { path: entry.path, bytes, stat: entry.stat, provenance: entry.provenance };
        Ok(Ok(self.give(OpenFile { data: Arc::new(data), hits: Arc::from([]) })?))
    }
}

/// `path` as seen from the folder of `from`, without `.` and `..`; none when it leads above the root or is absolute.
fn resolve(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.is_empty() {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn paths_stay_inside_the_root() {
        assert_eq!(resolve("a/b.txt", "c.txt").as_deref(), Some("a/c.txt"));
        assert_eq!(resolve("a/b.txt", "../c/./d").as_deref(), Some("c/d"));
        assert_eq!(resolve("a/b.txt", "../../c"), None);
        assert_eq!(resolve("a/b.txt", "/etc/passwd"), None);
        assert_eq!(resolve("", "x//y").as_deref(), Some("x/y"));
        assert_eq!(resolve("a/b", ".."), None);
    }
}
