//! One finding for one thing in the whole of a history: what is found in many versions of a file was brought
//! once, and that is what a reader wants to know; that, and whether it is still there.
//!
//! The provenance of a finding says which commit brought its version, and (`head`) whether that version is the one
//! that is checked out. Which of two commits was first the source knows, which has seen who is whose parent:
//! dates do not tell, as a rebase gives a whole branch one second.

use std::collections::HashMap;

use super::{Comment, Finding, Fingerprint};

/// Of all findings with one fingerprint the one of the earliest commit stays. It gets the labels `versions`, in
/// how many versions of the file it is, and `last-commit`, which brought the last of them, if there is more than one.
///
/// It has the comment of the version that is checked out, or, where none is, one only if all versions have one: a
/// comment on some branch does not silence what others see.
///
/// `rank` says where a commit stands in the history, the earliest first. One that it does not know is the last.
pub fn earliest(findings: Vec<Finding>, rank: &dyn Fn(&str) -> Option<u64>) -> Vec<Finding> {
    let mut out: Vec<Thing> = Vec::with_capacity(findings.len());
    let mut at: HashMap<Fingerprint, usize> = HashMap::new();
    for finding in findings {
        if let Some(place) = at.get(&finding.fingerprint) {
            out[*place].add(finding, rank);
        } else {
            at.insert(finding.fingerprint, out.len());
            out.push(Thing::new(finding, rank));
        }
    }
    out.into_iter().map(Thing::finish).collect()
}

/// All findings of one thing.
struct Thing {
    first: Finding,
    /// The commits of the first and the last version.
    commits: (When, When),
    versions: u64,
    /// The version that is checked out has it.
    at_head: bool,
    /// The comment beside it there.
    head: Option<Comment>,
    /// Some version has no comment that sets it aside.
    active: bool,
}

impl Thing {
    fn new(finding: Finding, rank: &dyn Fn(&str) -> Option<u64>) -> Self {
        let when = when(&finding, rank);
        Self {
            commits: (when.clone(), when),
            versions: 1,
            at_head: is_at_head(&finding),
            head: finding.comment.clone().filter(|_| is_at_head(&finding)),
            active: !is_ignored(&finding),
            first: finding,
        }
    }

    fn add(&mut self, finding: Finding, rank: &dyn Fn(&str) -> Option<u64>) {
        self.versions += 1;
        self.active |= !is_ignored(&finding);
        if is_at_head(&finding) {
            self.at_head = true;
            self.head.clone_from(&finding.comment);
        }
        let when = when(&finding, rank);
        if when > self.commits.1 {
            self.commits.1.clone_from(&when);
        }
        if when < self.commits.0 {
            self.commits.0 = when;
            self.first = finding;
        }
    }

    fn finish(self) -> Finding {
        let Self { mut first, commits, versions, at_head, head, active } = self;
        if at_head {
            first.comment = head;
            set(&mut first, "head", "yes");
        } else if active {
            first.comment = None;
        }
        if versions > 1 {
            first.labels.push(("versions".to_owned(), versions.to_string()));
            let (_, last) = commits.1;
            if !last.is_empty() {
                first.labels.push(("last-commit".to_owned(), last));
            }
            first.labels.sort();
        }
        first
    }
}

fn provenance<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    let file = finding.location.file()?;
    file.provenance.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A commit's rank and name.
type When = (u64, String);

fn when(finding: &Finding, rank: &dyn Fn(&str) -> Option<u64>) -> When {
    let commit = provenance(finding, "commit").unwrap_or_default();
    (rank(commit).unwrap_or(u64::MAX), commit.to_owned())
}

fn is_ignored(finding: &Finding) -> bool {
    matches!(finding.comment, Some(Comment::Ignore { .. }))
}

fn is_at_head(finding: &Finding) -> bool {
    provenance(finding, "head") == Some("yes")
}

fn set(finding: &mut Finding, name: &str, value: &str) {
    let super::Location::File(file) = &mut finding.location else { return };
    if let Some((_, old)) = file.provenance.iter_mut().find(|(key, _)| key == name) {
        value.clone_into(old);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::finding::{Confidence, Location, Severity, testing};

    fn finding(fingerprint: &str, commit: &str, head: &str) -> Finding {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut finding = testing::finding("secrets.a", Severity::High, Confidence::High);
        if let Location::File(file) = &mut finding.location {
            file.provenance = vec![pair("commit", commit), pair("head", head)];
        }
        finding.fingerprint = Fingerprint::of(&[fingerprint.as_bytes()]);
        finding
    }

    fn ignored(mut finding: Finding) -> Finding {
        finding.comment = Some(Comment::Ignore { reason: "meant".into() });
        finding
    }

    /// `c3` is earlier than `c1`: names say nothing.
    fn in_order(findings: Vec<Finding>) -> Vec<Finding> {
        earliest(findings, &|commit| commit.strip_prefix('c')?.parse::<u64>().ok().map(|n| 100 - n))
    }

    #[test]
    fn the_first_commit_stays_and_the_rest_is_counted() {
        let all = in_order(vec![
            finding("x", "c3", "yes"),
            finding("x", "c1", "no"),
            finding("y", "c2", "no"),
            finding("x", "c2", "no"),
        ]);
        assert_eq!(all.len(), 2);
        assert_eq!((provenance(&all[0], "commit"), provenance(&all[0], "head")), (Some("c3"), Some("yes")));
        let labels: Vec<_> = all[0].labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(labels, [("last-commit", "c1"), ("versions", "3")]);
        assert_eq!((provenance(&all[1], "head"), all[1].labels.len()), (Some("no"), 0));
    }

    #[test]
    fn what_is_checked_out_says_whether_it_is_ignored() {
        let one = |findings| !is_ignored(&in_order(findings).remove(0));
        assert!(!one(vec![finding("x", "1", "no"), ignored(finding("x", "2", "yes"))]));
        assert!(one(vec![ignored(finding("x", "1", "no")), finding("x", "2", "yes")]));
        assert!(one(vec![ignored(finding("x", "1", "no")), finding("x", "2", "no")]));
        assert!(!one(vec![ignored(finding("x", "1", "no")), ignored(finding("x", "2", "no"))]));
    }

    proptest! {
        #[test]
        fn the_order_of_threads_is_of_no_account(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let all: Vec<_> = (0..8).map(|n| {
                finding(["x", "y"][n % 2], &format!("{}{n}", ["c", "?"][n / 6]), if n == 5 { "yes" } else { "no" })
            }).collect();
            let mut shuffled = in_order(order.into_iter().map(|n| all[n].clone()).collect());
            let mut straight = in_order(all);
            for findings in [&mut shuffled, &mut straight] {
                findings.sort_by_key(|a| a.fingerprint);
            }
            prop_assert_eq!(shuffled, straight);
        }
    }
}
