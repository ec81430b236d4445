//! Gates: which of them apply to a stage, and how each judges the findings. What a gate on a measurement does
//! stands in [`measure`](super::measure).

use std::collections::BTreeMap;

use super::measure;
use crate::config::{ConditionValue, Config, MeasurementGate};
use crate::finding::{Confidence, Finding, Measurement, Novelty, Severity, State};
use crate::outcome::{GateResult, GateVerdict, Judges};

/// What holds where nobody said anything.
pub const DEFAULT_FAIL_ON: Severity = Severity::High;

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
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedGate {
    /// Fails when an active finding is this severe or more.
    pub fail_on: Option<Severity>,
    /// Findings less sure are not looked at.
    pub min_confidence: Confidence,
    /// Findings that were there before are not looked at.
    pub new_only: bool,
    /// Fails when there are more active findings of a level than this.
    pub max: BTreeMap<Severity, u64>,
    /// Judges a measurement, and no finding.
    pub measurement: Option<MeasurementGate>,
    /// `default`, `command line`, `scan.toml:12`.
    pub origin: String,
    /// `fail-on = "high"`.
    pub description: String,
}

impl ResolvedGate {
    fn new(fail_on: Option<Severity>, min_confidence: Confidence, origin: String) -> Self {
        let (new_only, max, measurement) = (false, BTreeMap::new(), None);
        let gate = Self { fail_on, min_confidence, new_only, max, measurement, origin, description: String::new() };
        gate.described()
    }

    fn described(mut self) -> Self {
        self.description = match &self.measurement {
            Some(measurement) => describe_measurement(measurement),
            None => self.describe(),
        };
        self
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
        if self.new_only {
            parts.push("new-only = true".to_owned());
        }
        if !self.max.is_empty() {
            let maxima: Vec<_> = self.max.iter().rev().map(|(s, n)| format!("{} = {n}", s.as_str())).collect();
            parts.push(format!("max = {{ {} }}", maxima.join(", ")));
        }
        parts.join(", ")
    }

