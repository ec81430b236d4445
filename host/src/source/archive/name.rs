//! Names inside an archive, made into paths that mean the same to everybody and cannot lead anywhere.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::path;

/// A name is cut after so many bytes. No system opens a longer one.
const MAX_NAME: usize = 4096;

/// A member's path inside its archive, safe to print: no `..`, no empty part, not absolute, and no part that
/// looks as if another archive began there. What cannot be shown as it is is escaped as in any path, so two
/// names give the same text only if they mean the same file.
pub fn inner(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    let cut = &name[..name.len().min(MAX_NAME)];
    for part in cut.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")) {
        if !out.is_empty() {
            out.push('/');
        }
        match part {
            b".." => out.push_str("\\x2e\\x2e"),
            [start @ .., b'!'] => {
                path::escape_into(start, &mut out);
                out.push_str("\\x21");
            }
            part => path::escape_into(part, &mut out),
        }
    }
    if cut.len() < name.len() {
        out.push('…');
    }
    if out.is_empty() {
        out.push('_');
    }
    out
}

/// Keeps the paths of one archive apart: the second `a` is `a#2`.
#[derive(Default)]
pub struct Names {
    /// By hash, so that long names take no memory. The hasher is the same in every run.
    seen: HashMap<u64, u32>,
}

impl Names {
    /// The path, or the first free one after it.
    pub fn distinct(&mut self, name: String) -> String {
        let first = hash(&name);
        let Some(count) = self.seen.get(&first).copied() else {
            self.seen.insert(first, 1);
            return name;
        };
        let mut count = count;
        loop {
            count += 1;
            let other = format!("{name}#{count}");
            if let std::collections::hash_map::Entry::Vacant(free) = self.seen.entry(hash(&other)) {
                free.insert(1);
                self.seen.insert(first, count);
                return other;
            }
        }
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What the single file in `a.log.gz` is called. `path` may have folders before the name.
pub fn of_single(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".gz", ".gzip", ".zst", ".zstd", ".tgz", ".tzst"].iter().find_map(|end| {
        let at = name.len().checked_sub(end.len())?;
        name.get(at..)?.eq_ignore_ascii_case(end).then(|| &name[..at])
    });
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// The member's path. Some tools of Windows write `\` between the parts, where it can be in no name.
pub fn of_zip(raw: &[u8]) -> String {
    let slashes: Vec<u8> = raw.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect();
    inner(&slashes)
}

/// What a method of compression in a zip is called.
pub fn of_method(method: rawzip::CompressionMethod) -> String {
    method.name().map_or_else(|| format!("method {}", method.as_u16()), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_leads_nowhere() {
        assert_eq!(inner(b"src/main.py"), "src/main.py");
        assert_eq!(inner(b"/etc//passwd"), "etc/passwd");
        assert_eq!(inner(b"./a/./b/"), "a/b");
        assert_eq!(inner(b"../../etc/passwd"), r"\x2e\x2e/\x2e\x2e/etc/passwd");
        assert_eq!(inner(b"a.zip!/b"), r"a.zip\x21/b");
        assert_eq!(inner(b"a\nb"), r"a\x0ab");
        assert_eq!(inner(b""), "_");
        assert_eq!(inner(b"//"), "_");
        assert_eq!(inner(&[b'a'; 5000]).chars().count(), 4097);
    }

    #[test]
    fn the_same_name_again_is_another_path() {
        let mut names = Names::default();
        let mut next = |name: &str| names.distinct(name.to_owned());
        assert_eq!([next("a"), next("a#2"), next("a"), next("a"), next("a#2")], ["a", "a#2", "a#3", "a#4", "a#2#2"]);
    }

    #[test]
    fn the_name_of_a_single_file() {
        assert_eq!(of_single("logs/a.log.gz"), "a.log");
        assert_eq!(of_single("x.zip!/a.ZST"), "a");
        assert_eq!(of_single(".gz"), ".gz");
        assert_eq!(of_single("blob"), "blob");
        assert_eq!(of_single("é"), "é");
    }

    proptest! {
        #[test]
        fn any_bytes(name in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'/'), Just(b'.'), Just(b'!')], 0..40)) {
            let path = inner(&name);
            prop_assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.ends_with('!')));
            prop_assert!(path.chars().all(|c| !c.is_control()));
        }

        #[test]
        fn never_twice_the_same(list in prop::collection::vec("[ab](#[2-4])?", 0..40)) {
            let mut names = Names::default();
            let mut all: Vec<String> = list.into_iter().map(|name| names.distinct(name)).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), count);
        }
    }
}
