//! What all workers of a scan share: the plan, the plugins, the counts of who failed how often, and the decision
//! whether a plugin is called again. What one worker does with an entry stands elsewhere.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scanhost_manifest::Kind as PluginKind;

use super::Control;
use super::collect::Collected;
use super::load::Plugins;
use crate::cache::Cache;
use crate::finding::normalise;
use crate::outcome::ProblemKind;
use crate::plan::{Plan, Planned};
use crate::router::Router;
use crate::sandbox::{Batch, CallFailure, CallResult, Instance};
use crate::source::Entry;
use crate::source::archive::Budget;

/// A call that ends so shortly before the stage's time was ended by it: calls are ended at ticks, which are not the
/// clock's.
const NEAR: Duration = Duration::from_millis(100);

/// Where inside archives an entry was found.
pub(super) struct Nest<'n, 'b> {
    pub(super) budget: &'n Budget<'b>,
    /// Archives around it.
    pub(super) depth: u32,
}

/// What all workers share.
pub(super) struct Shared<'r> {
    pub(super) plan: &'r Plan,
    pub(super) router: &'r Router,
    pub(super) plugins: &'r Plugins<'r>,
    /// None: nothing is looked up, and nothing kept.
    pub(super) cache: Option<&'r Cache<'r>>,
    pub(super) tally: Vec<Tally>,
    pub(super) control: &'r Control,
    /// There are several versions of each file, so that there is no one project to see as a whole.
    pub(super) has_versions: bool,
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
        matches!(failure, CallFailure::Timeout) && self.deadline.is_some_and(|at| Instant::now() + NEAR >= at)
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
    pub(super) fn is_whole_project(&self, plugin: usize) -> bool {
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

fn humantime(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
