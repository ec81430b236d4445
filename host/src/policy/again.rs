//! Judging again: a stored outcome in, the same with another verdict out. What was found stays as it was found;
//! states, gates, most notices and the exit code are made anew by the code that judges a scan.
//!
//! What is not known any more is not made up: a comment counts if it counted then, a finding that was there before
//! stays so, and two findings that were merged stay one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::{Baseline, Before, Completeness, Names, Policy, exit, nothing_to_compare};
use crate::finding::{Finding, Fingerprint, Novelty, State};
use crate::outcome::{
    BaseUse, BaselineUse, Exit, Inputs, Notice, NoticeKind, Outcome, PluginUse, PolicySource, PolicyUse, Problem,
    ProblemKind, Timings,
};

/// The stage that may be out of time without failing.
const COMMIT: &str = "commit";

/// What an outcome is judged by.
pub struct Again<'a> {
    /// The stage whose policy it is.
    pub stage: &'a str,
    /// What judges.
    pub policy: &'a Policy,
    /// What rules there are. `whole`: the plugins that ran are all of the stage.
    pub names: Names,
    /// How messages call the policy's file; none: built-in defaults.
    pub file: Option<&'a str>,
    /// Whose policy it is.
    pub source: PolicySource,
    /// The base whose it is.
    pub base: Option<BaseUse>,
    /// What was found out about whose policy it is.
    pub notices: Vec<Notice>,
    /// The same, of what makes the judgement incomplete.
    pub problems: Vec<Problem>,
    /// The baseline, if the policy names one.
    pub baseline: Option<(&'a Path, &'a Baseline)>,
    /// The policy's `fingerprint-key`.
    pub key: Option<&'a [u8]>,
}

/// Judges an outcome again.
pub fn again(mut outcome: Outcome, with: Again<'_>) -> Outcome {
    // The gates say anew what they lack.
    outcome.problems.retain(|problem| problem.kind != ProblemKind::GateUnmatched);
    let is_tree = outcome.inputs.source == "tree";
    let names = Names { whole: with.names.whole && is_tree && outcome.is_complete(), ..with.names };
    let whole = names.whole;
    let known = with.baseline.map(|(_, baseline)| baseline.known());
    let before = Before {
        known: known.as_deref(),
        whole: with.names.whole && outcome.is_complete() && outcome.inputs.source == "tree",
        again: true,
        ..Before::default()
    };
    let judged = with.policy.judge(std::mem::take(&mut outcome.findings), &outcome.measurements, &names, before);

    outcome
        .notices
        .retain(|notice| matches!(notice.kind, NoticeKind::Loosened | NoticeKind::Scope | NoticeKind::PolicyHead));
    outcome.notices.extend(judged.notices);
    if let Some((path, baseline)) = with.baseline {
        outcome.notices.extend(baseline.notices(path, with.key, with.stage, &with.policy.gates));
    }
    if with.source == PolicySource::Head {
        outcome.notices.extend(by_another(&outcome.policy, with.file));
    }
    outcome.notices.extend(with.notices);
    outcome.problems.extend(with.problems);
    let gone = judged.gone;
    outcome.policy = policy_use(outcome.policy, with.file, with.baseline, with.policy, whole.then_some(gone));
    outcome.policy.source = with.source;
    outcome.policy.base = outcome.policy.base.take().or(with.base);
    let compared =
        outcome.policy.baseline.is_some() || outcome.policy.base.as_ref().is_some_and(|base| base.merge_base.is_some());
    if !compared && with.policy.gates.iter().any(|gate| gate.new_only) {
        outcome.notices.push(nothing_to_compare());
    }
    outcome.notices.sort();
    outcome.notices.dedup();
    outcome.problems.extend(judged.problems);
    outcome.problems.sort();
    outcome.problems.dedup();
    outcome.findings = judged.findings;
    outcome.gates = judged.gates;
    with.stage.clone_into(&mut outcome.stage);
    let seen = Completeness {
        incomplete: with.policy.incomplete,
        commit: with.stage == COMMIT && outcome.policy.base.is_none(),
        nothing_scanned: with.policy.nothing_scanned,
        files_seen: outcome.inputs.files,
        // A change may well be empty, and so may a part of the history.
        expected: match outcome.inputs.source.as_str() {
            "staged" | "changed" => false,
            "history" => outcome.exit == Exit::NothingScanned,
            _ => true,
        },
    };
    outcome.exit = exit(&outcome.gates, &outcome.problems, seen);
    outcome
}

/// What to say where the scan was judged by a policy that the change could not touch.
fn by_another(then: &PolicyUse, file: Option<&str>) -> Option<Notice> {
    let whose = match (then.source, &then.base) {
        (PolicySource::Head, _) => return None,
        (PolicySource::Base, Some(base)) => format!("the policy of {} ({:.12})", base.reference, base.commit),
        (PolicySource::Base, None) => "the policy of its base".to_owned(),
        (PolicySource::BuiltIn, _) => "the built-in policy".to_owned(),
    };
    let now = file.unwrap_or("the built-in defaults");
    let message = format!("the change was judged by {whose}, and is judged again by {now}");
    Some(Notice { kind: NoticeKind::PolicyHead, place: None, message })
}

