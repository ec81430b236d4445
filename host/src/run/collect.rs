//! What one worker, and then all of them, have found.

use crate::finding::mask::Secrets;
use crate::finding::{Finding, Measurement, Package, PluginId};
use crate::outcome::{Problem, ProblemKind, SkipReason, Skipped};

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
    /// Time spent reading.
    pub read_us: u64,
    /// Time spent in the anchor pass.
    pub route_us: u64,
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
        self.read_us += other.read_us;
        self.route_us += other.route_us;
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

    /// Notes an input that was left out.
    pub fn skip(&mut self, path: &str, reason: SkipReason, detail: String) {
        self.skipped.push(Skipped { path: path.to_owned(), reason, detail });
    }
}
