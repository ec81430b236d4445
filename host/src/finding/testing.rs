//! A finding for tests, with nothing but what has to be there.

use super::{Confidence, FileLocation, Finding, Fingerprint, Location, PluginId, Rating, Severity, State};

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

        secret: None,
        tags: Vec::new(),
        labels: Vec::new(),
        fix: None,
        attachments: Vec::new(),
        also: Vec::new(),
        comment: None,
        novelty: None,
        state: State::Active,
    }
}
