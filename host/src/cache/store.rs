//! How a run uses the cache: it opens a shard for each plugin, looks files up, gathers what it learns, and writes
//! that at its end.
//!
//! At its end, because only then all secrets of the run are known: a record in which one of them stands, in clear
//! text or in base64, whole or cut, is not written, and one that was written before is taken out.

use std::collections::BTreeSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use scanhost_manifest::Manifest;

use super::folder::Folder;
use super::key::{FileKey, ShardKey};
use super::record::{self, About, Report, Reported};
use super::shard::{Additions, Day, Entry, MAX_BYTES, MAX_ENTRIES, Shard};
use crate::finding::mask::{Masker, Secrets};
use crate::source::Stat;

/// Records that one worker keeps for the end, in bytes; further ones are not stored.
const MAX_LEARNT: usize = 16 << 20;

/// The cache of one run.
pub struct Cache<'f> {
    folder: &'f Folder,
    /// By the plan's index; none: this plugin's results are not cached.
    shelves: Vec<Option<Shelf>>,
}

/// What is known of one plugin.
struct Shelf {
    key: ShardKey,
    manifest: Arc<Manifest>,
    shard: Shard,
    /// There was a shard, so the plugin could be loaded when it was written.
    proven: bool,
}

/// What a shard says of a file.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// The router does not hand it over.
    Unrouted,
    /// The guest sees it, and reports this.
    Seen(Report),
}

/// What a worker has learnt.
#[derive(Default)]
pub struct Learnt {
    quiet: Vec<(usize, FileKey, bool)>,
    loud: Vec<(usize, FileKey, Vec<u8>)>,
    loud_bytes: usize,
    /// Plugins of which nothing is kept.
    spoilt: BTreeSet<usize>,
    /// Results that were taken from the cache.
    pub reused: u64,
    /// Results that had to be made.
    pub made: u64,
}

impl Learnt {
    /// Takes in another worker's.
    pub fn add(&mut self, other: Self) {
        self.quiet.extend(other.quiet);
        self.loud.extend(other.loud);
        self.spoilt.extend(other.spoilt);
        self.reused += other.reused;
        self.made += other.made;
    }

    /// The plugin did what a cache cannot repeat: nothing of it is kept, not even from earlier.
    pub fn spoil(&mut self, plugin: usize) {
        self.spoilt.insert(plugin);
    }
}

impl<'f> Cache<'f> {
    /// Opens the shards of these plugins; none stands for a plugin that is not cached.
    pub fn open(folder: &'f Folder, plugins: impl Iterator<Item = Option<(ShardKey, Arc<Manifest>)>>) -> Self {
        let shelf = |(key, manifest): (ShardKey, Arc<Manifest>)| {
            let shard = folder.read(&key.name(), MAX_BYTES).and_then(|bytes| Shard::parse(bytes, &key));
            Shelf { key, manifest, proven: shard.is_some(), shard: shard.unwrap_or_default() }
        };
        Self { folder, shelves: plugins.map(|plugin| plugin.map(shelf)).collect() }
    }

    /// Whether results of this plugin are cached.
    pub fn has(&self, plugin: usize) -> bool {
        self.shelf(plugin).is_some()
    }

    /// Whether this plugin has been loaded in an equal run, so that it can be loaded when it is needed first: if it
    /// could not be loaded, that would have been told, and nothing kept.
    pub fn is_proven(&self, plugin: usize) -> bool {
        self.shelf(plugin).is_some_and(|shelf| shelf.proven)
    }

    /// What is known of a file.
    pub fn find(&self, plugin: usize, key: FileKey, stat: Option<&Stat>, about: About<'_>) -> Option<Found> {
        let shelf = self.shelf(plugin)?;
        if shelf.shard.is_empty() {
            return None;
        }
        let entry = shelf.shard.find(&key).or_else(|| shelf.shard.find(&key.with_stat(stat)))?;
        match entry {
            Entry::Unrouted => Some(Found::Unrouted),
            Entry::Clean => Some(Found::Seen(Report::default())),
            Entry::Reported(bytes) => {
                let rule = |number: usize| shelf.manifest.rules.get(number).map(|rule| rule.id.as_str());
                record::decode(bytes, rule, about).map(Found::Seen)
            }
        }
    }

    /// The router does not hand this file over.
    pub fn learn_unrouted(&self, plugin: usize, key: FileKey, learnt: &mut Learnt) {
        if self.has(plugin) && learnt.quiet.len() < MAX_ENTRIES {
            learnt.quiet.push((plugin, key, false));
        }
    }

    /// The guest reported this.
    pub fn learn(&self, plugin: usize, key: FileKey, said: &Reported<'_>, about: About<'_>, learnt: &mut Learnt) {
        let Some(shelf) = self.shelf(plugin) else { return };
        if said.is_empty() {
            if learnt.quiet.len() < MAX_ENTRIES {
                learnt.quiet.push((plugin, key, true));
            }
            return;
        }
        if learnt.loud_bytes >= MAX_LEARNT {
            return;
        }
        let rules = shelf.manifest.rules.iter().map(|rule| rule.id.as_str());
        if let Some(record) = record::encode(said, &rules, about) {
            learnt.loud_bytes += record.len();
            learnt.loud.push((plugin, key, record));
        }
    }

