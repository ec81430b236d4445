//! The host's archives, with the paths that they need.

#[path = "../../host/src/source/archive/mod.rs"]
pub mod archive;
#[path = "../../host/src/source/path.rs"]
pub mod path;

use std::collections::HashSet;
use std::ops::ControlFlow;

use archive::{ArchiveLimits, Budget, Found, Input, expand, recognise};

/// What a cache's key holds of a file; see the host's.
pub struct Stat {
    /// See the host's.
    pub mode: u32,
    /// See the host's.
    pub uid: u32,
    /// See the host's.
    pub gid: u32,
}

const NAMES: [&str; 6] = ["a.zip", "a.tar", "a.tgz", "a.log.gz", "a.tar.zst", "README"];

const LIMITS: ArchiveLimits =
    ArchiveLimits { depth: 4, expanded: 4 << 20, entries: 500, ratio: 200, ratio_from: 1 << 20, size: 1 << 20 };

const MAX_FILE: u64 = 256 << 10;

/// Any bytes as an archive, with what is nested in it: it ends, costs no more than it may, and gives paths that
/// lead nowhere and are all different.
pub fn archive(data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else { return };
    let budget = Budget::new(LIMITS, bytes.len() as u64, &|| false);
    let mut seen = HashSet::new();
    level(NAMES[usize::from(first) % NAMES.len()], bytes, &budget, 1, &mut seen);
    // The last portion may go over the limit.
    assert!(budget.expanded() <= LIMITS.expanded + (64 << 10), "{}", budget.expanded());
    assert!(seen.len() as u64 <= LIMITS.entries);
}

fn level(path: &str, bytes: &[u8], budget: &Budget<'_>, depth: u32, seen: &mut HashSet<String>) {
    let Some(format) = recognise(bytes, path) else { return };
    if depth > LIMITS.depth {
        return;
    }
    let damage = expand(&Input::Bytes(bytes), format, path, MAX_FILE, budget, &mut |found| {
        let inner = match &found {
            Found::File(member) => &member.path,
            Found::Left(left) => &left.path,
        };
        assert!(inner.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.ends_with('!')), "{inner:?}");
        let inner = format!("{path}!/{inner}");
        assert!(inner.chars().all(|c| !c.is_control()), "{inner:?}");
        assert!(seen.insert(inner.clone()), "{inner} twice");
        if let Found::File(member) = found {
            assert!(member.bytes.len() as u64 <= MAX_FILE);
            level(&inner, member.bytes, budget, depth + 1, seen);
        }
        ControlFlow::Continue(())
    });
    assert!(damage.is_none_or(|damage| damage.chars().all(|c| !c.is_control())));
}
