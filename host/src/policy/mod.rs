//! Policy: findings in, a verdict out. Severity overrides change what a finding counts as, comments and suppressions
//! set it aside, what was there before is told from what is new, gates judge what is left, and the exit code
//! follows from gates and completeness.
//!
//! Gating is not filtering: nothing here takes a finding away, every one is reported. Judging is a function of
//! what was found: a stored report is judged again by the same code. Nothing here reads a file or prints.

mod again;
pub mod baseline;
mod gate;
mod known;
mod loosened;
mod measure;
mod selectors;
mod severity;
mod suppress;
mod verdict;

use crate::config::{Incomplete, SeverityOverride, Suppression};
use crate::finding::{Comment, Finding, Fingerprint, Measurement, Novelty, State, merge};
use crate::outcome::{GateResult, GateVerdict, Notice, NoticeKind, Problem, ProblemKind};

pub use again::{Again, NotTogether, again, together};
pub use baseline::{Baseline, BaselineError};
pub use gate::{DEFAULT_FAIL_ON, FailOn, ResolvedGate, resolve};
pub use known::{KnownFinding, Untouched};
pub use loosened::{Side, StageView, loosened};
pub use measure::number;
pub use selectors::{Calendar, Names};
pub use verdict::{Completeness, exit};

/// Days before an expiry on which it is warned about, unless `scan.toml` says otherwise.
pub const WARN_DAYS: u32 = 14;

/// All that judges a run.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The stage's gates.
    pub gates: Vec<ResolvedGate>,
    /// Changes of severity.
    pub severities: Vec<SeverityOverride>,
    /// Findings that are accepted.
    pub suppressions: Vec<Suppression>,
    /// What an incomplete run means; none: nothing was said.
    pub incomplete: Option<Incomplete>,
    /// What an empty run means.
    pub nothing_scanned: Incomplete,
    /// Today, and how far ahead an expiry is warned about.
    pub calendar: Calendar,
    /// How messages call `scan.toml`.
    pub file: String,
}

/// What was there before.
#[derive(Clone, Copy, Default)]
pub struct Before<'b> {
    /// Findings of the baseline and of the base. None: there is nothing to compare with.
    pub known: Option<&'b [KnownFinding]>,
    /// What the change left as it was.
    pub untouched: Option<&'b dyn Untouched>,
    /// Whether all files were looked at, so that what was not found is gone.
    pub whole: bool,
    /// Whether a change is judged: its own comments do not count.
    pub change: bool,
    /// Whether the findings were judged before, and what was known then is not known any more: they stay as new
    /// as they were, and their comments count if they did.
    pub again: bool,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Each with its state, most severe first, what is the same merged.
    pub findings: Vec<Finding>,
    /// One for each gate.
    pub gates: Vec<GateResult>,
    /// Gates that had nothing to judge.
    pub problems: Vec<Problem>,
    /// What a person should know.
    pub notices: Vec<Notice>,
    /// How many of the known findings were not found any more.
    pub gone: u64,
}

impl Policy {
    /// Judges what was found.
    pub fn judge(
        &self,
        mut findings: Vec<Finding>,
        measurements: &[Measurement],
        names: &Names,
        before: Before<'_>,
    ) -> Judgement {
        let place = |line: u32| format!("{}:{line}", self.file);
        let mut notices = Vec::new();
        for finding in &mut findings {
            finding.rating = finding.rating.declared().clone();
        }
        notices.extend(severity::override_severity(&mut findings, &self.severities, names, self.calendar, &place));
        let gone = compare(&mut findings, before, &mut notices);
        // What is not found under its own path may be followed to another one only if it is not there any more.
        let at_base = |known: &KnownFinding, fingerprint| known.at_base && known.fingerprint == fingerprint;
        let is_gone = |fingerprint: Fingerprint| {
            before.whole || before.known.is_some_and(|known| known.iter().any(|known| at_base(known, fingerprint)))
        };
        notices.extend(suppress::suppress(&mut findings, &self.suppressions, names, self.calendar, &place, &is_gone));
        merge::sort(&mut findings);
        let mut findings = merge::merge(findings);
        merge::sort(&mut findings);
        if before.known.is_none() && !before.again && self.gates.iter().any(|gate| gate.new_only) {
            notices.push(nothing_to_compare());
        }
        let gates: Vec<GateResult> = gate::judge(&findings, measurements, &self.gates);
        let unmatched = |gate: &GateResult| Problem {
            kind: ProblemKind::GateUnmatched,
            plugin: None,
            path: None,
            message: format!("the gate {} ({}) has nothing to judge: {}", gate.description, gate.origin, gate.detail),
        };
        let problems = gates.iter().filter(|gate| gate.verdict == GateVerdict::Unjudged).map(unmatched).collect();
        notices.sort();
        notices.dedup();
        Judgement { findings, gates, problems, notices, gone }
    }
}

/// Tells new from old, and lets comments count that may. How many known findings are gone.
fn compare(findings: &mut [Finding], before: Before<'_>, notices: &mut Vec<Notice>) -> u64 {
    let (judged, gone) = match before.known {
        Some(known) => {
            let (judged, gone) = known::look_up(findings, known, before.untouched, before.whole);
            (Some(judged), gone)
        }
        None => (None, 0),
    };
    for (at, finding) in findings.iter_mut().enumerate() {
        let judged = judged.as_ref().map(|judged| judged[at]);
        let stored = matches!(finding.state, State::IgnoredInline { .. });
        let stays_old = before.again && finding.novelty == Some(Novelty::Existing);
        if !stays_old && (judged.is_some() || !before.again) {
            finding.novelty = judged.map(|judged| judged.novelty);
        }
        let counts = match (before.again, before.change) {
            (true, _) => stored,
            (false, true) => judged.is_some_and(|judged| judged.ignored_before),
            (false, false) => true,
        };
        finding.state = State::Active;
        let message = match &finding.comment {
            None => continue,
            Some(Comment::Ignore { reason }) if counts => {
                finding.state = State::IgnoredInline { reason: reason.clone() };
                continue;
            }
            Some(Comment::Ignore { .. }) => {
                "the comment beside this finding is part of the change, so it does not count before it is merged"
                    .to_owned()
            }
            Some(Comment::Malformed { lacks }) => format!(
                "the comment beside this finding lacks {lacks}, so it does nothing: write `scanhost:ignore {} -- \
                     reason`",
                finding.rule
            ),
        };
        let place = format!("{}:{}", finding.location.path(), finding.location.start().0);
        notices.push(Notice { kind: NoticeKind::CommentWithoutEffect, place: Some(place), message });
    }
    gone
}

/// What to say of a gate on new findings where all count as new.
fn nothing_to_compare() -> Notice {
    let message = "a gate asks for new findings only, and there is nothing to compare with, so all count as new: make a \
                   baseline with `scanhost baseline create`, or name the base of the change with --base or \
                   --changed-since";
    Notice { kind: NoticeKind::Baseline, place: None, message: message.into() }
}

#[cfg(test)]
use crate::finding::testing;
