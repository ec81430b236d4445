//! What the tests of all formats share: making archives, good ones and hostile ones, and unpacking them.

use std::io::Write;
use std::ops::ControlFlow;

use super::{ArchiveLimits, Budget, Found, Input, Left, Limit, Why, expand, recognise};

/// What came of unpacking.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Paths and bytes, those of nested archives after their archive.
    pub files: Vec<(String, Vec<u8>)>,
    pub stats: Vec<Option<(u32, u32, u32)>>,
    pub left: Vec<Left>,
    /// Path and words.
    pub damage: Vec<(String, String)>,
    pub limit: Option<Limit>,
    pub expanded: u64,
    /// Archives that were not opened because they are too deep.
    pub deep: Vec<String>,
}

impl Unpacked {
    /// The paths of all files.
    pub fn paths(&self) -> Vec<&str> {
        self.files.iter().map(|(path, _)| path.as_str()).collect()
    }

    /// Whether something is said that makes a run incomplete.
    pub fn is_incomplete(&self) -> bool {
        !self.damage.is_empty() || self.limit.is_some() || !self.deep.is_empty()
    }

    /// A file's bytes as text.
    pub fn text(&self, path: &str) -> String {
        let found = self.files.iter().find(|(name, _)| name == path).unwrap_or_else(|| panic!("no {path}: {self:?}"));
        String::from_utf8_lossy(&found.1).into_owned()
    }

    /// The one member that was left out.
    pub fn only_left(&self) -> &Why {
        assert_eq!(self.left.len(), 1, "{self:?}");
        &self.left[0].why
    }
}

/// Unpacks bytes and what is nested in them.
pub fn unpack(path: &str, bytes: &[u8]) -> Unpacked {
    unpack_with(path, bytes, ArchiveLimits::default(), 16 << 20)
}

/// The same with other limits.
pub fn unpack_with(path: &str, bytes: &[u8], limits: ArchiveLimits, max_file: u64) -> Unpacked {
    let budget = Budget::new(limits, bytes.len() as u64, &|| false);
    let mut out = Unpacked::default();
    level(path, bytes, &budget, max_file, 1, &mut out);
    out.limit = budget.hit();
    out.expanded = budget.expanded();
    out
}

fn level(path: &str, bytes: &[u8], budget: &Budget<'_>, max_file: u64, depth: u32, out: &mut Unpacked) {
    let Some(format) = recognise(bytes, path) else { return };
    if depth > budget.limits().depth {
        out.deep.push(path.to_owned());
        return;
    }
    let damage = expand(&Input::Bytes(bytes), format, path, max_file, budget, &mut |found| {
        match found {
            Found::Left(left) => out.left.push(left),
            Found::File(member) => {
                assert!(member.bytes.len() as u64 <= max_file);
                let path = format!("{path}!/{}", member.path);
                out.files.push((path.clone(), member.bytes.to_vec()));
                out.stats.push(member.stat);
                level(&path, member.bytes, budget, max_file, depth + 1, out);
            }
        }
        ControlFlow::Continue(())
    });
    out.damage.extend(damage.map(|damage| (path.to_owned(), damage)));
}

/// An entry of a zip, and the lies about it.
#[derive(Clone)]
pub struct ZipEntry<'e> {
    pub name: &'e [u8],
    pub bytes: &'e [u8],
    pub method: u16,
    pub flags: u16,
    /// In the directory.
    pub crc: Option<u32>,
    /// In the directory.
    pub size: Option<u32>,
    /// In the directory.
    pub packed: Option<u32>,
    /// Of Unix.
    pub mode: u32,
    /// Not the bytes after the header, but those of the entry before.
    pub same_as_before: bool,
}

pub const STORED: u16 = 0;
pub const DEFLATED: u16 = 8;

impl<'e> ZipEntry<'e> {
    pub fn new(name: &'e str, bytes: &'e [u8]) -> Self {
        let (crc, size, packed) = (None, None, None);
        Self {
            name: name.as_bytes(),
            bytes,
            method: DEFLATED,
            flags: 0,
            crc,
            size,
            packed,
            mode: 0o100_644,
            same_as_before: false,
        }
    }
}

/// A zip of files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(&files.iter().map(|(name, bytes)| ZipEntry::new(name, bytes)).collect::<Vec<_>>())
}

/// A zip, as true as its entries.
pub fn zip_of(entries: &[ZipEntry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let mut last = (0_u32, Vec::new());
    let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    for entry in entries {
        let packed = match entry.method {
            _ if entry.same_as_before => last.1,
            DEFLATED => deflate(entry.bytes),
            93 => zstd(entry.bytes),
            _ => entry.bytes.to_vec(),
        };
        let crc = entry.crc.unwrap_or_else(|| rawzip::crc32(entry.bytes));
        // With bit 3 the sizes stand after the bytes.
        let is_open = entry.flags & 8 != 0;
        let known = |bytes: [u8; 4]| if is_open { [0; 4] } else { bytes };
        let descriptor = [crc.to_le_bytes(), four(packed.len()), four(entry.bytes.len())].concat();
        let start = if entry.same_as_before { last.0 } else { u32::try_from(out.len()).unwrap() };
        if !entry.same_as_before {
            out.extend(b"PK\x03\x04\x14\0");
            out.extend(entry.flags.to_le_bytes());
            out.extend(entry.method.to_le_bytes());
            out.extend([0; 4]);
            out.extend(known(crc.to_le_bytes()));
            out.extend(known(four(packed.len())));
            out.extend(known(four(entry.bytes.len())));
            out.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
            out.extend([0; 2]);
            out.extend(entry.name);
            out.extend(&packed);
            if is_open {
                out.extend([b"PK\x07\x08".as_slice(), &descriptor].concat());
            }
        }
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(entry.flags.to_le_bytes());
        directory.extend(entry.method.to_le_bytes());
        directory.extend([0; 4]);
        directory.extend(crc.to_le_bytes());
        directory.extend(entry.packed.map_or(four(packed.len()), u32::to_le_bytes));
        directory.extend(entry.size.map_or(four(entry.bytes.len()), u32::to_le_bytes));
        directory.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        directory.extend([0; 8]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(entry.name);
        last = (start, packed);
    }
    let at = four(out.len());
    let count = u16::try_from(entries.len() & 0xffff).unwrap().to_le_bytes();
    let size = four(directory.len());
    out.extend(directory);
    out.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &size, &at, &[0; 2]].concat());
    out
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A tar of files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o640);
        header.set_uid(1000);
        header.set_gid(100);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Bytes that do not shrink.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
