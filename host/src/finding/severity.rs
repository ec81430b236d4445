//! The severity model: one scale for all plugins, a score beside it, and where both came from.
//!
//! The levels themselves are the manifest crate's, because a plugin's rules are declared with them; here
//! lives what only the host knows: the unknown level, scores, origins.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use scanhost_manifest::{Confidence, Severity};

/// A severity as a finding has it: one of the five, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// See [`Severity::Info`].
    Info,
    /// See [`Severity::Low`].
    Low,
    /// See [`Severity::Medium`].
    Medium,
    /// See [`Severity::High`].
    High,
    /// See [`Severity::Critical`].
    Critical,
    /// Nobody said. Shown as such, gated as medium.
    Unknown,
}

impl Level {
    /// All levels, most severe first, as reports list them.
    pub const DESCENDING: [Self; 6] = [Self::Critical, Self::High, Self::Medium, Self::Unknown, Self::Low, Self::Info];

    /// The name, as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// The severity that a gate compares: unknown counts as medium.
    pub fn gated(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium | Self::Unknown => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }

    /// The score where no CVSS vector gives one.
    pub fn default_score(self) -> f32 {
        match self {
            Self::Critical => 9.5,
            Self::High => 8.0,
            Self::Medium | Self::Unknown => 5.5,
            Self::Low => 2.0,
            Self::Info => 0.0,
        }
    }

    /// Rank for sorting, most severe first: critical is 0.
    pub fn rank(self) -> usize {
        Self::DESCENDING.iter().position(|level| *level == self).unwrap_or(Self::DESCENDING.len())
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a finding's severity came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The rule's, as the manifest declares it.
    Rule,
    /// The plugin judged this one finding.
    Finding,
    /// `scan.toml` changed it.
    Override {
        /// What it was.
        was: Box<Rating>,
        /// Why, as `scan.toml` says.
        reason: String,
        /// Where it says so: `scan.toml:40`.
        place: String,
    },
}

/// A finding's severity with its score and origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// The level.
    pub level: Level,
    /// 0.0 to 10.0.
    pub score: f32,
    /// Where the level came from.
    pub origin: Origin,
}

impl Rating {
    /// The rule's severity, unless the finding brings its own; a score outside 0 to 10 is not believed.
    pub fn new(rule: Severity, own: Option<Severity>, score: Option<f32>) -> Self {
        let level = Level::from(own.unwrap_or(rule));
        let score = score.filter(|s| (0.0..=10.0).contains(s)).unwrap_or_else(|| level.default_score());
        Self { level, score, origin: if own.is_some() { Origin::Finding } else { Origin::Rule } }
    }

    /// Before `scan.toml` changed it.
    pub fn declared(&self) -> &Self {
        match &self.origin {
            Origin::Override { was, .. } => was.declared(),
            Origin::Rule | Origin::Finding => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_gated_as_medium_and_shown_as_itself() {
        assert_eq!(Level::Unknown.gated(), Severity::Medium);
        assert_eq!(Level::Unknown.to_string(), "unknown");
    }

    #[test]
    fn a_score_out_of_range_is_not_believed() {
        for score in [f32::NAN, -1.0, 10.1, f32::INFINITY] {
            assert!((Rating::new(Severity::High, None, Some(score)).score - 8.0).abs() < f32::EPSILON);
        }
    }
}
