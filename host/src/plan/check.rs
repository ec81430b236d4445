//! A whole configuration at once, as `scanhost config check` wants it: every stage and not only the one that would
//! run, all mistakes and not only the first, and what works but cannot be meant. In comes a configuration that
//! parsed, out go places in it; nothing is run and nothing is printed.

use std::collections::BTreeSet;

use super::PolicyFiles;
use crate::config::{Config, ConfigError, Gate, MeasurementGate, Mistake, Places, Span, suggest};
use crate::finding::pattern::matches;
use crate::finding::{Date, PluginId};
use crate::plugin::{self, Plugin};
use crate::policy::WARN_DAYS;

/// Years ahead of today after which nobody remembers why something was suppressed.
const FAR_YEARS: u32 = 5;

/// After so many mistakes no near match is looked for any more: it would not be shown.
const MAX_NEAR: usize = 200;

/// What there is to say of a configuration.
#[derive(Debug, Default)]
pub struct Checked {
    /// What a run of some stage would refuse, and names that mean nothing.
    pub error: Option<ConfigError>,
    /// What works, and may not be meant.
    pub warnings: Vec<Mistake>,
    /// How many stages have plugins.
    pub stages: usize,
    /// How many plugins there are.
    pub plugins: usize,
}

/// Looks over all of it. `today` is the day that expiries are judged by.
pub fn check(config: &Config, files: &dyn PolicyFiles, today: Date) -> Checked {
    let mut checker = Checker::new(config);
    let plugins = checker.plugins(files);
    checker.stages(&plugins);
    checker.gates(&plugins);
    checker.rules(&plugins);
    checker.expiries(today);
    let error = checker.error();
    Checked { error, ..checker.found }
}

/// Gates of stages that do not exist: they would never judge, and nobody would notice.
pub fn gate_stages(config: &Config) -> Result<(), ConfigError> {
    let mut checker = Checker::new(config);
    checker.gate_stages();
    checker.error().map_or(Ok(()), Err)
}

struct Checker<'c> {
    config: &'c Config,
    places: Places<'c>,
    mistakes: Vec<Mistake>,
    found: Checked,
}

impl<'c> Checker<'c> {
    fn new(config: &'c Config) -> Self {
        Self { config, places: Places::new(config), mistakes: Vec::new(), found: Checked::default() }
    }

    fn error(&mut self) -> Option<ConfigError> {
        let mistakes = std::mem::take(&mut self.mistakes);
        (!mistakes.is_empty()).then(|| self.config.error_of(mistakes))
    }

    fn mistake(&mut self, span: Span, message: String, help: Option<String>) {
        self.mistakes.push(Mistake { span: Some(span), message, label: String::new(), help });
    }

    fn plan_error(&mut self, span: &Span, error: super::PlanError) {
        match error {
            super::PlanError::Config(error) => self.mistakes.extend_from_slice(error.mistakes()),
            other => self.mistake(span.clone(), other.to_string(), None),
        }
    }

    fn warn(&mut self, span: Span, message: String, help: &str) {
        self.found.warnings.push(Mistake { span: Some(span), message, label: String::new(), help: Some(help.into()) });
    }

    /// Where a value stands, or else the table that has it.
    fn place(&self, path: &[&str], table: &Span) -> Span {
        self.places.span(path).unwrap_or_else(|| table.clone())
    }

    /// The plugins that can be used; each that cannot is a mistake, and so is a setting that it does not take.
    fn plugins(&mut self, files: &dyn PolicyFiles) -> Vec<Plugin> {
        let mut plugins = plugin::built_in();
        for (id, settings) in &self.config.plugins {
            if settings.source.is_some() {
                match super::third_party(self.config, id, settings, files) {
                    Ok(plugin) => plugins.push(plugin),
                    Err(error) => self.plan_error(&settings.span, error),
                }
            } else if !plugins.iter().any(|plugin| plugin.id() == id) {
                let message = super::unknown_plugin(id.as_str(), &plugins).to_string();
                self.mistake(settings.span.clone(), message, Some("a third party's plugin needs a `source`".into()));
            }
        }
        for plugin in &plugins {
            if let Err(error) = super::settle(self.config, plugin.clone()) {
                let span = self.config.plugins.get(plugin.id()).map_or(0..0, |settings| settings.span.clone());
                self.plan_error(&span, error);
            }
        }
        plugins.sort_by(|a, b| a.id().cmp(b.id()));
        self.found.plugins = plugins.len();
        plugins
    }

    /// Whether a name is a plugin's. One that is declared and could not be loaded was complained about already.
    fn knows(&self, id: &PluginId, plugins: &[Plugin]) -> bool {
        self.config.plugins.contains_key(id) || plugins.iter().any(|plugin| plugin.id() == id)
    }

