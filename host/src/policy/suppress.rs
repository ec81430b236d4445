//! Suppressions: `[[suppress]]` of `scan.toml` sets findings aside, with a reason and until a day. A suppressed
//! finding is reported and not counted.

use std::collections::{BTreeMap, HashMap};

use globset::GlobSet;

use super::selectors::{Calendar, Names, glob, in_path};
use crate::config::Suppression;
use crate::finding::pattern::matches;
use crate::finding::{Finding, Fingerprint, Location, State};
use crate::outcome::{Notice, NoticeKind};

/// Labels of a finding that hold the id of an advisory, as the contract names them.
const ADVISORY_LABELS: [&str; 2] = ["advisory", "alias"];

/// Sets the state of what is suppressed, and says what of the list has expired, expires soon, or is of no use.
///
/// A finding of several suppressions belongs to the first that has not expired. `place` names where a line of the
/// list stands; `is_gone` whether a finding that was not found is not there any more, and not only not looked at.
pub fn suppress(
    findings: &mut [Finding],
    list: &[Suppression],
    names: &Names,
    calendar: Calendar,
    place: &dyn Fn(u32) -> String,
    is_gone: &dyn Fn(Fingerprint) -> bool,
) -> Vec<Notice> {
    let index = Index::new(list);
    let moved = index.moved(findings, is_gone);
    let mut counted = vec![0_usize; list.len()];
    for (at, finding) in findings.iter_mut().enumerate() {
        let mut meant = index.candidates(finding.fingerprint).filter(|entry| index.means(*entry, finding)).peekable();
        let by_moving = moved.get(&at).copied();
        if meant.peek().is_none() && by_moving.is_none() {
            continue;
        }
        let mut all: Vec<usize> = meant.chain(by_moving).collect();
        all.sort_unstable();
        for entry in &all {
            counted[*entry] += 1;
        }
        let holds = all.into_iter().map(|entry| &list[entry]).find(|entry| !calendar.is_over(entry.expires));
        if let Some(entry) = holds
            && finding.state == State::Active
        {
            finding.state =
                State::Suppressed { reason: entry.reason.clone(), expires: entry.expires, place: place(entry.line) };
        }
    }
    let mut notices = Vec::new();
    for (entry, counted) in list.iter().zip(counted) {
        let place = place(entry.line);
        let what = format!("suppression of {}", entry.select.describe());
        if let Some(unknown) = names.unknown(entry.select.rule.as_ref(), &place) {
            notices.push(unknown);
        } else if counted > 0 || calendar.is_over(entry.expires) {
            notices.extend(calendar.notice(entry.expires, &place, &what, counted));
        } else if names.could_match(entry.select.rule.as_ref()) {
            let message = format!("the {what} matches no finding; take it out");
            notices.push(Notice { kind: NoticeKind::Unused, place: Some(place), message });
        }
    }
    notices
}

/// The list, ready to be asked about many findings.
struct Index<'l> {
    list: &'l [Suppression],
    globs: Vec<Option<GlobSet>>,
    by_fingerprint: HashMap<Fingerprint, Vec<usize>>,
    others: Vec<usize>,
}

impl<'l> Index<'l> {
    fn new(list: &'l [Suppression]) -> Self {
        let mut by_fingerprint: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (at, entry) in list.iter().enumerate() {
            match entry.select.fingerprint {
                Some(fingerprint) => by_fingerprint.entry(fingerprint).or_default().push(at),
                None => others.push(at),
            }
        }
        let globs = list.iter().map(|entry| glob(entry.select.path.as_ref())).collect();
        Self { list, globs, by_fingerprint, others }
    }

    /// The entries that may mean a finding.
    fn candidates(&self, fingerprint: Fingerprint) -> impl Iterator<Item = usize> + '_ {
        let exact = self.by_fingerprint.get(&fingerprint).into_iter().flatten();
        exact.chain(&self.others).copied()
    }

    /// Whether an entry means a finding, its fingerprint aside.
    fn means(&self, entry: usize, finding: &Finding) -> bool {
        let select = &self.list[entry].select;
        in_path(self.globs[entry].as_ref(), finding)
            && select.rule.as_ref().is_none_or(|rule| is_rule(rule, finding))
            && select.package.as_ref().is_none_or(|package| is_package(package, finding))
            && select.advisory.as_ref().is_none_or(|advisory| is_advisory(advisory, finding))
    }

    /// Findings whose file was renamed: of each entry with a path-less fingerprint that its own fingerprint does
    /// not find, the first finding that has it. One entry means one finding, so the same text in a second place is
    /// a new one.
    fn moved(&self, findings: &[Finding], is_gone: &dyn Fn(Fingerprint) -> bool) -> BTreeMap<usize, usize> {
        let found: std::collections::HashSet<Fingerprint> = findings.iter().map(|f| f.fingerprint).collect();
        let mut wanted: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
        for (at, entry) in self.list.iter().enumerate() {
            if let (Some(fingerprint), Some(moved)) = (entry.select.fingerprint, entry.select.moved)
                && !found.contains(&fingerprint)
                && is_gone(fingerprint)
            {
                wanted.entry(moved).or_default().push(at);
            }
        }
        for entries in wanted.values_mut() {
            entries.reverse();
        }
        let mut out = BTreeMap::new();
        if wanted.is_empty() {
            return out;
        }
        // In the order of paths, so that it does not depend on severities.
        let mut order: Vec<usize> = (0..findings.len()).collect();
        order.sort_by_key(|at| {
            (findings[*at].location.path(), findings[*at].location.start(), findings[*at].fingerprint)
        });
        for at in order {
            let finding = &findings[at];
            // What has an entry of its own was not moved here.
            if self.by_fingerprint.contains_key(&finding.fingerprint) {
                continue;
            }
            if let Some(entries) = wanted.get_mut(&finding.moved_fingerprint)
                && let Some(entry) = entries.pop_if(|entry| self.means(*entry, finding))
            {
                out.insert(at, entry);
            }
        }
        out
    }
}

