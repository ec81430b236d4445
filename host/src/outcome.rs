//! What a run came to: all that a report can show, and nothing else.
//!
//! [`Outcome`] is what [`run`](crate::run) returns and every renderer takes. It is complete and sorted:
//! the same inputs give the same outcome whatever the number of threads, timings excepted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Date, Finding, Level, Measurement, Package, PluginId, Severity, State};

/// Exit codes. Gating decides between the first two, completeness outranks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// 0: every gate passed.
    Pass,
    /// 1: a gate failed.
    GateFailed,
    /// 2: usage or configuration. Never in an outcome, there was no run.
    Usage,
    /// 3: a scanner failed, or the scan is incomplete.
    Incomplete,
    /// 4: nothing was scanned although something was expected.
    NothingScanned,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::GateFailed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::NothingScanned => 4,
        }
    }
}

/// Why an input was not looked at. Only the reasons that can hide a finding make a run incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Larger than the size limit, which the detail names.
    TooLarge,
    /// `[files] exclude` of `scan.toml`.
    Excluded,
    /// A symbolic link; what it points to inside the root is scanned under its own path.
    Symlink,
    /// A FIFO, a socket or a device.
    SpecialFile,
    /// A submodule's or nested repository's own folder.
    NestedRepository,
    /// The system refused to open or read it.
    Unreadable,
    /// It changed or vanished between being listed and being read.
    Vanished,
    /// In an archive, and needs a password.
    Encrypted,
    /// In an archive, packed by a method that is not supported.
    UnsupportedCompression,
}

impl SkipReason {
    /// Whether the scan is incomplete because of it.
    pub fn is_problem(self) -> bool {
        matches!(self, Self::Unreadable)
    }

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "larger than the size limit",
            Self::Excluded => "excluded by scan.toml",
            Self::Symlink => "a symbolic link",
            Self::SpecialFile => "no regular file",
            Self::NestedRepository => "a nested repository",
            Self::Unreadable => "unreadable",
            Self::Vanished => "vanished while scanning",
            Self::Encrypted => "encrypted",
            Self::UnsupportedCompression => "compressed by an unsupported method",
        }
    }
}

/// An input that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Path as of a file that was scanned, safe to print.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
    /// Numbers and the system's words: "20971520 bytes, the limit is 16777216".
    pub detail: String,
}

/// What kind of thing went wrong. The names are part of the JSON report and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A guest trapped: a panic, an out-of-bounds access.
    PluginTrapped,
    /// A guest used up its time for one call.
    PluginTimeout,
    /// A guest asked for more memory than granted, and fell over it.
    PluginMemory,
    /// A guest could not be loaded, started or configured.
    PluginUnusable,
    /// A guest broke the contract: an undeclared rule, a malformed record.
    PluginMisbehaved,
    /// A guest reported more than the limits allow; the rest was dropped.
    OutputLimit,
    /// A guest says that it could not judge an input.
    Unscanned,
    /// An input could not be read.
    Unreadable,
    /// The run was interrupted.
    Interrupted,
    /// The stage's budget of time was used up.
    BudgetExceeded,
    /// A gate has nothing to judge: its measurement is missing, or none has what its `where` asks for.
    GateUnmatched,
    /// The policy of the base could not be read, so built-in defaults judged the change.
    PolicyUnavailable,
    /// An archive was not unpacked, or not to its end, because of a limit.
    ArchiveLimit,
    /// An archive is cut off or broken; what could be read was scanned.
    ArchiveDamaged,
    /// The clone is shallow: the history goes on where it ends.
    ShallowHistory,
}

/// Something that makes the run incomplete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Which plugin, if one.
    pub plugin: Option<PluginId>,
    /// Which input, if one.
    pub path: Option<String>,
    /// What happened and what to do, for people. Masked.
    pub message: String,
}

/// A plugin that took part.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginUse {
    /// Its name.
    pub id: PluginId,
    /// Its version.
    pub version: String,
    /// `sha256:…` of its packed component.
    pub digest: String,
    /// `built-in`, or where it was loaded from as `scan.toml` says.
    pub source: String,
    /// Files that were handed to it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Time inside it, summed over all threads, in microseconds. Left out where the report has to be reproducible.
    pub time_us: u64,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inputs {
    /// `tree`, `staged`, `changed`, `history` or `stdin`.
    pub source: String,
    /// Where paths are from, as seen from the folder that the command was given in.
    pub root: String,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files that are binary and that no plugin wanted.
    pub binary: u64,
    /// Sorted by path.
    pub skipped: Vec<Skipped>,
}

/// A rule as reports need it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInfo {
    /// Full id.
    pub id: String,
    /// Whose.
    pub plugin: PluginId,
    /// Title.
    pub title: String,
    /// Severity as declared.
    pub severity: Severity,
    /// Tags.
    pub tags: Vec<String>,
    /// Markdown.
    pub help: String,
}

