//! What one archive on disk may cost, with all that is nested in it: counted here, and nowhere refunded.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

/// How far archives are opened. The defaults let through what people really pack, and stop what was made to
/// fill a disk: the densest honest text shrinks to about a hundredth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Archives inside one another that are opened; the one on disk is the first. A compressed tar is one.
    pub depth: u32,
    /// Bytes that one archive on disk may unpack to, those of nested archives and of what is thrown away included.
    pub expanded: u64,
    /// Entries in one archive on disk, those of nested archives, links and folders included.
    pub entries: u64,
    /// Unpacked bytes for each byte on disk.
    pub ratio: u64,
    /// Unpacked bytes from which on the ratio counts: what is small does no harm.
    pub ratio_from: u64,
    /// Size of an archive on disk. It is streamed, so it may be larger than any other file that is read.
    pub size: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { depth: 8, expanded: 1 << 30, entries: 100_000, ratio: 200, ratio_from: 32 << 20, size: 1 << 30 }
    }
}

/// A limit that was hit. What it was is told by [`fmt::Display`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`ArchiveLimits::expanded`].
    Expanded(u64),
    /// [`ArchiveLimits::entries`].
    Entries(u64),
    /// [`ArchiveLimits::ratio`].
    Ratio(u64),
    /// The window that a zstd stream asks for, in bytes, is larger than [`MAX_WINDOW`](super::MAX_WINDOW).
    Window(u64),
    /// The run is over; whoever ended it says so.
    Stopped,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expanded(bytes) => write!(f, "it unpacks to more than {bytes} bytes"),
            Self::Entries(entries) => write!(f, "it has more than {entries} entries"),
            Self::Ratio(ratio) => write!(f, "it unpacks to more than {ratio} times its size"),
            Self::Window(bytes) => write!(f, "its zstd stream asks for a window of {bytes} bytes"),
            Self::Stopped => f.write_str("the run is over"),
        }
    }
}

/// What is left of the limits for one archive on disk.
pub struct Budget<'s> {
    limits: ArchiveLimits,
    /// Of the archive on disk.
    size: u64,
    /// Whether the run is over.
    stop: &'s dyn Fn() -> bool,
    expanded: Cell<u64>,
    entries: Cell<u64>,
    hit: Cell<Option<Limit>>,
    /// Where a member is unpacked: one for all levels, empty while it is in use.
    pub(super) scratch: Cell<Vec<u8>>,
    /// What is read at once, on its way there.
    pub(super) portion: Cell<Vec<u8>>,
}

impl<'s> Budget<'s> {
    /// Nothing used yet. `stop` is asked often, and ends everything by saying yes.
    pub fn new(limits: ArchiveLimits, size: u64, stop: &'s dyn Fn() -> bool) -> Self {
        Self {
            limits,
            size,
            stop,
            expanded: Cell::new(0),
            entries: Cell::new(0),
            hit: Cell::new(None),
            scratch: Cell::default(),
            portion: Cell::default(),
        }
    }

    /// The limits that it was made of.
    pub fn limits(&self) -> &ArchiveLimits {
        &self.limits
    }

    /// The first limit that was hit. From then on nothing is unpacked any more.
    pub fn hit(&self) -> Option<Limit> {
        self.hit.get()
    }

    /// Unpacked so far.
    pub fn expanded(&self) -> u64 {
        self.expanded.get()
    }

    pub(super) fn exhaust(&self, limit: Limit) -> io::Error {
        if self.hit.get().is_none() {
            self.hit.set(Some(limit));
        }
        io::Error::other("a limit was hit")
    }

    /// Accounts for unpacked bytes.
    pub(super) fn charge(&self, bytes: u64) -> io::Result<()> {
        let expanded = self.expanded.get().saturating_add(bytes);
        self.expanded.set(expanded);
        let limits = &self.limits;
        if expanded > limits.expanded {
            return Err(self.exhaust(Limit::Expanded(limits.expanded)));
        }
        if expanded > limits.ratio_from && expanded / limits.ratio.max(1) > self.size {
            return Err(self.exhaust(Limit::Ratio(limits.ratio)));
        }
        if (self.stop)() {
            return Err(self.exhaust(Limit::Stopped));
        }
        Ok(())
    }

    /// Accounts for an entry of whatever kind.
    pub(super) fn entry(&self) -> io::Result<()> {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > self.limits.entries {
            return Err(self.exhaust(Limit::Entries(self.limits.entries)));
        }
        self.charge(0)
    }
}

/// A reader of unpacked bytes, accounted for in small portions.
pub(super) struct Charged<'b, 's, R> {
    pub inner: R,
    pub budget: &'b Budget<'s>,
}

impl<R: Read> Read for Charged<'_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = buf.len().min(super::PORTION);
        let got = self.inner.read(&mut buf[..room])?;
        self.budget.charge(got as u64)?;
        Ok(got)
    }
}
