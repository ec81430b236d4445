//! What a change does to the policy: everything in which the head's `scan.toml` would let more pass than the
//! base's. While a change is judged none of it counts; it is named, so that whoever merges it knows.
//!
//! The comparison is of configurations, not of what they lead to in this run: a suppression that hides
//! nothing today is loosened policy all the same. What cannot be ordered (a plugin's own settings) counts as
//! loosened when it differs.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::{ResolvedGate, resolve};
use super::severity::describe;
use crate::config::{Config, Incomplete, Scope, SeverityOverride, Suppression};
use crate::finding::{PluginId, Severity};
use crate::outcome::{Notice, NoticeKind};

/// What a configuration comes to in one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// The plugins that run in it.
    pub plugins: Vec<PluginId>,
    /// What they look at.
    pub scope: Scope,
    /// How long they may take.
    pub budget: Option<std::time::Duration>,
}

/// One of the two sides.
#[derive(Clone, Copy)]
pub struct Side<'c> {
    /// What its `scan.toml` says.
    pub config: &'c Config,
    /// What that comes to, in every stage that either side has.
    pub stages: &'c [StageView],
}

/// Names all that the head loosens. The places are the head's.
pub fn loosened(base: Side<'_>, head: Side<'_>) -> Vec<Notice> {
    let mut found = Found { head: head.config, notices: Vec::new() };
    found.stages(base, head);
    found.policy(base.config);
    found.suppressions(base.config);
    found.severities(base.config);
    found.files(base.config);
    found.plugins(base.config);
    found.rest(base.config);
    found.notices
}

struct Found<'c> {
    head: &'c Config,
    notices: Vec<Notice>,
}

