//! Telling what was found. Findings are gathered and handed over in one batch when the call ends; what
//! has to answer at once (attachments) or concerns no finding (log, progress) goes out directly.

use crate::{Attachment, Error, Finding, Measurement, Package};

#[cfg(target_family = "wasm")]
use crate::guest::Wire;
#[cfg(not(target_family = "wasm"))]
use crate::testkit::Wire;

/// Of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something went wrong.
    Error,
    /// Something is odd.
    Warn,
    /// For `-v`.
    Info,
    /// For `-vv`.
    Debug,
}

/// What one call reports.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) packages: Vec<Package>,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) wire: Wire,
}

impl Report {
    /// Something that a person should act on.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A component for the SBOM.
    pub fn package(&mut self, package: Package) {
        self.packages.push(package);
    }

    /// A number that a gate may judge.
    pub fn measurement(&mut self, measurement: Measurement) {
        self.measurements.push(measurement);
    }

    /// Something to keep beside a finding of the same call; see [`Finding::attachment`].
    pub fn attach(&mut self, attachment: Attachment) -> Result<u32, Error> {
        self.wire.attach(attachment)
    }

    /// An input that could not be judged, and why: the run is incomplete then, and never clean.
    pub fn unscanned(&mut self, path: &str, reason: &str) {
        self.wire.unscanned(path, reason);
    }

    /// For whoever runs with `-v`.
    pub fn log(&mut self, level: Level, message: &str) {
        self.wire.log(level, message);
    }

    /// For a progress bar. `total` 0: not known.
    pub fn progress(&mut self, done: u64, total: u64, note: &str) {
        self.wire.progress(done, total, note);
    }
}
