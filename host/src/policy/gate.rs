//! Gates: which of them apply to a stage, and how each judges the findings.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::finding::{Confidence, Finding, Severity, State};
use crate::outcome::GateResult;

/// What holds where nobody said anything.
const DEFAULT_FAIL_ON: Severity = Severity::High;

/// `--fail-on` of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// `none`: severity fails nothing.
    Nothing,
    /// This severity and more.
    AtLeast(Severity),
}

impl FailOn {
    fn threshold(self) -> Option<Severity> {
        match self {
            Self::Nothing => None,
            Self::AtLeast(severity) => Some(severity),
        }
    }
}

/// A gate that applies to this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedGate {
    /// Fails when an active finding is this severe or more.
    pub fail_on: Option<Severity>,
    /// Findings less sure are not looked at.
    pub min_confidence: Confidence,
    /// Fails when there are more active findings of a level than this.
    pub max: BTreeMap<Severity, u64>,
    /// `default`, `command line`, `scan.toml:12`.
    pub origin: String,
    /// `fail-on = "high"`.
    pub description: String,
}

impl ResolvedGate {
    fn new(
        fail_on: Option<Severity>,
        min_confidence: Confidence,
        max: BTreeMap<Severity, u64>,
        origin: String,
    ) -> Self {
        let mut gate = Self { fail_on, min_confidence, max, origin, description: String::new() };
        gate.description = gate.describe();
        gate
    }

    /// As `scan.toml` would have it.
    fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.fail_on.is_some() || self.max.is_empty() {
            parts.push(format!("fail-on = \"{}\"", self.fail_on.map_or("none", Severity::as_str)));
        }
        if self.min_confidence > Confidence::Low {
            parts.push(format!("min-confidence = \"{}\"", self.min_confidence.as_str()));
        }
        if !self.max.is_empty() {
            let maxima: Vec<_> = self.max.iter().rev().map(|(s, n)| format!("{} = {n}", s.as_str())).collect();
            parts.push(format!("max = {{ {} }}", maxima.join(", ")));
        }
        parts.join(", ")
    }

    fn judge(&self, findings: &[Finding]) -> GateResult {
        let mut counted = 0;
        let mut passed = true;
        let mut of_level: BTreeMap<Severity, u64> = BTreeMap::new();
        for finding in findings {
            if finding.state != State::Active || finding.confidence < self.min_confidence {
                continue;
            }
            let severity = finding.rating.level.gated();
            let severe = self.fail_on.is_some_and(|least| severity >= least);
            let limited = self.max.contains_key(&severity);
            if limited {
                *of_level.entry(severity).or_default() += 1;
            }
            passed &= !severe;
            counted += u64::from(severe || limited);
        }
        passed &= of_level.iter().all(|(severity, count)| self.max.get(severity).is_none_or(|most| count <= most));
        GateResult { description: self.description.clone(), origin: self.origin.clone(), passed, counted }
    }
}

/// The gates of a stage: those of `scan.toml` that name it or no stage, otherwise the default.
///
/// `--fail-on` takes the place of every gate's `fail-on`: one gate of the command line stands for all of
/// them. It looks at findings as unsure as the least strict of them did, because whoever asks
/// for another severity did not ask to overlook what was looked at before. A gate's `max` stays.
pub fn resolve(config: &Config, stage: &str, fail_on: Option<FailOn>) -> Vec<ResolvedGate> {
    let applies = |stages: &Vec<crate::config::Spanned<String>>| stages.iter().any(|name| name.value == stage);
    let mut gates: Vec<ResolvedGate> = config
        .gates
        .iter()
        .filter(|gate| gate.stages.as_ref().is_none_or(applies))
        .map(|gate| {
            let least = gate.min_confidence.unwrap_or(Confidence::Low);
            ResolvedGate::new(gate.fail_on, least, gate.max.clone(), config.place(gate.line))
        })
        .collect();
    if gates.is_empty() {
        gates.push(ResolvedGate::new(Some(DEFAULT_FAIL_ON), Confidence::Low, BTreeMap::new(), "default".into()));
    }
    let Some(asked) = fail_on else { return gates };

    let replaced = gates.iter().filter(|gate| gate.fail_on.is_some()).map(|gate| gate.min_confidence).min();
    let kept = gates.into_iter().filter(|gate| !gate.max.is_empty());
    let kept = kept.map(|gate| ResolvedGate::new(None, gate.min_confidence, gate.max, gate.origin));
    let least = replaced.unwrap_or(Confidence::Low);
    let own = ResolvedGate::new(asked.threshold(), least, BTreeMap::new(), "command line".into());
    std::iter::once(own).chain(kept).collect()
}

