//! The custom section: writing it into a component, and reading it from bytes that nobody has checked.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use wasmparser::{Encoding, Parser, Payload};

use crate::model::{Manifest, Mistake};

/// Name of the custom section, at the top level of the component.
pub const SECTION: &str = "scanhost:manifest";

/// The largest section that is read.
const MAX_SECTION: usize = 8 << 20;

/// Why a component could not be packed, or its manifest not be read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not WebAssembly, or damaged.
    #[error("not a valid WebAssembly binary: {0}")]
    Wasm(#[from] wasmparser::BinaryReaderError),
    /// A core module.
    #[error("a core module, not a component; build for wasm32-wasip2, or wrap it with `wasm-tools component new`")]
    NotComponent,
    /// Nothing to read.
    #[error("it holds no manifest; pack it with `scanhost plugin pack`")]
    Missing,
    /// Two sections would let two readers see two manifests.
    #[error("it holds more than one manifest")]
    Twice,
    /// Larger than anything sensible.
    #[error("its manifest has {0} bytes, more than {MAX_SECTION}")]
    TooLarge(usize),
    /// The section is not the JSON that it should be.
    #[error("its manifest is malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// The section breaks a rule of the format.
    #[error("its manifest is not acceptable: {0}")]
    Mistake(#[from] Mistake),
}

/// The component with the manifest inside; a manifest that was there before is replaced.
pub fn pack(wasm: &[u8], manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    manifest.check()?;
    let mut out = strip(wasm)?;
    let data = serde_json::to_vec(manifest)?;
    if data.len() > MAX_SECTION {
        return Err(PackError::TooLarge(data.len()));
    }
    let section = wasm_encoder::CustomSection { name: SECTION.into(), data: data.into() };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut out);
    Ok(out)
}

/// Reads and checks the manifest of a packed component without running or compiling any of it.
pub fn read(wasm: &[u8]) -> Result<Manifest, PackError> {
    let mut found: Option<&[u8]> = None;
    for_each_section(wasm, |_, data| if found.replace(data).is_some() { Err(PackError::Twice) } else { Ok(()) })?;
    let data = found.ok_or(PackError::Missing)?;
    if data.len() > MAX_SECTION {
        return Err(PackError::TooLarge(data.len()));
    }
    let manifest: Manifest = serde_json::from_slice(data)?;
    manifest.check()?;
    Ok(manifest)
}

/// The name by which a plugin is pinned: `sha256:` and 64 hexadecimal digits over the packed component.
pub fn digest(wasm: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(wasm) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The component without our section.
fn strip(wasm: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut cut = Vec::new();
    for_each_section(wasm, |range, _| {
        cut.push(range);
        Ok(())
    })?;
    let mut out = Vec::with_capacity(wasm.len());
    let mut from = 0;
    for range in cut {
        out.extend_from_slice(&wasm[from..range.start]);
        from = range.end;
    }
    out.extend_from_slice(&wasm[from..]);
    Ok(out)
}

/// Calls `found` with the whole section's bytes (id and size included) and its data, for each of ours at
/// the top level; sections of nested modules and components are not ours.
fn for_each_section<'a>(
    wasm: &'a [u8],
    mut found: impl FnMut(std::ops::Range<usize>, &'a [u8]) -> Result<(), PackError>,
) -> Result<(), PackError> {
    let mut depth = 0_usize;
    let mut end = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding != Encoding::Component {
                    return Err(PackError::NotComponent);
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                let range = section.range();
                // The range covers name and data; before it stand the id, one byte, and the size in LEB128.
                let size = u32::try_from(range.len()).map_err(|_| PackError::TooLarge(range.len()))?;
                let header = 1 + leb_len(wasm, range.start, size);
                found(range.start - header..range.end, section.data())?;
                end = range.end;
            }
            _ => {}
        }
    }
    debug_assert!(end <= wasm.len());
    Ok(())
}

/// How many bytes the size before `start` takes. An encoder may pad LEB128 to five bytes, so it is read
/// backwards: continuation bytes have the high bit set, the last one has not.
fn leb_len(wasm: &[u8], start: usize, size: u32) -> usize {
    for len in 1..=5_usize {
        let Some(from) = start.checked_sub(len) else { break };
        let bytes = &wasm[from..start];
        let value = bytes.iter().rev().fold(0_u64, |sum, byte| (sum << 7) | u64::from(byte & 0x7f));
        let shape = bytes[..len - 1].iter().all(|b| b & 0x80 != 0) && bytes[len - 1] & 0x80 == 0;
        // The byte before has to be the id of a custom section, 0.
        if shape && value == u64::from(size) && from.checked_sub(1).is_some_and(|id| wasm[id] == 0) {
            return len;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FORMAT, Interests, Kind, Limits};

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn manifest(description: &str) -> Manifest {
        Manifest {
            format: FORMAT,
            id: "demo".to_owned().try_into().expect("a good id"),
            version: "1.0.0".into(),
            contract: "0.1.0-dev".into(),
            kind: Kind::PerFile,
            description: description.into(),
            stages: vec![],
            interests: Interests::default(),
            anchors: vec![],
            rules: vec![],
            limits: Limits::default(),
            config_schema: None,
        }
    }

    #[test]
    fn what_is_packed_is_read() {
        let packed = pack(EMPTY, &manifest("one")).expect("packs");
        assert_eq!(read(&packed).expect("reads"), manifest("one"));
    }

    #[test]
    fn packing_again_replaces() {
        let long = "x".repeat(100_000);
        let once = pack(EMPTY, &manifest(&long)).expect("packs");
        let twice = pack(&once, &manifest("two")).expect("packs");
        assert_eq!(twice, pack(EMPTY, &manifest("two")).expect("packs"));
    }

    #[test]
    fn two_sections_and_none_and_modules_are_refused() {
        let packed = pack(EMPTY, &manifest("one")).expect("packs");
        let mut double = packed.clone();
        double.extend_from_slice(&packed[EMPTY.len()..]);
        assert!(matches!(read(&double), Err(PackError::Twice)));
        assert!(matches!(read(EMPTY), Err(PackError::Missing)));
        assert!(matches!(read(b"\0asm\x01\0\0\0"), Err(PackError::NotComponent)));
        assert!(matches!(read(b"MZ"), Err(PackError::Wasm(_))));
    }
}
