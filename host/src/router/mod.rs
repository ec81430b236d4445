//! The router: which plugin sees which file. One native pass over each file's bytes searches the anchors of
//! all plugins at once; most files end here.
//!
//! In comes an entry's path, size and bytes, out goes a list of plugins with the places of their anchors.
//! Nothing here runs a guest.

mod anchors;
mod content;
mod globs;

pub use anchors::{AnchorSet, Builder, Hits, base64_forms};
pub use content::{Kind, kind};
pub use globs::{GlobError, PathSet, set};

use std::sync::Arc;

use scanhost_manifest::{Content, Manifest};

/// An occurrence of an anchor: index in the plugin's own list, offset in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where.
    pub offset: u64,
    /// Which.
    pub anchor: u32,
}

/// What a plugin wants, ready to be asked.
struct Wish {
    paths: PathSet,
    max_size: u64,
    content: Content,
    anchored: bool,
}

/// Decides for all plugins at once. A plugin is its index in the list that the router was made of.
pub struct Router {
    wishes: Vec<Wish>,
    anchors: AnchorSet,
}

/// Why a plugin that wanted a file by its path does not get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// The plugin.
    pub plugin: usize,
    /// Its limit in bytes.
    pub limit: u64,
}

/// What the path and the size alone decide.
#[derive(Debug, Default)]
pub struct ByName {
    /// Plugins that may want it.
    pub candidates: Vec<usize>,
    /// Plugins that would, were it smaller.
    pub too_large: Vec<TooLarge>,
}

/// A plugin that gets the file, with its anchors' places.
pub struct Routed {
    /// The plugin.
    pub plugin: usize,
    /// In order of offset.
    pub hits: Arc<[Hit]>,
}

impl Router {
    /// Takes in the manifests of all plugins of the stage.
    pub fn new<'m>(manifests: impl IntoIterator<Item = &'m Manifest>) -> Result<Self, GlobError> {
        let mut wishes = Vec::new();
        let mut builder = Builder::default();
        for (plugin, manifest) in manifests.into_iter().enumerate() {
            let interests = &manifest.interests;
            wishes.push(Wish {
                paths: PathSet::new(&interests.include, &interests.exclude)?,
                max_size: interests.max_size,
                content: interests.content,
                anchored: interests.anchored,
            });
            for (id, anchor) in manifest.anchors.iter().enumerate() {
                builder.add(plugin, id as u32, anchor);
            }
        }
        Ok(Self { wishes, anchors: builder.build() })
    }

    /// The largest file that any plugin takes.
    pub fn max_size(&self) -> u64 {
        self.wishes.iter().map(|wish| wish.max_size).max().unwrap_or(0)
    }

    /// By path and size.
    pub fn by_name(&self, path: &str, size: u64) -> ByName {
        let mut out = ByName::default();
        for (plugin, wish) in self.wishes.iter().enumerate() {
            if wish.paths.is_match(path) {
                if size <= wish.max_size {
                    out.candidates.push(plugin);
                } else {
                    out.too_large.push(TooLarge { plugin, limit: wish.max_size });
                }
            }
        }
        out
    }

    /// By content. `hits` is a buffer that is reused from file to file.
    pub fn by_content(&self, candidates: &[usize], kind: Kind, bytes: &[u8], hits: &mut Hits) -> Vec<Routed> {
        let wanted = |plugin: &&usize| match self.wishes[**plugin].content {
            Content::Any => true,
            Content::Text => kind == Kind::Text,
            Content::Binary => kind == Kind::Binary,
        };
        let candidates: Vec<usize> = candidates.iter().filter(wanted).copied().collect();
        if candidates.is_empty() {
            return Vec::new();
        }
        self.anchors.find(bytes, hits);
        candidates
            .into_iter()
            .filter_map(|plugin| {
                let own = hits.of(plugin);
                (!own.is_empty() || !self.wishes[plugin].anchored).then(|| Routed { plugin, hits: Arc::from(own) })
            })
            .collect()
    }
}