    /// Writes what was learnt, where anything was. Whatever goes wrong, the run's result stands.
    pub fn store(&self, learnt: Learnt, secrets: &Secrets, now_unix: u64) {
        let today = Day::of_unix(now_unix);
        let Learnt { quiet, loud, spoilt, reused, made, .. } = learnt;
        // Secrets become known by records only, and by what was scanned and could not be kept.
        let guard = if made > 0 { Guard::new(secrets) } else { None };
        let leaks = |bytes: &[u8]| guard.as_ref().is_some_and(|guard| guard.leaks(bytes));
        let mut additions: Vec<Additions> = self.shelves.iter().map(|_| Additions::default()).collect();
        for (plugin, key, handed) in quiet {
            additions[plugin].quiet.push((key, handed));
        }
        for (plugin, key, record) in loud {
            if !leaks(&record) {
                additions[plugin].loud.push((key, record));
            }
        }
        let mut writes: Vec<(&Shelf, Option<Additions>)> = Vec::new();
        for (plugin, (shelf, additions)) in self.shelves.iter().zip(additions).enumerate() {
            let Some(shelf) = shelf else { continue };
            let is_new = !additions.quiet.is_empty() || !additions.loud.is_empty();
            if spoilt.contains(&plugin) {
                writes.push((shelf, None));
            } else if is_new || shelf.shard.is_stale(today) || shelf.shard.any_record(leaks) {
                writes.push((shelf, Some(additions)));
            }
        }
        tracing::debug!(
            "cache: {reused} results reused, {made} made, {} shards to write in {}",
            writes.iter().filter(|(_, additions)| additions.is_some()).count(),
            self.folder.path().display()
        );
        if writes.iter().all(|(shelf, additions)| additions.is_none() && !shelf.proven) {
            return;
        }
        let done = self.folder.locked(|| {
            for (shelf, additions) in writes {
                match additions {
                    None => self.folder.remove(&shelf.key.name()),
                    Some(additions) => self.write(shelf, &additions, today, leaks),
                }
            }
            self.folder.tidy();
        });
        if done.is_none() {
            tracing::info!(
                "the cache in {} cannot be written; this run's results are not kept",
                self.folder.path().display()
            );
        }
    }

    fn write(&self, shelf: &Shelf, additions: &Additions, today: Day, leaks: impl Fn(&[u8]) -> bool) {
        let name = shelf.key.name();
        // Another run may have written since this one began.
        let head = shelf.shard.head();
        let is_latest = self.folder.begins(&name, head);
        let read = || self.folder.read(&name, MAX_BYTES).and_then(|bytes| Shard::parse(bytes, &shelf.key));
        let theirs = if is_latest { None } else { Some(read().unwrap_or_default()) };
        let latest = theirs.as_ref().unwrap_or(&shelf.shard);
        let bytes = latest.with(&shelf.shard, additions, &shelf.key, today, leaks);
        if let Err(error) = self.folder.write(&name, &bytes) {
            tracing::info!("the cache in {} cannot be written: {error}", self.folder.path().display());
        }
    }

    fn shelf(&self, plugin: usize) -> Option<&Shelf> {
        self.shelves.get(plugin)?.as_ref()
    }
}

/// Keeps secrets out of records.
struct Guard {
    masker: Masker,
    encoded: Option<AhoCorasick>,
}

impl Guard {
    /// None: there is nothing to keep out.
    fn new(secrets: &Secrets) -> Option<Self> {
        let masker = secrets.masker()?;
        let forms: BTreeSet<Vec<u8>> = secrets
            .values()
            .flat_map(crate::router::base64_forms)
            .flat_map(|form| [url(&form), form])
            .filter(|form| form.len() >= 6)
            .collect();
        Some(Self { masker, encoded: AhoCorasick::new(forms).ok() })
    }

    fn leaks(&self, bytes: &[u8]) -> bool {
        // A finder that could not be built finds nothing, so then nothing passes.
        self.masker.leaks(bytes) || self.encoded.as_ref().is_none_or(|finder| finder.is_match(bytes))
    }
}

