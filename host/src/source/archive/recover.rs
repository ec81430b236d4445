//! A zip without a usable directory, cut off for the most part: members are read one after the other by the
//! header before each, as far as it goes. What is found is scanned; that the archive is damaged is said anyway.

use std::io::BufReader;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, RangeReader, ReaderAt};

use super::{Charged, Walk, Why, name};

/// The fixed part of a member's header.
const HEADER: usize = 30;

/// Reads members until something is no member.
pub fn expand<R: ReaderAt + Copy>(reader: R, size: u64, walk: &mut Walk<'_, '_, '_>) {
    let mut at = 0;
    while let Some(header) = Header::read(reader, at) {
        if !walk.enter() {
            return;
        }
        let Some(next) = member(reader, &header, size, walk) else { return };
        if walk.is_done() {
            return;
        }
        at = next;
    }
}

/// Unpacks one. None: where the next one begins is not known.
fn member<R: ReaderAt + Copy>(reader: R, header: &Header, size: u64, walk: &mut Walk<'_, '_, '_>) -> Option<u64> {
    let path = name::of_zip(&header.name);
    let end = header.data.saturating_add(header.packed);
    if header.name.ends_with(b"/") {
        return (!header.is_open()).then_some(end);
    }
    let path = walk.names.distinct(path);
    if header.flags & 1 != 0 {
        walk.leave(path, Why::Encrypted);
        return (!header.is_open()).then_some(end);
    }
    let budget = walk.budget;
    // The header may promise bytes behind the archive's end, and may be the last thing in it.
    let limit = if header.is_open() { size } else { end.min(size) };
    let packed = RangeReader::new(reader, header.data..limit.max(header.data));
    match header.method {
        CompressionMethod::STORE if !header.is_open() => {
            walk.member(path, None, &mut Charged { inner: packed, budget });
            Some(end)
        }
        CompressionMethod::DEFLATE => {
            let mut decoder = DeflateDecoder::new(BufReader::new(packed));
            let filled = walk.member(path, None, &mut Charged { inner: &mut decoder, budget });
            if !header.is_open() {
                return Some(end);
            }
            if filled.error.is_some() {
                return None;
            }
            after_descriptor(reader, header.data + decoder.total_in())
        }
        CompressionMethod::STORE => None,
        other => {
            walk.leave(path, Why::Method(name::of_method(other)));
            (!header.is_open()).then_some(end)
        }
    }
}

/// The sizes stand after a member that was written as a stream: with a signature or without, in 4 or in 8 bytes.
fn after_descriptor<R: ReaderAt>(reader: R, at: u64) -> Option<u64> {
    [16, 24, 12, 20].into_iter().map(|len| at + len).find(|next| Header::is_at(&reader, *next))
}

/// What stands before a member.
struct Header {
    flags: u16,
    method: CompressionMethod,
    packed: u64,
    name: Vec<u8>,
    /// Where its bytes begin.
    data: u64,
}

impl Header {
    fn is_at<R: ReaderAt>(reader: &R, at: u64) -> bool {
        let mut start = [0; 4];
        reader.read_exact_at(&mut start, at).is_ok() && start == *b"PK\x03\x04"
    }

    fn read<R: ReaderAt>(reader: R, at: u64) -> Option<Self> {
        let mut fixed = [0; HEADER];
        reader.read_exact_at(&mut fixed, at).ok().filter(|()| fixed.starts_with(b"PK\x03\x04"))?;
        let two = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let four = |at: usize| u64::from(two(at)) | u64::from(two(at + 2)) << 16;
        let (name_len, extra_len) = (two(26), two(28));
        let mut name = vec![0; usize::from(name_len)];
        reader.read_exact_at(&mut name, at + HEADER as u64).ok()?;
        let data = at + HEADER as u64 + u64::from(name_len) + u64::from(extra_len);
        Some(Self { flags: two(6), method: CompressionMethod::new(two(8)), packed: four(18), name, data })
    }

    /// Its size is only known at its end.
    fn is_open(&self) -> bool {
        self.flags & 8 != 0 || self.packed == u64::from(u32::MAX)
    }
}
