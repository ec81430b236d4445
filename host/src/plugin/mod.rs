//! Plugins as things to find and to load: the built-in ones, and those that `scan.toml` names by path.
//!
//! In comes a configuration, out go manifests with the way to their code. Nothing of a guest runs here, and
//! nothing is compiled before the plan has chosen it.

mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scanhost_bundle::BuiltIn;
use scanhost_manifest::{Manifest, PluginId};

pub use settings::{SettingsError, check_settings};

/// The largest component that is read.
pub const MAX_COMPONENT: u64 = 256 << 20;

/// Why a plugin could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No such file, or unreadable.
    #[error("cannot read the plugin `{path}`: {error}")]
    Read {
        /// As given.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Larger than anything sensible.
    #[error("the plugin `{path}` has {size} bytes, more than {MAX_COMPONENT}")]
    TooLarge {
        /// As given.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// No manifest, or a bad one.
    #[error("cannot use the plugin `{path}`: {error}")]
    Manifest {
        /// As given.
        path: PathBuf,
        /// What is wrong with it.
        error: scanhost_manifest::PackError,
    },
    /// The file says that it is another plugin.
    #[error("[plugins.{expected}] names `{path}`, whose manifest says `{found}`; name the section [plugins.{found}]")]
    Name {
        /// As given.
        path: PathBuf,
        /// The section.
        expected: PluginId,
        /// The manifest.
        found: PluginId,
    },
    /// A third party cannot take a built-in plugin's place.
    #[error(
        "[plugins.{id}] has a `source`, but `{id}` is built in; remove the `source`, or give the other plugin another id"
    )]
    Shadows {
        /// The id.
        id: PluginId,
    },
}

/// Where a plugin's code is.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In this binary.
    BuiltIn(&'static BuiltIn),
    /// A packed component.
    File {
        /// As `scan.toml` has it.
        shown: String,
        /// Its bytes.
        wasm: Arc<[u8]>,
    },
}

/// A plugin that could be used.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// `sha256:…` of its packed component.
    pub digest: String,
    /// Its code.
    pub origin: Origin,
}

impl Plugin {
    /// Its name.
    pub fn id(&self) -> &PluginId {
        &self.manifest.id
    }

    /// `built-in`, or the path.
    pub fn source(&self) -> String {
        match &self.origin {
            Origin::BuiltIn(_) => "built-in".into(),
            Origin::File { shown, .. } => shown.clone(),
        }
    }
}

/// The plugins in this binary, by id. A manifest that does not parse is this build's own defect and is left
/// out; a test holds that there is none.
pub fn built_in() -> Vec<Plugin> {
    scanhost_bundle::PLUGINS
        .iter()
        .filter_map(|plugin| {
            let manifest: Manifest = serde_json::from_str(plugin.manifest).ok()?;
            manifest.check().ok()?;
            Some(Plugin { manifest: Arc::new(manifest), digest: plugin.digest.into(), origin: Origin::BuiltIn(plugin) })
        })
        .collect()
}

/// Reads a packed component and its manifest.
pub fn from_file(path: &Path, shown: &str) -> Result<Plugin, PluginError> {
    from_bytes(read(path)?, shown)
}

/// A packed component and its manifest.
fn from_bytes(wasm: Vec<u8>, shown: &str) -> Result<Plugin, PluginError> {
    let manifest =
        scanhost_manifest::read(&wasm).map_err(|error| PluginError::Manifest { path: shown.into(), error })?;
    let digest = scanhost_manifest::digest(&wasm);
    Ok(Plugin {
        manifest: Arc::new(manifest),
        digest,
        origin: Origin::File { shown: shown.to_owned(), wasm: wasm.into() },
    })
}

/// Reads a file that should be a component.
pub fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    let io = |error| PluginError::Read { path: path.to_owned(), error };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > MAX_COMPONENT {
        return Err(PluginError::TooLarge { path: path.to_owned(), size });
    }
    std::fs::read(path).map_err(io)
}

/// A third party's plugin that `[plugins.ID] source` names.
pub fn third_party(id: &PluginId, wasm: Vec<u8>, shown: &str) -> Result<Plugin, PluginError> {
    if scanhost_bundle::PLUGINS.iter().any(|plugin| plugin.id == id.as_str()) {
        return Err(PluginError::Shadows { id: id.clone() });
    }
    let plugin = from_bytes(wasm, shown)?;
    if plugin.id() != id {
        return Err(PluginError::Name { path: shown.into(), expected: id.clone(), found: plugin.id().clone() });
    }
    Ok(plugin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_manifest_is_good() {
        let found: Vec<String> = built_in().iter().map(|plugin| plugin.id().to_string()).collect();
        let embedded: Vec<&str> = scanhost_bundle::PLUGINS.iter().map(|plugin| plugin.id).collect();
        assert_eq!(found, embedded);
    }
}
