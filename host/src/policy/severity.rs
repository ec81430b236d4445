//! Severity overrides: `[[severity]]` of `scan.toml` over what rules and plugins say.

use std::collections::HashMap;

use crate::config::{SeverityOverride, Span};
use crate::finding::pattern::matches;
use crate::finding::{Finding, Level, Origin, Rating};

/// An override that no rule of a loaded plugin matches: a typo, or a rule that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedOverride {
    /// Its pattern.
    pub rule: String,
    /// Its line in `scan.toml`.
    pub line: u32,
    /// Where the pattern stands.
    pub span: Span,
    /// The rule that it may mean.
    pub near: Option<String>,
}

/// Sets the severity of the findings of overridden rules, and the score with it: a score of the old level
/// would contradict the new one. An exact id goes before a pattern, a later pattern before an earlier one.
///
/// `rules` are the ids of all rules of the loaded plugins; the answer names the overrides that match none.
pub fn override_severity(
    findings: &mut [Finding],
    overrides: &[SeverityOverride],
    rules: &[&str],
) -> Vec<UnusedOverride> {
    let mut chosen: HashMap<String, Option<&SeverityOverride>> = HashMap::new();
    for finding in findings {
        if !chosen.contains_key(&finding.rule) {
            chosen.insert(finding.rule.clone(), choose(overrides, &finding.rule));
        }
        if let Some(Some(change)) = chosen.get(&finding.rule) {
            let level = Level::from(change.set);
            let origin = Origin::Override { was: finding.rating.level, reason: change.reason.clone() };
            finding.rating = Rating { level, score: level.default_score(), origin };
        }
    }
    let unused = overrides
        .iter()
        .filter(|change| !rules.iter().any(|rule| matches(change.rule.as_deref().unwrap_or("*"), rule)));
    unused
        .map(|change| UnusedOverride {
            rule: change.rule.clone().unwrap_or_default(),
            line: change.line,
            span: change.span.clone(),
            near: crate::config::suggest::nearest(change.rule.as_deref().unwrap_or_default(), rules.iter().copied())
                .map(str::to_owned),
        })
        .collect()
}

fn choose<'o>(overrides: &'o [SeverityOverride], rule: &str) -> Option<&'o SeverityOverride> {
    let exact = overrides.iter().find(|change| change.rule.as_deref() == Some(rule));
    exact.or_else(|| overrides.iter().rev().find(|change| matches(change.rule.as_deref().unwrap_or("*"), rule)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Severity};
    use crate::policy::testing::finding;

    fn change(rule: &str, set: Severity) -> SeverityOverride {
        SeverityOverride {
            rule: Some(rule.into()),
            path: None,
            plugin: None,
            set,
            reason: format!("because {rule}"),
            expires: None,
            line: 7,
            span: 0..1,
        }
    }

    #[test]
    fn patterns() {
        for (pattern, id, expected) in [
            ("secrets.*", "secrets.a.b", true),
            ("secrets.*", "secrets", false),
            ("*.py.*", "sast.py.x", true),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("a", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, id), expected, "{pattern} {id}");
        }
    }

    #[test]
    fn an_exact_id_goes_before_a_pattern_and_later_before_earlier() {
        let overrides = [
            change("secrets.a", Severity::Info),
            change("secrets.*", Severity::Low),
            change("sec*", Severity::Critical),
        ];
        let mut findings = [
            finding("secrets.a", Severity::High, Confidence::High),
            finding("secrets.b", Severity::High, Confidence::High),
            finding("sast.c", Severity::High, Confidence::High),
        ];
        findings[1].rating.score = 7.3;
        assert!(override_severity(&mut findings, &overrides, &["secrets.a", "secrets.b", "sast.c"]).is_empty());
        assert_eq!(findings[0].rating.level, Level::Info);
        assert_eq!(findings[1].rating.level, Level::Critical);
        assert!((findings[1].rating.score - 9.5).abs() < f32::EPSILON);
        let origin = Origin::Override { was: Level::High, reason: "because sec*".into() };
        assert_eq!(findings[1].rating.origin, origin);
        assert_eq!(findings[2].rating.origin, Origin::Rule);
    }

    #[test]
    fn an_override_of_no_rule_is_told() {
        let unused = override_severity(&mut [], &[change("secrets.gihub-pat", Severity::Low)], &["secrets.github-pat"]);
        assert_eq!(unused.len(), 1);
        assert_eq!(unused[0].near.as_deref(), Some("secrets.github-pat"));
        assert_eq!(unused[0].line, 7);
    }
}
