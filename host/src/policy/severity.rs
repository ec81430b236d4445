//! Severity overrides: `[[severity]]` of `scan.toml` over what rules and plugins say.

use globset::GlobSet;

use super::selectors::{Calendar, Names, glob, in_path};
use crate::config::SeverityOverride;
use crate::finding::pattern::matches;
use crate::finding::{Finding, Level, Origin, Rating};
use crate::outcome::{Notice, NoticeKind};

/// Sets the severity of the findings that are meant, and the score with it: a score of the old level would
/// contradict the new one. The most particular override wins: an exact rule before a pattern before none, then one
/// with a path before one without, then one with a plugin, then the later one. An expired one changes nothing.
///
/// The answer names what has expired, expires soon, or is of no use.
pub fn override_severity(
    findings: &mut [Finding],
    overrides: &[SeverityOverride],
    names: &Names,
    calendar: Calendar,
    place: &dyn Fn(u32) -> String,
) -> Vec<Notice> {
    let globs: Vec<Option<GlobSet>> = overrides.iter().map(|change| glob(change.path.as_ref())).collect();
    let mut order: Vec<usize> = (0..overrides.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse((rank(&overrides[*at]), *at)));
    let mut counted = vec![0_usize; overrides.len()];
    for finding in findings {
        let mut changed = false;
        for at in &order {
            let change = &overrides[*at];
            if !means(change, globs[*at].as_ref(), finding) {
                continue;
            }
            counted[*at] += 1;
            if changed || change.expires.is_some_and(|expires| calendar.is_over(expires)) {
                continue;
            }
            changed = true;
            let level = Level::from(change.set);
            let was = Box::new(finding.rating.declared().clone());
            let origin = Origin::Override { was, reason: change.reason.clone(), place: place(change.line) };
            finding.rating = Rating { level, score: level.default_score(), origin };
        }
    }
    let mut notices = Vec::new();
    for (change, counted) in overrides.iter().zip(counted) {
        let place = place(change.line);
        let what = format!("severity override of {}", describe(change));
        if let Some(unknown) = names.unknown(change.rule.as_ref(), &place) {
            notices.push(unknown);
        } else if let Some(expires) = change.expires
            && let Some(notice) = calendar.notice(expires, &place, &what, counted)
        {
            notices.push(notice);
        } else if counted == 0 && change.path.is_some() && names.could_match(change.rule.as_ref()) {
            // A rule that finds nothing today is no mistake; a path that holds nothing may be.
            let message = format!("the {what} matches no finding; take it out");
            notices.push(Notice { kind: NoticeKind::Unused, place: Some(place), message });
        }
    }
    notices
}

fn rank(change: &SeverityOverride) -> (u8, bool, bool) {
    let rule = match &change.rule {
        None => 0,
        Some(rule) if rule.contains('*') => 1,
        Some(_) => 2,
    };
    (rule, change.path.is_some(), change.plugin.is_some())
}

fn means(change: &SeverityOverride, glob: Option<&GlobSet>, finding: &Finding) -> bool {
    change.rule.as_ref().is_none_or(|rule| matches(rule, &finding.rule))
        && change.plugin.as_ref().is_none_or(|plugin| *plugin == finding.plugin)
        && in_path(glob, finding)
}

/// As `scan.toml` has it.
pub(super) fn describe(change: &SeverityOverride) -> String {
    let plugin = change.plugin.as_ref().map(|plugin| plugin.as_str().to_owned());
    let parts = [("rule", change.rule.as_ref()), ("path", change.path.as_ref()), ("plugin", plugin.as_ref())];
    let set = parts.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key} = \"{value}\"")));
    set.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Date, Severity};
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

    fn run(findings: &mut [Finding], overrides: &[SeverityOverride], rules: &[&str]) -> Vec<Notice> {
        let ids: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        let names = Names { ran: ids.clone(), known: ids, whole: true };
        let calendar = Calendar { today: Date::new(2026, 6, 1).unwrap(), warn: 14 };
        override_severity(findings, overrides, &names, calendar, &|line| format!("scan.toml:{line}"))
    }

    #[test]
    fn the_most_particular_override_wins() {
        let in_tests = SeverityOverride { path: Some("tests/**".into()), ..change("sec*", Severity::Low) };
        let of_plugin = SeverityOverride {
            rule: None,
            plugin: Some("sast".to_owned().try_into().unwrap()),
            ..change("", Severity::Medium)
        };
        let overrides = [
            in_tests,
            change("secrets.a", Severity::Info),
            change("secrets.*", Severity::Low),
            change("sec*", Severity::Critical),
            of_plugin,
        ];
        let level = |rule: &str, path: &str| {
            let mut findings = [finding(rule, Severity::High, Confidence::High)];
            if let crate::finding::Location::File(file) = &mut findings[0].location {
                file.path = path.into();
            }
            findings[0].rating.score = 7.3;
            run(&mut findings, &overrides, &["secrets.a", "secrets.b", "sast.c", "deps.d"]);
            findings[0].rating.clone()
        };
        assert_eq!(level("secrets.a", "tests/x").level, Level::Info);
        assert_eq!(level("secrets.b", "tests/x").level, Level::Low);
        let changed = level("secrets.b", "src/x");
        assert_eq!(changed.level, Level::Critical);
        assert!((changed.score - 9.5).abs() < f32::EPSILON);
        assert!((changed.declared().score - 7.3).abs() < f32::EPSILON && changed.declared().level == Level::High);
        assert_eq!(level("sast.c", "src/x").level, Level::Medium);
        assert_eq!(level("deps.d", "src/x").origin, Origin::Rule);
    }

    #[test]
    fn judging_again_starts_from_what_was_declared() {
        let mut findings = [finding("secrets.a", Severity::High, Confidence::High)];
        run(&mut findings, &[change("secrets.a", Severity::Info)], &["secrets.a"]);
        run(&mut findings, &[change("secrets.a", Severity::Low)], &["secrets.a"]);
        assert_eq!(findings[0].rating.declared().level, Level::High);
    }

    #[test]
    fn an_override_of_no_rule_or_past_its_day_is_told() {
        let unused = run(&mut [], &[change("secrets.gihub-pat", Severity::Low)], &["secrets.github-pat"]);
        assert_eq!(unused.len(), 1);
        assert_eq!(
            (unused[0].place.as_deref(), unused[0].message.as_str()),
            (Some("scan.toml:7"), "no plugin has a rule `secrets.gihub-pat`, did you mean `secrets.github-pat`?")
        );
        let over = SeverityOverride { expires: Date::new(2026, 5, 31), ..change("secrets.a", Severity::Low) };
        let mut findings = [finding("secrets.a", Severity::High, Confidence::High)];
        let notices = run(&mut findings, &[over], &["secrets.a"]);
        assert_eq!(findings[0].rating.level, Level::High);
        assert_eq!(notices[0].kind, NoticeKind::Expired);
    }
}
