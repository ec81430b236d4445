//! The flags of every command, with their help. Completions and man pages come from here as well.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};

use crate::base::Wanted;
use crate::finding::{Date, Severity};
use crate::policy::FailOn;
use crate::report::Format;

/// `scanhost`.
#[derive(Parser)]
#[command(
    name = "scanhost",
    version,
    about = "Continuous security testing: sandboxed scanner plugins, one severity model, one verdict",
    after_help = "Exit codes: 0 pass · 1 a gate failed · 2 usage or configuration · 3 a scanner failed or the scan is incomplete · 4 nothing was scanned",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Scan a folder, what is staged, or standard input
    Run(Run),
    /// List the rules of all plugins
    Rules(Rules),
    /// Explain one rule: what it finds, why it matters, what to do
    Explain(Explain),
    /// Look at plugins and pack your own
    Plugin(Plugin),
    /// Judge reports again without scanning: by another stage, another day, another policy
    Gate(Gate),
    /// Check scan.toml, show what is in force, print its JSON Schema
    Config(Config),
    /// Set findings aside that are known, so that gates can look at new ones only
    Baseline(Baseline),
    /// Accept findings in scan.toml, with a reason and until a day
    Suppress(Suppress),
}

/// `scanhost run`.
#[derive(ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Run {
    /// Folder or file to scan
    #[arg(default_value = ".", value_name = "PATH")]
    pub path: PathBuf,
    /// Stage of the pipeline: commit, build, test, deploy, nightly, or one of scan.toml
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Run this plugin only; may be repeated
    #[arg(long = "plugin", value_name = "ID")]
    pub plugins: Vec<String>,
    /// Configuration; default: scan.toml at the repository's root, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Report as terminal, json or sarif, on standard output or into a file; may be repeated
    #[arg(long = "format", value_name = "NAME[=PATH]", value_parser = output)]
    pub formats: Vec<Output>,
    /// Fail at this severity and above: critical, high, medium, low, info or none
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub fail_on: Option<FailOn>,
    /// Worker threads; default: one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Never use the network (nothing of this version does)
    #[arg(long)]
    pub offline: bool,
    /// Scan what is staged for the next commit, as git's index has it
    #[arg(long, conflicts_with = "stdin")]
    pub staged: bool,
    /// Scan only what differs from where this commit and HEAD part; its policy judges, and what was there is not new
    #[arg(long, value_name = "REF", conflicts_with_all = ["staged", "stdin"])]
    pub changed_since: Option<String>,
    /// Scan everything, and compare with this commit: its policy judges, and what was there is not new
    #[arg(long, value_name = "REF", conflicts_with_all = ["changed_since", "stdin"])]
    pub base: Option<String>,
    /// Whose policy judges a change: that of its base, or (after somebody has looked at it) its own
    #[arg(long, value_name = "WHOSE", default_value = "base", value_parser = whose)]
    pub policy: Wanted,
    /// The day that expiries are judged by, YYYY-MM-DD; default: today in UTC
    #[arg(long, value_name = "DATE")]
    pub today: Option<Date>,
    /// Scan git's history: every version of every file, with the commit that brought it; all that HEAD and any
    /// reference reach, or what a range such as v1.0..HEAD has
    #[arg(
        long,
        value_name = "RANGE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with_all = ["staged", "stdin"]
    )]
    pub history: Option<String>,
    /// With --history: only commits of this day (UTC) or moment, and later: 2024-05-31 or 2024-05-31T12:00:00Z
    #[arg(long, value_name = "DATE", requires = "history", value_parser = crate::source::history::parse_since)]
    pub since: Option<jiff::Timestamp>,
    /// Scan standard input as if it were the file NAME: its name decides which rules apply
    #[arg(long, value_name = "NAME")]
    pub stdin: Option<String>,
    /// Neither use nor write the result cache: scan every file anew
    #[arg(long, conflicts_with = "cache_dir")]
    pub no_cache: bool,
    /// Keep results in this folder; default: `$SCANHOST_CACHE_DIR`, or scanhost in the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Say less: findings and a failed verdict only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: what was skipped or ignored, plugins' logs; twice: timings
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// `scanhost gate`.
#[derive(ClapArgs)]
pub struct Gate {
    /// Reports that `--format json` wrote, judged together; `-` reads one from standard input
    #[arg(required = true, value_name = "RESULTS")]
    pub results: Vec<PathBuf>,
    /// Stage whose gates apply; default: the reports'
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Folder whose scan.toml judges
    #[arg(long, value_name = "PATH", default_value = ".", conflicts_with = "config")]
    pub root: PathBuf,
    /// Configuration; default: scan.toml at the repository's root, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Judge by the policy of this commit; default: of what a pipeline says that the change is to be merged into
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Whose policy judges a change: that of its base, or (after somebody has looked at it) its own
    #[arg(long, value_name = "WHOSE", default_value = "base", value_parser = whose)]
    pub policy: Wanted,
    /// Fail at this severity and above: critical, high, medium, low, info or none
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub fail_on: Option<FailOn>,
    /// The day that expiries are judged by; default: today, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,
    /// Report as terminal, json or sarif, on standard output or into a file; may be repeated
    #[arg(long = "format", value_name = "NAME[=PATH]", value_parser = output)]
    pub formats: Vec<Output>,
    /// Say less: findings and a failed verdict only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: what was skipped, ignored or suppressed; twice: timings
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// `scanhost rules`.
#[derive(ClapArgs)]
pub struct Rules {
    /// `text` or `json`
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    /// Rules of this plugin only
    #[arg(long, value_name = "ID")]
    pub plugin: Option<String>,
    /// Configuration that names more plugins; default: scan.toml at the repository's root, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `scanhost explain`.
#[derive(ClapArgs)]
pub struct Explain {
    /// Id of a rule, such as secrets.github-pat
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Configuration that names more plugins; default: scan.toml at the repository's root, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `scanhost plugin`.
#[derive(ClapArgs)]
pub struct Plugin {
    /// What to do.
    #[command(subcommand)]
    pub command: PluginCommand,
}

/// The commands of `scanhost plugin`.
#[derive(Subcommand)]
pub enum PluginCommand {
    /// List the plugins that can be used
    List {
        /// `text` or `json`
        #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
        format: String,
        /// Configuration that names more plugins; default: scan.toml at the repository's root, if there is one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show a plugin's manifest, digest, and what it imports
    Inspect {
        /// Id of a built-in plugin, or path of a packed component
        #[arg(value_name = "PLUGIN")]
        plugin: String,
        /// `text` or `json`
        #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Put the manifest of a plugin's folder into its component
    Pack {
        /// The component as the compiler made it
        #[arg(value_name = "COMPONENT")]
        component: PathBuf,
        /// The folder with plugin.toml
        #[arg(long, value_name = "DIR")]
        manifest: PathBuf,
        /// Where to write the packed component
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// `scanhost config`.
#[derive(ClapArgs)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The commands of `scanhost config`.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Check all of scan.toml: every stage, plugin, gate, rule and expiry
    Check {
        /// The project
        #[arg(default_value = ".", value_name = "PATH")]
        path: PathBuf,
        /// Configuration; default: scan.toml at the repository's root, if there is one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show what is in force, each value with where it comes from
    Show {
        /// The project
        #[arg(default_value = ".", value_name = "PATH")]
        path: PathBuf,
        /// Configuration; default: scan.toml at the repository's root, if there is one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// This stage only
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// `text` (TOML with comments) or `json`
        #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Print the JSON Schema of scan.toml, for editors
    Schema,
}

/// `scanhost baseline`.
#[derive(ClapArgs)]
pub struct Baseline {
    /// What to do.
    #[command(subcommand)]
    pub command: BaselineCommand,
}

/// The commands of `scanhost baseline`.
#[derive(Subcommand)]
pub enum BaselineCommand {
    /// Scan everything and write what is found; scan.toml gets what it needs for that
    Create {
        /// The project
        #[arg(default_value = ".", value_name = "PATH")]
        path: PathBuf,
        /// Configuration; default: scan.toml at the repository's root
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Scan everything and write what is found now
    Update {
        /// The project
        #[arg(default_value = ".", value_name = "PATH")]
        path: PathBuf,
        /// Configuration; default: scan.toml at the repository's root
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// With the plugins of this stage; entries of others stay. Default: all plugins of all stages
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// Take out what is gone and add nothing
        #[arg(long)]
        gone_only: bool,
    },
    /// Scan everything and show what is new, and what is gone
    Diff {
        /// The project
        #[arg(default_value = ".", value_name = "PATH")]
        path: PathBuf,
        /// Configuration; default: scan.toml at the repository's root
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// With the plugins of this stage. Default: all plugins of all stages
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// `text` or `json`
        #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
}

/// `scanhost suppress`.
#[derive(ClapArgs)]
pub struct Suppress {
    /// What to do.
    #[command(subcommand)]
    pub command: SuppressCommand,
}

/// The commands of `scanhost suppress`.
#[derive(Subcommand)]
pub enum SuppressCommand {
    /// Add a suppression
    Add(SuppressAdd),
    /// List the suppressions
    List {
        /// The project
        #[arg(long, default_value = ".", value_name = "PATH")]
        root: PathBuf,
        /// Configuration; default: scan.toml at the repository's root
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// `text` or `json`
        #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
        format: String,
        /// The day that expiries are judged by, YYYY-MM-DD; default: today in UTC
        #[arg(long, value_name = "DATE")]
        today: Option<Date>,
    },
    /// Take out what has expired
    Prune {
        /// The project
        #[arg(long, default_value = ".", value_name = "PATH")]
        root: PathBuf,
        /// Configuration; default: scan.toml at the repository's root
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Also scan everything, and take out what matches no finding
        #[arg(long)]
        unused: bool,
        /// Only say what would be taken out
        #[arg(long)]
        dry_run: bool,
        /// The day that expiries are judged by, YYYY-MM-DD; default: today in UTC
        #[arg(long, value_name = "DATE")]
        today: Option<Date>,
    },
}

/// `scanhost suppress add`.
#[derive(ClapArgs)]
pub struct SuppressAdd {
    /// Fingerprints of findings, as reports show them, or their first 8 digits and more
    #[arg(value_name = "FINGERPRINT")]
    pub fingerprints: Vec<String>,
    /// Findings of this rule, or of rules that a pattern such as secrets.* means
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Findings in files that this glob means, from the repository's root
    #[arg(long = "path", value_name = "GLOB")]
    pub glob: Option<String>,
    /// Findings about this package URL; without a version: about all of its versions
    #[arg(long, value_name = "PURL")]
    pub package: Option<String>,
    /// Findings of this advisory: CVE-2024-0001, GHSA-…
    #[arg(long, value_name = "ID")]
    pub advisory: Option<String>,
    /// Why; reports show it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The last day on which it holds, YYYY-MM-DD; default: 90 days from now
    #[arg(long, value_name = "DATE", conflicts_with = "days")]
    pub expires: Option<Date>,
    /// For so many days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// Look fingerprints up in this JSON report; default: scan now
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// The project
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub root: PathBuf,
    /// Configuration; default: scan.toml at the repository's root
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `--format NAME[=PATH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Which.
    pub format: Format,
    /// Where; none: standard output.
    pub path: Option<PathBuf>,
}

fn output(text: &str) -> Result<Output, String> {
    let (name, path) = text.split_once('=').map_or((text, None), |(name, path)| (name, Some(path)));
    if path.is_some_and(str::is_empty) {
        return Err(format!("`{text}` names no file after `=`"));
    }
    let format = name.parse::<Format>().map_err(|error| {
        let names = Format::ALL.map(Format::as_str);
        let near = crate::config::suggest::nearest(name, names);
        let near = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
        format!("{error}{near} (formats: {})", names.join(", "))
    })?;
    Ok(Output { format, path: path.map(PathBuf::from) })
}

/// `--policy base|head`.
fn whose(text: &str) -> Result<Wanted, String> {
    match text {
        "base" => Ok(Wanted::Base),
        "head" => Ok(Wanted::Head),
        _ => Err("it is `base` or `head`".into()),
    }
}

/// `--fail-on LEVEL`.
fn level(text: &str) -> Result<FailOn, String> {
    if text == "none" {
        return Ok(FailOn::Nothing);
    }
    Severity::ALL.into_iter().find(|level| level.as_str() == text).map(FailOn::AtLeast).ok_or_else(|| {
        let names = ["critical", "high", "medium", "low", "info", "none"];
        let near = crate::config::suggest::nearest(text, names);
        let near = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
        format!("no such level{near} (levels: {})", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn near_matches_are_named() {
        assert!(output("sariff=x").is_err_and(|e| e.contains("`sarif`")));
        assert!(output("json=").is_err());
        assert_eq!(output("json=a=b"), Ok(Output { format: Format::Json, path: Some("a=b".into()) }));
        assert!(level("hihg").is_err_and(|e| e.contains("`high`")));
    }
}
