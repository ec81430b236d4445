//! A worker: takes an entry, reads it, routes it, hands it to the plugins, takes in what they say.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::Receiver;
use scanhost_manifest::Kind as PluginKind;

use super::Control;
use super::collect::Collected;
use super::known::Known;
use super::load::Plugins;
use super::unpack::Nest;
use crate::cache::Cache;
use crate::finding::normalise::{self, Reported};
use crate::outcome::{ProblemKind, SkipReason};
use crate::plan::{Plan, Planned};
use crate::router::{self, Hits, Router};
use crate::sandbox::{Batch, CallFailure, CallResult, FileData, Instance};
use crate::source::Entry;

/// What all workers share.
pub(super) struct Shared<'r> {
    pub(super) plan: &'r Plan,
    pub(super) router: &'r Router,
    pub(super) plugins: &'r Plugins<'r>,
    /// None: nothing is looked up, and nothing kept.
    pub(super) cache: Option<&'r Cache<'r>>,
    pub(super) tally: Vec<Tally>,
    pub(super) control: &'r Control,
    pub(super) deadline: Option<Instant>,
    /// What whole-project plugins want: the plan's index and the entry.
    pub(super) project: Mutex<Vec<(usize, Entry)>>,
    /// Paths that are not scanned, for those inside archives; of all others the source leaves them out.
    pub(super) exclude: globset::GlobSet,
    /// Bytes in `project`, of files in archives.
    pub(super) kept: AtomicU64,
}

/// Numbers of one plugin.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) files: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) time_us: AtomicU64,
    timeouts: AtomicU32,
    traps: AtomicU32,
    /// Not called any more.
    given_up: AtomicBool,
    /// Files that it did not see because of that.
    missed: AtomicU64,
}

