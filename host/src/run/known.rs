//! What a worker does with the result cache: it looks a file up before the router does, and notes what a guest
//! said of it. Without a cache nothing here does anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use scanhost_manifest::Kind;

use super::shared::Shared;
use crate::cache::record::About;
use crate::cache::{Cache, Circumstances, Content, FileKey, Folder, Found, Learnt, Report, Reported, ShardKey};
use crate::plan::{Plan, Planned};
use crate::router::Routed;
use crate::sandbox::{Batch, CONTRACT, CallResult, FileData, Limits};
use crate::source::Entry;

/// Opens the cache for a plan's plugins.
pub(super) fn open<'f>(folder: &'f Folder, plan: &Plan, version: &str) -> Cache<'f> {
    let host = host(version);
    let shard = |planned: &Planned| {
        let plugin = &planned.plugin;
        let circumstances = Circumstances {
            plugin: &plugin.digest,
            host: &host,
            contract: CONTRACT,
            config: &planned.config,
            limits: &limits(&planned.limits),
        };
        let is_cached = plugin.manifest.kind == Kind::PerFile;
        is_cached.then(|| (ShardKey::of(&circumstances), Arc::clone(&plugin.manifest)))
    };
    Cache::open(folder, plan.plugins.iter().map(shard))
}

/// Tells two hosts apart. Two builds of one version, while it is being worked on, differ in the size of their
/// program almost always, and in its age.
fn host(version: &str) -> String {
    let program = std::env::current_exe().and_then(std::fs::metadata);
    let size = program.as_ref().map_or(0, std::fs::Metadata::len);
    let built = if cfg!(debug_assertions) { program.and_then(|program| program.modified()).ok() } else { None };
    format!("{version} {size} {built:?}")
}

/// The limits of one call: under others it might have failed. Those of a whole run are counted, see `Shared::fits`.
fn limits(limits: &Limits) -> String {
    let Limits {
        memory,
        time,
        records_per_call,
        records_per_run: _,
        bytes_per_call,
        bytes_per_run: _,
        log_lines: _,
        log_line_bytes: _,
        open_files: _,
        timeouts: _,
        traps: _,
    } = limits;
    format!("{memory} {} {records_per_call} {bytes_per_call}", time.as_millis())
}

/// What is known of a file.
#[derive(Default)]
pub(super) struct Known {
    /// None: nothing is cached for any of its plugins.
    key: Option<FileKey>,
    /// Plugins that have to look at it.
    pub(super) unknown: Vec<usize>,
    /// Plugins that saw it, and what they said.
    pub(super) seen: Vec<(usize, Report)>,
}

impl Shared<'_> {
    /// Looks a file up for these plugins.
    pub(super) fn look_up(&self, entry: &Entry, bytes: &[u8], candidates: Vec<usize>, learnt: &mut Learnt) -> Known {
        let cache = self.cache.filter(|cache| candidates.iter().any(|plugin| cache.has(*plugin)));
        let Some(cache) = cache else {
            return Known { unknown: candidates, ..Known::default() };
        };
        let key = FileKey::of(&Content::of(bytes), &entry.path, &entry.provenance);
        let about = About { path: &entry.path, bytes };
        let mut known = Known { key: Some(key), ..Known::default() };
        for plugin in candidates {
            match cache.find(plugin, key, entry.stat.as_ref(), about) {
                Some(Found::Unrouted) => learnt.reused += 1,
                Some(Found::Seen(report)) if self.fits(plugin, &report) => {
                    learnt.reused += 1;
                    known.seen.push((plugin, report));
                }
                _ => {
                    learnt.made += u64::from(cache.has(plugin));
                    known.unknown.push(plugin);
                }
            }
        }
        known
    }

    /// Notes which plugins the router did not choose.
    pub(super) fn learn_unrouted(&self, known: &Known, routed: &[Routed], learnt: &mut Learnt) {
        let (Some(cache), Some(key)) = (self.cache, known.key) else { return };
        for plugin in known.unknown.iter().filter(|plugin| routed.iter().all(|routed| routed.plugin != **plugin)) {
            cache.learn_unrouted(*plugin, key, learnt);
        }
    }

    /// Notes what a guest said of a file, if it would say the same again.
    pub(super) fn learn(
        &self,
        plugin: usize,
        known: &Known,
        data: &FileData,
        result: &CallResult,
        learnt: &mut Learnt,
    ) {
        let (Some(cache), Some(key)) = (self.cache, known.key) else { return };
        let batch = &result.batch;
        if result.failure.is_some() || !batch.is_plain() || batch.asked.other {
            return;
        }
        let key = if batch.asked.stat { key.with_stat(data.stat.as_ref()) } else { key };
        let said = Reported {
            findings: &batch.findings,
            packages: &batch.packages,
            measurements: &batch.measurements,
            attachments: &batch.attachments,
            bytes: batch.bytes,
        };
        cache.learn(plugin, key, &said, About { path: &data.path, bytes: &data.bytes }, learnt);
    }

    /// A call outside of any file: before the first or after the last. Whatever it said or asked for, a cache would
    /// lose it.
    pub(super) fn learn_apart(plugin: usize, result: &CallResult, learnt: &mut Learnt) {
        if result.failure.is_some() || !result.batch.is_silent() || result.batch.asked.other {
            learnt.spoil(plugin);
        }
    }

    /// Counts a file that a plugin saw earlier as if it saw it now, and hands out what it said. None: it was given up.
    pub(super) fn take_known(&self, plugin: usize, report: Report, size: usize) -> Option<Batch> {
        if !self.may_go_on(plugin) {
            return None;
        }
        let tally = &self.tally[plugin];
        tally.files.fetch_add(1, Ordering::Relaxed);
        tally.bytes.fetch_add(size as u64, Ordering::Relaxed);
        let Report { findings, packages, measurements, attachments, bytes } = report;
        Some(Batch { findings, packages, measurements, attachments, bytes, ..Batch::default() })
    }

    /// Whether the plugin may report all that in this run still.
    fn fits(&self, plugin: usize, report: &Report) -> bool {
        let limits = &self.plan.plugins[plugin].limits;
        let records = report.findings.len() + report.packages.len() + report.measurements.len();
        // A guest could not have said so much in one call.
        let in_call = records + report.attachments.len() <= limits.records_per_call;
        in_call
            && (records == 0 && report.bytes == 0 || self.plugins.spent(plugin).count(records, report.bytes, limits))
    }
}
