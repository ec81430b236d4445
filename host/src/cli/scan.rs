//! From what was asked on the command line to an outcome: for `scanhost run`, and for the commands that look at
//! what a run finds. Nothing here knows a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use super::progress::Progress;
use crate::base::{self, Judge, Reference, Wanted};
use crate::cache::{self, Folder, FolderError};
use crate::config::{Config, Scope};
use crate::finding::Date;
use crate::outcome::{Exit, Notice, NoticeKind, Outcome};
use crate::plan::{self, Plan, Request};
use crate::policy::{FailOn, Untouched};
use crate::run::{self, Base, Comparison, Control, RunError, Settings};
use crate::source::{
    BaseSource, ChangedSource, Changes, ChangesError, ChangesOptions, Environment, HistoryOptions, HistorySource,
    Source, SourceError, StagedOptions, StagedSource, StdinSource, TreeOptions, TreeSource,
};

/// Where the files come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum From {
    /// The stage's scope decides.
    #[default]
    Scope,
    /// `--staged`.
    Staged,
    /// `--stdin NAME`.
    Stdin(String),
    /// `--history[=RANGE]`, `--since`.
    History {
        /// As given; none: all of it.
        range: Option<String>,
        /// Earlier commits are left out.
        since: Option<jiff::Timestamp>,
    },
}

