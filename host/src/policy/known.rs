//! What was there before: the findings of a baseline and of the base, and which of today's findings they are.
//!
//! One known finding stands for one of today's, so that a third copy of what was there twice is new. A finding is
//! looked up by its fingerprint first, and what is left on both sides by the path-less one, so that a renamed
//! file brings nothing new.

use std::collections::{HashMap, HashSet};

use crate::finding::{Comment, Finding, Fingerprint, Novelty, SecretDigest};

/// A finding of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFinding {
    /// What identifies it.
    pub fingerprint: Fingerprint,
    /// The same without the path.
    pub moved: Fingerprint,
    /// Of what is secret in it, where that is known.
    pub secret: Option<SecretDigest>,
    /// Whether a comment set it aside there.
    pub ignored: bool,
    /// It comes from the base, and its file was changed or deleted since; otherwise from a baseline.
    pub at_base: bool,
}

impl KnownFinding {
    /// A finding of the base.
    pub fn of(finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint,
            moved: finding.moved_fingerprint,
            secret: finding.secret,
            ignored: matches!(finding.comment, Some(Comment::Ignore { .. })),
            at_base: true,
        }
    }

    /// Whether it may be about the same secret: without a `fingerprint-key` two have the same fingerprint now and then.
    fn may_be(&self, finding: &Finding) -> bool {
        self.secret.is_none() || finding.secret.is_none() || self.secret == finding.secret
    }
}

/// Where the change ends: what it did not touch was there before as it is now.
pub trait Untouched {
    /// Whether the change left a path, from the repository's root, as it was.
    fn is_untouched(&self, path: &str) -> bool;
}

/// What one of today's findings was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// New or not.
    pub novelty: Novelty,
    /// Whether a comment beside it was there before, too.
    pub ignored_before: bool,
}

