//! `report`: taking in what the guest says, inside the limits. A record that breaks the contract is refused
//! with the reason, for the guest to see, and noted, because a finding that is lost may have mattered.

use std::sync::atomic::Ordering;

use crate::finding::raw;
use crate::sandbox::bindings::scanhost::plugin::report::{
    Attachment, Error, Finding, Host, Level, Measurement, Package,
};
use crate::sandbox::convert;
use crate::sandbox::state::{State, push_log};

impl Host for State {
    fn findings(&mut self, batch: Vec<Finding>) -> wasmtime::Result<Result<(), Error>> {
        let batch: Vec<raw::Finding> = batch.into_iter().map(convert::finding).collect();
        let known = self.batch.attachments.len();
        for finding in &batch {
            let mistake = if self.shared.manifest.rule(&finding.rule).is_none() {
                Some(format!(
                    "a finding of rule `{}`, which the manifest does not declare",
                    finding.rule.escape_debug()
                ))
            } else if finding.attachments.iter().any(|handle| *handle as usize >= known) {
                Some(format!("a finding of rule `{}` with an attachment that was not made in this call", finding.rule))
            } else {
                None
            };
            if let Some(mistake) = mistake {
                return Ok(Err(self.mistake(mistake)));
            }
        }
        // Each finding keeps its attachments, so each reference counts as much as the attachment.
        let bodies =
            batch.iter().flat_map(|f| &f.attachments).map(|at| self.batch.attachments[*at as usize].body.len());
        let bytes = bodies.sum::<usize>() + batch.iter().map(convert::finding_bytes).sum::<usize>();
        Ok(self.take(batch.len(), bytes, "findings").map(|()| self.batch.findings.extend(batch)))
    }

    fn packages(&mut self, batch: Vec<Package>) -> wasmtime::Result<Result<(), Error>> {
        let batch: Vec<raw::Package> = batch.into_iter().map(convert::package).collect();
        if let Some(bad) = batch.iter().find(|package| !package.purl.starts_with("pkg:")) {
            let mistake = format!("a package `{}`, which is no package URL", bad.purl.escape_debug());
            return Ok(Err(self.mistake(mistake)));
        }
        let bytes = batch.iter().map(convert::package_bytes).sum();
        Ok(self.take(batch.len(), bytes, "packages").map(|()| self.batch.packages.extend(batch)))
    }

    fn measurements(&mut self, batch: Vec<Measurement>) -> wasmtime::Result<Result<(), Error>> {
        let batch: Vec<raw::Measurement> = batch.into_iter().map(convert::measurement).collect();
        if let Some(bad) = batch
            .iter()
            .find(|m| !m.value.is_finite() || [m.lower95, m.upper95].iter().flatten().any(|b| !b.is_finite()))
        {
            let mistake = format!("a measurement `{}` that is not a finite number", bad.name.escape_debug());
            return Ok(Err(self.mistake(mistake)));
        }
        let bytes = batch.iter().map(|m| m.name.len() + m.unit.len() + convert::labels_bytes(&m.labels)).sum();
        Ok(self.take(batch.len(), bytes, "measurements").map(|()| self.batch.measurements.extend(batch)))
    }

    fn attach(&mut self, attachment: Attachment) -> wasmtime::Result<Result<u32, Error>> {
        let bytes = attachment.name.len() + attachment.media_type.len() + attachment.body.len();
        // An empty one is kept, too, so each counts as a record.
        Ok(self.take(1, bytes, "attachments").map(|()| {
            self.batch.attachments.push(raw::Attachment {
                name: attachment.name,
                media_type: attachment.media_type,
                body: attachment.body,
            });
            self.batch.attachments.len() as u32 - 1
        }))
    }

    fn unscanned(&mut self, path: String, reason: String) -> wasmtime::Result<()> {
        // One of these makes the run incomplete already, so a flood of them adds nothing.
        if self.take(1, path.len() + reason.len(), "unscanned inputs").is_ok() {
            self.batch.unscanned.push((path, reason));
        }
        Ok(())
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        };
        push_log(&mut self.batch, &self.shared.limits, level, &message);
        Ok(())
    }

    fn progress(&mut self, _done: u64, _total: u64, _note: String) -> wasmtime::Result<()> {
        // Files are the unit of progress of a scanner; what a guest adds inside one is not shown.
        Ok(())
    }
}

/// Mistakes of one call that are told in full; a flood of them adds nothing.
const MISTAKES: usize = 10;

/// A mistake quotes the guest; this much of it, in bytes, is enough to find it.
const MISTAKE_BYTES: usize = 300;

impl State {
    /// Notes a breach of the contract, and makes the guest's answer of it.
    fn mistake(&mut self, mut text: String) -> Error {
        if text.len() > MISTAKE_BYTES {
            let end = (0..=MISTAKE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        let noted = self.batch.misbehaved.len();
        if noted < MISTAKES {
            self.batch.misbehaved.push(text.clone());
        } else if noted == MISTAKES {
            self.batch.misbehaved.push("more that breaks the contract, which is not listed".into());
        }
        Error::Invalid(text)
    }

    /// Makes room for records, or says which limit they hit.
    fn take(&mut self, records: usize, bytes: usize, what: &str) -> Result<(), Error> {
        let limits = &self.shared.limits;
        let message = if self.batch.kept() + records > limits.records_per_call {
            Some(format!("more than {} records in one call; {what} were dropped", limits.records_per_call))
        } else if self.batch.bytes.saturating_add(bytes) > limits.bytes_per_call {
            Some(format!("more than {} bytes reported in one call; {what} were dropped", limits.bytes_per_call))
        } else if self.shared.spent.records.load(Ordering::Relaxed) + self.batch.records() + records
            > limits.records_per_run
        {
            Some(format!("more than {} records in one run; {what} were dropped", limits.records_per_run))
        } else if self.shared.spent.bytes.load(Ordering::Relaxed) + self.batch.bytes + bytes > limits.bytes_per_run {
            Some(format!("more than {} bytes reported in one run; {what} were dropped", limits.bytes_per_run))
        } else {
            None
        };
        if let Some(message) = message {
            if !self.batch.limited.contains(&message) {
                self.batch.limited.push(message.clone());
            }
            return Err(Error::Limit(message));
        }
        self.batch.bytes += bytes;
        Ok(())
    }
}