    fn stages(&mut self, plugins: &[Plugin]) {
        for name in super::stages(self.config) {
            let declared = self.config.stages.get(name);
            let named = declared.and_then(|stage| stage.plugins.as_ref());
            for id in named.into_iter().flatten().filter(|id| !self.knows(&id.value, plugins)).collect::<Vec<_>>() {
                self.mistake(id.span.clone(), super::unknown_plugin(id.value.as_str(), plugins).to_string(), None);
            }
            let empty = match named {
                Some(names) => names.is_empty(),
                None => ids_of(self.config, name, plugins).is_empty(),
            };
            if !empty {
                self.found.stages += 1;
            } else if let Some(stage) = declared {
                let error = super::no_plugin(self.config, name);
                self.plan_error(&stage.span, error);
            }
        }
    }

    fn gates(&mut self, plugins: &[Plugin]) {
        self.gate_stages();
        let config = self.config;
        for gate in &config.gates {
            if let Some(measurement) = &gate.measurement {
                self.measurement(gate, measurement, plugins);
            }
        }
        let applies =
            |gate: &Gate, name: &str| gate.stages.as_ref().is_none_or(|names| names.iter().any(|n| n.value == name));
        for (name, stage) in &config.stages {
            let mut about_findings = config.gates.iter().filter(|gate| gate.measurement.is_none());
            if !config.gates.is_empty() && !about_findings.any(|gate| applies(gate, name)) {
                let message = format!("no gate about findings applies to stage `{name}`");
                self.warn(
                    stage.span.clone(),
                    message,
                    "the default holds there, `fail-on = \"high\"`; name the stage in a gate, or give it one of its own",
                );
            }
        }
    }

    fn gate_stages(&mut self) {
        let config = self.config;
        let known = super::stages(config);
        let names = config.gates.iter().flat_map(|gate| gate.stages.iter().flatten());
        for name in names.filter(|name| !known.contains(&name.value.as_str())) {
            let help = match suggest::nearest(&name.value, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the stages are {}", super::list(&known)),
            };
            self.mistake(name.span.clone(), format!("there is no stage `{}`", name.value), Some(help));
        }
    }

    /// A measurement that nobody makes leaves the run incomplete.
    fn measurement(&mut self, gate: &Gate, measurement: &MeasurementGate, plugins: &[Plugin]) {
        let name = &measurement.name;
        let Ok(id) = PluginId::try_from(name.value.split('.').next().unwrap_or_default().to_owned()) else { return };
        if !self.knows(&id, plugins) {
            self.mistake(name.span.clone(), super::unknown_plugin(id.as_str(), plugins).to_string(), None);
            return;
        }
        let config = self.config;
        let stages: Vec<&str> = match &gate.stages {
            Some(names) => names.iter().map(|name| name.value.as_str()).collect(),
            None => super::stages(config),
        };
        // An unknown stage was complained about, one without plugins does not run.
        let without = stages.into_iter().filter(|name| {
            let ids = ids_of(config, name, plugins);
            !ids.is_empty() && !ids.contains(&id)
        });
        let without: Vec<&str> = without.collect();
        if !without.is_empty() {
            let message = format!("`{id}` does not run in {}, and this gate applies there", super::list(&without));
            self.warn(name.span.clone(), message, "such a run is incomplete; name the gate's `stages`");
        }
    }

    /// Rules and plugins that overrides and suppressions name. Not asked when a plugin is missing: its rules are.
    fn rules(&mut self, plugins: &[Plugin]) {
        let config = self.config;
        for (at, change) in config.severities.iter().enumerate() {
            let Some(id) = change.plugin.as_ref().filter(|id| !self.knows(id, plugins)) else { continue };
            let span = self.place(&["severity", &at.to_string(), "plugin"], &change.span);
            self.mistake(span, super::unknown_plugin(id.as_str(), plugins).to_string(), None);
        }
        if config.plugins.keys().any(|id| !plugins.iter().any(|plugin| plugin.id() == id)) {
            return;
        }
        let rules: Vec<&str> =
            plugins.iter().flat_map(|plugin| &plugin.manifest.rules).map(|rule| rule.id.as_str()).collect();
        let severities = config.severities.iter().map(|change| change.rule.as_deref()).enumerate();
        let suppressions = config.suppressions.iter().map(|one| one.select.rule.as_deref()).enumerate();
        let all = severities.map(|(at, rule)| ("severity", at, rule, &config.severities[at].span));
        let all = all.chain(suppressions.map(|(at, rule)| ("suppress", at, rule, &config.suppressions[at].span)));
        for (table, at, rule, span) in all {
            let Some(rule) = rule.filter(|rule| !rules.iter().any(|id| matches(rule, id))) else { continue };
            let near = (self.mistakes.len() < MAX_NEAR).then(|| suggest::nearest(rule, rules.iter().copied()));
            let help = match near.flatten() {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`scanhost rules` lists all".to_owned(),
            };
            let span = self.place(&[table, &at.to_string(), "rule"], span);
            self.mistake(span, format!("no plugin has a rule `{rule}`"), Some(help));
        }
    }

