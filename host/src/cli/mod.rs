//! The command line: one file a command. Flags are resolved here, at the edge, and nothing deeper looks at one
//! again. This is the only place that prints: results to standard output, everything else to standard error.

mod args;
mod baseline;
mod config;
mod explain;
mod gate;
mod plugin;
mod policy_file;
mod progress;
mod rules;
mod run;
mod scan;
mod suppress;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::base::{BaseError, BaselineProblem};
use crate::config::ConfigError;
use crate::finding::text::printable;
use crate::outcome::Exit;
use crate::plan::PlanError;

use args::{Args, Command};

/// Parses the command line, runs the command, and turns what it came to into an exit code.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; clap knows where each belongs and what it exits with.
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let result = match args.command {
        Command::Run(run) => run::command(&run),
        Command::Rules(rules) => rules::command(&rules),
        Command::Explain(explain) => explain::command(&explain),
        Command::Plugin(plugin) => plugin::command(&plugin),
        Command::Gate(gate) => gate::command(&gate),
        Command::Config(config) => config::command(&config),
        Command::Baseline(baseline) => baseline::command(&baseline),
        Command::Suppress(suppress) => suppress::command(&suppress),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if is_broken_pipe(&error) {
                // Whoever reads has seen enough: `scanhost rules | head` is a success.
                return ExitCode::SUCCESS;
            }
            let _ = report(&error);
            ExitCode::from(Exit::Usage.code())
        }
    }
}

/// Shows an error on standard error: a configuration's with an excerpt, any other as one line.
fn report(error: &anyhow::Error) -> std::io::Result<()> {
    let mut out = std::io::stderr().lock();
    let color = color(&std::io::stderr());
    let of_plan = || match error.downcast_ref::<PlanError>() {
        Some(PlanError::Config(config)) => Some(config),
        _ => None,
    };
    let of_base = || match (error.downcast_ref::<BaseError>(), error.downcast_ref::<BaselineProblem>()) {
        (Some(BaseError::Config(config)), _) | (_, Some(BaselineProblem::Config(config))) => Some(config),
        _ => None,
    };
    let config = error.downcast_ref::<ConfigError>().or_else(of_plan).or_else(of_base);
    if let Some(config) = config {
        return writeln!(out, "{}", config.render(color, width()));
    }
    writeln!(out, "scanhost: {}", printable(&format!("{error:#}")))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Whether a stream gets colour: a terminal, and neither `NO_COLOR` nor `TERM=dumb`.
fn color(stream: &impl std::io::IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    stream.is_terminal() || set("CLICOLOR_FORCE")
}

/// Columns of the terminal; 100 where there is none.
fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|w| *w > 0)
        .unwrap_or(100)
}

/// Writes to standard output; only data goes there.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Whether a person is looking.
fn is_interactive() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}

/// Where diagnostics go. Off unless asked for.
fn start_log(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => tracing::Level::ERROR,
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        (_, 2) => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::ERROR.into())
        .parse_lossy(format!("error,scanhost={level}"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // tracing-subscriber is built without colour, and panics when it is asked for some.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
}
