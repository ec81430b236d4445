//! Archives: from the bytes of one to the files in it, one at a time.
//!
//! In comes an [`Input`] whose [`Format`] was recognised by its bytes, out go [`Found`]s through a sink, and at the
//! end what was damaged. Nothing here knows where an archive came from or what becomes of its members, and
//! nothing is written to disk. An archive inside is a member like any other: who takes it calls [`expand`] again
//! with the same [`Budget`].
//!
//! Everything in an archive is a stranger's word. Sizes are never believed, names are made harmless, a directory
//! that points at the same bytes twice is refused, and what is unpacked is accounted for while it is. At any time
//! one member is in memory.

mod budget;
mod gzip;
mod name;
mod recognise;
mod recover;
mod stream;
mod tar;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod zip;
mod zstd;

pub use budget::{ArchiveLimits, Budget, Limit};
pub use recognise::{Format, is_named_like_one, recognise, recognise_input};

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;

use self::budget::Charged;
use self::name::Names;

/// The largest window of a zstd stream: what the decoder has to keep in memory.
pub const MAX_WINDOW: u64 = 128 << 20;

/// Read and accounted for at once.
const PORTION: usize = 64 << 10;

/// Where an archive's bytes are.
pub enum Input<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In an open file, which is streamed.
    File {
        /// Open for reading.
        file: &'a File,
        /// In bytes.
        size: u64,
    },
}

/// What is found in an archive.
#[derive(Debug)]
pub enum Found<'m> {
    /// A file with its bytes.
    File(Member<'m>),
    /// Left out, and why.
    Left(Left),
}

/// A file in an archive.
#[derive(Debug)]
pub struct Member<'m> {
    /// Inside the archive, safe to print; no two are the same.
    pub path: String,
    /// Permission bits, owner, group, where the archive has them.
    pub stat: Option<(u32, u32, u32)>,
    /// All of it; the part before the damage where the archive is damaged.
    pub bytes: &'m [u8],
}

/// A member that is left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    /// Inside the archive, safe to print.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a member is left out.
#[derive(Debug, PartialEq, Eq)]
pub enum Why {
    /// Larger than a file may be.
    TooLarge {
        /// In bytes, as unpacked.
        size: u64,
    },
    /// A symbolic or hard link; what it leads to, safe to print.
    Link(String),
    /// A FIFO, a socket or a device.
    Special,
    /// It needs a password.
    Encrypted,
    /// Packed in a way that is not supported, by its name.
    Method(String),
}

/// Takes what is found. `Break` ends it.
pub type Sink<'s> = dyn FnMut(Found<'_>) -> ControlFlow<()> + 's;

/// Unpacks an archive into the sink. `path` is the archive's own, for the name of the single file in a `.gz`;
/// members larger than `max_file` are left out. Gives back what is to be said of damage; whether a limit was hit
/// the budget knows.
pub fn expand(
    input: &Input<'_>,
    format: Format,
    path: &str,
    max_file: u64,
    budget: &Budget<'_>,
    sink: &mut Sink<'_>,
) -> Option<String> {
    let mut walk = Walk { path, max_file, budget, sink, names: Names::default(), damage: None, is_over: false };
    match (format, input) {
        (Format::Zip, Input::Bytes(bytes)) => zip::expand(*bytes, bytes.len() as u64, &mut walk),
        (Format::Zip, Input::File { file, size }) => zip::expand(zip::OpenFile(file), *size, &mut walk),
        (_, Input::Bytes(bytes)) => streamed(format, &mut &**bytes, &mut walk),
        (_, Input::File { file, .. }) => {
            let mut start = *file;
            match io::Seek::seek(&mut start, io::SeekFrom::Start(0)) {
                Ok(_) => streamed(format, &mut start, &mut walk),
                Err(error) => walk.damaged("", &error),
            }
        }
    }
    walk.damage.map(Damage::say)
}