    fn expiries(&mut self, today: Date) {
        let config = self.config;
        let warn = i64::from(config.policy.warn_before_expiry.unwrap_or(WARN_DAYS));
        let changes = config.severities.iter().enumerate();
        let changes = changes.filter_map(|(at, one)| Some(("severity", at, one.expires?, &one.span)));
        let suppressions = config.suppressions.iter().enumerate();
        let suppressions = suppressions.map(|(at, one)| ("suppress", at, one.expires, &one.span));
        for (table, at, expires, span) in changes.chain(suppressions) {
            let left = expires.days_since(today);
            let (message, help) = if left < 0 {
                (
                    format!("this expired on {expires}"),
                    "it does nothing any more: take it out, or look again and give it another day",
                )
            } else if left <= warn {
                (format!("this expires on {expires}"), "mend what it is about, or look again and give it another day")
            } else if left > i64::from(FAR_YEARS * 365 + 2) {
                (
                    format!("this expires on {expires}, more than {FAR_YEARS} years ahead"),
                    "take a day on which somebody will still know why",
                )
            } else {
                continue;
            };
            let span = self.place(&[table, &at.to_string(), "expires"], span);
            self.warn(span, message, help);
        }
    }
}

/// The plugins that a stage has, by name: those that it lists, otherwise those that say of themselves that they
/// belong to it.
fn ids_of(config: &Config, stage: &str, plugins: &[Plugin]) -> BTreeSet<PluginId> {
    if let Some(names) = config.stages.get(stage).and_then(|stage| stage.plugins.as_ref()) {
        names.iter().map(|name| name.value.clone()).collect()
    } else {
        let own = plugins.iter().filter(|plugin| plugin.manifest.stages.iter().any(|name| name == stage));
        own.map(|plugin| plugin.id().clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::plan::{OnDisk, PlanError, Request, make};

    fn checked(text: &str) -> (Config, Checked) {
        let config = parse("scan.toml", text).map_err(|error| error.render(false, 100)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checked = check(&config, &OnDisk(folder.path().to_owned()), Date::new(2027, 1, 31).unwrap());
        (config, checked)
    }

    /// Each of these is a mistake that only shows when names are looked up.
    const WRONG: &str = r#"version = 1
[stages.commit]
plugins = ["secrts"]

[stages.deploy]
budget = "1m"

[stages.empty]
plugins = []

[[gate]]
stages = ["comit", "elsewhere"]
fail-on = "high"

[[gate]]
measurement = "evasoin.robust_accuracy"
min-lower95 = 0.6

[plugins.secrets]
config = { ruls = ["x"] }
"#;

    #[test]
    fn all_mistakes_of_all_stages_at_once() {
        let (_, checked) = checked(WRONG);
        insta::assert_snapshot!("mistakes", checked.error.unwrap().render(false, 100));
    }

    #[test]
    fn rules_and_plugins_that_nobody_has() {
        let text = "version = 1\n[[severity]]\nplugin = \"secret\"\nrule = \"secrets.gihub-pat\"\nset = \"low\"\nreason = \"x\"\n\
                    [[suppress]]\npath = \"a/**\"\nrule = \"sast.*\"\nreason = \"x\"\nexpires = 2027-12-31\n";
        insta::assert_snapshot!("rules", checked(text).1.error.unwrap().render(false, 100));
        // A plugin that could not be loaded may have the rule.
        let missing = format!("{text}[plugins.sast]\nsource = \"nowhere.wasm\"\n");
        let error = checked(&missing).1.error.unwrap().to_string();
        assert!(error.contains("nowhere.wasm") && !error.contains("sast.*"), "{error}");
    }

    #[test]
    fn what_works_and_is_not_meant_is_a_warning() {
        let day = |day: &str| {
            format!("[[suppress]]\nrule = \"secrets.*\"\npath = \"{day}/**\"\nreason = \"x\"\nexpires = {day}\n")
        };
        let days: String = ["2027-01-30", "2027-01-31", "2027-02-14", "2027-02-15", "2032-02-05"].map(day).concat();
        let text = format!(
            "version = 1\n{days}[stages.own]\nplugins = [\"secrets\"]\n[[gate]]\nstages = [\"commit\"]\nfail-on = \"low\"\n"
        );
        let (config, checked) = checked(&text);
        assert!(checked.error.is_none());
        insta::assert_snapshot!("warnings", config.render_warnings(&checked.warnings, false, 100));
    }

    #[test]
    fn the_defaults_are_good() {
        let checked = check(&Config::default(), &OnDisk(".".into()), Date::today());
        assert!(checked.error.is_none() && checked.warnings.is_empty());
        assert!(checked.stages > 0 && checked.plugins > 0);
    }

    #[test]
    fn a_plan_refuses_a_gate_of_a_stage_that_is_not() {
        let config = parse("scan.toml", "version = 1\n[[gate]]\nstages = [\"comit\"]\nfail-on = \"low\"\n").unwrap();
        let error = make(&config, &OnDisk(".".into()), &Request::default()).err().unwrap();
        let PlanError::Config(error) = error else { panic!("{error}") };
        assert!(
            error.to_string().starts_with("scan.toml:3:11: there is no stage `comit`; did you mean `commit`?"),
            "{error}"
        );
    }
}
