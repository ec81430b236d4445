//! What kind of archive some bytes are. The bytes decide; a name only says where it is worth to look twice.

use std::io;

use memchr::memmem;

use super::Input;

/// How an archive is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Zip, and what is one by another name: jar, whl, apk, docx.
    Zip,
    /// Tar: ustar, pax, GNU, the old form.
    Tar,
    /// Gzip, of a tar or of one file.
    Gzip,
    /// Zstandard, of a tar or of one file.
    Zstd,
}

/// The first bytes that [`recognise`] needs.
const HEAD: usize = 512;

/// How far from its end a zip's directory is looked for: the record and the longest comment.
const TAIL: usize = 22 + 65_535;

/// The record at the end of a zip.
const ZIP_END: &[u8] = b"PK\x05\x06";

/// Names that are given to archives. A file that is too large to be read like any other is opened when it has
/// one of them, and so is a file that no plugin asks for.
const NAMES: &[&str] = &[
    "zip", "jar", "war", "ear", "aar", "whl", "egg", "apk", "aab", "ipa", "xpi", "crx", "vsix", "nupkg", "docx",
    "xlsx", "pptx", "odt", "ods", "odp", "epub", "tar", "tgz", "tzst", "gz", "gzip", "zst", "zstd", "gem", "crate",
];

/// Whether a path has the name of an archive.
pub fn is_named_like_one(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(_, end)| NAMES.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// What the bytes of a file are, if an archive. For nearly all files this compares four bytes at the start and
/// four near the end, and looks whether `ustar` stands where a tar has it.
pub fn recognise(bytes: &[u8], path: &str) -> Option<Format> {
    of_head(bytes, path).or_else(|| is_zip_at_end(bytes, path).then_some(Format::Zip))
}

/// The same for what is not in memory.
pub fn recognise_input(input: &Input<'_>, path: &str) -> io::Result<Option<Format>> {
    let Input::File { file, size } = input else {
        let Input::Bytes(bytes) = input else { return Ok(None) };
        return Ok(recognise(bytes, path));
    };
    let part = |len: usize, at: u64| {
        let mut part = vec![0; usize::try_from(*size).unwrap_or(usize::MAX).min(len)];
        std::os::unix::fs::FileExt::read_exact_at(*file, &mut part, at).map(|()| part)
    };
    let found = of_head(&part(HEAD, 0)?, path);
    if found.is_some() {
        return Ok(found);
    }
    let tail = part(TAIL, size.saturating_sub(TAIL as u64))?;
    Ok(is_zip_at_end(&tail, path).then_some(Format::Zip))
}

fn of_head(head: &[u8], path: &str) -> Option<Format> {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
        // Deflate is the only method, and three of the flags are reserved.
        [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Format::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
        // A frame to be skipped, which may come first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if is_named_like_one(path) => Some(Format::Zstd),
        head => is_tar(head, is_named_like_one(path)).then_some(Format::Tar),
    }
}

/// Whether a block is a tar's header: the magic, or by name, and in any case its sum.
pub(super) fn is_tar(head: &[u8], named: bool) -> bool {
    let Some(block) = head.get(..HEAD) else { return false };
    if !named && &block[257..262] != b"ustar" {
        return false;
    }
    let digits = block[148..156].trim_ascii_start();
    let digits = &digits[..digits.iter().take_while(|b| b.is_ascii_digit()).count()];
    let stated = std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 8).ok());
    let rest = block[..148].iter().chain(&block[156..]);
    stated == Some(rest.map(|b| u32::from(*b)).sum::<u32>() + 8 * 32)
}

/// A zip may have anything before it: a program that unpacks it, for one.
fn is_zip_at_end(bytes: &[u8], path: &str) -> bool {
    let Some(at) = bytes.len().checked_sub(22) else { return false };
    if bytes[at..].starts_with(ZIP_END) && bytes[at + 20..] == [0, 0] {
        return true;
    }
    is_named_like_one(path) && memmem::rfind(&bytes[bytes.len().saturating_sub(TAIL)..], ZIP_END).is_some()
}
