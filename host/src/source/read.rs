//! Reading one entry's bytes: at most so many, never waiting for anybody, never through a symbolic link.
//!
//! What was a file when it was listed may be a FIFO, a link or twice as large when it is opened. So nothing
//! is believed but the open file itself.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Content, Entry, archive};
use crate::outcome::{SkipReason, Skipped};

/// Why an entry could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is larger than allowed. Where a file says less than it holds, the size is what was read of it.
    #[error("{size} bytes, the limit is {limit}")]
    TooLarge {
        /// In bytes.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// It has become a symbolic link, a FIFO, a socket, a device or a folder since it was listed.
    #[error("is no regular file any more")]
    NotRegular,
    /// It is gone.
    #[error("vanished before it was read")]
    Vanished,
    /// The system, or the git object database, refused.
    #[error("{0}")]
    Unreadable(io::Error),
}

impl ReadError {
    /// How a report tells it.
    pub fn skipped(&self, path: &str) -> Skipped {
        let reason = match self {
            Self::TooLarge { .. } => SkipReason::TooLarge,
            Self::NotRegular => SkipReason::SpecialFile,
            Self::Vanished => SkipReason::Vanished,
            Self::Unreadable(_) => SkipReason::Unreadable,
        };
        let detail = super::path::shorten(self.to_string().as_bytes(), super::MAX_DETAIL);
        Skipped { path: path.to_owned(), reason, detail }
    }
}

impl From<Errno> for ReadError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR => Self::Vanished,
            // A symbolic link, a socket, a device without a driver.
            Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::ISDIR => Self::NotRegular,
            other => Self::Unreadable(other.into()),
        }
    }
}

impl Entry {
    /// Replaces what is in `buf`, which keeps its capacity from file to file, with the entry's bytes.
    /// After an error the buffer holds nothing of use.
    pub fn read_into(&self, max: u64, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        buf.clear();
        match &self.content {
            Content::Disk(path) => read_file(path, max, buf),
            Content::Bytes(bytes) => {
                check(bytes.len() as u64, max)?;
                buf.extend_from_slice(bytes);
                Ok(())
            }
            Content::Git(blob) => blob.read_into(max, buf),
        }
    }

    /// The bytes where they lie already; None: use [`Entry::read_into`].
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Content::Bytes(bytes) = &self.content { Some(bytes) } else { None }
    }
}

pub(super) fn check(size: u64, limit: u64) -> Result<(), ReadError> {
    if size > limit { Err(ReadError::TooLarge { size, limit }) } else { Ok(()) }
}

/// How large a file of this path may be: what has the name of an archive is unpacked piece by piece, and may be
/// larger than what is read as a whole.
pub(super) fn limit(path: &str, max_size: u64, max_archive: u64) -> u64 {
    if max_archive > max_size && archive::is_named_like_one(path) { max_archive } else { max_size }
}

/// Opens a regular file, and tells its size.
pub fn open_file(path: &Path) -> Result<(File, u64), ReadError> {
    // Without NONBLOCK the opening of a FIFO waits for a writer; on regular files it does nothing.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(ReadError::NotRegular);
    }
    Ok((file.into(), u64::try_from(stat.st_size).unwrap_or(0)))
}

/// Appends a regular file's bytes: one open, one fstat and, if the file is what it says, one read.
pub(super) fn read_file(path: &Path, max: u64, buf: &mut Vec<u8>) -> Result<(), ReadError> {
    let (file, size) = open_file(path)?;
    check(size, max)?;
    // One byte more than there should be, so that a single read fills it only if the file has grown. The
    // first reservation is by the file's own word, but no sparse terabyte passes the check above.
    let mut room = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
    loop {
        if buf.try_reserve(room).is_err() {
            return Err(ReadError::Unreadable(io::ErrorKind::OutOfMemory.into()));
        }
        let free = buf.capacity() - buf.len();
        let got = match rustix::io::read(&file, spare_capacity(buf)) {
            Ok(got) => got,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let len = buf.len() as u64;
        check(len, max)?;
        // A short read that ends where the file said it would is the end; files of /proc say 0, and are
        // read until nothing comes.
        if got == 0 || (got < free && len == size) {
            return Ok(());
        }
        room = 64 << 10;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    fn entry(path: impl Into<PathBuf>) -> Entry {
        let content = Content::Disk(path.into());
        Entry { path: "x".into(), size: 0, stat: None, provenance: vec![], content, in_scope: true }
    }

    #[test]
    fn reads_whole_files_into_a_reused_buffer() {
        let dir = tempfile::tempdir().unwrap();
        let mut buf = Vec::new();
        for size in [0, 1, 4095, 4096, 200_000, 3] {
            let path = dir.path().join("f");
            fs::write(&path, vec![b'a'; size]).unwrap();
            entry(&path).read_into(200_000, &mut buf).unwrap();
            assert_eq!(buf.len(), size);
        }
    }

    #[test]
    fn the_limit_is_inclusive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, b"12345").unwrap();
        let mut buf = Vec::new();
        entry(&path).read_into(5, &mut buf).unwrap();
        let error = entry(&path).read_into(4, &mut buf).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge { size: 5, limit: 4 }), "{error:?}");
        assert_eq!(error.skipped("p").detail, "5 bytes, the limit is 4");
    }

    #[test]
    fn a_file_that_lies_about_its_size_is_read_up_to_the_limit() {
        let mut buf = Vec::new();
        entry("/proc/self/status").read_into(1 << 20, &mut buf).unwrap();
        assert!(buf.starts_with(b"Name:"));
        let error = entry("/proc/self/status").read_into(10, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge { limit: 10, .. }), "{error:?}");
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let socket = dir.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        for path in [fifo, socket, link, dir.path().to_owned(), PathBuf::from("/dev/zero")] {
            let error = entry(&path).read_into(100, &mut Vec::new()).unwrap_err();
            assert!(matches!(error, ReadError::NotRegular), "{}: {error:?}", path.display());
        }
    }

    #[test]
    fn gone_and_too_long() {
        let dir = tempfile::tempdir().unwrap();
        let error = entry(dir.path().join("no/such")).read_into(100, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, ReadError::Vanished), "{error:?}");
        let error = entry(format!("/{}", "a/".repeat(3000))).read_into(100, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, ReadError::Unreadable(_)), "{error:?}");
    }
}
