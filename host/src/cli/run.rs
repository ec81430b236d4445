//! `scanhost run`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::args::{self, Output};
use super::scan::{self, CacheWish, From, Wish};
use crate::base::{self, Reference};
use crate::config::{self, Config};
use crate::finding::Date;
use crate::outcome::Outcome;
use crate::report::{self, Format, RenderOptions};
use crate::source;

/// Runs it.
pub fn command(args: &args::Run) -> anyhow::Result<u8> {
    super::start_log(args.verbose, args.quiet);
    let outputs = outputs(&args.formats)?;
    let wish = wish(args);
    let prepared = scan::prepare(&wish)?;
    let outcome = match scan::run(&wish, &prepared)? {
        Ok(outcome) => outcome,
        Err(code) => return Ok(code),
    };
    let root_abs = source::work_tree_of(&args.path).or_else(|| folder(&args.path).canonicalize().ok());
    write(
        &outputs,
        &outcome,
        &RenderOptions { verbose: args.verbose, quiet: args.quiet, root_abs, ..RenderOptions::default() },
    )?;
    Ok(outcome.exit.code())
}

fn wish(args: &args::Run) -> Wish {
    let from = match &args.stdin {
        Some(name) => From::Stdin(name.clone()),
        None if args.staged => From::Staged,
        None if args.history.is_some() => {
            From::History { range: args.history.clone().filter(|range| !range.is_empty()), since: args.since }
        }
        None => From::Scope,
    };
    Wish {
        config: args.config.clone(),
        stage: args.stage.clone(),
        plugins: args.plugins.clone(),
        fail_on: args.fail_on,
        reference: match &args.stdin {
            // A text on standard input is of no change.
            Some(_) => Reference::None,
            None => reference(args.changed_since.as_ref().or(args.base.as_ref())),
        },
        changed: args.changed_since.is_some(),
        wanted: args.policy,
        today: args.today.unwrap_or_else(Date::today),
        jobs: args.jobs,
        progress: !args.quiet,
        cache: match &args.cache_dir {
            Some(folder) => CacheWish::In(folder.clone()),
            None if args.no_cache => CacheWish::None,
            None => CacheWish::Usual,
        },
        from,
        ..Wish::all_of(&args.path)
    }
}

/// What a flag names goes before what the pipeline says.
pub fn reference(named: Option<&String>) -> Reference {
    let of_pipeline = || base::ci::pipeline(&|name| std::env::var(name).ok());
    match named {
        Some(name) => Reference::Named(name.clone()),
        None => of_pipeline().map_or(Reference::None, Reference::Pipeline),
    }
}

/// `scan.toml` as asked for, or where it is looked for, or the defaults.
pub fn config(asked: Option<&Path>, root: &Path) -> anyhow::Result<Config> {
    let root = source::work_tree_of(root).unwrap_or_else(|| root.to_owned());
    match asked.map(Path::to_owned).or_else(|| config::discover(&root)) {
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
