//! Manifests inside components, and rule files.

use scanhost_manifest::{Manifest, PackError, SECTION, anchors_of, pack, parse_rules, read};

/// A component without anything in it.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

fn section(data: &[u8]) -> Vec<u8> {
    let mut wasm = EMPTY.to_vec();
    let section = wasm_encoder::CustomSection { name: SECTION.into(), data: data.into() };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut wasm);
    wasm
}

fn demo() -> Manifest {
    let json = br#"{"format":1,"id":"demo","version":"1.0.0","contract":"0.1.0","kind":"per-file","description":"d"}"#;
    read(&section(json)).expect("the smallest manifest")
}

/// Bytes of a stranger as a component, as what follows a component's header, and as the manifest itself.
pub fn manifest_read(data: &[u8]) {
    component(data);
    component(&[EMPTY, data].concat());
    if let Ok(manifest) = read(&section(data)) {
        let again = match pack(EMPTY, &manifest) {
            Ok(packed) => read(&packed).expect("what is packed is read"),
            // Escaping may make it longer.
            Err(PackError::TooLarge(_)) => return,
            Err(error) => panic!("what was read is not packed: {error}"),
        };
        // A schema's numbers may lose their last digit.
        assert_eq!(Manifest { config_schema: None, ..again }, Manifest { config_schema: None, ..manifest.clone() });
        for rule in &manifest.rules {
            assert_eq!(manifest.rule(&rule.id), Some(rule));
        }
    }
}

fn component(wasm: &[u8]) {
    let _ = read(wasm).map_err(|error| error.to_string());
    let demo = demo();
    // What can be packed at all holds exactly this manifest then, whatever it held before.
    if let Ok(packed) = pack(wasm, &demo) {
        assert_eq!(read(&packed).expect("what is packed is read"), demo);
        assert_eq!(pack(&packed, &demo).expect("packs again"), packed);
    }
}

/// A rule file.
pub fn manifest_rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(rules) = parse_rules(text).map_err(|error| error.to_string()) else { return };
    let (anchors, uses) = anchors_of(&rules);
    assert_eq!(uses.len(), rules.len());
    assert!(uses.iter().flatten().all(|&at| (at as usize) < anchors.len()));
    for (at, anchor) in anchors.iter().enumerate() {
        assert!(uses.iter().flatten().any(|&used| used as usize == at));
        assert!(
            anchors[..at].iter().all(|other| (&other.text, other.ignore_case) != (&anchor.text, anchor.ignore_case))
        );
    }
}
