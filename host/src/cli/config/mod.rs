//! `scanhost config check|show|schema`.

mod show;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::args::{self, ConfigCommand};
use crate::config::{self, Config};
use crate::finding::Date;
use crate::plan::{self, OnDisk};

/// Runs it.
pub fn command(args: &args::Config) -> anyhow::Result<u8> {
    match &args.command {
        ConfigCommand::Check { path, config } => check(path, config.as_deref()),
        ConfigCommand::Show { path, config, stage, format } => {
            let (config, files) = load(path, config.as_deref())?;
            let shown = show::collect(&config, &files, stage.as_deref(), Date::today())?;
            super::print(&if format == "json" { shown.json()? } else { shown.text() })?;
            Ok(0)
        }
        ConfigCommand::Schema => {
            super::print(config::SCHEMA)?;
            Ok(0)
        }
    }
}

/// The configuration, and the folder that its paths start from.
fn load(path: &Path, asked: Option<&Path>) -> anyhow::Result<(Config, OnDisk)> {
    let root = super::run::folder(path);
    let config = super::run::config(asked, &root)?;
    let base: PathBuf = config.folder().map_or(root, Path::to_owned);
    Ok((config, OnDisk(base)))
}

fn check(path: &Path, asked: Option<&Path>) -> anyhow::Result<u8> {
    let (config, files) = load(path, asked)?;
    let checked = plan::check(&config, &files, Date::today());
    if !checked.warnings.is_empty() {
        let color = super::color(&std::io::stderr());
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "{}", config.render_warnings(&checked.warnings, color, super::width()));
    }
    if let Some(error) = checked.error {
        return Err(error.into());
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
