//! One finding for one thing: what several rules or plugins say of the same bytes is merged, and the order
//! of the report is made here.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{ByteSpan, Finding};

/// Merges what means the same: the same bytes of the same file, and a CWE in common (or none on either
/// side). The more confident, then more severe finding stays, the others' rules are kept in `also`.
pub fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::with_capacity(findings.len());
    let mut at: HashMap<(String, ByteSpan), Vec<usize>> = HashMap::new();
    for finding in findings {
        let Some((path, span)) = finding.location.file().and_then(|f| Some((f.path.clone(), f.bytes?))) else {
            out.push(finding);
            continue;
        };
        let same = at.entry((path, span)).or_default();
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