    fn judge(&self, findings: &[Finding], measurements: &[Measurement]) -> GateResult {
        let (description, origin) = (self.description.clone(), self.origin.clone());
        if let Some(gate) = &self.measurement {
            let judges = Judges::Measurements;
            let measure::Measured { verdict, counted, detail } = measure::judge(gate, measurements);
            return GateResult { description, origin, judges, verdict, counted, detail };
        }
        let judges = if self.new_only { Judges::NewFindings } else { Judges::Findings };
        let mut counted = 0;
        let mut passed = true;
        let mut of_level: BTreeMap<Severity, u64> = BTreeMap::new();
        for finding in findings {
            // What cannot be compared with anything counts as new.
            let old = self.new_only && finding.novelty == Some(Novelty::Existing);
            if old || finding.state != State::Active || finding.confidence < self.min_confidence {
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
        let verdict = if passed { GateVerdict::Passed } else { GateVerdict::Failed };
        GateResult { description, origin, judges, verdict, counted, detail: String::new() }
    }

    /// Whether it lets nothing pass that the other one fails.
    pub(super) fn is_as_strict_as(&self, other: &Self) -> bool {
        if self.measurement.is_some() || other.measurement.is_some() {
            let bounds = |gate: &Self| {
                gate.measurement
                    .as_ref()
                    .map(|m| (m.name.value.clone(), m.min_lower95, m.max_upper95, m.conditions.clone()))
            };
            let (Some(own), Some(others)) = (bounds(self), bounds(other)) else { return false };
            let lower = others.1.is_none_or(|limit| own.1.is_some_and(|own| own >= limit));
            let upper = others.2.is_none_or(|limit| own.2.is_some_and(|own| own <= limit));
            // Fewer conditions mean more measurements.
            return own.0 == others.0 && lower && upper && own.3.iter().all(|condition| others.3.contains(condition));
        }
        let severity = other.fail_on.is_none_or(|least| self.fail_on.is_some_and(|own| own <= least));
        let max = other.max.iter().all(|(level, most)| {
            self.max.get(level).is_some_and(|own| own <= most) || self.fail_on.is_some_and(|own| own <= *level)
        });
        severity && max && self.min_confidence <= other.min_confidence && (!self.new_only || other.new_only)
    }
}

/// As `scan.toml` would have it.
fn describe_measurement(gate: &MeasurementGate) -> String {
    let mut parts = vec![format!("measurement = \"{}\"", gate.name.value)];
    if !gate.conditions.is_empty() {
        let condition = |c: &crate::config::Condition| match &c.value {
            ConditionValue::Number(number) => format!("{} = {number}", c.label),
            ConditionValue::Text(text) => format!("{} = \"{text}\"", c.label),
        };
        let conditions: Vec<_> = gate.conditions.iter().map(condition).collect();
        parts.push(format!("where = {{ {} }}", conditions.join(", ")));
    }
    parts.extend(gate.min_lower95.map(|limit| format!("min-lower95 = {limit}")));
    parts.extend(gate.max_upper95.map(|limit| format!("max-upper95 = {limit}")));
    parts.join(", ")
}

/// The gates of a stage: those of `scan.toml` that name it or no stage, otherwise the default.
///
/// `--fail-on` takes the place of every gate's `fail-on`: one gate of the command line stands for all of
/// them. It looks at findings as unsure as the least strict of them did, because whoever asks
/// for another severity did not ask to overlook what was looked at before; it looks at new ones only if all of them
/// did. A gate's `max` stays, and so does a gate on a measurement.
pub fn resolve(config: &Config, stage: &str, fail_on: Option<FailOn>) -> Vec<ResolvedGate> {
    let applies = |stages: &Vec<crate::config::Spanned<String>>| stages.iter().any(|name| name.value == stage);
    let mut gates: Vec<ResolvedGate> = config
        .gates
        .iter()
        .filter(|gate| gate.stages.as_ref().is_none_or(applies))
        .map(|gate| {
            let resolved = ResolvedGate {
                fail_on: gate.fail_on,
                min_confidence: gate.min_confidence.unwrap_or(Confidence::Low),
                new_only: gate.new_only,
                max: gate.max.clone(),
                measurement: gate.measurement.clone(),
                origin: config.place(gate.line),
                description: String::new(),
            };
            resolved.described()
        })
        .collect();
    // A gate on a measurement says nothing about findings, so the default for those holds beside it.
    if gates.iter().all(|gate| gate.measurement.is_some()) {
        gates.insert(0, ResolvedGate::new(Some(DEFAULT_FAIL_ON), Confidence::Low, "default".into()));
    }
    let Some(asked) = fail_on else { return gates };

    let replaced = || gates.iter().filter(|gate| gate.fail_on.is_some());
    let least = replaced().map(|gate| gate.min_confidence).min().unwrap_or(Confidence::Low);
    let new_only = replaced().count() > 0 && replaced().all(|gate| gate.new_only);
    let own =
        ResolvedGate { fail_on: asked.threshold(), new_only, ..ResolvedGate::new(None, least, "command line".into()) };
    let kept = gates.into_iter().filter(|gate| !gate.max.is_empty() || gate.measurement.is_some());
    let kept = kept.map(|gate| ResolvedGate { fail_on: None, ..gate }.described());
    std::iter::once(own.described()).chain(kept).collect()
}

/// One result for each gate, in their order.
pub fn judge(findings: &[Finding], measurements: &[Measurement], gates: &[ResolvedGate]) -> Vec<GateResult> {
    gates.iter().map(|gate| gate.judge(findings, measurements)).collect()
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
        assert!(judge(&[finding("a.b", Severity::Critical, Confidence::High)], &[], &none)[0].passed());
    }

    #[test]
    fn severity_confidence_and_state_decide() {
        let gates = resolve(&config("[[gate]]\nfail-on = \"high\"\nmin-confidence = \"medium\"\n"), "x", None);
        let verdict = |finding: Finding| judge(&[finding], &[], &gates)[0].clone();
        assert!(!verdict(finding("a.b", Severity::High, Confidence::Medium)).passed());
        assert!(verdict(finding("a.b", Severity::Medium, Confidence::High)).passed());
        assert!(verdict(finding("a.b", Severity::Critical, Confidence::Low)).passed());
        let mut ignored = finding("a.b", Severity::Critical, Confidence::High);
        ignored.state = State::IgnoredInline { reason: String::new() };
        let result = verdict(ignored);
        assert!(result.passed());
        assert_eq!(result.counted, 0);
    }

    #[test]
    fn unknown_counts_as_medium() {
        let gates = resolve(&config("[[gate]]\nfail-on = \"medium\"\n"), "x", None);
        let mut unknown = finding("a.b", Severity::Info, Confidence::High);
        unknown.rating.level = Level::Unknown;
        assert!(!judge(&[unknown], &[], &gates)[0].passed());
    }

    #[test]
    fn a_maximum_is_of_its_level_alone() {
        let gates = resolve(&config("[[gate]]\nmax = { low = 1, critical = 0 }\n"), "x", None);
        let low = || finding("a.b", Severity::Low, Confidence::High);
        let high = finding("a.b", Severity::High, Confidence::High);
        let result = judge(&[low(), high.clone()], &[], &gates)[0].clone();
        assert!(result.passed());
        assert_eq!(result.counted, 1);
        assert!(!judge(&[low(), low(), high], &[], &gates)[0].passed());
    }
    #[test]
    fn new_only_looks_past_what_was_there_before() {
        let gate = ResolvedGate { new_only: true, ..resolve(&Config::default(), "x", None).remove(0) };
        let verdict = |novelty| {
            let finding = Finding { novelty, ..finding("a.b", Severity::High, Confidence::High) };
            judge(&[finding], &[], std::slice::from_ref(&gate))[0].verdict
        };
        assert_eq!(verdict(Some(Novelty::Existing)), GateVerdict::Passed);
        assert_eq!(verdict(Some(Novelty::New)), GateVerdict::Failed);
        assert_eq!(verdict(None), GateVerdict::Failed);
    }

    #[test]
    fn strictness_is_compared_part_by_part() {
        let gate = |fail_on, min_confidence, new_only, max: &[(Severity, u64)]| ResolvedGate {
            new_only,
            max: max.iter().copied().collect(),
            ..ResolvedGate::new(fail_on, min_confidence, String::new())
        };
        let high = gate(Some(Severity::High), Confidence::Medium, false, &[]);
        assert!(high.is_as_strict_as(&high));
        assert!(gate(Some(Severity::Low), Confidence::Low, false, &[]).is_as_strict_as(&high));
        for looser in [
            gate(Some(Severity::Critical), Confidence::Medium, false, &[]),
            gate(None, Confidence::Medium, false, &[]),
            gate(Some(Severity::High), Confidence::High, false, &[]),
            gate(Some(Severity::High), Confidence::Medium, true, &[]),
        ] {
            assert!(!looser.is_as_strict_as(&high), "{looser:?}");
        }
        let some = gate(None, Confidence::Low, false, &[(Severity::Medium, 5)]);
        assert!(gate(None, Confidence::Low, false, &[(Severity::Medium, 4)]).is_as_strict_as(&some));
        assert!(gate(Some(Severity::Medium), Confidence::Low, false, &[]).is_as_strict_as(&some));
        assert!(!gate(None, Confidence::Low, false, &[(Severity::Medium, 6)]).is_as_strict_as(&some));
    }
}
