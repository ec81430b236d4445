//! What changes when an outcome is judged again, and what does not.

use super::*;
use crate::config::{Config, parse};
use crate::finding::{Comment, Level};
use crate::outcome::Problem;
use crate::plan::{self, Request};
use crate::report::sample;

fn config(text: &str) -> Config {
    parse("scan.toml", &format!("version = 1\n{text}")).unwrap()
}

fn judge(outcome: Outcome, text: &str) -> Outcome {
    judge_with(outcome, text, None)
}

fn judge_with(outcome: Outcome, text: &str, baseline: Option<&Baseline>) -> Outcome {
    let config = config(text);
    let request = Request { today: "2026-11-24".parse().unwrap(), ..Request::default() };
    let stage = outcome.stage.clone();
    let ids: Vec<String> = outcome.rules.keys().cloned().collect();
    let with = Again {
        source: PolicySource::Head,
        base: None,
        notices: Vec::new(),
        problems: Vec::new(),
        stage: &stage,
        policy: &plan::policy(&config, &stage, &request),
        names: Names { ran: ids.clone(), known: ids, whole: true },
        file: config.name(),
        baseline: baseline.map(|baseline| (Path::new("scan-baseline.json"), baseline)),
        key: None,
    };
    again(outcome, with)
}

fn kinds(outcome: &Outcome) -> Vec<NoticeKind> {
    outcome.notices.iter().map(|notice| notice.kind).collect()
}

#[test]
fn the_verdict_is_the_new_policys() {
    let found = sample::many(1);
    assert_eq!(judge(found.clone(), "").exit, Exit::Pass);
    let strict = judge(found.clone(), "[[gate]]\nfail-on = \"medium\"\n");
    assert_eq!((strict.exit, strict.gates.len()), (Exit::GateFailed, 1));
    let raised = "[[severity]]\nrule = \"secrets.generic\"\nset = \"critical\"\nreason = \"public\"\n";
    let raised = judge(found.clone(), raised);
    assert_eq!((raised.exit, raised.findings[0].rating.level), (Exit::GateFailed, Level::Critical));
    // An override leaves no trace when it is gone.
    let back = judge(raised, "");
    assert_eq!((back.exit, &back.findings), (Exit::Pass, &found.findings));
    let accepted = "[[gate]]\nfail-on = \"low\"\n[[suppress]]\nrule = \"secrets.*\"\nreason = \"known\"\n\
                    expires = 2027-01-31\n";
    let accepted = judge(found, accepted);
    assert_eq!(accepted.exit, Exit::Pass);
    assert!(matches!(&accepted.findings[0].state, State::Suppressed { place, .. } if place == "scan.toml:4"));
    assert_eq!(judge(accepted, "[[gate]]\nfail-on = \"low\"\n").exit, Exit::GateFailed);
}

#[test]
fn judging_twice_is_judging_once() {
    for outcome in sample::all() {
        let once = judge(outcome, "[[gate]]\nfail-on = \"high\"\nnew-only = true\n");
        assert_eq!(judge(once.clone(), "[[gate]]\nfail-on = \"high\"\nnew-only = true\n"), once);
    }
}

#[test]
fn what_the_scan_lacks_stays_lacking() {
    let outcome = judge(sample::incomplete(), "[[gate]]\nfail-on = \"none\"\n");
    assert_eq!((outcome.exit, outcome.problems.len()), (Exit::Incomplete, 15));
    assert_eq!(judge(sample::incomplete(), "[policy]\nincomplete = \"warn\"\n").exit, Exit::GateFailed);
    let empty = Outcome { inputs: Inputs { files: 0, ..sample::clean().inputs }, ..sample::clean() };
    assert_eq!(judge(empty.clone(), "").exit, Exit::NothingScanned);
    assert_eq!(judge(empty, "[policy]\nnothing-scanned = \"warn\"\n").exit, Exit::Pass);
    assert_eq!(judge(sample::empty(), "").exit, Exit::Pass);
}