impl Found<'_> {
    /// `what` is what the head would do.
    fn note(&mut self, line: Option<u32>, what: String) {
        let place = line.map(|line| self.head.place(line));
        self.notices.push(Notice { kind: NoticeKind::Loosened, place, message: what });
    }

    fn stages(&mut self, base: Side<'_>, head: Side<'_>) {
        // What is the same in several stages is said once.
        let mut of_stages: BTreeMap<(Option<u32>, String), Vec<&str>> = BTreeMap::new();
        for before in base.stages {
            let name = &before.name;
            let line = self.head.stages.get(name).map(|stage| self.head.line_of(&stage.span));
            let Some(after) = head.stages.iter().find(|stage| stage.name == *name) else {
                self.note(None, format!("takes the stage `{name}` away"));
                continue;
            };
            for plugin in before.plugins.iter().filter(|plugin| !after.plugins.contains(plugin)) {
                self.note(line, format!("takes the plugin `{plugin}` out of stage `{name}`"));
            }
            let width = |scope| match scope {
                Scope::Full => 2,
                Scope::Changed => 1,
                Scope::Staged => 0,
            };
            if width(after.scope) < width(before.scope) {
                let (from, to) = (before.scope.as_str(), after.scope.as_str());
                self.note(line, format!("narrows the scope of stage `{name}` from {from} to {to}"));
            }
            match (before.budget, after.budget) {
                (None, Some(now)) => self.note(line, format!("gives stage `{name}` a budget of {now:?}")),
                (Some(then), Some(now)) if now < then => {
                    self.note(line, format!("cuts the budget of stage `{name}` from {then:?} to {now:?}"));
                }
                _ => {}
            }
            let gates = |config| -> Vec<ResolvedGate> { resolve(config, name, None) };
            let now = gates(head.config);
            for gate in gates(base.config) {
                if !now.iter().any(|other| other.is_as_strict_as(&gate)) {
                    let instead: Vec<_> = now.iter().map(|gate| gate.description.as_str()).collect();
                    let instead = instead.join("; ");
                    let what = format!("the gate `{}` becomes `{instead}`", gate.description);
                    of_stages.entry((None, what)).or_default().push(name);
                }
            }
            if is_lax(head.config.incomplete(name)) && !is_lax(base.config.incomplete(name)) {
                of_stages.entry((line, "an incomplete run becomes a warning".into())).or_default().push(name);
            }
        }
        for ((line, what), names) in of_stages {
            let stages: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let word = if stages.len() == 1 { "stage" } else { "stages" };
            self.note(line, format!("{word} {}: {what}", stages.join(", ")));
        }
    }

    fn policy(&mut self, base: &Config) {
        if self.head.policy.nothing_scanned == Incomplete::Warn && base.policy.nothing_scanned == Incomplete::Fail {
            self.note(None, "a run that scans nothing becomes a warning".into());
        }
    }

    fn suppressions(&mut self, base: &Config) {
        let list = self.head.suppressions.clone();
        for Suppression { select, expires, line, .. } in list {
            let before = base.suppressions.iter().filter(|entry| entry.select == select).map(|e| e.expires).max();
            let what = select.describe();
            match before {
                None => self.note(Some(line), format!("suppresses {what} until {expires}")),
                Some(then) if expires > then => {
                    self.note(Some(line), format!("suppresses {what} until {expires}, not {then}"));
                }
                Some(_) => {}
            }
        }
    }

    fn severities(&mut self, base: &Config) {
        let key = |change: &SeverityOverride| (change.rule.clone(), change.path.clone(), change.plugin.clone());
        let list = self.head.severities.clone();
        for change in &list {
            let before = base.severities.iter().find(|other| key(other) == key(change)).map(|other| other.set);
            let set = change.set.as_str();
            let what = describe(change);
            match before {
                None if change.set < Severity::Critical => {
                    self.note(Some(change.line), format!("sets the severity of {what} to {set}"));
                }
                Some(then) if change.set < then => {
                    self.note(
                        Some(change.line),
                        format!("lowers the severity of {what} from {} to {set}", then.as_str()),
                    );
                }
                _ => {}
            }
        }
        // Without it a more general one may hold, or the rule's own.
        let gone: Vec<_> = base.severities.iter().filter(|c| !list.iter().any(|other| key(other) == key(c))).collect();
        for change in gone {
            if change.set > Severity::Info {
                self.note(
                    None,
                    format!("no longer sets the severity of {} to {}", describe(change), change.set.as_str()),
                );
            }
        }
    }

    fn files(&mut self, base: &Config) {
        let before: BTreeSet<&str> = base.files.exclude.iter().map(|glob| glob.value.as_str()).collect();
        let excluded: Vec<_> =
            self.head.files.exclude.iter().filter(|g| !before.contains(g.value.as_str())).cloned().collect();
        for glob in excluded {
            let line = self.head.line_of(&glob.span);
            self.note(Some(line), format!("excludes `{}` from every scan", glob.value));
        }
        let size = |config: &Config| config.files.max_size.unwrap_or(crate::plan::MAX_FILE);
        if size(self.head) < size(base) {
            let message =
                format!("no longer scans files larger than {} bytes, but for {}", size(self.head), size(base));
            self.note(None, message);
        }
        if self.head.files.archives == Some(false) && base.files.archives != Some(false) {
            self.note(None, "no longer looks into archives".into());
        }
    }

    fn plugins(&mut self, base: &Config) {
        for (id, now) in self.head.plugins.clone() {
            let line = Some(self.head.line_of(&now.span));
            let before = base.plugins.get(&id);
            if let Some(source) = &now.source {
                let same = before.is_some_and(|before| {
                    let value = |s: &Option<crate::config::Spanned<_>>| {
                        s.as_ref().map(|s: &crate::config::Spanned<String>| s.value.clone())
                    };
                    before.source.as_ref().map(|s| &s.value) == Some(&source.value)
                        && value(&before.digest) == value(&now.digest)
                });
                if !same {
                    self.note(line, format!("the plugin `{id}` comes from `{}`", source.value.display()));
                }
            }
            let granted: BTreeSet<&str> =
                before.iter().flat_map(|before| &before.allow_read).map(|glob| glob.value.as_str()).collect();
            for glob in now.allow_read.iter().filter(|glob| !granted.contains(glob.value.as_str())) {
                self.note(line, format!("allows the plugin `{id}` to read `{}`", glob.value));
            }
            let empty = serde_json::Value::Object(serde_json::Map::new());
            if before.map_or(&empty, |before| &before.config) != &now.config {
                self.note(line, format!("changes the settings of the plugin `{id}`"));
            }
            let limits = before.map_or_else(Default::default, |before| before.limits);
            if limits != now.limits {
                self.note(line, format!("changes the limits of the plugin `{id}`"));
            }
        }
        for (id, before) in &base.plugins {
            if !self.head.plugins.contains_key(id) && (before.config.as_object().is_some_and(|c| !c.is_empty())) {
                self.note(None, format!("takes the settings of the plugin `{id}` away"));
            }
        }
    }

    fn rest(&mut self, base: &Config) {
        if self.head.fingerprint_key != base.fingerprint_key && base.fingerprint_key.is_some() {
            self.note(None, "changes the `fingerprint-key`, so that no known secret is found in the baseline".into());
        }
        let path = |config: &Config| config.baseline.as_ref().map(|path| path.value.clone());
        if let Some(now) = path(self.head)
            && path(base).as_ref() != Some(&now)
        {
            let line = self.head.baseline.as_ref().map(|path| self.head.line_of(&path.span));
            self.note(line, format!("takes `{}` as the baseline", now.display()));
        }
    }
}

