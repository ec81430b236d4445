//! The manifest: what a plugin says about itself, and how it travels inside the `.wasm`.
//!
//! In comes a plugin's folder (`plugin.toml` and the rule files that it names) or the bytes of a
//! component; out goes a [`Manifest`], or the component with the manifest as a custom section. Shared by
//! the host, by the build script that embeds the first-party plugins, and by plugins whose build script
//! wants the same list of anchors. Nothing here runs a guest, and nothing here knows wasmtime.

mod load;
mod model;
mod pack;

pub use load::{LoadError, RuleToml, anchors_of, load_dir, parse_rules, rule_files};
pub use model::{
    Anchor, Confidence, Content, FORMAT, Interests, Kind, Limits, Manifest, Mistake, PluginId, Rule, Severity,
};
pub use pack::{PackError, SECTION, digest, pack, read};
