//! git's ignore rules, and nothing else that is called so: `.gitignore` of each folder and the repository's
//! own `info/exclude`. The user's global excludes are not read, a scan must not differ from machine to machine.
//!
//! The files come from a pull request. A `.gitignore` that is a link to `/dev/zero`, a FIFO or larger than
//! [`MAX_RULES`] is not obeyed: then nothing is ignored on its word, which hides nothing.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::read::{ReadError, read_file};

/// The largest file of rules that is obeyed. GitHub's collection of templates has none over 12 KiB; compiling
/// this much takes a fraction of a second.
const MAX_RULES: u64 = 128 << 10;

/// The rules of a folder and of those above it.
pub struct Rules {
    above: Option<Arc<Self>>,
    own: Gitignore,
}

impl Rules {
    /// The rules that hold in a folder: `above`, and those of its `.gitignore`, if there is one.
    pub fn of_folder(above: Option<Arc<Self>>, folder: &Path) -> Option<Arc<Self>> {
        Self::of_file(above, folder, &folder.join(".gitignore"))
    }

    /// `above`, and those of `file`, which are about what is in `folder`.
    pub fn of_file(above: Option<Arc<Self>>, folder: &Path, file: &Path) -> Option<Arc<Self>> {
        let mut bytes = Vec::new();
        match read_file(file, MAX_RULES, &mut bytes) {
            Ok(()) => {}
            Err(ReadError::Vanished) => return above,
            Err(error) => {
                tracing::warn!(?file, %error, "these ignore rules are not obeyed");
                return above;
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut builder = GitignoreBuilder::new(folder);
        for line in text.trim_start_matches('\u{feff}').lines() {
            if let Err(error) = builder.add_line(None, line) {
                tracing::debug!(?file, %error, "a line that is no pattern");
            }
        }
        match builder.build() {
            Ok(own) if !own.is_empty() => Some(Arc::new(Self { above, own })),
            Ok(_) => above,
            Err(error) => {
                tracing::warn!(?file, %error, "these ignore rules are not obeyed");
                above
            }
        }
    }

    /// Whether the rules name this path, whose folders they do not. The nearest rule wins.
    pub fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        let mut rules = self;
        loop {
            match rules.own.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
            match &rules.above {
                Some(above) => rules = above,
                None => return false,
            }
        }
    }
}
