//! A worker: takes an entry, reads it, routes it, hands it to the plugins, takes in what they say.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::collect::Collected;
use super::known::Known;
use super::shared::{Nest, Shared};
use crate::finding::normalise::{self, Reported};
use crate::outcome::{ProblemKind, SkipReason};
use crate::router::{self, Hits};
use crate::sandbox::{Batch, FileData, Instance};
use crate::source::Entry;

/// Works until the queue is empty and closed, or the run is over.
pub(super) fn work(shared: &Shared<'_>, queue: &Receiver<Entry>) -> Collected {
    let mut worker = Worker {
        shared,
        instances: shared.tally.iter().map(|_| None).collect(),
        hits: Hits::default(),
        buffer: Vec::new(),
        all: Collected::default(),
    };
    for entry in queue {
        // When the run is over the queue is drained, so that the walk, which may be waiting to send, ends.
        if !shared.is_over() {
            worker.entry(&entry, None);
        }
    }
    for (plugin, slot) in worker.instances.iter_mut().enumerate() {
        if let Some(instance) = slot {
            let mut result = instance.conclude();
            shared.note(plugin, Some("(finish)"), &result, &mut worker.all);
            Shared::learn_apart(plugin, &result, &mut worker.all.learnt);
            if !result.batch.findings.is_empty() {
                let id = shared.plan.plugins[plugin].plugin.id();
                let message =
                    "it reported findings in `finish`, where a per-file plugin has no file at hand; they were dropped";
                worker.all.problem(ProblemKind::PluginMisbehaved, Some(id), Some("(finish)"), message);
            }
            shared.take_facts(plugin, &mut result.batch, &mut worker.all);
        }
    }
    worker.all
}

pub(super) struct Worker<'r> {
    pub(super) shared: &'r Shared<'r>,
    instances: Vec<Option<Instance>>,
    hits: Hits,
    /// Reused from file to file.
    pub(super) buffer: Vec<u8>,
    pub(super) all: Collected,
}

impl Worker<'_> {
    /// `nest`: the archive that it was found in.
    pub(super) fn entry(&mut self, entry: &Entry, nest: Option<&Nest<'_, '_>>) {
        let mut named = self.shared.router.by_name(&entry.path, entry.size);
        if self.shared.has_versions {
            named.candidates.retain(|plugin| !self.shared.is_whole_project(*plugin));
            named.too_large.retain(|large| !self.shared.is_whole_project(large.plugin));
        }
        if !entry.in_scope {
            named.candidates.retain(|plugin| self.shared.is_whole_project(*plugin));
            named.too_large.retain(|large| self.shared.is_whole_project(large.plugin));
        }
        if (named.candidates.is_empty() || entry.size > self.shared.plan.max_file) && self.unpack_unread(entry, nest) {
            return;
        }
        for too_large in &named.too_large {
            let id = self.shared.plan.plugins[too_large.plugin].plugin.id();
            let detail = format!("{} bytes, the limit of {id} is {}", entry.size, too_large.limit);
            self.all.skip(&entry.path, SkipReason::TooLarge, detail);
        }
        if named.candidates.is_empty() {
            return;
        }
        self.unpack_held(entry, nest);
        let started = Instant::now();
        if let Err(error) = entry.read_into(self.shared.plan.max_file, &mut self.buffer) {
            self.all.unread(&entry.path, &error);
            return;
        }
        let read = started.elapsed();
        self.unpack_read(entry, nest);
        let routing = Instant::now();
        let control = self.shared.control;
        let counts = u64::from(entry.in_scope);
        control.bytes.fetch_add(self.buffer.len() as u64 * counts, Ordering::Relaxed);
        let kind = router::kind(&self.buffer);
        let known = self.shared.look_up(entry, &self.buffer, named.candidates, &mut self.all.learnt);
        let routed = self.shared.router.by_content(&known.unknown, kind, &self.buffer, &mut self.hits);
        self.shared.learn_unrouted(&known, &routed, &mut self.all.learnt);
        self.all.read_us += micros(read);
        self.all.route_us += micros(routing.elapsed());
        if routed.is_empty() && known.seen.is_empty() {
            self.all.binary += u64::from(kind == router::Kind::Binary) * counts;
        } else {
            self.hand_over(entry, routed, known);
        }
        // Counted last: who watches sees what is done.
        control.files.fetch_add(counts, Ordering::Relaxed);
    }

    fn hand_over(&mut self, entry: &Entry, routed: Vec<router::Routed>, mut known: Known) {
        let shared = self.shared;
        let data = Arc::new(FileData {
            path: entry.path.clone(),
            bytes: std::mem::take(&mut self.buffer),
            stat: entry.stat.clone(),
            provenance: entry.provenance.clone(),
        });
        let mut batches: Vec<(usize, Batch)> = Vec::new();
        for (plugin, report) in std::mem::take(&mut known.seen) {
            if let Some(mut batch) = shared.take_known(plugin, report, data.bytes.len()) {
                shared.take_facts(plugin, &mut batch, &mut self.all);
                batches.push((plugin, batch));
            }
        }
        for router::Routed { plugin, hits } in routed {
            if shared.is_whole_project(plugin) {
                shared.keep(plugin, entry);
                continue;
            }
            if !shared.may_call(plugin) {
                continue;
            }
            let slot = &mut self.instances[plugin];
            let Some(instance) = shared.instance(plugin, slot, &mut self.all) else { continue };
            let started = Instant::now();
            let mut result = instance.scan(&data, &hits);
            let tally = &shared.tally[plugin];
            tally.time_us.fetch_add(micros(started.elapsed()), Ordering::Relaxed);
            tally.files.fetch_add(1, Ordering::Relaxed);
            tally.bytes.fetch_add(data.bytes.len() as u64, Ordering::Relaxed);
            for finding in &result.batch.findings {
                if let crate::finding::raw::Subject::Secret(secret) = &finding.subject {
                    self.all.secrets.add(secret);
                }
            }
            if !shared.note(plugin, Some(&data.path), &result, &mut self.all) {
                *slot = None;
            }
            shared.learn(plugin, &known, &data, &result, &mut self.all.learnt);
            shared.take_facts(plugin, &mut result.batch, &mut self.all);
            batches.push((plugin, result.batch));
        }
        batches.sort_by_key(|(plugin, _)| *plugin);
        let reported = batches
            .into_iter()
            .map(|(plugin, batch)| Reported {
                manifest: &shared.plan.plugins[plugin].plugin.manifest,
                findings: batch.findings,
                attachments: batch.attachments,
            })
            .collect();
        let file = normalise::File { path: &data.path, bytes: &data.bytes, provenance: &data.provenance };
        let key = shared.plan.fingerprint_key.as_deref();
        self.all.findings.extend(normalise::file(&file, reported, key, &mut self.all.secrets));
        // A spent instance may hold the last handle; then the buffer goes with it.
        if let Ok(data) = Arc::try_unwrap(data) {
            self.buffer = data.bytes;
        }
    }
}

pub(super) fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
