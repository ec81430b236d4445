//! What it all came to: what was found in how much, whose policy judged it, what each gate says, and the verdict.

use anstyle::Style;

use super::finding::is_left_out;
use super::layout::{self, bytes, count, duration};
use super::{DIM, GREEN, Page, RED, YELLOW};
use crate::finding::State;
use crate::finding::text::printable;
use crate::outcome::{Exit, GateResult, GateVerdict, Judges, Outcome, PolicySource};
use crate::report::Tally;

impl Page<'_> {
    /// What only `-v` shows: who did how much, what was compared with, which gates passed, where the time went.
    pub(super) fn details(&mut self) {
        if self.options.verbose == 0 {
            return;
        }
        let timings = self.outcome.timings.as_ref();
        for p in &self.outcome.plugins {
            let time = timings.map(|_| format!(", {} inside it", duration(p.time_us))).unwrap_or_default();
            let text =
                format!("{} {} ({}): {}, {}{time}", p.id, p.version, p.source, count(p.files, "file"), bytes(p.bytes));
            self.wrapped("plugin: ", "  | ", &text);
        }
        let policy = &self.outcome.policy;
        let file = policy.file.as_deref().unwrap_or("built-in defaults");
        self.wrapped("policy: ", "  | ", &format!("{file}, as of {}", policy.day));
        if let Some(base) = &policy.base {
            let since = base.merge_base.as_deref().map_or("an unknown commit, so all is new".into(), short);
            self.wrapped("base: ", "  | ", &format!("{} ({}), left at {since}", base.reference, short(&base.commit)));
        }
        if let Some(baseline) = &policy.baseline {
            let gone = baseline.gone.map(|gone| format!(", {gone} of them not found any more")).unwrap_or_default();
            let text = format!("{}: {}{gone}", baseline.path, count(baseline.entries, "finding"));
            self.wrapped("baseline: ", "  | ", &text);
        }
        for gate in &self.outcome.gates {
            let verdict = match gate.verdict {
                GateVerdict::Passed => "passed",
                GateVerdict::Failed => "failed",
                GateVerdict::Unjudged => "not judged",
            };
            self.wrapped("", "  | ", &format!("{}, {verdict}, {}", gate_words(gate), counted(gate)));
        }
        if let Some(t) = timings.filter(|_| self.options.verbose > 1) {
            let sums = [("reading", t.read_us), ("routing", t.route_us), ("inside plugins", t.guest_us)];
            let sums: Vec<_> = sums.iter().map(|(what, us)| format!("{what} {}", duration(*us))).collect();
            self.wrapped("time: ", "  | ", &format!("{}, summed over threads", sums.join(", ")));
        }
        self.blank();
    }

    /// What was found in how much, and the verdict.
    pub(super) fn summary(&mut self) {
        let outcome = self.outcome;
        // What no gate looks at does not keep a run from being a clean one.
        let counts = outcome.findings.iter().any(|f| f.state == State::Active && !is_left_out(outcome, f));
        let clean = !counts && outcome.exit == Exit::Pass && outcome.is_complete();
        if clean && self.options.quiet {
            return;
        }
        self.policy();
        let summary = found(outcome);
        if clean && outcome.inputs.files == 0 {
            let what = match outcome.inputs.source.as_str() {
                "staged" => "nothing is staged",
                "changed" => "nothing has changed",
                _ => "there was nothing to scan",
            };
            let skipped = outcome.inputs.skipped.len();
            let what = if skipped > 0 { format!("{} skipped", count(skipped, "file")) } else { what.to_owned() };
            self.verdict(GREEN, "passed", &format!("{what}, no file was scanned"));
        } else if clean {
            self.verdict(GREEN, "passed", &summary);
        } else {
            if !self.options.quiet {
                self.wrapped("", "  | ", &summary);
            }
            self.verdicts();
        }
    }

    /// Whose policy judges, where it is not that of what was scanned.
    fn policy(&mut self) {
        if self.outcome.policy.source != PolicySource::Head {
            let whose = self.whose_policy();
            self.wrapped("judged by ", "  | ", &whose);
        }
    }

    /// `the policy of origin/main (1a2b3c4d5e6f)`.
    pub(super) fn whose_policy(&self) -> String {
        let policy = &self.outcome.policy;
        let base = policy.base.as_ref().map(|base| format!("{} ({})", base.reference, short(&base.commit)));
        match (policy.source, base) {
            // It need not be the change's own: a stored report is judged by whatever policy is at hand.
            (PolicySource::Head, _) => policy.file.as_deref().unwrap_or("the built-in defaults").into(),
            (PolicySource::Base, base) => format!("the policy of {}", base.as_deref().unwrap_or("the base")),
            (PolicySource::BuiltIn, Some(base)) => {
                format!("the built-in policy, because there is none to be had from {base}")
            }
            (PolicySource::BuiltIn, None) => "the built-in policy".into(),
        }
    }

    fn verdicts(&mut self) {
        let outcome = self.outcome;
        for gate in outcome.gates.iter().filter(|gate| gate.failed()) {
            self.verdict(RED, "FAILED", &format!("{}: {}", gate_words(gate), counted(gate)));
        }
        for gate in outcome.gates.iter().filter(|gate| gate.verdict == GateVerdict::Unjudged) {
            self.verdict(YELLOW, "NOT JUDGED", &format!("{}: {}", gate_words(gate), gate.detail));
        }
        let problems = count(outcome.problems.len(), "problem");
        match outcome.exit {
            Exit::Pass if outcome.is_complete() => {
                let gates: Vec<_> = outcome.gates.iter().map(gate_words).collect();
                let gates = if gates.is_empty() { "no gate applies".into() } else { gates.join(", ") };
                self.verdict(GREEN, "passed", &gates);
            }
            Exit::Pass => {
                self.verdict(YELLOW, "passed, but INCOMPLETE", &format!("{problems}; the policy says only to warn"));
            }
            // A gate without a line above would be a mistake elsewhere; the verdict is shown all the same.
            Exit::GateFailed if !outcome.gates.iter().any(GateResult::failed) => {
                self.verdict(RED, "FAILED", "a gate failed");
            }
            Exit::GateFailed if outcome.is_complete() => {}
            Exit::GateFailed => self.verdict(YELLOW, "INCOMPLETE", &problems),
            Exit::Incomplete => {
                self.verdict(RED, "INCOMPLETE", &format!("{problems}; what was not scanned may hold more findings"));
            }
            Exit::NothingScanned => {
                let stage = &outcome.stage;
                let why = if outcome.plugins.is_empty() {
                    format!(
                        "no plugin runs in stage `{stage}`; name some as `plugins` of [stages.{stage}], or use --plugin"
                    )
                } else {
                    "no file was scanned although some were expected; look at the path and at [files] exclude".into()
                };
                self.verdict(RED, "NOTHING SCANNED", &why);
            }
            Exit::Usage => self.verdict(RED, "FAILED", "there was no scan"),
        }
    }

    pub(super) fn verdict(&mut self, style: Style, word: &str, text: &str) {
        let width = self.width();
        let lines = layout::wrap(&printable(text), width.saturating_sub(word.len() + 2), width.saturating_sub(4));
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { self.paint(style, word) + ": " } else { self.paint(DIM, "  | ") };
            self.line(&format!("{head}{line}"));
        }
    }
}