/// One result for each gate, in their order.
pub fn judge(findings: &[Finding], gates: &[ResolvedGate]) -> Vec<GateResult> {
    gates.iter().map(|gate| gate.judge(findings)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::finding::Level;
    use crate::policy::testing::finding;

    fn config(gates: &str) -> Config {
        parse("scan.toml", &format!("version = 1\n{gates}")).unwrap()
    }

    fn described(gates: &[ResolvedGate]) -> Vec<String> {
        gates.iter().map(|gate| format!("{}: {}", gate.origin, gate.description)).collect()
    }

    const TWO: &str = r#"
[[gate]]
stages = ["commit"]
fail-on = "critical"
min-confidence = "high"

[[gate]]
fail-on = "medium"
min-confidence = "medium"
max = { low = 1, high = 0 }
"#;

    #[test]
    fn gates_of_the_stage_then_the_default() {
        assert_eq!(described(&resolve(&Config::default(), "build", None)), ["default: fail-on = \"high\""]);
        let config = config(TWO);
        assert_eq!(
            described(&resolve(&config, "commit", None)),
            [
                "scan.toml:3: fail-on = \"critical\", min-confidence = \"high\"",
                "scan.toml:8: fail-on = \"medium\", min-confidence = \"medium\", max = { high = 0, low = 1 }"
            ]
        );
        assert_eq!(resolve(&config, "build", None).len(), 1);
        let other = self::config("[[gate]]\nstages = [\"deploy\"]\nfail-on = \"none\"\n");
        assert_eq!(described(&resolve(&other, "build", None)), ["default: fail-on = \"high\""]);
        assert_eq!(described(&resolve(&other, "deploy", None)), ["scan.toml:2: fail-on = \"none\""]);
    }

    #[test]
    fn the_command_line_takes_the_place_of_fail_on_only() {
        let config = config(TWO);
        assert_eq!(
            described(&resolve(&config, "commit", Some(FailOn::AtLeast(Severity::Low)))),
            [
                "command line: fail-on = \"low\", min-confidence = \"medium\"",
                "scan.toml:8: min-confidence = \"medium\", max = { high = 0, low = 1 }"
            ]
        );
        let none = resolve(&Config::default(), "commit", Some(FailOn::Nothing));
        assert_eq!(described(&none), ["command line: fail-on = \"none\""]);
        assert!(judge(&[finding("a.b", Severity::Critical, Confidence::High)], &none)[0].passed);
    }

    #[test]
    fn severity_confidence_and_state_decide() {
        let gates = resolve(&config("[[gate]]\nfail-on = \"high\"\nmin-confidence = \"medium\"\n"), "x", None);
        let verdict = |finding: Finding| judge(&[finding], &gates)[0].clone();
        assert!(!verdict(finding("a.b", Severity::High, Confidence::Medium)).passed);
        assert!(verdict(finding("a.b", Severity::Medium, Confidence::High)).passed);
        assert!(verdict(finding("a.b", Severity::Critical, Confidence::Low)).passed);
        let mut ignored = finding("a.b", Severity::Critical, Confidence::High);
        ignored.state = State::IgnoredInline { reason: String::new() };
        let result = verdict(ignored);
        assert!(result.passed);
        assert_eq!(result.counted, 0);
    }

    #[test]
    fn unknown_counts_as_medium() {
        let gates = resolve(&config("[[gate]]\nfail-on = \"medium\"\n"), "x", None);
        let mut unknown = finding("a.b", Severity::Info, Confidence::High);
        unknown.rating.level = Level::Unknown;
        assert!(!judge(&[unknown], &gates)[0].passed);
    }

    #[test]
    fn a_maximum_is_of_its_level_alone() {
        let gates = resolve(&config("[[gate]]\nmax = { low = 1, critical = 0 }\n"), "x", None);
        let low = || finding("a.b", Severity::Low, Confidence::High);
        let high = finding("a.b", Severity::High, Confidence::High);
        let result = judge(&[low(), high.clone()], &gates)[0].clone();
        assert!(result.passed);
        assert_eq!(result.counted, 1);
        assert!(!judge(&[low(), low(), high], &gates)[0].passed);
    }
}