/// What one gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateVerdict {
    /// Nothing against it.
    Passed,
    /// It fails the run.
    Failed,
    /// It had nothing to judge, which makes the run incomplete.
    Unjudged,
}

/// What a gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judges {
    /// All findings that count.
    #[default]
    Findings,
    /// Those of them that were not there before.
    NewFindings,
    /// Measurements, and no finding.
    Measurements,
}

/// How one gate judged.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// How it is shown: `fail-on = "high"`.
    pub description: String,
    /// Where it comes from: `default`, `command line`, `scan.toml:12`.
    pub origin: String,
    /// What it looks at.
    pub judges: Judges,
    /// What it says.
    pub verdict: GateVerdict,
    /// How many active findings, or measurements, it counted.
    pub counted: u64,
    /// Of a measurement: what was compared, "0.55 is below 0.6".
    pub detail: String,
}

impl GateResult {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.verdict == GateVerdict::Passed
    }

    /// Whether it fails the run.
    pub fn failed(&self) -> bool {
        self.verdict == GateVerdict::Failed
    }
}

/// Whose policy judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicySource {
    /// That of what was scanned.
    Head,
    /// That of the commit that the change is to be merged into.
    Base,
    /// The built-in defaults, because the base has no `scan.toml`, or is not there.
    BuiltIn,
}

/// What a change was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUse {
    /// As it was named: `origin/main`.
    pub reference: String,
    /// The commit that it names; its policy holds.
    pub commit: String,
    /// Where the change branched off; what was there is not new. None: not known, so everything is.
    pub merge_base: Option<String>,
}

/// The baseline that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineUse {
    /// As `scan.toml` names it.
    pub path: String,
    /// How many findings are in it.
    pub entries: u64,
    /// How many of them were not found any more. None: not all was scanned, so that cannot be known.
    pub gone: Option<u64>,
}

/// What the verdict was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyUse {
    /// Whose it is.
    pub source: PolicySource,
    /// The file, as messages call it; none: built-in defaults.
    pub file: Option<String>,
    /// What the change was compared with, if with anything.
    pub base: Option<BaseUse>,
    /// The baseline, if there is one.
    pub baseline: Option<BaselineUse>,
    /// The day that expiries were judged by.
    pub day: Date,
}

/// What kind of thing a notice is about. The names are part of the JSON report and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// The change loosens the policy. Does not count before it is merged.
    Loosened,
    /// A comment beside a finding does not count.
    CommentWithoutEffect,
    /// A suppression or a severity override has expired.
    Expired,
    /// A suppression or a severity override expires soon.
    Expiring,
    /// A suppression or a severity override matches nothing.
    Unused,
    /// A rule's name that no plugin has.
    UnknownRule,
    /// The baseline has no effect, or only some.
    Baseline,
    /// Other files were scanned than asked for.
    Scope,
    /// The head's own policy was used although a base is known.
    PolicyHead,
}

/// Something that the verdict does not depend on and a person should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// Where, if somewhere: `scan.toml:12`, `src/a.py:3`.
    pub place: Option<String>,
    /// For people. Masked.
    pub message: String,
}

/// Wall-clock facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Timings {
    /// Seconds since the epoch at the start.
    pub started_unix: u64,
    /// The whole run.
    pub total_us: u64,
    /// Reading files, summed over threads.
    pub read_us: u64,
    /// The anchor pass, summed over threads.
    pub route_us: u64,
    /// Inside guests, summed over threads.
    pub guest_us: u64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Version of the host.
    pub version: String,
    /// The stage.
    pub stage: String,
    /// What the verdict was made by.
    pub policy: PolicyUse,
    /// What took part, sorted by id.
    pub plugins: Vec<PluginUse>,
    /// What was looked at.
    pub inputs: Inputs,
    /// Empty: the scan is complete.
    pub problems: Vec<Problem>,
    /// Sorted by kind and place.
    pub notices: Vec<Notice>,
    /// Most severe first, then by path, place, rule.
    pub findings: Vec<Finding>,
    /// Sorted by purl.
    pub packages: Vec<Package>,
    /// Sorted by name and labels.
    pub measurements: Vec<Measurement>,
    /// The rules of all findings, by id.
    pub rules: BTreeMap<String, RuleInfo>,
    /// One for each gate that applies.
    pub gates: Vec<GateResult>,
    /// None when the report has to be reproducible.
    pub timings: Option<Timings>,
    /// The verdict.
    pub exit: Exit,
}

impl Outcome {
    /// Whether everything that should have been looked at was.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many active findings there are of each level, most severe first; levels without any are left out.
    pub fn counts(&self) -> Vec<(Level, u64)> {
        Level::DESCENDING
            .into_iter()
            .map(|level| {
                let of = |f: &&Finding| f.rating.level == level && f.state == State::Active;
                (level, self.findings.iter().filter(of).count() as u64)
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}