/// `12 findings (3 new; 4 critical, 8 high) in 21 files (8.4 kB), 0.02 s; 2 suppressed, 1 ignored inline`.
fn found(outcome: &Outcome) -> String {
    let Tally { active, ignored, suppressed, new } = Tally::of(outcome);
    let mut parts = Vec::new();
    if active > 0 {
        parts.extend(new.map(|new| if new == 0 { "none new".into() } else { format!("{new} new") }));
        let levels: Vec<_> = outcome.counts().iter().map(|(level, count)| format!("{count} {level}")).collect();
        parts.push(levels.join(", "));
    }
    let mut found = if active == 0 { "no findings".to_owned() } else { count(active, "finding") };
    if !parts.is_empty() {
        found = format!("{found} ({})", parts.join("; "));
    }
    let time = outcome.timings.as_ref().map(|t| format!(", {}", duration(t.total_us))).unwrap_or_default();
    let aside = [(suppressed, "suppressed"), (ignored, "ignored inline")];
    let aside: Vec<_> = aside.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let aside = if aside.is_empty() { String::new() } else { format!("; {}", aside.join(", ")) };
    let inputs = &outcome.inputs;
    format!("{found} in {} ({}){time}{aside}", count(inputs.files, "file"), bytes(inputs.bytes))
}

fn gate_words(gate: &GateResult) -> String {
    format!("gate {} ({})", gate.description, gate.origin)
}

/// What a gate counted, or compared.
fn counted(gate: &GateResult) -> String {
    match gate.judges {
        _ if !gate.detail.is_empty() => gate.detail.clone(),
        Judges::Findings => count(gate.counted, "finding"),
        Judges::NewFindings => count(gate.counted, "new finding"),
        Judges::Measurements => count(gate.counted, "measurement"),
    }
}

/// A commit as people name it.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
