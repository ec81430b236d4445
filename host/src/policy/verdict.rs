//! The exit code, in the one place where it is decided.

use crate::config::Incomplete;
use crate::outcome::{Exit, GateResult, Problem, ProblemKind};

/// What a run saw, and what is to be done about what it did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// What the policy says of an incomplete run. None: nothing, so that it fails, but for the exceeded budget of
    /// the stage `commit`: a developer's hook that ran out of time is made up for by the later stages.
    pub incomplete: Option<Incomplete>,
    /// Whether the stage is `commit`.
    pub commit: bool,
    /// What a run without any input comes to.
    pub nothing_scanned: Incomplete,
    /// Files that were read.
    pub files_seen: u64,
    /// Whether there should have been any. An empty set of staged files is no mistake.
    pub expected: bool,
}

impl Completeness {
    fn fails(self, problem: &Problem) -> bool {
        match (problem.kind, self.incomplete) {
            // Nobody chose to leave those files out, and no policy of ours stands for the one that is missing.
            (ProblemKind::Interrupted | ProblemKind::PolicyUnavailable, _) => true,
            (_, Some(said)) => said == Incomplete::Fail,
            (ProblemKind::BudgetExceeded, None) => !self.commit,
            (_, None) => true,
        }
    }
}

/// Incomplete outranks a failed gate: what was found is shown either way, but what was not looked at cannot
/// be known.
pub fn exit(gates: &[GateResult], problems: &[Problem], seen: Completeness) -> Exit {
    if problems.iter().any(|problem| seen.fails(problem)) {
        return Exit::Incomplete;
    }
    if gates.iter().any(GateResult::failed) {
        return Exit::GateFailed;
    }
    // Out of time before the first file: there were files, and the policy has said above what that comes to.
    let out_of_time = problems.iter().any(|problem| problem.kind == ProblemKind::BudgetExceeded);
    if seen.files_seen == 0 && seen.expected && !out_of_time && seen.nothing_scanned == Incomplete::Fail {
        return Exit::NothingScanned;
    }
    Exit::Pass
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{GateVerdict, Judges};

    fn gate(passed: bool) -> GateResult {
        let verdict = if passed { GateVerdict::Passed } else { GateVerdict::Failed };
        let (description, origin, detail) = (String::new(), String::new(), String::new());
        GateResult { description, origin, judges: Judges::Findings, verdict, counted: 0, detail }
    }

    fn problem(kind: ProblemKind) -> Problem {
        Problem { kind, plugin: None, path: None, message: String::new() }
    }

    const STRICT: Completeness = Completeness {
        incomplete: None,
        commit: true,
        nothing_scanned: Incomplete::Fail,
        files_seen: 1,
        expected: true,
    };

    #[test]
    fn incomplete_outranks_a_failed_gate() {
        let trapped = [problem(ProblemKind::PluginTrapped)];
        assert_eq!(exit(&[gate(true)], &[], STRICT), Exit::Pass);
        assert_eq!(exit(&[gate(true), gate(false)], &[], STRICT), Exit::GateFailed);
        assert_eq!(exit(&[gate(false)], &trapped, STRICT), Exit::Incomplete);
        assert_eq!(exit(&[gate(true)], &trapped, STRICT), Exit::Incomplete);
    }

    #[test]
    fn a_warning_leaves_the_gates_to_decide_but_not_after_an_interrupt() {
        let lax = Completeness { incomplete: Some(Incomplete::Warn), ..STRICT };
        let trapped = [problem(ProblemKind::PluginTrapped)];
        assert_eq!(exit(&[gate(true)], &trapped, lax), Exit::Pass);
        assert_eq!(exit(&[gate(false)], &trapped, lax), Exit::GateFailed);
        assert_eq!(exit(&[gate(true)], &[problem(ProblemKind::Interrupted)], lax), Exit::Incomplete);
    }

    #[test]
    fn nothing_scanned_fails_only_where_something_was_expected() {
        let empty = Completeness { files_seen: 0, ..STRICT };
        assert_eq!(exit(&[gate(true)], &[], empty), Exit::NothingScanned);
        assert_eq!(exit(&[gate(true)], &[], Completeness { expected: false, ..empty }), Exit::Pass);
        assert_eq!(exit(&[gate(true)], &[], Completeness { nothing_scanned: Incomplete::Warn, ..empty }), Exit::Pass);
        assert_eq!(exit(&[gate(true)], &[problem(ProblemKind::Unreadable)], empty), Exit::Incomplete);
    }

    #[test]
    fn only_the_commit_budget_warns_by_default() {
        let late = [problem(ProblemKind::BudgetExceeded)];
        assert_eq!(exit(&[gate(true)], &late, STRICT), Exit::Pass);
        assert_eq!(exit(&[gate(false)], &late, STRICT), Exit::GateFailed);
        assert_eq!(exit(&[gate(true)], &late, Completeness { commit: false, ..STRICT }), Exit::Incomplete);
        let said = Completeness { incomplete: Some(Incomplete::Fail), ..STRICT };
        assert_eq!(exit(&[gate(true)], &late, said), Exit::Incomplete);
        let other = [problem(ProblemKind::BudgetExceeded), problem(ProblemKind::GateUnmatched)];
        assert_eq!(exit(&[gate(true)], &other, STRICT), Exit::Incomplete);
        let missing = [problem(ProblemKind::PolicyUnavailable)];
        let warn = Completeness { incomplete: Some(Incomplete::Warn), ..STRICT };
        assert_eq!(exit(&[gate(true)], &missing, warn), Exit::Incomplete);
    }
}
