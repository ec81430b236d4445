//! The run: sources feed a queue, workers take from it, what they found is gathered, judged and handed back
//! as one [`Outcome`]. Everything that depends on the order of threads is sorted away here.

mod collect;
mod compare;
mod known;
mod load;
mod project;
mod shared;
mod unpack;
mod worker;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::bounded;

use crate::cache::Folder;
use crate::finding::history;
use crate::outcome::{Inputs, Outcome, PluginUse, Problem, ProblemKind, Timings};
use crate::plan::{self, DEFAULT_STAGE, Plan};
use crate::policy::{self, Completeness, Names};
use crate::router::{GlobError, Router};
use crate::sandbox::EngineError;
use crate::source::{Offer, Source, SourceError};

pub use collect::Collected;
pub use compare::{Base, Comparison};

/// Entries that wait for a worker. A bound, so that a folder of millions does not fill the memory.
const QUEUE: usize = 4096;

/// Why there was no run at all. Exit code 2 for what the user can mend, 3 for the engine.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No input.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A manifest's glob.
    #[error(transparent)]
    Glob(#[from] GlobError),
}

/// What others may watch and ask of a run.
#[derive(Debug, Default)]
pub struct Control {
    /// Set it, and the run ends as soon as it can, with what it has.
    pub interrupted: Arc<AtomicBool>,
    /// Files done.
    pub files: AtomicU64,
    /// Bytes done.
    pub bytes: AtomicU64,
    /// The source has named all its files; they are `files_known`.
    pub listed: AtomicBool,
    /// Files named so far.
    pub files_known: AtomicU64,
}

/// How to run.
pub struct Settings {
    /// Worker threads, 1 or more.
    pub jobs: usize,
    /// Leave out what differs between two equal runs.
    pub reproducible: bool,
    /// The source may well be empty: a hook with nothing staged.
    pub may_be_empty: bool,
    /// The host's version, as reports name it.
    pub version: String,
    /// Where results of per-file plugins are kept; none: every file is scanned anew.
    pub cache: Option<Folder>,
}

/// Runs the plan over the source, and over what it is compared with.
pub fn run(
    plan: &Plan,
    source: &Arc<dyn Source + Send>,
    comparison: &Comparison,
    settings: &Settings,
    control: &Control,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let started_unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let router = Router::new(plan.plugins.iter().map(|planned| planned.plugin.manifest.as_ref()))?;
    let deadline = plan.budget.map(|budget| started + budget);
    let tools = Tools { plan, router: &router, settings, deadline, started_unix };
    let mut scanned = tools.scan(source, control)?;
    scanned.all.mask();
    show_log(&mut scanned.all);
    let before = compare::known(&tools, comparison, &scanned, control)?;
    Ok(finish(plan, source.as_ref(), comparison, settings, control, scanned, &before, started, started_unix))
}

/// What every scan of a run shares.
struct Tools<'r> {
    plan: &'r Plan,
    router: &'r Router,
    settings: &'r Settings,
    deadline: Option<Instant>,
    started_unix: u64,
}

/// What one scan came to.
struct Scanned {
    all: Collected,
    tally: Vec<shared::Tally>,
}

