//! What makes two results the same: keys, each a digest over parts with their lengths before them.

use crate::source::Stat;

/// All that a plugin's results depend on beside the file; each of it chooses another shard.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'c> {
    /// The packed component's digest: its code and its manifest, anchors and limits included.
    pub plugin: &'c str,
    /// The host: its version, and what else tells two builds apart.
    pub host: &'c str,
    /// The contract's version.
    pub contract: &'c str,
    /// JSON for its `open`.
    pub config: &'c str,
    /// The limits under which it did not fail, in a form that tells two of them apart.
    pub limits: &'c str,
}

/// Names a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardKey(pub [u8; 32]);

impl ShardKey {
    /// The shard of these circumstances.
    pub fn of(c: &Circumstances<'_>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("scanhost result cache shard 1");
        for part in [c.plugin, c.host, c.contract, c.config, c.limits] {
            put(&mut hasher, part.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// As a file is named: 32 characters.
    pub fn name(&self) -> String {
        use std::fmt::Write as _;
        self.0[..16].iter().fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        })
    }
}

/// The digest of a file's bytes; made once for all plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content([u8; 32]);

impl Content {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// Names a file's result in a shard. 128 bits: to hide a finding by a collision, 2⁶⁴ digests have to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey(pub [u8; 16]);

impl FileKey {
    /// The result of a guest that did not ask for the mode and the owner of its file, which is almost every one:
    /// they differ from machine to machine.
    pub fn of(content: &Content, path: &str, provenance: &[(String, String)]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("scanhost result cache file 1");
        hasher.update(&content.0);
        put(&mut hasher, path.as_bytes());
        for (key, value) in provenance {
            put(&mut hasher, key.as_bytes());
            put(&mut hasher, value.as_bytes());
        }
        Self::cut(&hasher)
    }

    /// The result of a guest that asked.
    #[must_use]
    pub fn with_stat(self, stat: Option<&Stat>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("scanhost result cache file with stat 1");
        hasher.update(&self.0);
        if let Some(stat) = stat {
            for number in [stat.mode, stat.uid, stat.gid] {
                hasher.update(&number.to_le_bytes());
            }
        }
        Self::cut(&hasher)
    }

    fn cut(hasher: &blake3::Hasher) -> Self {
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Self(key)
    }
}

fn put(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everything_counts_and_nothing_runs_together() {
        let c = |plugin, config| Circumstances { plugin, host: "h", contract: "c", config, limits: "l" };
        assert_ne!(ShardKey::of(&c("ab", "c")), ShardKey::of(&c("a", "bc")));
        assert_ne!(ShardKey::of(&c("ab", "c")).name(), ShardKey::of(&c("ab", "d")).name());

        let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
        let (one, two) = (Content::of(b"1"), Content::of(b"2"));
        let plain = FileKey::of(&one, "a", &[]);
        let stat = |mode| Stat { mode, uid: 1, gid: 2 };
        let all = [
            plain,
            FileKey::of(&two, "a", &[]),
            FileKey::of(&one, "b", &[]),
            FileKey::of(&one, "a", &pair("commit", "x")),
            FileKey::of(&one, "a", &pair("commi", "tx")),
            plain.with_stat(None),
            plain.with_stat(Some(&stat(0o644))),
            plain.with_stat(Some(&stat(0o4755))),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(plain, FileKey::of(&Content::of(b"1"), "a", &[]));
    }
}
