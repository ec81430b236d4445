//! What suppressions and severity overrides have in common: globs that are compiled once, the question whether
//! a finding is meant, and what is to be said of an entry that means nothing or has expired.

use globset::GlobSet;

use crate::config::suggest;
use crate::finding::pattern::matches;
use crate::finding::{Date, Finding};
use crate::outcome::{Notice, NoticeKind};
use crate::router;

/// A glob of paths, ready to be asked. The configuration has checked it; one that does not compile matches nothing.
pub(super) fn glob(path: Option<&String>) -> Option<GlobSet> {
    path.map(|path| router::set(std::slice::from_ref(path)).unwrap_or_else(|_| GlobSet::empty()))
}

/// Whether a finding is in a place that the glob means; no glob means all.
pub(super) fn in_path(glob: Option<&GlobSet>, finding: &Finding) -> bool {
    glob.is_none_or(|glob| glob.is_match(finding.location.path()))
}

/// What the names in a policy are looked up in.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The ids of all rules of the plugins that ran.
    pub ran: Vec<String>,
    /// The ids of all rules of all plugins that there are.
    pub known: Vec<String>,
    /// Whether all that there is was looked at by all of the stage's plugins, so that what matched nothing is of
    /// no use.
    pub whole: bool,
}

impl Names {
    /// What to say of a rule pattern that no plugin's rule matches.
    pub(super) fn unknown(&self, rule: Option<&String>, place: &str) -> Option<Notice> {
        let rule = rule?;
        if self.known.iter().any(|id| matches(rule, id)) {
            return None;
        }
        let near = suggest::nearest(rule, self.known.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
        let message = format!("no plugin has a rule `{rule}`{near}");
        Some(Notice { kind: NoticeKind::UnknownRule, place: Some(place.to_owned()), message })
    }

    /// Whether a rule pattern could have matched a finding of the plugins that ran.
    pub(super) fn could_match(&self, rule: Option<&String>) -> bool {
        self.whole && rule.is_none_or(|rule| self.ran.iter().any(|id| matches(rule, id)))
    }
}

/// The day of a judgement, and what is near it.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    /// Today.
    pub today: Date,
    /// How many days before an expiry it is warned about.
    pub warn: u32,
}

impl Calendar {
    /// Whether an entry that holds up to and including this day holds no more.
    pub(super) fn is_over(self, expires: Date) -> bool {
        self.today > expires
    }

    /// What to say of an expiry, if anything. `what` is the entry, `effect` what it does as long as it holds.
    pub(super) fn notice(self, expires: Date, place: &str, what: &str, counted: usize) -> Option<Notice> {
        let findings = if counted == 1 { "1 finding".to_owned() } else { format!("{counted} findings") };
        let left = expires.days_since(self.today);
        let (kind, message) = if left < 0 && counted == 0 {
            (NoticeKind::Expired, format!("the {what} expired on {expires}; take it out, or give it another day"))
        } else if left < 0 {
            (
                NoticeKind::Expired,
                format!("the {what} expired on {expires}; {findings} count again. Mend what was found, or decide anew"),
            )
        } else if left <= i64::from(self.warn) {
            let when = match left {
                0 => "after today".to_owned(),
                1 => "tomorrow".to_owned(),
                days => format!("in {days} days, on {expires}"),
            };
            (NoticeKind::Expiring, format!("the {what} expires {when}; {findings} will count again"))
        } else {
            return None;
        };
        let message =
            if counted == 1 { message.replace("1 finding count again", "1 finding counts again") } else { message };
        Some(Notice { kind, place: Some(place.to_owned()), message })
    }
}