fn policy_use(
    then: PolicyUse,
    file: Option<&str>,
    baseline: Option<(&Path, &Baseline)>,
    policy: &Policy,
    gone: Option<u64>,
) -> PolicyUse {
    let used = baseline.map(|(path, baseline)| BaselineUse {
        path: crate::finding::text::printable(&path.display().to_string()).into_owned(),
        entries: baseline.entries.len() as u64,
        gone: gone.filter(|_| then.base.is_none()),
    });
    PolicyUse {
        source: PolicySource::Head,
        file: file.map(str::to_owned),
        // What made a finding an old one then makes it one now.
        baseline: used.or(then.baseline),
        base: then.base,
        day: policy.calendar.today,
    }
}

/// Why reports cannot be judged as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTogether {
    /// There is none.
    #[error("there is no report to judge")]
    None,
    /// Their paths mean different files.
    #[error("the reports are of different folders, `{0}` and `{1}`; judge each by itself")]
    Roots(String, String),
    /// It is not clear whose gates apply.
    #[error("the reports are of different stages, `{0}` and `{1}`; name the one whose gates apply with --stage")]
    Stages(String, String),
}

/// Makes one outcome of several: shards of a scan, or what different plugins came to. What is in more than one
/// counts once. `stage`: the one that is judged, where it need not be that of the reports.
pub fn together(outcomes: Vec<Outcome>, stage: Option<&str>) -> Result<Outcome, NotTogether> {
    let mut outcomes = outcomes.into_iter();
    let mut all = outcomes.next().ok_or(NotTogether::None)?;
    for other in outcomes {
        if all.inputs.root != other.inputs.root {
            return Err(NotTogether::Roots(all.inputs.root, other.inputs.root));
        }
        if stage.is_none() && all.stage != other.stage {
            return Err(NotTogether::Stages(all.stage, other.stage));
        }
        add(&mut all, other);
    }
    Ok(all)
}

fn add(all: &mut Outcome, other: Outcome) {
    all.findings = both(std::mem::take(&mut all.findings), other.findings);
    all.problems.extend(other.problems);
    all.problems.sort();
    all.problems.dedup();
    all.notices.extend(other.notices);
    all.notices.sort();
    all.notices.dedup();
    all.packages.extend(other.packages);
    all.packages.sort_by(|a, b| (&a.purl, &a.plugin).cmp(&(&b.purl, &b.plugin)));
    all.packages.dedup();
    all.measurements.extend(other.measurements);
    all.measurements.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    all.measurements.dedup();
    all.rules.extend(other.rules);
    all.gates.extend(other.gates);
    plugins(&mut all.plugins, other.plugins);
    inputs(&mut all.inputs, other.inputs);
    // A change's policy outranks that of a scan without one: `again` has something to say of it.
    if all.policy.base.is_none() && other.policy.base.is_some() {
        let baseline = all.policy.baseline.take();
        all.policy = PolicyUse { baseline: baseline.or(other.policy.baseline), ..other.policy };
    } else if all.policy.baseline.is_none() {
        all.policy.baseline = other.policy.baseline;
    }
    all.timings = all.timings.take().zip(other.timings).map(|(a, b)| Timings {
        started_unix: a.started_unix.min(b.started_unix),
        total_us: a.total_us.saturating_add(b.total_us),
        read_us: a.read_us.saturating_add(b.read_us),
        route_us: a.route_us.saturating_add(b.route_us),
        guest_us: a.guest_us.saturating_add(b.guest_us),
    });
}

/// Each fingerprint once. Where the reports do not agree, the finding counts, and is new.
fn both(first: Vec<Finding>, second: Vec<Finding>) -> Vec<Finding> {
    let mut at: HashMap<Fingerprint, usize> = first.iter().map(|finding| finding.fingerprint).zip(0..).collect();
    let mut all = first;
    for finding in second {
        let Some(same) = at.get(&finding.fingerprint).map(|at| &mut all[*at]) else {
            at.insert(finding.fingerprint, all.len());
            all.push(finding);
            continue;
        };
        if finding.state == State::Active {
            same.state = State::Active;
        }
        // What was not compared with anything counts as new.
        if same.novelty == Some(Novelty::Existing) && finding.novelty != Some(Novelty::Existing) {
            same.novelty = finding.novelty;
        }
    }
    all
}

fn plugins(all: &mut Vec<PluginUse>, other: Vec<PluginUse>) {
    let key = |plugin: &PluginUse| (plugin.id.clone(), plugin.version.clone(), plugin.digest.clone());
    let mut by_key: BTreeMap<_, PluginUse> = BTreeMap::new();
    for plugin in std::mem::take(all).into_iter().chain(other) {
        match by_key.get_mut(&key(&plugin)) {
            Some(same) => {
                same.files = same.files.saturating_add(plugin.files);
                same.bytes = same.bytes.saturating_add(plugin.bytes);
                same.time_us = same.time_us.saturating_add(plugin.time_us);
            }
            None => drop(by_key.insert(key(&plugin), plugin)),
        }
    }
    *all = by_key.into_values().collect();
}

fn inputs(all: &mut Inputs, other: Inputs) {
    if all.source != other.source {
        // No longer one source: nobody may think that all of it was looked at.
        all.source = format!("{}, {}", all.source, other.source);
    }
    all.files = all.files.saturating_add(other.files);
    all.bytes = all.bytes.saturating_add(other.bytes);
    all.binary = all.binary.saturating_add(other.binary);
    all.skipped.extend(other.skipped);
    all.skipped.sort();
    all.skipped.dedup();
}

#[cfg(test)]
mod tests;