fn is_lax(said: Option<Incomplete>) -> bool {
    said == Some(Incomplete::Warn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    fn views(config: &Config) -> Vec<StageView> {
        let secrets: PluginId = "secrets".to_owned().try_into().unwrap();
        let stage = config.stages.get("commit");
        let plugins = stage
            .and_then(|s| s.plugins.as_ref())
            .map_or_else(|| vec![secrets], |names| names.iter().map(|name| name.value.clone()).collect());
        let budget = stage.and_then(|s| s.budget);
        let scope = stage.and_then(|s| s.scope.as_ref()).map_or(Scope::Full, |scope| scope.value);
        vec![StageView { name: "commit".into(), plugins, scope, budget }]
    }

    fn names(base: &str, head: &str) -> Vec<String> {
        let parse =
            |text: &str| parse("scan.toml", &format!("version = 1\n{text}")).map_err(|e| e.to_string()).unwrap();
        let (base, head) = (parse(base), parse(head));
        let (before, after) = (views(&base), views(&head));
        let notices = loosened(Side { config: &base, stages: &before }, Side { config: &head, stages: &after });
        let text = |n: Notice| n.place.map_or_else(|| n.message.clone(), |place| format!("{place}: {}", n.message));
        notices.into_iter().map(text).collect()
    }

    #[test]
    fn equal_and_stricter_policies_loosen_nothing() {
        let some = "[files]\nexclude = [\"a/**\"]\n[[gate]]\nfail-on = \"high\"\n[policy]\nincomplete = \"warn\"\n";
        let none: [&str; 0] = [];
        assert_eq!(names(some, some), none);
        assert_eq!(names(some, "[[gate]]\nfail-on = \"low\"\n"), none);
        assert_eq!(names("", "[[gate]]\nfail-on = \"medium\"\nmin-confidence = \"low\"\n"), none);
    }

    #[test]
    fn gates_plugins_and_files() {
        assert_eq!(
            names("", "[[gate]]\nfail-on = \"critical\"\n"),
            ["stage `commit`: the gate `fail-on = \"high\"` becomes `fail-on = \"critical\"`"]
        );
        assert_eq!(
            names("", "[stages.commit]\nplugins = []\nbudget = \"1s\"\nincomplete = \"warn\"\n"),
            [
                "scan.toml:2: takes the plugin `secrets` out of stage `commit`",
                "scan.toml:2: gives stage `commit` a budget of 1s",
                "scan.toml:2: stage `commit`: an incomplete run becomes a warning",
            ]
        );
        assert_eq!(
            names("", "[files]\nexclude = [\"src/**\"]\nmax-size = 10\n"),
            [
                "scan.toml:3: excludes `src/**` from every scan",
                "no longer scans files larger than 10 bytes, but for 16777216",
            ]
        );
    }

    #[test]
    fn severities_and_plugins() {
        let lower = "[[severity]]\nrule = \"secrets.jwt\"\nset = \"low\"\nreason = \"x\"\n";
        let higher = "[[severity]]\nrule = \"secrets.jwt\"\nset = \"high\"\nreason = \"x\"\n";
        assert_eq!(names("", lower), ["scan.toml:2: sets the severity of rule = \"secrets.jwt\" to low"]);
        assert_eq!(
            names(higher, lower),
            ["scan.toml:2: lowers the severity of rule = \"secrets.jwt\" from high to low"]
        );
        assert_eq!(names(higher, ""), ["no longer sets the severity of rule = \"secrets.jwt\" to high"]);
        let plugin = "[plugins.own]\nsource = \"own.wasm\"\nallow = { read = [\"**\"] }\n";
        assert_eq!(
            names("", plugin),
            [
                "scan.toml:2: the plugin `own` comes from `own.wasm`",
                "scan.toml:2: allows the plugin `own` to read `**`"
            ]
        );
    }
}
