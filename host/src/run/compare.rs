//! What a run is compared with: a baseline, and the base of a change. The base's versions of what the change
//! touched are scanned with the same plan, and what was found there is not new.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Control, RunError, Scanned, Tools};
use crate::finding::Date;
use crate::outcome::{BaseUse, BaselineUse, Notice, PolicySource, PolicyUse, Problem, ProblemKind};
use crate::policy::{Baseline, Before, KnownFinding, Untouched};
use crate::source::{Changes, Source};

/// The base of a change.
pub struct Base {
    /// How it was named and what that is.
    pub named: BaseUse,
    /// What it has of the files that the change touched. None: that is not known, so everything is new.
    pub source: Option<Arc<dyn Source + Send>>,
    /// What the change did not touch.
    pub untouched: Option<Arc<dyn Untouched + Send + Sync>>,
}

/// All that a run is compared with, and what is to be said of that.
pub struct Comparison {
    /// Whose policy judges.
    pub policy: PolicySource,
    /// How messages call its file.
    pub file: Option<String>,
    /// The day that expiries are judged by.
    pub day: Date,
    /// The base of the change, if it is one that is judged.
    pub base: Option<Base>,
    /// The baseline, and how `scan.toml` names it.
    pub baseline: Option<(PathBuf, Baseline)>,
    /// Whether a change is judged by its base's policy, so that its own comments do not count.
    pub change: bool,
    /// What was found out on the way here.
    pub notices: Vec<Notice>,
    /// The same, of what makes the run incomplete.
    pub problems: Vec<Problem>,
}

impl Comparison {
    /// With nothing: the policy of what is scanned, as it stands.
    pub fn none(day: Date) -> Self {
        Self {
            policy: PolicySource::Head,
            file: None,
            day,
            base: None,
            baseline: None,
            change: false,
            notices: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// For the report. `gone` is how many known findings were not found any more, where that can be known.
    pub(super) fn policy_use(&self, gone: Option<u64>) -> PolicyUse {
        let baseline = self.baseline.as_ref().map(|(path, baseline)| BaselineUse {
            path: crate::finding::text::printable(&path.display().to_string()).into_owned(),
            entries: baseline.entries.len() as u64,
            gone: gone.filter(|_| self.base.is_none()),
        });
        let base = self.base.as_ref().map(|base| base.named.clone());
        PolicyUse { source: self.policy, file: self.file.clone(), base, baseline, day: self.day }
    }
}

impl Untouched for Changes {
    /// What is in an archive is as it was if the archive is.
    fn is_untouched(&self, path: &str) -> bool {
        let archives = path.match_indices("!/").map(|(at, _)| &path[..at]);
        !archives.chain([path]).any(|path| self.is_changed(path))
    }
}

/// What was there before, as far as anything is known of it.
pub(super) struct Known<'c> {
    comparison: &'c Comparison,
    findings: Option<Vec<KnownFinding>>,
    pub(super) notices: Vec<Notice>,
    /// Why not all of the base was looked at.
    pub(super) problems: Vec<Problem>,
}

impl Known<'_> {
    /// For the policy.
    pub(super) fn before(&self, whole: bool) -> Before<'_> {
        let base = self.comparison.base.as_ref();
        Before {
            known: self.findings.as_deref(),
            untouched: base.and_then(|base| base.untouched.as_deref()).map(|untouched| untouched as &dyn Untouched),
            whole,
            change: self.comparison.change,
            again: false,
        }
    }
}

/// Looks at the baseline and scans the base. Not if nothing was found: then there is nothing to compare.
pub(super) fn known<'c>(
    tools: &Tools<'_>,
    comparison: &'c Comparison,
    scanned: &Scanned,
    control: &Control,
) -> Result<Known<'c>, RunError> {
    let mut known = Known { comparison, findings: None, notices: Vec::new(), problems: Vec::new() };
    if let Some((path, baseline)) = &comparison.baseline {
        known.findings.get_or_insert_default().extend(baseline.known());
        let plan = tools.plan;
        let key = plan.fingerprint_key.as_deref();
        known.notices.extend(baseline.notices(path, key, &plan.stage, &plan.policy.gates));
    }
    if let Some(base) = &comparison.base
        && base.untouched.is_some()
    {
        let findings = known.findings.get_or_insert_default();
        if let Some(source) = &base.source
            && !scanned.all.findings.is_empty()
        {
            let own = Control { interrupted: Arc::clone(&control.interrupted), ..Control::default() };
            let before = tools.scan(source, &own)?;
            // What else fails here fails towards "new".
            let cut_off =
                |problem: &&Problem| matches!(problem.kind, ProblemKind::Interrupted | ProblemKind::BudgetExceeded);
            known.problems.extend(before.all.problems.iter().filter(cut_off).cloned());
            findings.extend(before.all.findings.iter().map(KnownFinding::of));
        }
    }
    Ok(known)
}