/// What was asked for.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Wish {
    /// What to scan.
    pub path: PathBuf,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--stage`.
    pub stage: Option<String>,
    /// `--plugin`.
    pub plugins: Vec<String>,
    /// `--fail-on`.
    pub fail_on: Option<FailOn>,
    /// Where the files come from.
    pub from: From,
    /// The base, if there is one.
    pub reference: Reference,
    /// Whether only what the change touches is scanned.
    pub changed: bool,
    /// `--policy`.
    pub wanted: Wanted,
    /// `--today`.
    pub today: Date,
    /// `--jobs`.
    pub jobs: Option<u16>,
    /// Whether a person may see how far it is.
    pub progress: bool,
    /// Where results are kept.
    pub cache: CacheWish,
    /// Look at all there is with all plugins of all stages, or of the one that is named, whatever scope and budget
    /// it has.
    pub whole: bool,
    /// In place of the `scan.toml` that is there.
    pub edited: Option<Config>,
    /// Look past the baseline.
    pub no_baseline: bool,
}

/// What was asked of the result cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CacheWish {
    /// The usual folder, if there is one.
    #[default]
    Usual,
    /// `--cache-dir`.
    In(PathBuf),
    /// `--no-cache`.
    None,
}

impl Wish {
    /// All of a folder, judged as it stands.
    pub fn all_of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            config: None,
            stage: None,
            plugins: Vec::new(),
            fail_on: None,
            from: From::Scope,
            reference: Reference::None,
            changed: false,
            wanted: Wanted::Base,
            today: Date::today(),
            jobs: None,
            progress: true,
            cache: CacheWish::Usual,
            whole: false,
            edited: None,
            no_baseline: false,
        }
    }
}

impl Wish {
    /// Threads.
    fn jobs(&self) -> usize {
        self.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
    }
}

/// Ready to run.
pub struct Prepared {
    /// What runs.
    pub plan: Plan,
    /// Over what.
    pub source: Arc<dyn Source + Send>,
    /// Compared with what.
    pub comparison: Comparison,
    /// Whether the source may well be empty.
    pub may_be_empty: bool,
}

/// Finds the policy, makes the plan, opens the source.
pub fn prepare(wish: &Wish) -> anyhow::Result<Prepared> {
    let Judge { config, files, policy, base, notices, problems } =
        base::judge(&wish.path, wish.config.as_deref(), &wish.reference, wish.wanted)?;
    let config = wish.edited.clone().unwrap_or(config);
    let mut plugins = wish.plugins.clone();
    if wish.whole && wish.stage.is_none() {
        plugins = plan::of_all_stages(&config, files.as_ref())?;
    }
    let request = Request { stage: wish.stage.clone(), plugins, fail_on: wish.fail_on, today: wish.today };
    let mut plan = plan::make(&config, files.as_ref(), &request)?;
    if wish.whole {
        (plan.scope, plan.budget, plan.names.whole) = (Scope::Full, None, true);
    }
    let baseline = if wish.no_baseline { None } else { base::baseline(&config, files.as_ref())? };
    let mut comparison = Comparison {
        policy,
        file: config.name().map(str::to_owned),
        base: base.as_ref().map(|named| Base { named: named.to_use(), source: None, untouched: None }),
        baseline,
        change: wish.reference != Reference::None && wish.wanted == Wanted::Base,
        notices,
        problems,
        ..Comparison::none(wish.today)
    };
    let opened = Opener { wish, plan: &plan, exclude: crate::router::set(&plan.exclude)? };
    let (source, may_be_empty) = opened.open(&mut comparison)?;
    Ok(Prepared { plan, source, comparison, may_be_empty })
}

/// Opens the source, and what it is compared with.
struct Opener<'w> {
    wish: &'w Wish,
    plan: &'w Plan,
    exclude: globset::GlobSet,
}

type Opened = Arc<dyn Source + Send>;

impl Opener<'_> {
    /// The source, and whether it may well be empty.
    fn open(&self, comparison: &mut Comparison) -> anyhow::Result<(Opened, bool)> {
        match &self.wish.from {
            From::Stdin(name) => {
                let source = StdinSource::new(name, std::io::stdin(), self.plan.max_file);
                return Ok((Arc::new(source), false));
            }
            From::History { range, since } => {
                let may_be_empty = range.is_some() || since.is_some();
                if self.plan.sees_whole_project() {
                    let ids: Vec<_> = self.plan.whole_project().map(|id| format!("`{id}`")).collect();
                    let why = format!(
                        "a history is no project to be seen as a whole, so it is not shown to {}",
                        ids.join(", ")
                    );
                    comparison.notices.push(widened(&why));
                }
                let options = HistoryOptions {
                    exclude: self.exclude.clone(),
                    max_size: self.plan.max_file,
                    range: range.clone(),
                    since: *since,
                };
                return Ok((Arc::new(HistorySource::new(&self.wish.path, options)?), may_be_empty));
            }
            From::Staged => return Ok((Arc::new(self.staged()?), true)),
            From::Scope => {}
        }
        let changes = self.changes(comparison)?;
        if let (Some(changes), Some(base)) = (&changes, &mut comparison.base) {
            let full = self.plan.sees_whole_project();
            base.named.merge_base = Some(changes.merge_base().to_string());
            base.source = Some(Arc::new(BaseSource::new(Arc::clone(changes), full)));
            base.untouched = Some(Arc::clone(changes) as Arc<dyn Untouched + Send + Sync>);
        }
        let stage = &self.plan.stage;
        match (self.plan.scope, self.wish.changed) {
            (Scope::Changed, _) | (_, true) => match changes {
                Some(changes) => {
                    let source = ChangedSource::new(&self.wish.path, changes, self.plan.sees_whole_project())?;
                    return Ok((Arc::new(source), true));
                }
                // Why there are none was said if a base is known.
                None if comparison.base.is_none() && comparison.problems.is_empty() => {
                    comparison.notices.push(widened(&format!(
                        "stage `{stage}` looks at what changed, and nothing says since when (--changed-since REF does), \
                         so everything is scanned"
                    )));
                }
                None => {}
            },
            (Scope::Staged, _) => match self.staged() {
                Ok(source) => return Ok((Arc::new(source), true)),
                Err(error) => comparison.notices.push(widened(&format!("{error}; so everything is scanned"))),
            },
            (Scope::Full, _) => {}
        }
        Ok((Arc::new(TreeSource::new(&self.wish.path, self.tree())?), false))
    }

    fn max_archive(&self) -> u64 {
        self.plan.archives.map_or(0, |limits| limits.size)
    }

    fn tree(&self) -> TreeOptions {
        TreeOptions { exclude: self.exclude.clone(), max_size: self.plan.max_file, max_archive: self.max_archive() }
    }

    fn staged(&self) -> Result<StagedSource, SourceError> {
        let options = StagedOptions {
            exclude: self.exclude.clone(),
            max_size: self.plan.max_file,
            max_archive: self.max_archive(),
            unchanged: self.plan.sees_whole_project(),
            environment: Environment::of_process(),
        };
        StagedSource::new(&self.wish.path, options)
    }

    /// What differs from the base, if there is one and that can be known. What cannot be compared is scanned whole,
    /// and all that is found in it is new.
    fn changes(&self, comparison: &mut Comparison) -> anyhow::Result<Option<Arc<Changes>>> {
        let Some(base) = &comparison.base else { return Ok(None) };
        let options = ChangesOptions {
            exclude: self.exclude.clone(),
            max_size: self.plan.max_file,
            max_archive: self.max_archive(),
            jobs: self.wish.jobs(),
        };
        match Changes::find(&self.wish.path, &base.named.commit, options) {
            Ok(changes) => Ok(Some(Arc::new(changes))),
            Err(error @ (ChangesError::Root(_) | ChangesError::Repository { .. })) => Err(error.into()),
            Err(error) => {
                let why = match error {
                    ChangesError::Shallow { .. } => format!(
                        "this shallow clone does not reach back to where HEAD and {} part (`git fetch --deepen` does)",
                        base.named.reference
                    ),
                    ChangesError::Unrelated { .. } => {
                        format!("HEAD and {} have no commit in common", base.named.reference)
                    }
                    other => other.to_string(),
                };
                let message = format!("{why}, so everything is scanned, and all that is found counts as new");
                comparison.notices.push(widened(&message));
                Ok(None)
            }
        }
    }
}

fn widened(why: &str) -> Notice {
    Notice { kind: NoticeKind::Scope, place: None, message: why.to_owned() }
}

/// Runs it. An engine that does not start is an incomplete run, not a mistake of the user's: `Err` with the exit
/// code that is to be given after its words have been shown.
pub fn run(wish: &Wish, prepared: &Prepared) -> anyhow::Result<Result<Outcome, u8>> {
    let settings = Settings {
        jobs: wish.jobs(),
        reproducible: std::env::var_os("SOURCE_DATE_EPOCH").is_some(),
        may_be_empty: prepared.may_be_empty,
        version: env!("CARGO_PKG_VERSION").into(),
        cache: cache(wish, &prepared.plan)?,
    };
    let control = Arc::new(Control::default());
    catch_interrupts(&control)?;
    let progress = wish.progress.then(|| Progress::start(&control)).flatten();
    let outcome = run::run(&prepared.plan, &prepared.source, &prepared.comparison, &settings, &control);
    drop(progress);
    match outcome {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(error @ RunError::Engine(_)) => {
            super::report(&error.into())?;
            Ok(Err(Exit::Incomplete.code()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The folder of the result cache. A folder that cannot be used is said and done without, one that git tracks is an
/// error.
fn cache(wish: &Wish, plan: &Plan) -> anyhow::Result<Option<Folder>> {
    // Standard input may be anything, and is scanned once.
    if wish.cache == CacheWish::None || matches!(wish.from, From::Stdin(_)) {
        return Ok(None);
    }
    let variable = || std::env::var_os("SCANHOST_CACHE_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    // The nightly stage proves what the others believe, so it believes no cache unless told to in so many words.
    let is_proof = plan.stage == "nightly";
    let asked = match &wish.cache {
        CacheWish::In(folder) => Some(folder.clone()),
        _ => variable().filter(|_| !is_proof),
    };
    let usual = || cache::folder::default_folder().filter(|_| !is_proof);
    let Some(path) = asked.clone().or_else(usual) else { return Ok(None) };
    match Folder::open(&path) {
        Ok(folder) => Ok(Some(folder)),
        Err(error @ FolderError::Tracked { .. }) => Err(error.into()),
        Err(error) => {
            // Who named no folder may have a home that nobody can write, as in many containers.
            if asked.is_some() {
                tracing::warn!("{error}");
            } else {
                tracing::info!("{error}");
            }
            Ok(None)
        }
    }
}

/// The first interrupt ends the run with what it has, the second ends the process.
fn catch_interrupts(control: &Arc<Control>) -> anyhow::Result<()> {
    let control = Arc::clone(control);
    ctrlc::set_handler(move || {
        if control.interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for interrupts")
}