fn streamed(format: Format, reader: &mut dyn Read, walk: &mut Walk<'_, '_, '_>) {
    let mut reader = io::BufReader::with_capacity(PORTION, reader);
    match format {
        Format::Gzip => stream::expand(gzip::Reader::new(reader), walk),
        Format::Zstd => stream::expand(zstd::Reader::new(reader, walk.budget), walk),
        Format::Tar | Format::Zip => tar::expand(&mut reader, walk),
    }
}

/// What went wrong in one archive: the first thing in words, the others as a number.
struct Damage {
    first: String,
    more: u32,
}

impl Damage {
    fn say(self) -> String {
        if self.more == 0 { self.first } else { format!("{}, and {} more like that", self.first, self.more) }
    }
}

/// The way through one archive.
struct Walk<'w, 'b, 's> {
    /// The archive's own path.
    path: &'w str,
    max_file: u64,
    budget: &'w Budget<'b>,
    sink: &'w mut Sink<'s>,
    names: Names,
    damage: Option<Damage>,
    /// Whoever takes the members wants no more.
    is_over: bool,
}

/// How the reading of a member ended.
struct Filled {
    /// Unpacked, also what was not kept.
    size: u64,
    /// Of all unpacked bytes.
    crc: u32,
    error: Option<io::Error>,
}

impl Walk<'_, '_, '_> {
    /// Whether to stop here: a limit was hit, or nobody wants more.
    fn is_done(&self) -> bool {
        self.is_over || self.budget.hit().is_some()
    }

    /// One entry more, of whatever kind. False: it is one too many.
    fn enter(&mut self) -> bool {
        !self.is_done() && self.budget.entry().is_ok()
    }

    /// Notes damage, at a member where `name` is not empty. What a limit ended is no damage.
    fn damaged(&mut self, name: &str, what: &dyn std::fmt::Display) {
        if self.budget.hit().is_some() {
            return;
        }
        if let Some(damage) = &mut self.damage {
            damage.more += 1;
        } else {
            let what = super::path::shorten(what.to_string().as_bytes(), 200);
            let first = if name.is_empty() { what } else { format!("`{name}`: {what}") };
            self.damage = Some(Damage { first, more: 0 });
        }
    }

    fn leave(&mut self, path: String, why: Why) {
        self.is_over |= (self.sink)(Found::Left(Left { path, why })).is_break();
    }

    /// Reads a member to its end and hands it over, or what there is of it before the damage. Bytes are accounted
    /// for here, unless the reader does it itself.
    fn member(&mut self, path: String, stat: Option<(u32, u32, u32)>, reader: &mut dyn Read) -> Filled {
        // Taken, not borrowed: whoever gets the member may unpack it in turn.
        let mut bytes = self.budget.scratch.take();
        bytes.clear();
        let mut portion = self.budget.portion.take();
        portion.resize(PORTION, 0);
        let filled = fill(reader, self.max_file, &mut portion, &mut bytes);
        self.budget.portion.set(portion);
        if filled.size > self.max_file {
            self.leave(path, Why::TooLarge { size: filled.size });
        } else if !bytes.is_empty() || filled.error.is_none() {
            self.is_over |= (self.sink)(Found::File(Member { path, stat, bytes: &bytes })).is_break();
        }
        // A deeper level has left its own here in the meantime; the larger one stays.
        let other = self.budget.scratch.take();
        self.budget.scratch.set(if other.capacity() > bytes.capacity() { other } else { bytes });
        filled
    }
}

/// Reads to the end; what is above `max` is read and thrown away.
fn fill(reader: &mut dyn Read, max: u64, portion: &mut [u8], bytes: &mut Vec<u8>) -> Filled {
    let mut crc = rawzip::Crc32::new();
    let mut size = 0;
    let error = loop {
        match reader.read(portion) {
            Ok(0) => break None,
            Ok(got) => {
                crc.update(&portion[..got]);
                size += got as u64;
                if size <= max {
                    bytes.extend_from_slice(&portion[..got]);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(error),
        }
    };
    Filled { size, crc: crc.checksum(), error }
}
