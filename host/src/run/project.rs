//! Plugins that see the whole project: one instance, all its files in the order of their paths, then `finish`.
//! What it reports may be about any file, so findings are taken in file by file at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::collect::Collected;
use super::shared::Shared;
use super::worker::micros;
use crate::finding::normalise::{self, Reported};
use crate::finding::raw;
use crate::router::{self, Hits};
use crate::sandbox::{Batch, CallResult, FileData, Instance};
use crate::source::Entry;

/// Runs every whole-project plugin that got a file, unless none of them is what the run is about.
pub(super) fn conclude(shared: &Shared<'_>, all: &mut Collected) {
    let mut wanted: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
    for (plugin, entry) in shared.kept(all) {
        wanted.entry(plugin).or_default().push(entry);
    }
    for (plugin, mut entries) in wanted {
        if !entries.iter().any(|entry| entry.in_scope) {
            continue;
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Project { shared, plugin, all, batches: Vec::new() }.run(&entries);
    }
}

struct Project<'r, 's> {
    shared: &'r Shared<'s>,
    plugin: usize,
    all: &'r mut Collected,
    /// Findings of each call with what they refer to.
    batches: Vec<Batch>,
}

impl Project<'_, '_> {
    fn run(mut self, entries: &[Entry]) {
        let mut slot: Option<Instance> = None;
        let mut hits = Hits::default();
        for entry in entries {
            if self.shared.is_over() || !self.shared.may_call(self.plugin) {
                break;
            }
            let mut bytes = Vec::new();
            if let Err(error) = entry.read_into(self.shared.plan.max_file, &mut bytes) {
                self.all.unread(&entry.path, &error);
                continue;
            }
            let kind = router::kind(&bytes);
            let routed = self.shared.router.by_content(&[self.plugin], kind, &bytes, &mut hits);
            let Some(routed) = routed.into_iter().next() else { continue };
            let Some(instance) = self.shared.instance(self.plugin, &mut slot, self.all) else { break };
            let size = bytes.len() as u64;
            let data = FileData {
                path: entry.path.clone(),
                bytes,
                stat: entry.stat.clone(),
                provenance: entry.provenance.clone(),
            };
            let started = Instant::now();
            let result = instance.scan(&Arc::new(data), &routed.hits);
            let tally = &self.shared.tally[self.plugin];
            tally.time_us.fetch_add(micros(started.elapsed()), Ordering::Relaxed);
            tally.files.fetch_add(1, Ordering::Relaxed);
            tally.bytes.fetch_add(size, Ordering::Relaxed);
            if !self.take(Some(&entry.path), result) {
                // What it knew of the earlier files is gone with the instance.
                slot = None;
            }
        }
        if let Some(instance) = &mut slot {
            let result = instance.conclude();
            self.take(Some("(finish)"), result);
        }
        self.place(entries);
    }

    fn take(&mut self, path: Option<&str>, mut result: CallResult) -> bool {
        for finding in &result.batch.findings {
            if let raw::Subject::Secret(secret) = &finding.subject {
                self.all.secrets.add(secret);
            }
        }
        let again = self.shared.note(self.plugin, path, &result, self.all);
        self.shared.take_facts(self.plugin, &mut result.batch, self.all);
        self.batches.push(result.batch);
        again
    }

    /// Takes in the findings, all of one file together, with the file's bytes at hand once more.
    fn place(self, entries: &[Entry]) {
        let manifest = &self.shared.plan.plugins[self.plugin].plugin.manifest;
        let mut by_path: BTreeMap<String, Vec<Reported<'_>>> = BTreeMap::new();
        for batch in self.batches {
            let mut split: BTreeMap<String, Vec<raw::Finding>> = BTreeMap::new();
            for finding in batch.findings {
                let path = match &finding.primary {
                    raw::Location::File(file) => file.path.clone(),
                    _ => String::new(),
                };
                split.entry(path).or_default().push(finding);
            }
            for (path, findings) in split {
                let reported = Reported { manifest, findings, attachments: batch.attachments.clone() };
                by_path.entry(path).or_default().push(reported);
            }
        }
        let key = self.shared.plan.fingerprint_key.as_deref();
        for (path, reported) in by_path {
            let entry = entries.binary_search_by(|entry| entry.path.cmp(&path)).ok().map(|at| &entries[at]);
            let mut bytes = Vec::new();
            if let Some(entry) = entry
                && entry.read_into(self.shared.plan.max_file, &mut bytes).is_err()
            {
                bytes.clear();
            }
            let provenance = entry.map_or(&[][..], |entry| &entry.provenance);
            // A path that is none of the plugin's files is the guest's own word: it is no path of a file at hand, gets
            // no excerpt, and is made safe to print like any other text.
            let file = normalise::File { path: entry.map_or("", |entry| &entry.path), bytes: &bytes, provenance };
            self.all.findings.extend(normalise::file(&file, reported, key, &mut self.all.secrets));
        }
    }
}