impl Tools<'_> {
    /// Reads a source to its end and hands what it offers to the plugins.
    fn scan(&self, source: &Arc<dyn Source + Send>, control: &Control) -> Result<Scanned, RunError> {
        let mut all = Collected::default();
        let plan = self.plan;
        let plugins = load::Plugins::new(plan, source);
        let version = &self.settings.version;
        let cache = self.settings.cache.as_ref().map(|folder| known::open(folder, plan, version));
        for plugin in 0..plan.plugins.len() {
            if !cache.as_ref().is_some_and(|cache| cache.is_proven(plugin)) {
                plugins.get(plugin);
            }
        }
        let shared = shared::Shared {
            plan,
            router: self.router,
            plugins: &plugins,
            cache: cache.as_ref(),
            tally: plan.plugins.iter().map(|_| shared::Tally::default()).collect(),
            control,
            has_versions: source.has_versions(),
            deadline: self.deadline,
            project: std::sync::Mutex::new(Vec::new()),
            exclude: crate::router::set(&plan.exclude)?,
            kept: AtomicU64::new(0),
        };
        self.walk(source, &shared, &mut all)?;
        project::conclude(&shared, &mut all);
        shared.end(&mut all);
        let tally = shared.tally;
        // A plugin that cannot be used is a problem of the run, not its end: the others' findings count.
        for (plugin, error) in plugins.failed()? {
            all.learnt.spoil(plugin);
            all.problem(ProblemKind::PluginUnusable, Some(plan.plugins[plugin].plugin.id()), None, &error.to_string());
        }
        if let Some(cache) = cache {
            cache.store(std::mem::take(&mut all.learnt), &all.secrets, self.started_unix);
        }
        if source.has_versions() {
            all.findings = history::earliest(std::mem::take(&mut all.findings), &|commit| source.rank(commit));
        }
        Ok(Scanned { all, tally })
    }

    /// Feeds the workers.
    fn walk(
        &self,
        source: &Arc<dyn Source + Send>,
        shared: &shared::Shared<'_>,
        all: &mut Collected,
    ) -> Result<(), SourceError> {
        let control = shared.control;
        let jobs = self.settings.jobs.max(1);
        std::thread::scope(|scope| {
            let (send, receive) = bounded(QUEUE);
            let workers: Vec<_> = (0..jobs)
                .map(|_| {
                    let receive = receive.clone();
                    scope.spawn(move || worker::work(shared, &receive))
                })
                .collect();
            drop(receive);
            let skipped = std::sync::Mutex::new(Vec::new());
            let problems = std::sync::Mutex::new(Vec::new());
            let walked = source.walk(jobs, &|offer| {
                if shared.is_over() {
                    return ControlFlow::Break(());
                }
                match offer {
                    Offer::File(entry) => {
                        control.files_known.fetch_add(u64::from(entry.in_scope), Ordering::Relaxed);
                        // The receivers are gone only when every worker has died of a panic.
                        if send.send(entry).is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                    Offer::Skipped(skip) => lock(&skipped).push(skip),
                    Offer::Problem(problem) => lock(&problems).push(problem),
                    Offer::Waiting => {}
                }
                ControlFlow::Continue(())
            });
            drop(send);
            control.listed.store(true, Ordering::Relaxed);
            for worker in workers {
                match worker.join() {
                    Ok(collected) => all.add(collected),
                    Err(_) => all.problem(
                        ProblemKind::PluginUnusable,
                        None,
                        None,
                        "a worker thread of scanhost itself failed; please report this as a bug",
                    ),
                }
            }
            all.problems.extend(problems.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
            all.skipped.extend(skipped.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
            walked
        })
    }
}

/// What plugins logged, in an order that does not depend on threads. Lines of one file stay as they came.
fn show_log(all: &mut Collected) {
    all.log.sort_by(|a, b| (&a.plugin, &a.path).cmp(&(&b.plugin, &b.path)));
    for line in &all.log {
        tracing::info!(plugin = line.plugin.as_str(), level = line.level, file = line.path, "{}", line.text);
    }
    if all.log_dropped > 0 {
        tracing::info!("{} more log lines of plugins were not kept", all.log_dropped);
    }
}

#[expect(clippy::too_many_arguments, reason = "called once, by the function above")]
fn finish(
    plan: &Plan,
    source: &dyn Source,
    comparison: &Comparison,
    settings: &Settings,
    control: &Control,
    scanned: Scanned,
    before: &compare::Known<'_>,
    started: Instant,
    started_unix: u64,
) -> Outcome {
    let Scanned { mut all, tally } = scanned;
    all.problems.extend(comparison.problems.iter().cloned());
    all.problems.extend(before.problems.iter().cloned());
    // A file that could not be read may have held anything.
    for skip in all.skipped.iter().filter(|skip| skip.reason.is_problem()) {
        all.problems.push(Problem {
            kind: ProblemKind::Unreadable,
            plugin: None,
            path: Some(skip.path.clone()),
            message: format!("could not be read: {}", skip.detail),
        });
    }
    all.skipped.sort();
    all.skipped.dedup();
    all.problems.sort();
    all.problems.dedup();
    all.packages.sort_by(|a, b| (&a.purl, &a.plugin).cmp(&(&b.purl, &b.plugin)));
    all.measurements.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    // Only where all was looked at something is missing.
    let all_files = source.is_whole() && all.problems.is_empty();
    let whole = plan.names.whole && all_files;
    let names = Names { whole, ..plan.names.clone() };
    let findings = std::mem::take(&mut all.findings);
    let judged = plan.policy.judge(findings, &all.measurements, &names, before.before(all_files));
    all.problems.extend(judged.problems);
    all.problems.sort();
    let mut findings = judged.findings;
    let mut notices = judged.notices;
    notices.extend(comparison.notices.iter().cloned());
    notices.extend(before.notices.iter().cloned());
    if let Some(masker) = all.secrets.masker() {
        for finding in &mut findings {
            masker.judged(finding);
        }
        for notice in &mut notices {
            masker.text(&mut notice.message);
            if let Some(place) = &mut notice.place {
                masker.text(place);
            }
        }
    }
    notices.sort();
    notices.dedup();
    let used: std::collections::BTreeSet<&str> =
        findings.iter().flat_map(|f| std::iter::once(&f.rule).chain(&f.also)).map(String::as_str).collect();
    let rules = plan::rules(plan.plugins.iter().map(|planned| &planned.plugin))
        .into_iter()
        .filter(|rule| used.contains(rule.id.as_str()))
        .map(|rule| (rule.id.clone(), rule))
        .collect();
    let seen = control.files.load(Ordering::Relaxed);
    let seen_all = Completeness {
        incomplete: plan.policy.incomplete,
        // Of a change nothing is left to the later stages: they may judge others.
        commit: plan.stage == DEFAULT_STAGE && comparison.base.is_none(),
        nothing_scanned: plan.policy.nothing_scanned,
        files_seen: seen,
        expected: !settings.may_be_empty,
    };
    let exit = policy::exit(&judged.gates, &all.problems, seen_all);
    let plugins = plan
        .plugins
        .iter()
        .zip(tally)
        .map(|(planned, tally)| PluginUse {
            id: planned.plugin.id().clone(),
            version: planned.plugin.manifest.version.clone(),
            digest: planned.plugin.digest.clone(),
            source: planned.plugin.source(),
            files: tally.files.into_inner(),
            bytes: tally.bytes.into_inner(),
            time_us: if settings.reproducible { 0 } else { tally.time_us.into_inner() },
        })
        .collect::<Vec<_>>();
    let timings = (!settings.reproducible).then(|| Timings {
        started_unix,
        total_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        read_us: all.read_us,
        route_us: all.route_us,
        guest_us: plugins.iter().map(|plugin| plugin.time_us).sum(),
    });
    Outcome {
        version: settings.version.clone(),
        stage: plan.stage.clone(),
        policy: comparison.policy_use(whole.then_some(judged.gone)),
        plugins,
        inputs: Inputs {
            source: source.name().into(),
            root: source.root(),
            files: seen,
            bytes: control.bytes.load(Ordering::Relaxed),
            binary: all.binary,
            skipped: all.skipped,
        },
        problems: all.problems,
        notices,
        findings,
        packages: all.packages,
        measurements: all.measurements,
        rules,
        gates: judged.gates,
        timings,
        exit,
    }
}

/// A lock that another thread's panic does not take away.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
