//! A file of the source: in a component a handle of the host's, natively one of the test kit's files in
//! memory. A scanner cannot tell which.

use crate::{Error, Labels};

#[cfg(target_family = "wasm")]
use crate::guest::Handle;
#[cfg(not(target_family = "wasm"))]
use crate::testkit::Handle;

/// An occurrence of one of the manifest's anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anchor {
    /// Index into the manifest's list of anchors.
    pub id: u32,
    /// Where it starts. In UTF-16 the first byte of the first code unit. In base64 the first character
    /// all of whose six bits are bits of the anchor: where the anchor starts at the first, second or third
    /// byte of a group of three, that is the first, third or fourth character of the group of four.
    pub offset: u64,
}

/// What kind of entry a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device.
    Device,
    /// A named pipe.
    Fifo,
    /// Known from a lower layer or an older commit only.
    Deleted,
}

/// What the source knows of a file beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// What kind of entry.
    pub entry: Entry,
    /// Permission bits, set-uid, set-gid and sticky included.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// A symbolic link's target, as stored.
    pub link: Option<String>,
}

/// How much [`File::read_all`] asks for at once; a file up to this size crosses in one call.
const CHUNK: u32 = 16 << 20;

/// How many anchors are asked for at once.
const PAGE: u32 = 1 << 16;

/// One file of a tree, a commit, an image or an archive.
#[derive(Debug)]
pub struct File {
    handle: Handle,
}

impl File {
    /// For the generated exports and the test kit.
    #[doc(hidden)]
    pub fn from_handle(handle: Handle) -> Self {
        Self { handle }
    }

    /// Relative to the source's root, `/` between the parts; safe to print.
    pub fn path(&self) -> String {
        self.handle.path()
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.handle.size()
    }

    /// Up to `len` bytes from `offset`; fewer only at the end.
    pub fn read(&self, offset: u64, len: u32) -> Result<Vec<u8>, Error> {
        self.handle.read(offset, len)
    }

    /// The whole file.
    pub fn read_all(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = self.read(0, CHUNK)?;
        while (bytes.len() as u64) < self.size() {
            let more = self.read(bytes.len() as u64, CHUNK)?;
            if more.is_empty() {
                return Err(Error::Failed("the file ended before its size was reached".into()));
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    /// All occurrences of the manifest's anchors, in order of their offset.
    pub fn anchors(&self) -> Vec<Anchor> {
        let mut all = self.handle.anchors(0, PAGE);
        let mut last = all.len();
        while last == PAGE as usize {
            let page = self.handle.anchors(all.len() as u32, PAGE);
            last = page.len();
            all.extend(page);
        }
        all
    }

    /// `max` of the anchors from index `start`; fewer: these were the last.
    pub fn anchors_from(&self, start: u32, max: u32) -> Vec<Anchor> {
        self.handle.anchors(start, max)
    }

    /// None where the source keeps no such facts.
    pub fn stat(&self) -> Option<Stat> {
        self.handle.stat()
    }

    /// Another file of the same source, `path` as written in this file's folder. The call is not cached then.
    pub fn sibling(&self, path: &str) -> Result<Self, Error> {
        self.handle.sibling(path).map(Self::from_handle)
    }

    /// Where the file comes from: `layer`, `instruction`, `commit`, `archive`.
    pub fn provenance(&self) -> Labels {
        self.handle.provenance()
    }

    /// A file by its path from the source's root, inside the grants. Not in the test kit.
    pub fn open(path: &str) -> Result<Self, Error> {
        Handle::open(path).map(Self::from_handle)
    }
}
