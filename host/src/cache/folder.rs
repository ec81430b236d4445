//! The folder that the shards are in: whether it may be used, reading from it, and writing so that nobody ever
//! reads half a file.
//!
//! Everything happens below a handle of the folder and never through a symbolic link. The folder is its owner's
//! only, and one that git tracks is refused: somebody committed a cache, and then whoever writes a pull request
//! writes what their changes are judged by.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::source::tracked_below;

/// How long a run waits for others that write at the same moment. Then what it learnt is lost, which harms nobody.
const PATIENCE: Duration = Duration::from_millis(500);

/// Files that were not written for so long are removed. A shard in use is written once a week at least.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// Temporary files of runs that were killed.
const LEFT_OVER: Duration = Duration::from_hours(24);

/// Of all shards together; the oldest go.
const MAX_FOLDER: u64 = 512 << 20;

/// What a shard's file is called after its key.
const SHARD: &str = ".shard";

/// A file before it has its name.
const TEMPORARY: &str = ".tmp";

/// So that git neither lists nor commits the folder's files.
const GITIGNORE: &str = "*\n";

/// Marks a folder as a cache.
const TAG: &str = "CACHEDIR.TAG";

/// So that backups leave the folder out; the first line is the mark that they look for.
const CACHEDIR: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Results of scanhost. May be removed at any time.\n";

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Exit code 2: the user has to decide.
    #[error(
        "the cache folder `{path}` has files that git tracks, and a cache that comes with a commit can hide findings; \
         remove them (`git rm -r --cached`), or name another folder with --cache-dir, or use --no-cache"
    )]
    Tracked {
        /// The folder.
        path: String,
    },
    /// The run goes on without.
    #[error("the cache folder `{path}` is not used: {why}")]
    Unusable {
        /// The folder.
        path: String,
        /// Why not.
        why: String,
    },
}

/// A folder that may be used.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Folder {
    /// Opens a folder, or makes it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let shown = || crate::source::path::escape(path.as_os_str().as_encoded_bytes());
        let unusable = |why: String| FolderError::Unusable { path: shown(), why };
        make(path).map_err(|error| unusable(error.to_string()))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| {
            unusable(match error {
                Errno::NOTDIR | Errno::LOOP => "it is no folder, or a symbolic link".to_owned(),
                other => std::io::Error::from(other).to_string(),
            })
        })?;
        let stat = rustix::fs::fstat(&handle).map_err(|error| unusable(std::io::Error::from(error).to_string()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(unusable("it belongs to another user".to_owned()));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(unusable(format!(
                "others may write it (mode {:o}); allow it to its owner only: chmod 700",
                stat.st_mode & 0o7777
            )));
        }
        match tracked_below(path) {
            Ok(false) => {}
            Ok(true) => return Err(FolderError::Tracked { path: shown() }),
            Err(why) => return Err(unusable(format!("whether git tracks it cannot be told: {why}"))),
        }
        let folder = Self { path: path.to_owned(), handle };
        // A project's root would be told to be ignored by git.
        if !folder.is_ours().map_err(|error| unusable(error.to_string()))? {
            return Err(unusable("it holds other files; name a folder that is its own".to_owned()));
        }
        Ok(folder)
    }

    /// Whether the folder is one of ours, or empty; then it is marked as one.
    fn is_ours(&self) -> std::io::Result<bool> {
        if rustix::fs::statat(&self.handle, TAG, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Ok(true);
        }
        if std::fs::read_dir(&self.path)?.next().is_some() {
            // Unless another run has just made it.
            return Ok(rustix::fs::statat(&self.handle, TAG, AtFlags::SYMLINK_NOFOLLOW).is_ok());
        }
        // The tag comes first: a folder with anything in it has it. Where nothing can be written there is nothing to read
        // either, and the run hears of it when it wants to write.
        let _ = self.put(TAG, CACHEDIR).and_then(|()| self.put(".gitignore", GITIGNORE));
        Ok(true)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a shard's file begins with these bytes.
    pub fn begins(&self, name: &str, head: &[u8]) -> bool {
        let Some((file, _)) = self.file(name) else { return false };
        let mut bytes = Vec::new();
        file.take(head.len() as u64).read_to_end(&mut bytes).is_ok() && bytes == head
    }

    /// A shard's bytes, at most so many. None: there is none.
    pub fn read(&self, name: &str, max: usize) -> Option<Vec<u8>> {
        let (file, size) = self.file(name)?;
        if size > max {
            return None;
        }
        let mut bytes = Vec::with_capacity(size + 1);
        file.take(max as u64 + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A shard's file and its size.
    fn file(&self, name: &str) -> Option<(File, usize)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, format!("{name}{SHARD}"), flags, Mode::empty()).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        let size = usize::try_from(stat.st_size).ok()?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_regular.then(|| (File::from(file), size))
    }

    /// Runs `write` while no other run writes. None: others took too long, or the folder is read-only.
    pub fn locked<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let lock = rustix::fs::openat(&self.handle, "lock", flags, Mode::RUSR | Mode::WUSR).ok()?;
        let since = Instant::now();
        while let Err(error) = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK || since.elapsed() > PATIENCE {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Closing the file lets go of the lock.
        Some(write())
    }

    /// Replaces a shard at once. Only inside [`locked`](Self::locked).
    pub fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        // Who restores a cache may have left them out.
        self.put(".gitignore", GITIGNORE)?;
        let temporary = format!("{name}.{}{TEMPORARY}", std::process::id());
        let done = self.create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            Ok(rustix::fs::renameat(&self.handle, &temporary, &self.handle, format!("{name}{SHARD}"))?)
        });
        if done.is_err() {
            let _ = rustix::fs::unlinkat(&self.handle, &temporary, AtFlags::empty());
        }
        done
    }

    /// Removes a shard, if there is one.
    pub fn remove(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.handle, format!("{name}{SHARD}"), AtFlags::empty());
    }

    /// Removes what nobody used for a month, what is left of killed runs, and the oldest of what is too much. Only
    /// files that are called like ours.
    pub fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return };
        let now = SystemTime::now();
        let mut shards = Vec::new();
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let age = metadata.modified().ok().and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
            if !metadata.is_file() || !is_ours(&name) {
                continue;
            }
            if name.ends_with(TEMPORARY) {
                if age > LEFT_OVER {
                    let _ = rustix::fs::unlinkat(&self.handle, &name, AtFlags::empty());
                }
            } else {
                shards.push((age, metadata.len(), name));
            }
        }
        shards.sort();
        let mut total = 0;
        for (age, size, name) in shards {
            total += size;
            if age > UNUSED || total > MAX_FOLDER {
                let _ = rustix::fs::unlinkat(&self.handle, &name, AtFlags::empty());
            }
        }
    }

    /// Writes a small file if it is not there.
    fn put(&self, name: &str, text: &str) -> std::io::Result<()> {
        match self.create(name) {
            Ok(mut file) => file.write_all(text.as_bytes()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> std::io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?))
    }
}