#[test]
fn a_gate_without_a_measurement_is_a_problem_as_long_as_it_is_there() {
    let outcome = judge(sample::measured(), "");
    assert!(outcome.is_complete() && outcome.exit == Exit::Pass);
    let gate = "[[gate]]\nmeasurement = \"evasion.robust-accuracy\"\nwhere = { epsilon = 0.1 }\nmin-lower95 = 0.6\n";
    let outcome = judge(outcome, gate);
    assert_eq!(outcome.problems.iter().map(|p| p.kind).collect::<Vec<_>>(), [ProblemKind::GateUnmatched]);
    assert_eq!(outcome.exit, Exit::Incomplete);
    let met =
        "[[gate]]\nmeasurement = \"evasion.robust-accuracy\"\nwhere = { epsilon = \"0.03\" }\nmin-lower95 = 0.5\n";
    assert_eq!(judge(outcome.clone(), met).exit, Exit::Pass);
    assert_eq!(judge(outcome, &met.replace("= 0.5", "= 0.6")).exit, Exit::GateFailed);
}

#[test]
fn facts_of_the_scan_stay_and_another_policy_is_said() {
    let outcome = judge(sample::change(), "");
    let kinds = kinds(&outcome);
    assert_eq!(kinds.iter().filter(|kind| **kind == NoticeKind::Loosened).count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == NoticeKind::CommentWithoutEffect).count(), 2);
    assert!(!kinds.contains(&NoticeKind::Expiring) && kinds.contains(&NoticeKind::PolicyHead));
    assert_eq!(outcome.policy.source, PolicySource::Head);
    assert_eq!(outcome.policy.base, sample::change().policy.base);
    // Comments that did not count then do not now; those that did still do.
    assert!(outcome.findings.iter().any(|f| f.comment.is_some() && f.state == State::Active));
    assert!(outcome.findings.iter().any(|f| matches!(f.state, State::IgnoredInline { .. })));
    assert!(outcome.findings.iter().all(|f| f.novelty.is_some()));
}

#[test]
fn a_baseline_tells_new_from_old() {
    let gate = "[[gate]]\nfail-on = \"medium\"\nnew-only = true\n";
    let found = sample::many(1);
    let outcome = judge(found.clone(), gate);
    assert_eq!((outcome.exit, kinds(&outcome)), (Exit::GateFailed, vec![NoticeKind::Baseline]));
    let baseline = Baseline::of(&found.findings, None);
    let outcome = judge_with(found.clone(), gate, Some(&baseline));
    assert_eq!((outcome.exit, kinds(&outcome)), (Exit::Pass, vec![]));
    assert_eq!(outcome.findings[0].novelty, Some(Novelty::Existing));
    assert_eq!(outcome.policy.baseline.as_ref().unwrap().gone, Some(0));
    // It stays old, and says why.
    let without = judge(outcome, gate);
    assert_eq!((without.exit, without.policy.baseline.is_some()), (Exit::Pass, true));
    let other = Baseline { key: Some("12345678".into()), ..baseline };
    let outcome = judge_with(found, "", Some(&other));
    assert_eq!(kinds(&outcome), [NoticeKind::Baseline, NoticeKind::Baseline]);
}

#[test]
fn reports_together_count_each_finding_once_and_the_more_severe_view() {
    let mut old = sample::many(2);
    old.findings[0].novelty = Some(Novelty::Existing);
    old.findings[0].state = State::IgnoredInline { reason: String::new() };
    old.findings[0].comment = Some(Comment::Ignore { reason: String::new() });
    old.findings[1].fingerprint = Fingerprint::stub(99);
    let mut new = sample::many(1);
    new.findings[0].novelty = Some(Novelty::New);
    new.problems.push(Problem { kind: ProblemKind::Unscanned, plugin: None, path: None, message: "x".into() });
    let all = together(vec![old, new], None).unwrap();
    assert_eq!(all.findings.len(), 2);
    assert_eq!((&all.findings[0].state, all.findings[0].novelty), (&State::Active, Some(Novelty::New)));
    assert_eq!((all.inputs.files, all.plugins.len(), all.plugins[0].files), (240, 1, 34));
    assert_eq!(judge(all, "").exit, Exit::Incomplete);
}

#[test]
fn reports_of_different_things_are_not_one() {
    assert_eq!(together(vec![], None), Err(NotTogether::None));
    let mut other = sample::clean();
    other.inputs.root = "sub".into();
    assert!(matches!(together(vec![sample::clean(), other], None), Err(NotTogether::Roots(..))));
    let other = sample::measured();
    assert!(matches!(together(vec![sample::clean(), other.clone()], None), Err(NotTogether::Stages(..))));
    assert_eq!(together(vec![sample::clean(), other], Some("test")).unwrap().measurements.len(), 1);
}
