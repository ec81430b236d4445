//! Tar, read from front to back: ustar, pax, GNU, the old form; sparse files with their holes.

use std::cell::Cell;
use std::io::{self, Read};

use tar::{Archive, EntryType};

use super::{Walk, Why, name};
use crate::source::path;

/// Bytes that may stand before a member beside its header: long names, pax records, the list of a sparse file's
/// parts. The library keeps them in memory.
const MAX_HEADERS: u64 = 1 << 20;

/// A block of a tar.
const BLOCK: u64 = 512;

/// How much of a link's target is repeated.
const MAX_TARGET: usize = 512;

/// Unpacks a tar as it lies on disk.
pub fn expand(reader: &mut dyn Read, walk: &mut Walk<'_, '_, '_>) {
    let budget = walk.budget;
    expand_charged(&mut super::Charged { inner: reader, budget }, walk);
}

/// Unpacks a tar whose bytes are accounted for where they come from.
pub fn expand_charged(reader: &mut dyn Read, walk: &mut Walk<'_, '_, '_>) {
    let place = Place::default();
    let mut archive = Archive::new(Watched { reader, place: &place });
    // Nothing was read yet, so this does not fail.
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return walk.damaged("", &error),
    };
    place.limit.set(MAX_HEADERS);
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return walk.damaged("", &error),
        };
        if !walk.enter() {
            return;
        }
        let kind = entry.header().entry_type();
        let raw = if kind == EntryType::GNUSparse { entry.header().entry_size() } else { Ok(entry.size()) };
        let data = entry.raw_file_position().saturating_add(raw.unwrap_or(u64::MAX));
        place.limit.set(u64::MAX);
        member(&mut entry, kind, &place, walk);
        if walk.is_done() {
            return;
        }
        place.limit.set(data.max(place.at.get()).saturating_add(BLOCK + MAX_HEADERS));
    }
    if place.ended.get() && !walk.is_done() {
        walk.damaged("", &"it ends without the mark of its end; something may be cut off");
    }
}

fn member(entry: &mut tar::Entry<'_, impl Read>, kind: EntryType, place: &Place, walk: &mut Walk<'_, '_, '_>) {
    let bytes = entry.path_bytes().into_owned();
    let path = name::inner(&bytes);
    match kind {
        EntryType::Directory | EntryType::XGlobalHeader => return,
        // The old form's folders.
        EntryType::Regular if bytes.ends_with(b"/") && entry.size() == 0 => return,
        EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default();
            let path = walk.names.distinct(path);
            return walk.leave(path, Why::Link(format!("to {}", path::shorten(&target, MAX_TARGET))));
        }
        // One may have its data with it.
        EntryType::Link if entry.size() == 0 => {
            let target = entry.link_name_bytes().unwrap_or_default();
            let path = walk.names.distinct(path);
            return walk.leave(path, Why::Link(format!("hard, to {}", path::shorten(&target, MAX_TARGET))));
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            let path = walk.names.distinct(path);
            return walk.leave(path, Why::Special);
        }
        // What is not known is a file to everybody.
        _ => {}
    }
    let header = entry.header();
    let id = |id: io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    let stat = header.mode().ok().map(|mode| (mode & 0o7777, id(header.uid()), id(header.gid())));
    let path = walk.names.distinct(path);
    let stated = entry.size();
    let budget = walk.budget;
    let mut holes = Holes { reader: entry, place, last: place.at.get(), budget };
    let filled = walk.member(path.clone(), stat, &mut holes);
    match filled.error {
        Some(error) => walk.damaged(&path, &error),
        None if filled.size < stated => walk.damaged(&path, &"it is cut off"),
        None => {}
    }
}

/// Where the reading of a tar is.
#[derive(Default)]
struct Place {
    /// Bytes read.
    at: Cell<u64>,
    /// Bytes that may be read before the next member.
    limit: Cell<u64>,
    /// Nothing more came.
    ended: Cell<bool>,
}

/// The bytes of a tar, with an eye on how many are read.
struct Watched<'r, 'p> {
    reader: &'r mut dyn Read,
    place: &'p Place,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.place.limit.get().saturating_sub(self.place.at.get());
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the headers of one member are longer than 1 MiB"));
        }
        let room = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = self.reader.read(&mut buf[..room])?;
        self.place.at.set(self.place.at.get() + got as u64);
        self.place.ended.set(got == 0 && !buf.is_empty());
        Ok(got)
    }
}

/// A member's bytes. The holes of a sparse file cost nothing in the tar, so they are accounted for here.
struct Holes<'p, 'b, 's, R> {
    reader: R,
    place: &'p Place,
    last: u64,
    budget: &'b super::Budget<'s>,
}

impl<R: Read> Read for Holes<'_, '_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.reader.read(buf)? as u64;
        let at = self.place.at.get();
        self.budget.charge(got.saturating_sub(at - self.last))?;
        self.last = at;
        Ok(got as usize)
    }
}
