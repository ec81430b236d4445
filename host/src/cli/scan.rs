//! From what was asked on the command line to an outcome: for `scanhost run`, and for the commands that look at
//! what a run finds. Nothing here knows a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use super::progress::Progress;
use crate::base::{self, Judge, Reference, Wanted};
use crate::config::Scope;
use crate::finding::Date;
use crate::outcome::{Exit, Notice, NoticeKind, Outcome};
use crate::plan::{self, Plan, Request};
use crate::policy::FailOn;
use crate::run::{self, Base, Comparison, Control, RunError, Settings};
use crate::source::{Environment, Source, StagedOptions, StagedSource, StdinSource, TreeOptions, TreeSource};

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
}

/// What was asked for.
#[derive(Debug, Clone)]
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
        }
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
    let request =
        Request { stage: wish.stage.clone(), plugins: wish.plugins.clone(), fail_on: wish.fail_on, today: wish.today };
    let plan = plan::make(&config, files.as_ref(), &request)?;
    let baseline = base::baseline(&config, files.as_ref())?;
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
    let exclude = crate::router::set(&plan.exclude)?;
    let max_size = plan.max_file;
    let max_archive = plan.archives.map_or(0, |limits| limits.size);
    let staged = || {
        let options =
            StagedOptions { exclude: exclude.clone(), max_size, max_archive, environment: Environment::of_process() };
        StagedSource::new(&wish.path, options)
    };
    let tree = || TreeSource::new(&wish.path, TreeOptions { exclude: exclude.clone(), max_size, max_archive });
    let wants_changed = wish.changed || (wish.from == From::Scope && plan.scope == Scope::Changed);
    let mut may_be_empty = false;
    let source: Arc<dyn Source + Send> = match &wish.from {
        From::Stdin(name) => Arc::new(StdinSource::new(name, std::io::stdin(), max_size)),
        From::Staged => {
            may_be_empty = true;
            Arc::new(staged()?)
        }
        From::Scope if plan.scope == Scope::Staged && !wish.changed => match staged() {
            Ok(staged) => {
                may_be_empty = true;
                Arc::new(staged)
            }
            Err(error) => {
                comparison.notices.push(widened(&format!("{error}, so everything is scanned")));
                Arc::new(tree()?)
            }
        },
        From::Scope => {
            if wants_changed && base.is_none() {
                let why = format!(
                    "stage `{}` looks at what changed, and no base says against what (--changed-since REF does), so \
                     everything is scanned",
                    plan.stage
                );
                comparison.notices.push(widened(&why));
            }
            Arc::new(tree()?)
        }
    };
    Ok(Prepared { plan, source, comparison, may_be_empty })
}

fn widened(why: &str) -> Notice {
    Notice { kind: NoticeKind::Scope, place: None, message: why.to_owned() }
}

/// Runs it. An engine that does not start is an incomplete run, not a mistake of the user's: `Err` with the exit
/// code that is to be given after its words have been shown.
pub fn run(wish: &Wish, prepared: &Prepared) -> anyhow::Result<Result<Outcome, u8>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = Settings {
        jobs: wish.jobs.map_or(cores, usize::from),
        reproducible: std::env::var_os("SOURCE_DATE_EPOCH").is_some(),
        may_be_empty: prepared.may_be_empty,
        version: env!("CARGO_PKG_VERSION").into(),
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
