//! What one worker, and then all of them, have found.

use crate::cache::Learnt;
use crate::finding::mask::Secrets;
use crate::finding::{Finding, Measurement, Package, PluginId};
use crate::outcome::{Problem, ProblemKind, SkipReason, Skipped};
use crate::sandbox::LogLine;
use crate::source::ReadError;

/// Log lines that one worker keeps.
const LOG_LINES: usize = 10_000;

/// A line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Logged {
    /// Which plugin.
    pub plugin: PluginId,
    /// During which file; empty: before the first or after the last.
    pub path: String,
    /// `error`, `warn`, `info`, `debug`, `stderr`.
    pub level: &'static str,
    /// Safe to print, not masked.
    pub text: String,
}

/// Everything but the verdict.
#[derive(Default)]
pub struct Collected {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Packages.
    pub packages: Vec<Package>,
    /// Measurements.
    pub measurements: Vec<Measurement>,
    /// What makes the run incomplete.
    pub problems: Vec<Problem>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Binary files that no plugin wanted.
    pub binary: u64,
    /// What plugins logged, and for whom. Kept to the end: only then is it known what must not be shown.
    pub log: Vec<Logged>,
    /// Log lines that were not kept.
    pub log_dropped: u64,
    /// Time spent reading.
    pub read_us: u64,
    /// Time spent in the anchor pass, and in looking files up before it.
    pub route_us: u64,
    /// For the result cache.
    pub learnt: Learnt,
}

impl Collected {
    /// Takes in another's.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.packages.extend(other.packages);
        self.measurements.extend(other.measurements);
        self.problems.extend(other.problems);
        self.skipped.extend(other.skipped);
        self.secrets.extend(other.secrets);
        self.binary += other.binary;
        self.log.extend(other.log);
        self.log_dropped += other.log_dropped;
        self.read_us += other.read_us;
        self.route_us += other.route_us;
        self.learnt.add(other.learnt);
    }

    /// Masks all that is secret, wherever it stands. Once, when all secrets of the scan are known.
    pub fn mask(&mut self) {
        let Some(masker) = self.secrets.masker() else { return };
        self.findings.iter_mut().for_each(|finding| masker.finding(finding));
        self.packages.iter_mut().for_each(|package| masker.package(package));
        self.measurements.iter_mut().for_each(|measurement| masker.measurement(measurement));
        for problem in &mut self.problems {
            masker.text(&mut problem.message);
            if let Some(path) = &mut problem.path {
                masker.text(path);
            }
        }
        self.log.iter_mut().for_each(|line| masker.text(&mut line.text));
        for skip in &mut self.skipped {
            masker.text(&mut skip.path);
            masker.text(&mut skip.detail);
        }
    }

    /// Notes a problem; the text is made safe to print.
    pub fn problem(&mut self, kind: ProblemKind, plugin: Option<&PluginId>, path: Option<&str>, message: &str) {
        self.problems.push(Problem {
            kind,
            plugin: plugin.cloned(),
            path: path.map(str::to_owned),
            message: crate::finding::text::printable(message).into_owned(),
        });
    }

    /// Keeps a log line, unless nobody is going to look at it.
    pub fn logged(&mut self, plugin: &PluginId, path: Option<&str>, line: &LogLine) {
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        if self.log.len() >= LOG_LINES {
            self.log_dropped += 1;
            return;
        }
        self.log.push(Logged {
            plugin: plugin.clone(),
            path: path.unwrap_or_default().to_owned(),
            level: line.level,
            text: crate::finding::text::printable(&line.text).into_owned(),
        });
    }

    /// Notes an input that could not be read.
    pub fn unread(&mut self, path: &str, error: &ReadError) {
        let reason = match error {
            ReadError::TooLarge { .. } => SkipReason::TooLarge,
            ReadError::NotRegular => SkipReason::SpecialFile,
            ReadError::Vanished => SkipReason::Vanished,
            ReadError::Unreadable(_) => SkipReason::Unreadable,
        };
        self.skip(path, reason, error.to_string());
    }

    /// Notes an input that was left out.
    pub fn skip(&mut self, path: &str, reason: SkipReason, detail: String) {
        self.skipped.push(Skipped { path: path.to_owned(), reason, detail });
    }
}
