//! One finding for one thing: what several rules or plugins say of the same bytes is merged, and the order
//! of the report is made here.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{ByteSpan, Finding};

/// Path, provenance and bytes.
type Place = (String, Vec<(String, String)>, ByteSpan);

/// Merges what means the same: the same bytes of the same file, and a CWE in common (or none on either
/// side). The more confident, then more severe finding stays, the others' rules are kept in `also`.
pub fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::with_capacity(findings.len());
    // With where the file comes from: two commits' versions of one path are two files.
    let mut at: HashMap<Place, Vec<usize>> = HashMap::new();
    for finding in findings {
        let key = finding.location.file().and_then(|f| Some((f.path.clone(), f.provenance.clone(), f.bytes?)));
        let Some(key) = key else {
            out.push(finding);
            continue;
        };
        let same = at.entry(key).or_default();
        if let Some(index) = same.iter().copied().find(|index| alike(&out[*index], &finding)) {
            absorb(&mut out[index], finding);
        } else {
            same.push(out.len());
            out.push(finding);
        }
    }
    out
}

/// Most severe first, then by path, place and rule.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.rating.level.rank(), Reverse(f.confidence));
        key(a)
            .cmp(&key(b))
            .then_with(|| a.location.path().cmp(b.location.path()))
            .then_with(|| a.location.start().cmp(&b.location.start()))
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
}

fn alike(a: &Finding, b: &Finding) -> bool {
    let cwes = |f: &Finding| f.tags.iter().filter(|tag| tag.starts_with("CWE-")).cloned().collect::<Vec<_>>();
    let (left, right) = (cwes(a), cwes(b));
    // A comment that names one rule does not speak for another that found the same.
    if std::mem::discriminant(&a.state) != std::mem::discriminant(&b.state) {
        return false;
    }
    a.rule == b.rule || (left.is_empty() && right.is_empty()) || left.iter().any(|cwe| right.contains(cwe))
}

fn absorb(kept: &mut Finding, other: Finding) {
    let key = |f: &Finding| (Reverse(f.confidence), f.rating.level.rank(), f.rule.clone());
    let other = if key(&other) < key(kept) { std::mem::replace(kept, other) } else { other };
    let rules = std::iter::once(other.rule).chain(other.also);
    for rule in rules {
        if rule != kept.rule && !kept.also.contains(&rule) {
            kept.also.push(rule);
        }
    }
    kept.also.sort();
    for tag in other.tags {
        if !kept.tags.contains(&tag) {
            kept.tags.push(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Location, Severity, State, testing};

    fn finding(rule: &str, confidence: Confidence, state: State) -> Finding {
        let mut finding = testing::finding(rule, Severity::High, confidence);
        if let Location::File(file) = &mut finding.location {
            file.bytes = Some(ByteSpan { offset: 3, len: 9 });
        }
        Finding { tags: vec!["CWE-798".into()], state, ..finding }
    }

    #[test]
    fn the_surer_finding_stays_and_names_the_other() {
        let merged = merge(vec![
            finding("secrets.a", Confidence::Low, State::Active),
            finding("secrets.b", Confidence::High, State::Active),
        ]);
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].rule.as_str(), merged[0].also.as_slice()), ("secrets.b", &["secrets.a".to_owned()][..]));
    }

    #[test]
    fn a_comment_for_one_rule_does_not_silence_another() {
        let ignored = State::IgnoredInline { reason: String::new() };
        let merged = merge(vec![
            finding("secrets.a", Confidence::Low, State::Active),
            finding("secrets.b", Confidence::High, ignored),
        ]);
        assert_eq!(merged.iter().filter(|f| f.state == State::Active).count(), 1);
    }
}
