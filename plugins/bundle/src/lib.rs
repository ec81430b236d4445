//! The first-party plugins, built for WASM and compiled ahead of time by this crate's build script, embedded
//! with their manifests; and the [`engine`] settings that they were compiled with. No logic lives here.

pub mod engine;

/// The triple that the artefacts were compiled for.
pub const TRIPLE: &str = env!("SCANHOST_BUNDLE_TRIPLE");

/// A first-party plugin.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its id.
    pub id: &'static str,
    /// `sha256:…` of its packed component; the artefact itself is no stable thing to name.
    pub digest: &'static str,
    /// Its manifest in JSON, as in the component's custom section, which the artefact drops.
    pub manifest: &'static str,
    /// What wasmtime made of the component.
    pub artefact: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