impl Shared<'_> {
    /// Whether to stop.
    pub(super) fn is_over(&self) -> bool {
        self.control.interrupted.load(Ordering::Relaxed) || self.deadline.is_some_and(|at| Instant::now() >= at)
    }

    /// Whether a call was ended because the stage's time is over: no fault of the plugin, and said once for all files.
    fn is_cut_off(&self, failure: &CallFailure) -> bool {
        matches!(failure, CallFailure::Timeout) && self.deadline.is_some_and(|at| Instant::now() >= at)
    }

    /// What is left to say when all is done.
    pub(super) fn end(&self, all: &mut Collected) {
        let seen = self.control.files.load(Ordering::Relaxed);
        if self.control.interrupted.load(Ordering::Relaxed) {
            all.problem(
                ProblemKind::Interrupted,
                None,
                None,
                &format!("interrupted after {seen} file(s); what was found until then is reported"),
            );
        } else if let (Some(budget), true) = (self.plan.budget, self.is_over()) {
            let message = format!("the stage's budget of {} was used up after {seen} file(s)", humantime(budget));
            all.problem(ProblemKind::BudgetExceeded, None, None, &message);
        }
        for (planned, tally) in self.plan.plugins.iter().zip(&self.tally) {
            let missed = tally.missed.load(Ordering::Relaxed);
            if tally.given_up.load(Ordering::Relaxed) && missed > 0 {
                let message = "it failed too often and was given up; the files after that were not scanned by it";
                all.problem(ProblemKind::PluginUnusable, Some(planned.plugin.id()), None, message);
            }
        }
    }

    /// Whether a plugin sees all its files together.
    fn is_whole_project(&self, plugin: usize) -> bool {
        self.plan.plugins[plugin].plugin.manifest.kind == PluginKind::WholeProject
    }

    /// Whether a plugin may still be called; counts the file as missed when it may not.
    pub(super) fn may_call(&self, plugin: usize) -> bool {
        self.plugins.get(plugin).is_some() && self.may_go_on(plugin)
    }

    /// Whether a plugin has not been given up; counts the file as missed when it has.
    pub(super) fn may_go_on(&self, plugin: usize) -> bool {
        let given_up = self.tally[plugin].given_up.load(Ordering::Relaxed);
        if given_up {
            self.tally[plugin].missed.fetch_add(1, Ordering::Relaxed);
        }
        !given_up
    }

    /// An instance, started when there is none.
    pub(super) fn instance<'i>(
        &self,
        plugin: usize,
        slot: &'i mut Option<Instance>,
        all: &mut Collected,
    ) -> Option<&'i mut Instance> {
        if slot.is_none() {
            let loaded = self.plugins.get(plugin)?;
            let (instance, result) = Instance::start(self.plugins.engine()?, loaded, self.deadline);
            if let Some(failure) = &result.failure
                && !self.is_cut_off(failure)
            {
                // It would fail again for every file.
                if !self.tally[plugin].given_up.swap(true, Ordering::Relaxed) {
                    let message = format!("it does not start: {}", describe(failure, &self.plan.plugins[plugin]));
                    all.problem(
                        kind(failure, ProblemKind::PluginUnusable),
                        Some(&loaded.manifest().id),
                        None,
                        &message,
                    );
                }
                self.tally[plugin].missed.fetch_add(1, Ordering::Relaxed);
            }
            self.note(plugin, None, &result, all);
            Self::learn_apart(plugin, &result, &mut all.learnt);
            *slot = instance;
        }
        slot.as_mut()
    }

    /// Takes in everything of a call but its findings: failures, limits, packages, measurements, logs.
    /// Whether the instance can be called again.
    pub(super) fn note(&self, plugin: usize, path: Option<&str>, result: &CallResult, all: &mut Collected) -> bool {
        let planned = &self.plan.plugins[plugin];
        let id = planned.plugin.id();
        let tally = &self.tally[plugin];
        for line in &result.batch.log {
            all.logged(id, path, line);
        }
        all.log_dropped += result.batch.log_dropped;
        for text in &result.batch.misbehaved {
            all.problem(ProblemKind::PluginMisbehaved, Some(id), path, &format!("it reported {text}"));
        }
        for text in &result.batch.limited {
            all.problem(ProblemKind::OutputLimit, Some(id), path, text);
        }
        for (input, reason) in &result.batch.unscanned {
            let input = crate::finding::text::printable(input).into_owned();
            all.problem(ProblemKind::Unscanned, Some(id), Some(&input), reason);
        }
        let Some(failure) = &result.failure else { return true };
        if self.is_cut_off(failure) {
            return false;
        }
        if path.is_some() {
            all.problem(kind(failure, ProblemKind::Unscanned), Some(id), path, &describe(failure, planned));
        }
        let limits = &planned.limits;
        let over = match failure {
            CallFailure::Timeout => tally.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= limits.timeouts,
            CallFailure::Trapped(_) | CallFailure::Memory => {
                tally.traps.fetch_add(1, Ordering::Relaxed) + 1 >= limits.traps
            }
            CallFailure::Refused(_) => false,
        };
        if over {
            tally.given_up.store(true, Ordering::Relaxed);
        }
        failure.is_survived()
    }

    /// Packages and measurements of a batch.
    pub(super) fn take_facts(&self, plugin: usize, batch: &mut Batch, all: &mut Collected) {
        let manifest = &self.plan.plugins[plugin].plugin.manifest;
        all.packages.extend(batch.packages.drain(..).map(|p| normalise::package(manifest, p)));
        all.measurements.extend(batch.measurements.drain(..).map(|m| normalise::measurement(manifest, m)));
    }
}

/// For people.
fn describe(failure: &CallFailure, planned: &Planned) -> String {
    let limits = &planned.limits;
    match failure {
        CallFailure::Trapped(why) | CallFailure::Refused(why) => why.clone(),
        CallFailure::Timeout => {
            format!("the plugin used up its {} for one call (`limits.time` in scan.toml)", humantime(limits.time))
        }
        CallFailure::Memory => {
            format!(
                "the plugin asked for more than its {} of memory (`limits.memory` in scan.toml)",
                size(limits.memory)
            )
        }
    }
}

fn kind(failure: &CallFailure, refused: ProblemKind) -> ProblemKind {
    match failure {
        CallFailure::Trapped(_) => ProblemKind::PluginTrapped,
        CallFailure::Timeout => ProblemKind::PluginTimeout,
        CallFailure::Memory => ProblemKind::PluginMemory,
        CallFailure::Refused(_) => refused,
    }
}

fn humantime(time: std::time::Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

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
