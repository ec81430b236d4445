//! `scanhost run`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, anyhow, bail};

use super::args::{self, Output};
use super::progress::Progress;
use crate::config::{self, Config};
use crate::outcome::{Exit, Outcome};
use crate::plan::{self, Plan, Request};
use crate::report::{self, Format, RenderOptions};
use crate::run::{self, Control, RunError, Settings};
use crate::source::{Environment, Source, StagedOptions, StagedSource, StdinSource, TreeOptions, TreeSource};

/// Runs it.
pub fn command(args: &args::Run) -> anyhow::Result<u8> {
    super::start_log(args.verbose, args.quiet);
    let outputs = outputs(&args.formats)?;
    let config = config(args.config.as_deref(), &folder(&args.path))?;
    let base = config.folder().map_or_else(|| folder(&args.path), Path::to_owned);
    let today = crate::finding::Date::today();
    let comparison = crate::run::Comparison::none(today);
    let request = Request { stage: args.stage.clone(), plugins: args.plugins.clone(), fail_on: args.fail_on, today };
    let plan = plan::make(&config, &plan::OnDisk(base), &request)?;
    let source = source(args, &plan)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = Settings {
        jobs: args.jobs.map_or(cores, usize::from),
        reproducible: std::env::var_os("SOURCE_DATE_EPOCH").is_some(),
        may_be_empty: args.staged,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let control = Arc::new(Control::default());
    catch_interrupts(&control)?;
    let progress = (!args.quiet).then(|| Progress::start(&control)).flatten();
    let outcome = run::run(&plan, &source, &comparison, &settings, &control);
    drop(progress);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error @ RunError::Engine(_)) => {
            super::report(&error.into())?;
            return Ok(Exit::Incomplete.code());
        }
        Err(error) => return Err(error.into()),
    };
    let root_abs = folder(&args.path).canonicalize().ok();
    write(
        &outputs,
        &outcome,
        &RenderOptions { verbose: args.verbose, quiet: args.quiet, root_abs, ..RenderOptions::default() },
    )?;
    Ok(outcome.exit.code())
}

/// `scan.toml` as asked for, or where it is looked for, or the defaults.
pub fn config(asked: Option<&Path>, root: &Path) -> anyhow::Result<Config> {
    match asked.map(Path::to_owned).or_else(|| config::discover(root)) {
        Some(path) => Ok(config::load(&path)?),
        None => Ok(Config::default()),
    }
}

/// The folder of a path: itself, or the one that the file is in.
pub fn folder(path: &Path) -> PathBuf {
    if path.is_file() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        return parent.unwrap_or(Path::new(".")).to_owned();
    }
    path.to_owned()
}

/// The reports that were asked for, or the terminal's.
pub fn outputs(formats: &[Output]) -> anyhow::Result<Vec<Output>> {
    let mut outputs = formats.to_vec();
    if outputs.iter().filter(|output| output.path.is_none()).count() > 1 {
        bail!("two reports cannot share standard output; give all but one a file: --format json=report.json");
    }
    if outputs.is_empty() {
        outputs.push(Output { format: Format::Terminal, path: None });
    }
    for output in &outputs {
        let Some(path) = &output.path else { continue };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            bail!("cannot write `{}`: there is no folder `{}`", path.display(), parent.display());
        }
    }
    Ok(outputs)
}

fn source(args: &args::Run, plan: &Plan) -> anyhow::Result<Arc<dyn Source + Send>> {
    let exclude = crate::router::set(&plan.exclude)?;
    let max_size = plan.max_file;
    if let Some(name) = &args.stdin {
        return Ok(Arc::new(StdinSource::new(name, std::io::stdin(), plan.max_file)));
    }
    if args.staged {
        let options = StagedOptions { exclude, max_size, environment: Environment::of_process() };
        return Ok(Arc::new(StagedSource::new(&args.path, options)?));
    }
    Ok(Arc::new(TreeSource::new(&args.path, TreeOptions { exclude, max_size })?))
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

/// Writes the reports. Of the options those that depend on where a report goes are set here.
pub fn write(outputs: &[Output], outcome: &Outcome, options: &RenderOptions) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    for output in outputs {
        let to_terminal = output.path.is_none() && stdout.is_terminal();
        let options = RenderOptions {
            color: output.path.is_none() && super::color(&stdout),
            width: super::width(),
            hyperlinks: to_terminal && super::color(&stdout),
            ..options.clone()
        };
        let text = report::render(output.format, outcome, &options);
        match &output.path {
            Some(path) => {
                // Without the cause in its chain: a pipe that nobody reads is no success of a report in a file.
                std::fs::write(path, text).map_err(|error| anyhow!("cannot write `{}`: {error}", path.display()))?;
            }
            None => match super::print(&text) {
                // Nobody reads the report any more; the verdict stands.
                Err(error) if super::is_broken_pipe(&error) => {}
                other => other?,
            },
        }
    }
    // Whoever asked for files only still hears the verdict.
    if outputs.iter().all(|output| output.path.is_some() || output.format != Format::Terminal) && !options.quiet {
        let options = RenderOptions {
            color: super::color(&std::io::stderr()),
            width: super::width(),
            ..RenderOptions::default()
        };
        let mut err = std::io::stderr().lock();
        let _ = std::io::Write::write_all(&mut err, report::summary(outcome, &options).as_bytes());
    }
    Ok(())
}