/// A finding that several rules agree on is meant only by what means all of them.
fn is_rule(pattern: &str, finding: &Finding) -> bool {
    std::iter::once(&finding.rule).chain(&finding.also).all(|rule| matches(pattern, rule))
}

/// A package without a version means all of its versions.
fn is_package(wanted: &str, finding: &Finding) -> bool {
    let Location::Package { purl, .. } = &finding.location else { return false };
    if wanted.rsplit('/').next().is_some_and(|name| name.contains('@')) {
        return purl == wanted || purl.split(['?', '#']).next() == Some(wanted);
    }
    let end = purl.rfind('@').filter(|at| *at > purl.rfind('/').unwrap_or(0)).unwrap_or(purl.len());
    purl[..end].split(['?', '#']).next() == Some(wanted)
}

fn is_advisory(wanted: &str, finding: &Finding) -> bool {
    let is =
        |(key, value): &(String, String)| ADVISORY_LABELS.contains(&key.as_str()) && value.eq_ignore_ascii_case(wanted);
    finding.labels.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Selector;
    use crate::finding::{Confidence, Date, Severity};
    use crate::policy::testing;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn entry(line: u32, expires: &str, select: Selector) -> Suppression {
        Suppression { select, reason: format!("because of line {line}"), expires: day(expires), line, span: 0..1 }
    }

    fn rule(rule: &str) -> Selector {
        Selector { rule: Some(rule.into()), ..Selector::default() }
    }

    fn finding(rule: &str, path: &str, seed: u8) -> Finding {
        let mut finding = testing::finding(rule, Severity::High, Confidence::High);
        if let Location::File(file) = &mut finding.location {
            file.path = path.into();
        }
        finding.fingerprint = Fingerprint::stub(seed);
        finding.moved_fingerprint = Fingerprint::stub(seed % 10 + 100);
        finding
    }

    fn names() -> Names {
        let ids = vec!["secrets.jwt".to_owned(), "secrets.github-pat".to_owned(), "deps.vulnerable".to_owned()];
        Names { ran: ids.clone(), known: ids, whole: true }
    }

    fn run(findings: &mut [Finding], list: &[Suppression], today: &str) -> Vec<String> {
        let calendar = Calendar { today: day(today), warn: 14 };
        let notices = suppress(findings, list, &names(), calendar, &|line| format!("scan.toml:{line}"), &|_| true);
        notices.into_iter().map(|n| format!("{:?} {}: {}", n.kind, n.place.unwrap_or_default(), n.message)).collect()
    }

    #[test]
    fn it_holds_up_to_its_day_and_is_warned_about_before() {
        let list = [entry(3, "2027-01-31", rule("secrets.jwt"))];
        let on = |today: &str| {
            let mut findings = [finding("secrets.jwt", "a", 1)];
            let notices = run(&mut findings, &list, today);
            (findings[0].state != State::Active, notices.join("\n"))
        };
        assert_eq!(on("2027-01-16"), (true, String::new()));
        let (hidden, notice) = on("2027-01-17");
        assert!(hidden && notice.starts_with("Expiring scan.toml:3: ") && notice.contains("in 14 days"), "{notice}");
        let (hidden, notice) = on("2027-01-30");
        assert!(hidden && notice.contains("expires tomorrow"), "{notice}");
        let (hidden, notice) = on("2027-01-31");
        assert!(hidden && notice.contains("expires after today"), "{notice}");
        let (hidden, notice) = on("2027-02-01");
        assert!(!hidden, "{notice}");
        assert!(notice.starts_with("Expired ") && notice.contains("1 finding counts again"), "{notice}");
    }

    #[test]
    fn what_expired_leaves_the_finding_to_what_has_not() {
        let list = [entry(3, "2026-01-01", rule("secrets.jwt")), entry(9, "2027-01-01", rule("secrets.*"))];
        let mut findings = [finding("secrets.jwt", "a", 1)];
        let notices = run(&mut findings, &list, "2026-06-01");
        assert!(matches!(&findings[0].state, State::Suppressed { place, .. } if place == "scan.toml:9"));
        assert_eq!(notices.len(), 1, "{notices:?}");
    }

    #[test]
    fn useless_and_misspelt_entries_are_named() {
        let list = [
            entry(3, "2027-01-31", rule("secrets.jwt")),
            entry(7, "2027-01-31", rule("secrets.gihub-pat")),
            entry(11, "2027-01-31", Selector { path: Some("old/**".into()), ..Selector::default() }),
        ];
        let mut findings = [finding("secrets.jwt", "a", 1)];
        let notices = run(&mut findings, &list, "2026-06-01");
        assert_eq!(
            notices,
            [
                "UnknownRule scan.toml:7: no plugin has a rule `secrets.gihub-pat`, did you mean `secrets.github-pat`?",
                "Unused scan.toml:11: the suppression of path = \"old/**\" matches no finding; take it out",
            ]
        );
        // Where not all was looked at, nothing is of no use.
        let some = Names { whole: false, ..names() };
        let calendar = Calendar { today: day("2026-06-01"), warn: 14 };
        let kinds: Vec<_> = suppress(&mut findings, &list, &some, calendar, &|_| String::new(), &|_| true)
            .iter()
            .map(|n| n.kind)
            .collect();
        assert_eq!(kinds, [NoticeKind::UnknownRule]);
    }

    #[test]
    fn all_selectors_of_an_entry_have_to_match() {
        let both = Selector { rule: Some("secrets.*".into()), path: Some("tests/**".into()), ..Selector::default() };
        let mut findings = [finding("secrets.jwt", "tests/a", 1), finding("secrets.jwt", "src/a", 2)];
        run(&mut findings, &[entry(3, "2027-01-31", both)], "2026-06-01");
        assert!(findings[0].state != State::Active && findings[1].state == State::Active);
    }

    #[test]
    fn a_merged_finding_is_not_hidden_by_one_of_its_rules() {
        let mut findings = [finding("secrets.jwt", "a", 1)];
        findings[0].also = vec!["secrets.github-pat".into()];
        run(&mut findings, &[entry(3, "2027-01-31", rule("secrets.jwt"))], "2026-06-01");
        assert_eq!(findings[0].state, State::Active);
        run(&mut findings, &[entry(3, "2027-01-31", rule("secrets.*"))], "2026-06-01");
        assert!(findings[0].state != State::Active);
    }

    #[test]
    fn a_fingerprint_means_one_finding_wherever_its_file_went() {
        let select = Selector {
            fingerprint: Some(Fingerprint::stub(1)),
            moved: Some(Fingerprint::stub(101)),
            ..Selector::default()
        };
        let list = [entry(3, "2027-01-31", select)];
        // 11 and 21 are the same text in other files.
        let state = |seeds: &[u8]| {
            let mut findings: Vec<_> = seeds.iter().map(|s| finding("secrets.jwt", &format!("file{s}"), *s)).collect();
            run(&mut findings, &list, "2026-06-01");
            findings.iter().map(|f| f.state != State::Active).collect::<Vec<_>>()
        };
        assert_eq!(state(&[1, 11]), [true, false]);
        assert_eq!(state(&[11]), [true]);
        assert_eq!(state(&[21, 11]), [false, true]);
        assert_eq!(state(&[2]), [false]);
    }

    #[test]
    fn packages_with_and_without_version_and_advisories() {
        let mut package = finding("deps.vulnerable", "", 1);
        package.location = Location::Package {
            purl: "pkg:npm/%40scope/name@1.2.3?arch=x".into(),
            manifest: "package-lock.json".into(),
        };
        package.labels = vec![("alias".into(), "CVE-2024-0001".into())];
        let hides = |select: Selector| {
            let mut findings = [package.clone()];
            run(&mut findings, &[entry(3, "2027-01-31", select)], "2026-06-01");
            findings[0].state != State::Active
        };
        let package = |purl: &str| Selector { package: Some(purl.into()), ..Selector::default() };
        assert!(hides(package("pkg:npm/%40scope/name")));
        assert!(hides(package("pkg:npm/%40scope/name@1.2.3")));
        assert!(!hides(package("pkg:npm/%40scope/name@1.2.4")));
        assert!(!hides(package("pkg:npm/%40scope/nam")));
        let advisory = |id: &str| Selector { advisory: Some(id.into()), ..Selector::default() };
        assert!(hides(advisory("cve-2024-0001")));
        assert!(!hides(advisory("CVE-2024-00010")));
        assert!(hides(Selector { path: Some("*.json".into()), ..advisory("CVE-2024-0001") }));
    }
}