/// In the other alphabet.
fn url(form: &[u8]) -> Vec<u8> {
    let other = |byte: &u8| match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    };
    form.iter().map(other).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;
    use crate::finding::raw::{self, Subject};
    use crate::finding::severity::Confidence;

    const FILE: About<'_> = About { path: "a.txt", bytes: b"password = hunter2hunter2" };

    fn finding(manifest: &Manifest, message: &str) -> raw::Finding {
        let place = raw::FileLocation { path: "a.txt".to_owned(), extent: raw::Extent::Bytes(11, 14), logical: None };
        raw::Finding {
            rule: manifest.rules[1].id.clone(),
            severity: None,
            score: None,
            confidence: Confidence::High,
            message: message.to_owned(),
            primary: raw::Location::File(place),
            related: Vec::new(),
            subject: Subject::Matched,
            redact: Vec::new(),
            fix: None,
            attachments: Vec::new(),
            labels: Vec::new(),
        }
    }

    fn said(findings: &[raw::Finding]) -> Reported<'_> {
        Reported { findings, packages: &[], measurements: &[], attachments: &[], bytes: 1000 }
    }

    /// A cache of the built-in plugin alone.
    fn open(folder: &Folder) -> (Cache<'_>, Arc<Manifest>) {
        let manifest = crate::plugin::built_in().remove(0).manifest;
        let plugin = Some((ShardKey([3; 32]), Arc::clone(&manifest)));
        (Cache::open(folder, [plugin, None].into_iter()), manifest)
    }

    fn key(n: u8) -> FileKey {
        FileKey([n; 16])
    }

    #[test]
    fn what_is_learnt_is_found_by_the_next_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&dir.path().join("c")).expect("usable");
        let stat = |mode| Stat { mode, uid: 0, gid: 0 };
        let (cache, manifest) = open(&folder);
        assert!(!cache.is_proven(0) && cache.has(0) && !cache.has(1));
        let findings = [finding(&manifest, "something")];
        let mut learnt = Learnt::default();
        cache.learn_unrouted(0, key(1), &mut learnt);
        cache.learn(0, key(2), &said(&[]), FILE, &mut learnt);
        cache.learn(0, key(3).with_stat(Some(&stat(0o644))), &said(&findings), FILE, &mut learnt);
        cache.learn(1, key(4), &said(&[]), FILE, &mut learnt);
        cache.store(learnt, &Secrets::default(), 1_700_000_000);

        let (cache, _) = open(&folder);
        assert!(cache.is_proven(0));
        assert_eq!(cache.find(0, key(1), None, FILE), Some(Found::Unrouted));
        assert_eq!(cache.find(0, key(2), Some(&stat(0o600)), FILE), Some(Found::Seen(Report::default())));
        let report = Report { findings: findings.to_vec(), bytes: 1000, ..Report::default() };
        assert_eq!(cache.find(0, key(3), Some(&stat(0o644)), FILE), Some(Found::Seen(report)));
        assert_eq!(cache.find(0, key(3), Some(&stat(0o4755)), FILE), None);
        assert_eq!(cache.find(0, key(3), None, FILE), None);
        assert_eq!(cache.find(0, key(4), None, FILE), None);

        // What a cache cannot repeat takes all of the plugin with it.
        let mut learnt = Learnt::default();
        learnt.spoil(0);
        cache.store(learnt, &Secrets::default(), 1_700_000_000);
        assert!(!open(&folder).0.is_proven(0));
    }

    #[test]
    fn a_record_with_a_secret_is_not_written_and_one_that_was_is_taken_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&dir.path().join("c")).expect("usable");
        let run = |message: &str, n: u8, secrets: &Secrets| {
            let (cache, manifest) = open(&folder);
            let mut learnt = Learnt { made: 1, ..Learnt::default() };
            cache.learn(0, key(n), &said(&[finding(&manifest, message)]), FILE, &mut learnt);
            cache.store(learnt, secrets, 1_700_000_000);
            open(&folder).0.find(0, key(n), None, FILE).is_some()
        };
        let mut secrets = Secrets::default();
        secrets.add(b"correct horse");
        assert!(!run("it is correct horse", 1, &secrets));
        assert!(!run(&format!("it is {}", STANDARD.encode("xx correct horse xx")), 2, &secrets));
        assert!(run("it is something else", 3, &secrets));
        assert!(run("it is correct horse", 4, &Secrets::default()), "nobody knows yet");
        assert!(run("harmless", 5, &secrets));
        let (cache, _) = open(&folder);
        assert_eq!([3, 4, 5].map(|n| cache.find(0, key(n), None, FILE).is_some()), [true, false, true]);
    }

    #[test]
    fn no_form_of_a_secret_passes() {
        let mut secrets = Secrets::default();
        secrets.add(b"hunter2?>hunter2");
        let guard = Guard::new(&secrets).expect("a secret");
        for before in ["", "a", "ab"] {
            let inner = format!("{before}hunter2?>hunter2");
            for text in [inner.clone(), STANDARD.encode(&inner), URL_SAFE.encode(&inner)] {
                assert!(guard.leaks(format!("\0{text}\x01").as_bytes()), "{text}");
            }
        }
        assert!(guard.leaks("begins with hunter2?…".as_bytes()));
        assert!(guard.leaks("…?>hunter2 is how it ends".as_bytes()));
        assert!(!guard.leaks("hunter and hunted…".as_bytes()));
        assert!(Guard::new(&Secrets::default()).is_none());
    }
}