/// The folder where none is asked for: `$XDG_CACHE_HOME/scanhost`, or `~/.cache/scanhost`. None: neither is known.
pub fn default_folder() -> Option<PathBuf> {
    let get = |name| std::env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let base = get("XDG_CACHE_HOME").or_else(|| Some(get("HOME")?.join(".cache")))?;
    Some(base.join("scanhost"))
}

/// Makes a folder for its owner only, those above it as usual.
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if std::fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        // Another run was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// `<32 hexadecimal digits>.shard`, and the same with what a temporary file has behind it.
fn is_ours(name: &str) -> bool {
    let Some((key, rest)) = name.split_at_checked(32) else { return false };
    let digits = key.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits && (rest == SHARD || (rest.starts_with('.') && rest.ends_with(TEMPORARY)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    const NAME: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn files_are_their_owners_and_there_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.read(NAME, 100), None);
        folder.locked(|| folder.write(NAME, b"one").unwrap()).unwrap();
        folder.locked(|| folder.write(NAME, b"two").unwrap()).unwrap();
        assert_eq!(folder.read(NAME, 100).as_deref(), Some(&b"two"[..]));
        assert_eq!(folder.read(NAME, 2), None);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", entry.path());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, [".gitignore", &format!("{NAME}.shard"), "CACHEDIR.TAG", "lock"]);
        folder.remove(NAME);
        assert_eq!(folder.read(NAME, 100), None);
    }

    #[test]
    fn links_and_folders_of_others_are_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        Folder::open(&real).unwrap();
        let link = dir.path().join("link");
        symlink(&real, &link).unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [&link, &file, &file.join("below")] {
            let error = Folder::open(path).unwrap_err();
            assert!(matches!(error, FolderError::Unusable { .. }), "{error}");
        }
        fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Folder::open(&real).unwrap_err().to_string().contains("chmod 700"));
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::write(project.join("main.rs"), "").unwrap();
        let error = Folder::open(&project).unwrap_err();
        assert!(error.to_string().contains("holds other files"), "{error}");
        assert_eq!(fs::read_dir(&project).unwrap().count(), 1);
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        Folder::open(&empty).unwrap();
        Folder::open(&empty).unwrap();
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_file_is_no_shard() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("c")).unwrap();
        let shard = folder.path().join(format!("{NAME}.shard"));
        rustix::fs::mknodat(rustix::fs::CWD, &shard, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(folder.read(NAME, 100), None);
        fs::remove_file(&shard).unwrap();
        symlink("/etc/passwd", &shard).unwrap();
        assert_eq!(folder.read(NAME, 1 << 20), None);
        // A link is replaced, not followed.
        folder.write(NAME, b"x").unwrap();
        assert_eq!(folder.read(NAME, 100).as_deref(), Some(&b"x"[..]));
        assert!(fs::read("/etc/passwd").unwrap().len() > 1);
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_and_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("c")).unwrap();
        let other = Folder::open(&dir.path().join("c")).unwrap();
        let inner = folder.locked(|| other.locked(|| ())).unwrap();
        assert_eq!(inner, None);
        assert_eq!(other.locked(|| 1), Some(1));
    }

    #[test]
    fn what_is_old_is_removed_and_what_is_not_ours_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("c")).unwrap();
        let old = SystemTime::now() - UNUSED * 2;
        let other = NAME.replace('0', "f");
        let names = [
            format!("{NAME}.shard"),
            format!("{NAME}.77.tmp"),
            "notes.shard".to_owned(),
            format!("{NAME}.txt"),
            format!("{other}.shard"),
        ];
        for name in &names {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            if !name.starts_with(&other) {
                file.set_modified(old).unwrap();
            }
        }
        folder.tidy();
        let left: Vec<bool> = names.iter().map(|name| folder.path().join(name).exists()).collect();
        assert_eq!(left, [false, false, true, true, true]);
    }
}
