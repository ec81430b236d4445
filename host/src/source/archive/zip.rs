//! Zip, by its directory at the end; without one, by what stands before each member, see `recover`.
//!
//! The directory is a stranger's word. Two entries over the same bytes, by which a small file unpacks to any
//! size, are refused; sizes and checksums are compared with what comes out, and what comes out is handed over
//! either way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};

use flate2::bufread::DeflateDecoder;
use rawzip::{
    CompressionMethod, CreatorSystem, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive, ZipFileHeaderRecord,
    ZipLocator,
};

use super::{Charged, Walk, Why, name, recover, zstd};

/// Records that look like the directory's end and are none, before it is given up: a comment may hold some.
const FALSE_ENDS: usize = 8;

/// What deflate makes of nothing.
const EMPTY: u64 = 2;

/// The longest target of a link.
const MAX_TARGET: u64 = 4096;

/// The kind of a file in Unix's mode, and two of them.
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFLNK: u32 = 0o120_000;

/// Compressed bytes that are read at once.
const BUFFER: usize = 16 << 10;

/// An open file, read at any place.
#[derive(Clone, Copy)]
pub struct OpenFile<'f>(pub &'f File);

impl ReaderAt for OpenFile<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self.0, buf, offset)
    }
}

/// Unpacks a zip of so many bytes.
pub fn expand<R: ReaderAt + Copy>(reader: R, size: u64, walk: &mut Walk<'_, '_, '_>) {
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    match locate(reader, size, &mut buffer) {
        Ok(archive) => listed(&archive, size, &mut buffer, walk),
        Err(error) => {
            recover::expand(reader, size, walk);
            walk.damaged("", &format!("its directory is missing or broken: {error}"));
        }
    }
}

fn locate<R: ReaderAt + Copy>(reader: R, size: u64, buffer: &mut [u8]) -> Result<ZipArchive<R>, rawzip::Error> {
    let mut end = size;
    for _ in 1..FALSE_ENDS {
        match ZipLocator::new().locate_in_reader(reader, buffer, end) {
            Ok(archive) => return Ok(archive),
            Err((_, error)) => match error.eocd_offset() {
                Some(at) if at < end => end = at,
                _ => return Err(error),
            },
        }
    }
    ZipLocator::new().locate_in_reader(reader, buffer, end).map_err(|(_, error)| error)
}

fn listed<R: ReaderAt + Copy>(archive: &ZipArchive<R>, size: u64, buffer: &mut [u8], walk: &mut Walk<'_, '_, '_>) {
    let mut taken = Taken::default();
    let mut count = 0_u64;
    let mut entries = archive.entries(buffer);
    loop {
        match entries.next_entry() {
            Ok(Some(record)) => {
                count += 1;
                if !walk.enter() {
                    return;
                }
                entry(archive, &record, &mut taken, walk);
            }
            Ok(None) => break,
            Err(error) => {
                if count == 0 {
                    recover::expand(archive.get_ref(), size, walk);
                }
                return walk.damaged("", &format!("its directory is broken after {count} entries: {error}"));
            }
        }
        if walk.is_done() {
            return;
        }
    }
    let stated = archive.entries_hint();
    // The short form of the record counts to 65,535, and tools let it run over.
    if stated & 0xffff != count & 0xffff {
        walk.damaged("", &format!("its directory has {count} entries and says {stated}"));
    }
}

fn entry<R: ReaderAt>(
    archive: &ZipArchive<R>,
    record: &ZipFileHeaderRecord<'_>,
    taken: &mut Taken,
    walk: &mut Walk<'_, '_, '_>,
) {
    let path = name::of_zip(record.file_path().as_bytes());
    let mode = record.mode().value();
    let stated = record.uncompressed_size_hint();
    // Only Unix's tools look at the kind; to all others everything is a file. So nothing of substance is passed
    // over on its word: no folder has bytes, and no link leads to a path of more than this.
    if (record.is_dir() || mode & S_IFMT == S_IFDIR) && stated == 0 && record.compressed_size_hint() <= EMPTY {
        return;
    }
    let is_link = mode & S_IFMT == S_IFLNK && stated <= MAX_TARGET;
    let path = walk.names.distinct(path);
    let found = match archive.get_entry(record.wayfinder()) {
        Ok(found) => found,
        Err(error) => return walk.damaged(&path, &error),
    };
    if !taken.take(record.local_header_offset(), found.compressed_data_range().1) {
        return walk.damaged(&path, &"its bytes are another entry's, too");
    }
    let flags = record.flags();
    let method = record.compression_method();
    if is_link {
        return walk.leave(path, Why::Link(String::new()));
    }
    if flags.is_encrypted() || flags.has_strong_encryption() || method == CompressionMethod::AES {
        return walk.leave(path, Why::Encrypted);
    }
    let unix = matches!(record.version_made_by().creator_system(), CreatorSystem::UNIX | CreatorSystem::MACOS);
    let stat = (unix && mode != 0).then_some((mode & 0o7777, 0, 0));
    let packed = BufReader::with_capacity(BUFFER, found.reader());
    let budget = walk.budget;
    let filled = match method {
        CompressionMethod::STORE => walk.member(path.clone(), stat, &mut Charged { inner: packed, budget }),
        CompressionMethod::DEFLATE => {
            walk.member(path.clone(), stat, &mut Charged { inner: DeflateDecoder::new(packed), budget })
        }
        CompressionMethod::ZSTD => {
            let inner = zstd::Reader::new(packed, budget);
            walk.member(path.clone(), stat, &mut Charged { inner, budget })
        }
        other => return walk.leave(path, Why::Method(name::of_method(other))),
    };
    if let Some(error) = filled.error {
        walk.damaged(&path, &error);
    } else if filled.size != stated {
        walk.damaged(&path, &format!("it has {} bytes and says {stated}", filled.size));
    } else if filled.crc != record.crc32() {
        walk.damaged(&path, &"its checksum does not match");
    }
}

/// What of an archive belongs to entries that were met already.
#[derive(Default)]
struct Taken {
    /// Ends, by their starts.
    ranges: BTreeMap<u64, u64>,
}

impl Taken {
    /// False: some of it is taken.
    fn take(&mut self, start: u64, end: u64) -> bool {
        let before = self.ranges.range(..=start).next_back().is_none_or(|(_, end)| *end <= start);
        let after = self.ranges.range(start..).next().is_none_or(|(start, _)| *start >= end);
        let free = before && after && start < end;
        if free {
            self.ranges.insert(start, end);
        }
        free
    }
}