/// Looks up all findings at once; the answer is in their order. The second number is how many of the known ones
/// were not found any more.
///
/// `whole`: all files were looked at. Otherwise what is in a baseline and was not found may be where it was, and what
/// is found elsewhere is a copy of it.
pub fn look_up(
    findings: &[Finding],
    known: &[KnownFinding],
    untouched: Option<&dyn Untouched>,
    whole: bool,
) -> (Vec<Judged>, u64) {
    let mut by_fingerprint: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
    for (at, entry) in known.iter().enumerate() {
        by_fingerprint.entry(entry.fingerprint).or_default().push(at);
    }
    let mut used: HashSet<usize> = HashSet::new();
    let mut judged: Vec<Option<Judged>> = Vec::with_capacity(findings.len());
    for finding in findings {
        let same = by_fingerprint.get(&finding.fingerprint).into_iter().flatten();
        let same: Vec<usize> = same.copied().filter(|at| known[*at].may_be(finding)).collect();
        used.extend(&same);
        // One of the baseline may be the same as one of the base, which knows comments.
        judged.push(
            (!same.is_empty()).then(|| Judged {
                novelty: Novelty::Existing,
                ignored_before: same.iter().any(|at| known[*at].ignored),
            }),
        );
    }
    let mut by_moved: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
    let (mut gone, mut followed) = (HashSet::new(), HashSet::new());
    for (at, entry) in known.iter().enumerate() {
        if used.contains(&at) {
            continue;
        }
        gone.insert(entry.fingerprint);
        // A finding that both the baseline and the base have is one.
        if (whole || entry.at_base) && followed.insert(entry.fingerprint) {
            by_moved.entry(entry.moved).or_default().push(at);
        }
    }
    // A map has no order; what is taken first must not depend on that.
    for list in by_moved.values_mut() {
        list.sort_unstable_by(|a, b| b.cmp(a));
    }
    let is_untouched = |finding: &Finding| {
        untouched.is_some_and(|change| finding.location.file().is_some_and(|file| change.is_untouched(&file.path)))
    };
    // By path and place, so that the answer does not depend on what else made the order of the findings.
    let mut rest: Vec<usize> = (0..findings.len()).filter(|at| judged[*at].is_none()).collect();
    rest.sort_by_key(|at| (findings[*at].location.path(), findings[*at].location.start(), findings[*at].fingerprint));
    for at in rest {
        let finding = &findings[at];
        if is_untouched(finding) {
            judged[at] = Some(Judged { novelty: Novelty::Existing, ignored_before: true });
            continue;
        }
        let moved = by_moved.get_mut(&finding.moved_fingerprint).and_then(|entries| {
            let fits = entries.iter().rposition(|entry| known[*entry].may_be(finding))?;
            Some(entries.remove(fits))
        });
        judged[at] = Some(moved.map_or(Judged { novelty: Novelty::New, ignored_before: false }, |entry| {
            gone.remove(&known[entry].fingerprint);
            Judged { novelty: Novelty::Existing, ignored_before: known[entry].ignored }
        }));
    }
    // Unchanged files keep their comments, whatever a baseline says of the finding.
    let new = Judged { novelty: Novelty::New, ignored_before: false };
    let out = judged.into_iter().zip(findings).map(|(judged, finding)| {
        let judged = judged.unwrap_or(new);
        Judged { ignored_before: judged.ignored_before || is_untouched(finding), ..judged }
    });
    (out.collect(), gone.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Location, Severity};
    use crate::policy::testing;

    fn finding(path: &str, fingerprint: u8, moved: u8) -> Finding {
        let mut finding = testing::finding("secrets.a", Severity::High, Confidence::High);
        if let Location::File(file) = &mut finding.location {
            file.path = path.into();
        }
        finding.fingerprint = Fingerprint::stub(fingerprint);
        finding.moved_fingerprint = Fingerprint::stub(moved);
        finding
    }

    fn new(findings: &[Finding], known: &[Finding]) -> (Vec<bool>, u64) {
        let known: Vec<_> = known.iter().map(KnownFinding::of).collect();
        let (judged, gone) = look_up(findings, &known, None, true);
        (judged.iter().map(|judged| judged.novelty == Novelty::New).collect(), gone)
    }

    #[test]
    fn a_renamed_file_brings_nothing_new_and_a_copy_does() {
        let before = [finding("a", 1, 100)];
        assert_eq!(new(&[finding("b", 2, 100)], &before), (vec![false], 0));
        assert_eq!(new(&[finding("a", 1, 100), finding("b", 2, 100)], &before), (vec![false, true], 0));
        assert_eq!(new(&[finding("c", 3, 100), finding("b", 2, 100)], &before), (vec![true, false], 0));
        assert_eq!(new(&[], &before), (vec![], 1));
    }

    #[test]
    fn a_third_copy_is_the_only_new_one() {
        // Occurrences of one text in one file have fingerprints of their own.
        let before = [finding("a", 1, 100), finding("a", 2, 101)];
        let now = [finding("a", 1, 100), finding("a", 2, 101), finding("a", 3, 102)];
        assert_eq!(new(&now, &before), (vec![false, false, true], 0));
    }

    #[test]
    fn another_secret_in_the_same_place_is_new() {
        assert_eq!(new(&[finding("a", 9, 109)], &[finding("a", 1, 100)]), (vec![true], 1));
    }

    struct Only(&'static str);

    impl Untouched for Only {
        fn is_untouched(&self, path: &str) -> bool {
            path != self.0
        }
    }

    #[test]
    fn what_the_change_did_not_touch_is_not_new_and_keeps_its_comments() {
        let findings = [finding("touched", 1, 100), finding("other", 2, 101)];
        let (judged, _) = look_up(&findings, &[], Some(&Only("touched")), false);
        assert_eq!(judged[0], Judged { novelty: Novelty::New, ignored_before: false });
        assert_eq!(judged[1], Judged { novelty: Novelty::Existing, ignored_before: true });
        // A text that is copied out of an untouched file is new where it is copied to.
        let findings = [finding("touched", 1, 100), finding("other", 2, 100)];
        let (judged, _) = look_up(&findings, &[], Some(&Only("touched")), false);
        assert_eq!(judged[0].novelty, Novelty::New);
    }

    #[test]
    fn a_comment_counts_when_it_was_there_before() {
        let mut before = finding("a", 1, 100);
        let findings = [finding("a", 1, 100)];
        let of = |before: &Finding| look_up(&findings, &[KnownFinding::of(before)], None, true).0[0].ignored_before;
        assert!(!of(&before));
        before.comment = Some(Comment::Ignore { reason: "x".into() });
        assert!(of(&before));
    }

    #[test]
    fn what_was_not_looked_at_is_not_gone() {
        let baseline = KnownFinding { at_base: false, ..KnownFinding::of(&finding("a", 1, 100)) };
        let copy = [finding("b", 2, 100)];
        let of = |known: KnownFinding, whole| look_up(&copy, &[known], None, whole).0[0].novelty;
        assert_eq!(of(baseline, true), Novelty::Existing);
        assert_eq!(of(baseline, false), Novelty::New);
        assert_eq!(of(KnownFinding { at_base: true, ..baseline }, false), Novelty::Existing);
    }

    #[test]
    fn two_secrets_are_not_one_because_their_fingerprints_are() {
        let secret = |finding: Finding, secret: &[u8]| Finding { secret: Some(SecretDigest::of(secret)), ..finding };
        let before = secret(finding("a", 1, 100), b"one");
        let of = |now: Finding| look_up(&[now], &[KnownFinding::of(&before)], None, true).0[0].novelty;
        assert_eq!(of(secret(finding("a", 1, 100), b"one")), Novelty::Existing);
        assert_eq!(of(secret(finding("a", 1, 100), b"two")), Novelty::New);
        assert_eq!(of(secret(finding("b", 2, 100), b"two")), Novelty::New);
        assert_eq!(of(secret(finding("b", 2, 100), b"one")), Novelty::Existing);
    }
}
