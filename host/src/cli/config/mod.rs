//! `scanhost config check|show|schema`.

mod show;

use std::io::Write as _;
use std::path::Path;

use super::args::{self, ConfigCommand};
use crate::base::{self, BaselineProblem, Reference, Wanted};
use crate::config::{self, Config};
use crate::finding::Date;
use crate::plan::{self, PolicyFiles};

/// Runs it.
pub fn command(args: &args::Config) -> anyhow::Result<u8> {
    match &args.command {
        ConfigCommand::Check { path, config } => check(path, config.as_deref()),
        ConfigCommand::Show { path, config, stage, format } => {
            let (config, files) = load(path, config.as_deref())?;
            let shown = show::collect(&config, files.as_ref(), stage.as_deref(), Date::today())?;
            super::print(&if format == "json" { shown.json()? } else { shown.text() })?;
            Ok(0)
        }
        ConfigCommand::Schema => {
            super::print(config::SCHEMA)?;
            Ok(0)
        }
    }
}

/// The configuration that a run would find, and the files that it names.
fn load(path: &Path, asked: Option<&Path>) -> anyhow::Result<(Config, Box<dyn PolicyFiles>)> {
    let judge = base::judge(path, asked, &Reference::None, Wanted::Head)?;
    Ok((judge.config, judge.files))
}

fn check(path: &Path, asked: Option<&Path>) -> anyhow::Result<u8> {
    let (config, files) = load(path, asked)?;
    let checked = plan::check(&config, files.as_ref(), Date::today());
    if !checked.warnings.is_empty() {
        let color = super::color(&std::io::stderr());
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "{}", config.render_warnings(&checked.warnings, color, super::width()));
    }
    let baseline = base::baseline(&config, files.as_ref()).err().map(|BaselineProblem::Config(error)| error);
    match (checked.error, baseline) {
        (Some(one), Some(two)) => return Err(one.and(two).into()),
        (Some(error), None) | (None, Some(error)) => return Err(error.into()),
        (None, None) => {}
    }
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let parts = [
        count(checked.stages, "stage"),
        count(checked.plugins, "plugin"),
        count(config.gates.len(), "gate"),
        count(config.severities.len(), "severity override"),
        count(config.suppressions.len(), "suppression"),
        count(checked.warnings.len(), "warning"),
    ];
    let name = match config.name() {
        Some(name) => format!("{name} is good"),
        None => format!("there is no {} here, so the defaults hold", config::FILE_NAME),
    };
    super::print(&format!("{name}: {}\n", parts.join(", ")))?;
    Ok(0)
}
