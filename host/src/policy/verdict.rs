//! The exit code, in the one place where it is decided.

use crate::config::Incomplete;
use crate::outcome::{Exit, GateResult, Problem, ProblemKind};

/// What a run saw, and what is to be done about what it did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// What an incomplete run comes to.
    pub incomplete: Incomplete,
    /// What a run without any input comes to.
    pub nothing_scanned: Incomplete,
    /// Files that were read.
    pub files_seen: u64,
    /// Whether there should have been any. An empty set of staged files is no mistake.
    pub expected: bool,
}

/// Incomplete outranks a failed gate: what was found is shown either way, but what was not looked at cannot
/// be known. An interrupted run is never anything else, whatever the policy says: nobody chose to
/// leave those files out.
pub fn exit(gates: &[GateResult], problems: &[Problem], seen: Completeness) -> Exit {
    let interrupted = problems.iter().any(|problem| problem.kind == ProblemKind::Interrupted);
    if interrupted || (!problems.is_empty() && seen.incomplete == Incomplete::Fail) {
        return Exit::Incomplete;
    }
    if gates.iter().any(|gate| !gate.passed) {
        return Exit::GateFailed;
    }
    if seen.files_seen == 0 && seen.expected && seen.nothing_scanned == Incomplete::Fail {
        return Exit::NothingScanned;
    }
    Exit::Pass
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(passed: bool) -> GateResult {
        GateResult { description: String::new(), origin: String::new(), passed, counted: 0 }
    }

    fn problem(kind: ProblemKind) -> Problem {
        Problem { kind, plugin: None, path: None, message: String::new() }
    }

    const STRICT: Completeness =
        Completeness { incomplete: Incomplete::Fail, nothing_scanned: Incomplete::Fail, files_seen: 1, expected: true };

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
        let lax = Completeness { incomplete: Incomplete::Warn, ..STRICT };
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
}
