//! Policy: findings in, a verdict out. Severity overrides change what a finding counts as, inline comments
//! set it aside, gates judge what is left, and the exit code follows from gates and completeness.
//!
//! Gating is not filtering: nothing here takes a finding away, every one is reported. Nothing here reads a
//! file or prints.

mod gate;
mod severity;
mod verdict;

pub use gate::{FailOn, ResolvedGate, judge, resolve};
pub use severity::{UnusedOverride, override_severity};
pub use verdict::{Completeness, exit};

#[cfg(test)]
mod testing {
    use crate::finding::{Confidence, FileLocation, Finding, Fingerprint, Location, PluginId, Rating, Severity, State};

    /// A finding of a rule, for tests of what judges it.
    pub fn finding(rule: &str, severity: Severity, confidence: Confidence) -> Finding {
        let plugin = rule.split('.').next().unwrap_or_default().to_owned();
        Finding {
            rule: rule.into(),
            title: String::new(),
            plugin: PluginId::try_from(plugin).unwrap(),
            rating: Rating::new(severity, None, None),
            confidence,
            message: String::new(),
            location: Location::File(FileLocation {
                path: "a".into(),
                region: None,
                bytes: None,
                snippet: None,
                logical: None,
                provenance: Vec::new(),
            }),
            related: Vec::new(),
            fingerprint: Fingerprint::default(),
            moved_fingerprint: Fingerprint::default(),
            tags: Vec::new(),
            labels: Vec::new(),
            fix: None,
            attachments: Vec::new(),
            also: Vec::new(),
            state: State::Active,
        }
    }
}
