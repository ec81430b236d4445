//! One finding for one thing in the whole of a history: what is found in many versions of a file was brought
//! once, and that is what a reader wants to know; that, and whether it is still there.
//!
//! The provenance of a finding says all that is needed: `committed` and `commit` tell which of two versions was
//! first, `head` whether a version is the one that is checked out. By the committer's clock: a clock that was
//! wrong can make a later commit the first, and then that one is named.

use std::collections::HashMap;

use super::{Finding, Fingerprint, State};

/// Of all findings with one fingerprint the one of the earliest commit stays. It gets the labels `versions`, in
/// how many versions of the file it is, and `last-commit`, which brought the last of them, if there is more than one.
///
/// It is ignored only if the version that is checked out says so, or, where none is, all versions do: a comment
/// on some branch does not silence what others see.
pub fn earliest(findings: Vec<Finding>) -> Vec<Finding> {
    let mut out: Vec<Thing> = Vec::with_capacity(findings.len());
    let mut at: HashMap<Fingerprint, usize> = HashMap::new();
    for finding in findings {
        match at.get(&finding.fingerprint) {
            Some(place) => out[*place].add(finding),
            None => {
                at.insert(finding.fingerprint, out.len());
                out.push(Thing::new(finding));
            }
        }
    }
    out.into_iter().map(Thing::finish).collect()
}

/// All findings of one thing.
struct Thing {
    first: Finding,
    /// Of the last version.
    last: (String, String),
    versions: u64,
    /// What the version says that is checked out.
    head: Option<State>,
    /// Some version does not ignore it, if any does.
    active: bool,
}

impl Thing {
    fn new(finding: Finding) -> Self {
        Self {
            last: when(&finding),
            versions: 1,
            head: is_at_head(&finding).then(|| finding.state.clone()),
            active: finding.state == State::Active,
            first: finding,
        }
    }

    fn add(&mut self, finding: Finding) {
        self.versions += 1;
        self.active |= finding.state == State::Active;
        if is_at_head(&finding) {
            self.head = Some(finding.state.clone());
        }
        let when_found = when(&finding);
        if when_found > self.last {
            self.last.clone_from(&when_found);
        }
        if when_found < when(&self.first) {
            self.first = finding;
        }
    }

    fn finish(self) -> Finding {
        let Self { mut first, last, versions, head, active } = self;
        match head {
            Some(state) => {
                first.state = state;
                set(&mut first, "head", "yes");
            }
            None if active => first.state = State::Active,
            None => {}
        }
        if versions > 1 {
            first.labels.push(("versions".to_owned(), versions.to_string()));
            if !last.1.is_empty() {
                first.labels.push(("last-commit".to_owned(), last.1));
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

/// Sorts by time: dates in UTC, as RFC 3339 writes them, sort as text. The name decides between equals.
fn when(finding: &Finding) -> (String, String) {
    let get = |name| provenance(finding, name).unwrap_or_default().to_owned();
    (get("committed"), get("commit"))
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
    use crate::finding::{Confidence, FileLocation, Location, Rating, Severity};

    fn finding(fingerprint: &str, commit: &str, committed: &str, head: &str) -> Finding {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Finding {
            rule: "secrets.a".into(),
            title: String::new(),
            plugin: "secrets".to_owned().try_into().unwrap(),
            rating: Rating::new(Severity::High, None, None),
            confidence: Confidence::High,
            message: String::new(),
            location: Location::File(FileLocation {
                path: "a".into(),
                region: None,
                bytes: None,
                snippet: None,
                logical: None,
                provenance: vec![pair("commit", commit), pair("committed", committed), pair("head", head)],
            }),
            related: Vec::new(),
            fingerprint: Fingerprint::of(&[fingerprint.as_bytes()]),
            moved_fingerprint: Fingerprint::default(),
            tags: Vec::new(),
            labels: Vec::new(),
            fix: None,
            attachments: Vec::new(),
            also: Vec::new(),
            state: State::Active,
        }
    }

    fn ignored(mut finding: Finding) -> Finding {
        finding.state = State::IgnoredInline { reason: "meant".into() };
        finding
    }

    #[test]
    fn the_first_commit_stays_and_the_rest_is_counted() {
        let all = earliest(vec![
            finding("x", "c3", "2024-03-01T00:00:00Z", "yes"),
            finding("x", "c1", "2024-01-01T00:00:00Z", "no"),
            finding("y", "c2", "2024-02-01T00:00:00Z", "no"),
            finding("x", "c2", "2024-02-01T00:00:00Z", "no"),
        ]);
        assert_eq!(all.len(), 2);
        assert_eq!((provenance(&all[0], "commit"), provenance(&all[0], "head")), (Some("c1"), Some("yes")));
        let labels: Vec<_> = all[0].labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(labels, [("last-commit", "c3"), ("versions", "3")]);
        assert_eq!((provenance(&all[1], "head"), all[1].labels.len()), (Some("no"), 0));
    }

    #[test]
    fn what_is_checked_out_says_whether_it_is_ignored() {
        let one = |findings| earliest(findings).remove(0).state == State::Active;
        let (old, new) = ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z");
        assert!(!one(vec![finding("x", "1", old, "no"), ignored(finding("x", "2", new, "yes"))]));
        assert!(one(vec![ignored(finding("x", "1", old, "no")), finding("x", "2", new, "yes")]));
        assert!(one(vec![ignored(finding("x", "1", old, "no")), finding("x", "2", new, "no")]));
        assert!(!one(vec![ignored(finding("x", "1", old, "no")), ignored(finding("x", "2", new, "no"))]));
    }

    proptest! {
        #[test]
        fn the_order_of_threads_is_of_no_account(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let all: Vec<_> = (0..8).map(|n| {
                let committed = format!("2024-01-0{}T00:00:00Z", 1 + n / 3);
                finding(["x", "y"][n % 2], &format!("c{n}"), &committed, if n == 5 { "yes" } else { "no" })
            }).collect();
            let mut shuffled = earliest(order.into_iter().map(|n| all[n].clone()).collect());
            let mut straight = earliest(all);
            for findings in [&mut shuffled, &mut straight] {
                findings.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
            }
            prop_assert_eq!(shuffled, straight);
        }
    }
}
