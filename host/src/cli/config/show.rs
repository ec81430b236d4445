//! `scanhost config show`: the configuration in force, each value with where it comes from. One list of sections,
//! written as TOML for people and as JSON for machines, so that both say the same.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::config::value::format_duration;
use crate::config::{Condition, ConditionValue, Config, Gate, Incomplete, MAX_FILE, Places, Selector};
use crate::finding::Date;
use crate::finding::text::{is_unsafe, printable};
use crate::plan::{self, PlanError, PolicyFiles};
use crate::plugin::Plugin;
use crate::policy;

const DEFAULT: &str = "default";

/// One value.
struct Entry {
    key: &'static str,
    /// Null: there is none.
    value: Value,
    origin: String,
}

/// One table.
struct Section {
    /// `stages.commit`, `gate`.
    name: Vec<String>,
    /// Whether it is one of several, `[[gate]]`.
    one_of: bool,
    /// Where the table stands, or what else is to be said of it.
    origin: Option<String>,
    entries: Vec<Entry>,
}

/// The whole configuration.
pub struct Shown {
    file: Option<String>,
    key: Option<String>,
    sections: Vec<Section>,
}

/// Puts it together; of one stage, or of all.
pub fn collect(config: &Config, files: &dyn PolicyFiles, only: Option<&str>, today: Date) -> Result<Shown, PlanError> {
    let plugins = plan::available(config, files)?;
    let all = plan::stages(config);
    if let Some(name) = only.filter(|name| !all.contains(name)) {
        return Err(plan::unknown_stage(config, name));
    }
    let stages: Vec<&str> = all.into_iter().filter(|name| only.is_none_or(|only| only == *name)).collect();
    let places = Places::new(config);
    let collector = Collector { config, places, stages, plugins, today };
    let key = config.fingerprint_key.as_ref().map(|_| collector.origin(&["fingerprint-key"]));
    Ok(Shown { file: config.name().map(str::to_owned), key, sections: collector.sections()? })
}

struct Collector<'c> {
    config: &'c Config,
    places: Places<'c>,
    stages: Vec<&'c str>,
    plugins: Vec<Plugin>,
    today: Date,
}

impl Collector<'_> {
    fn origin(&self, path: &[&str]) -> String {
        self.places.origin(path).unwrap_or_else(|| DEFAULT.to_owned())
    }

    fn entry(&self, key: &'static str, value: impl Into<Value>, path: &[&str]) -> Entry {
        Entry { key, value: value.into(), origin: self.origin(path) }
    }

    fn sections(&self) -> Result<Vec<Section>, PlanError> {
        let mut sections = vec![self.top()];
        for stage in &self.stages {
            sections.push(self.stage(stage)?);
        }
        self.gates(&mut sections);
        sections.push(self.policy());
        sections.push(self.files());
        for plugin in self.shown_plugins()? {
            sections.push(self.plugin(plugin)?);
        }
        self.severities(&mut sections);
        self.suppressions(&mut sections);
        Ok(sections)
    }

    /// All of them; of a single stage those that run in it.
    fn shown_plugins(&self) -> Result<Vec<&Plugin>, PlanError> {
        match self.stages.as_slice() {
            [stage] => plan::plugins_of(self.config, stage, &self.plugins),
            _ => Ok(self.plugins.iter().collect()),
        }
    }

    fn top(&self) -> Section {
        let baseline = self.config.baseline.as_ref().map(|path| path.value.display().to_string());
        let entries = vec![self.entry("version", 1, &["version"]), self.entry("baseline", baseline, &["baseline"])];
        Section { name: Vec::new(), one_of: false, origin: None, entries }
    }

    fn stage(&self, name: &str) -> Result<Section, PlanError> {
        let config = self.config;
        let chosen = plan::plugins_of(config, name, &self.plugins)?;
        let plugins: Vec<&str> = chosen.iter().map(|plugin| plugin.id().as_str()).collect();
        let budget = plan::budget(config, name).map(format_duration);
        let incomplete = match (config.stages.get(name).and_then(|stage| stage.incomplete), config.policy.incomplete) {
            (Some(own), _) => self.entry("incomplete", incomplete(own), &["stages", name, "incomplete"]),
            (None, Some(whole)) => self.entry("incomplete", incomplete(whole), &["policy", "incomplete"]),
            (None, None) => {
                let mut entry = self.entry("incomplete", incomplete(Incomplete::Fail), &[]);
                if name == plan::DEFAULT_STAGE {
                    entry.origin += "; an exceeded budget only warns";
                }
                entry
            }
        };
        let entries = vec![
            self.entry("plugins", plugins, &["stages", name, "plugins"]),
            self.entry("scope", plan::scope(config, name).as_str(), &["stages", name, "scope"]),
            self.entry("budget", budget, &["stages", name, "budget"]),
            incomplete,
        ];
        Ok(Section { name: vec!["stages".into(), name.into()], one_of: false, origin: None, entries })
    }

    fn gates(&self, sections: &mut Vec<Section>) {
        let config = self.config;
        let applies = |gate: &Gate, stage: &str| {
            gate.stages.as_ref().is_none_or(|names| names.iter().any(|name| name.value == stage))
        };
        let gates = config.gates.iter().enumerate();
        for (at, gate) in gates.filter(|(_, gate)| self.stages.iter().any(|stage| applies(gate, stage))) {
            let mut section = gate_section(config, gate);
            for entry in &mut section.entries {
                entry.origin = self.origin(&["gate", &at.to_string(), entry.key]);
            }
            sections.push(section);
        }
        // A gate on a measurement says nothing about findings, so the default holds beside it.
        let about_findings = |gate: &&Gate| gate.measurement.is_none();
        let has_own = |stage: &str| config.gates.iter().filter(about_findings).any(|gate| applies(gate, stage));
        let bare = self.stages.iter().filter(|stage| !has_own(stage));
        let bare: Vec<&str> = bare.copied().collect();
        if !bare.is_empty() {
            let entry = |key, value: Value| Entry { key, value, origin: DEFAULT.into() };
            let fail_on = policy::DEFAULT_FAIL_ON.as_str();
            let entries = vec![entry("stages", bare.into()), entry("fail-on", fail_on.into())];
            sections.push(Section { name: vec!["gate".into()], one_of: true, origin: Some(DEFAULT.into()), entries });
        }
    }

    fn policy(&self) -> Section {
        let policy = &self.config.policy;
        let warn = policy.warn_before_expiry.unwrap_or(policy::WARN_DAYS);
        let of = |key| ["policy", key];
        let entries = vec![
            self.entry("incomplete", incomplete(policy.incomplete.unwrap_or_default()), &of("incomplete")),
            self.entry("nothing-scanned", incomplete(policy.nothing_scanned), &of("nothing-scanned")),
            self.entry("warn-before-expiry", format!("{warn}d"), &of("warn-before-expiry")),
        ];
        Section { name: vec!["policy".into()], one_of: false, origin: None, entries }
    }

    fn files(&self) -> Section {
        let files = &self.config.files;
        let exclude: Vec<&str> = files.exclude.iter().map(|glob| glob.value.as_str()).collect();
        let entries = vec![
            self.entry("exclude", exclude, &["files", "exclude"]),
            self.entry("max-size", files.max_size.unwrap_or(MAX_FILE), &["files", "max-size"]),
            self.entry("archives", files.archives.unwrap_or(true), &["files", "archives"]),
        ];
        Section { name: vec!["files".into()], one_of: false, origin: None, entries }
    }

    fn plugin(&self, plugin: &Plugin) -> Result<Section, PlanError> {
        let id = plugin.id().as_str();
        let planned = plan::settle(self.config, plugin.clone())?;
        let settings = self.config.plugins.get(plugin.id());
        let read = settings.map(|settings| settings.allow_read.iter().map(|glob| glob.value.clone()).collect());
        let read: Vec<String> = read.unwrap_or_default();
        let of = |key| ["plugins", id, key];
        let mut entries = Vec::new();
        if settings.is_some_and(|settings| settings.source.is_some()) {
            entries.push(self.entry("source", plugin.source(), &of("source")));
            entries.push(Entry { origin: self.digest_origin(id), ..self.entry("digest", plugin.digest.as_str(), &[]) });
        }
        let config: Value = serde_json::from_str(&planned.config).unwrap_or_default();
        entries.push(self.entry("config", config, &of("config")));
        entries.push(self.entry("allow", json!({ "read": read }), &["plugins", id, "allow", "read"]));
        let time = format_duration(planned.limits.time);
        let limits = ["memory", "time"].map(|key| format!("{key}: {}", self.limit_origin(id, key)));
        entries.push(Entry {
            key: "limits",
            value: json!({ "memory": planned.limits.memory, "time": time }),
            origin: limits.join(", "),
        });
        let origin = format!("{} {}, {}", plugin.source(), plugin.manifest.version, plugin.digest);
        Ok(Section { name: vec!["plugins".into(), id.into()], one_of: false, origin: Some(origin), entries })
    }

    fn digest_origin(&self, id: &str) -> String {
        self.places.origin(&["plugins", id, "digest"]).unwrap_or_else(|| "as the file has it, not pinned".into())
    }

    fn limit_origin(&self, id: &str, key: &str) -> String {
        self.places.origin(&["plugins", id, "limits", key]).unwrap_or_else(|| "manifest".into())
    }

    fn severities(&self, sections: &mut Vec<Section>) {
        for change in &self.config.severities {
            let mut entries = Entries::new(self.config.place(change.line));
            entries.add("rule", change.rule.as_deref());
            entries.add("path", change.path.as_deref());
            entries.add("plugin", change.plugin.as_ref().map(crate::finding::PluginId::as_str));
            entries.add("set", Some(change.set.as_str()));
            entries.add("reason", Some(change.reason.as_str()));
            entries.add("expires", change.expires.map(|day| day.to_string()));
            sections.push(entries.section("severity", self.expiry(change.expires)));
        }
    }

    fn suppressions(&self, sections: &mut Vec<Section>) {
        for one in &self.config.suppressions {
            let Selector { fingerprint, moved, rule, path, package, advisory } = &one.select;
            let mut entries = Entries::new(self.config.place(one.line));
            entries.add("fingerprint", fingerprint.map(|fingerprint| fingerprint.to_string()));
            entries.add("moved", moved.map(|fingerprint| fingerprint.to_string()));
            entries.add("rule", rule.as_deref());
            entries.add("path", path.as_deref());
            entries.add("package", package.as_deref());
            entries.add("advisory", advisory.as_deref());
            entries.add("reason", Some(one.reason.as_str()));
            entries.add("expires", Some(one.expires.to_string()));
            sections.push(entries.section("suppress", self.expiry(Some(one.expires))));
        }
    }

    fn expiry(&self, expires: Option<Date>) -> &'static str {
        if expires.is_some_and(|day| day < self.today) { ", expired" } else { "" }
    }
}

fn gate_section(config: &Config, gate: &Gate) -> Section {
    let mut entries = Entries::new(config.place(gate.line));
    let stages = gate.stages.as_ref();
    entries.add("stages", stages.map(|names| names.iter().map(|name| name.value.clone()).collect::<Vec<_>>()));
    if let Some(measurement) = &gate.measurement {
        entries.add("measurement", Some(measurement.name.value.as_str()));
        let conditions: Map<String, Value> = measurement.conditions.iter().map(condition).collect();
        entries.add("where", (!conditions.is_empty()).then_some(conditions));
        entries.add("min-lower95", measurement.min_lower95);
        entries.add("max-upper95", measurement.max_upper95);
        return entries.section("gate", "");
    }
    // A gate that only counts has no `fail-on`; to show `none` there says the same.
    entries.add("fail-on", Some(gate.fail_on.map_or("none", crate::finding::Severity::as_str)));
    entries.add("min-confidence", Some(gate.min_confidence.map_or("low", crate::finding::Confidence::as_str)));
    entries.add("new-only", Some(gate.new_only));
    let max: Map<String, Value> =
        gate.max.iter().map(|(level, most)| (level.as_str().into(), (*most).into())).collect();
    entries.add("max", (!max.is_empty()).then_some(max));
    entries.section("gate", "")
}

fn condition(condition: &Condition) -> (String, Value) {
    let value = match &condition.value {
        ConditionValue::Number(number) => (*number).into(),
        ConditionValue::Text(text) => text.as_str().into(),
    };
    (condition.label.clone(), value)
}

fn incomplete(policy: Incomplete) -> &'static str {
    match policy {
        Incomplete::Fail => "fail",
        Incomplete::Warn => "warn",
    }
}

/// The keys of a table that stands in the file as a whole.
struct Entries {
    origin: String,
    list: Vec<Entry>,
}

impl Entries {
    fn new(origin: String) -> Self {
        Self { origin, list: Vec::new() }
    }

    fn add(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.list.push(Entry { key, value: value.into(), origin: self.origin.clone() });
        }
    }

    /// `more` is what else there is to say of it.
    fn section(self, name: &str, more: &str) -> Section {
        let origin = Some(self.origin + more);
        Section { name: vec![name.into()], one_of: true, origin, entries: self.list }
    }
}

impl Shown {
    /// TOML that could stand in a `scan.toml`, but for the fingerprint key, which is not shown.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let origin = self.file.as_deref().unwrap_or("the defaults; there is no scan.toml");
        let _ = writeln!(out, "# The configuration in force, from {}.", printable(origin));
        let key = self.key.as_ref().map_or("not set".to_owned(), |origin| format!("set, not shown  # {origin}"));
        let _ = writeln!(out, "# fingerprint-key: {}", printable(&key));
        for section in &self.sections {
            if !section.name.is_empty() {
                let name = section.name.join(".");
                let header = if section.one_of { format!("[[{name}]]") } else { format!("[{name}]") };
                let origin =
                    section.origin.as_ref().map_or(String::new(), |origin| format!("  # {}", printable(origin)));
                let _ = writeln!(out, "\n{header}{origin}");
            }
            for entry in &section.entries {
                // What stands in the file as one table has its origin in the header.
                let of_header = section.origin.as_ref().and_then(|origin| origin.strip_prefix(&entry.origin));
                let repeated =
                    section.one_of && of_header.is_some_and(|more| matches!(more.chars().next(), None | Some(',')));
                let origin = if repeated { String::new() } else { format!("  # {}", printable(&entry.origin)) };
                let _ = match &entry.value {
                    Value::Null => writeln!(out, "# {} is not set{origin}", entry.key),
                    Value::String(day) if entry.key == "expires" => writeln!(out, "{} = {day}{origin}", entry.key),
                    value => writeln!(out, "{} = {}{origin}", entry.key, toml(value)),
                };
            }
        }
        out
    }

    /// The same for machines.
    pub fn json(&self) -> serde_json::Result<String> {
        let key = json!({ "set": self.key.is_some(), "origin": self.key });
        let mut root = Map::from_iter([("file".into(), json!(self.file)), ("fingerprint-key".into(), key)]);
        for section in &self.sections {
            let entries = section.entries.iter();
            let mut table: Map<String, Value> = entries
                .map(|entry| (entry.key.to_owned(), json!({ "value": entry.value, "origin": entry.origin })))
                .collect();
            if let Some(origin) = &section.origin {
                table.insert("origin".into(), origin.as_str().into());
            }
            match section.name.as_slice() {
                [] => root.extend(table),
                [name] if section.one_of => {
                    if let Value::Array(list) = root.entry(name).or_insert_with(|| json!([])) {
                        list.push(table.into());
                    }
                }
                [name] => drop(root.insert(name.clone(), table.into())),
                [name, inner, ..] => {
                    if let Value::Object(tables) = root.entry(name).or_insert_with(|| json!({})) {
                        tables.insert(inner.clone(), table.into());
                    }
                }
            }
        }
        Ok(escaped(&serde_json::to_string_pretty(&root)?) + "\n")
    }
}

/// Writes what a terminal would obey as `\u…`. Outside of strings JSON has nothing of the kind.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for (at, c) in json.char_indices() {
        if c != '\n' && is_unsafe(c, &json[at..]) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A value in TOML, in one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) if table.is_empty() => "{}".into(),
        Value::Object(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{} = {}", bare(key), toml(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn bare(key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(plain) { key.to_owned() } else { quoted(key) }
}

/// A basic string of TOML; what a terminal would obey is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for (at, c) in text.char_indices() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            _ if is_unsafe(c, &text[at..]) => write!(out, "\\U{:08x}", u32::from(c)),
            _ => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::plan::OnDisk;

    const FILE: &str = r#"version = 1
fingerprint-key = "hunter2-hunter2-hunter2-hunter2-hunter2"
baseline = "scan-baseline.json"

[stages.commit]
budget = "90s"
scope = "staged"

[stages.own]
plugins = ["secrets"]

[[gate]]
stages = ["commit", "own"]
fail-on = "medium"
max = { low = 3 }

[[gate]]
stages = ["nightly"]
measurement = "secrets.entropy"
where = { "a b" = "x\\y", eps = "1/2" }
min-lower95 = 0.5

[policy]
incomplete = "warn"

[[severity]]
rule = "secrets.jwt"
set = "low"
reason = "made \"up\""

[[suppress]]
path = "tests/\u202e**"
reason = "made up"
expires = 2027-01-31

[plugins.secrets]
allow = { read = ["own/*.toml"] }
limits = { time = "5s" }
"#;

    fn shown(text: &str, stage: Option<&str>) -> Shown {
        let config = if text.is_empty() { Config::default() } else { parse("scan.toml", text).unwrap() };
        collect(&config, &OnDisk(".".into()), stage, Date::new(2027, 2, 1).unwrap()).unwrap()
    }

    /// Digests and versions change with every build of a plugin.
    fn steady(text: &str) -> String {
        let lines = text.lines().map(|line| line.split_once("  # built-in").map_or(line, |(head, _)| head));
        lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn everything_has_its_origin() {
        insta::assert_snapshot!("all", steady(&shown(FILE, None).text()));
        insta::assert_snapshot!("one_stage", steady(&shown(FILE, Some("own")).text()));
        insta::assert_snapshot!("defaults", steady(&shown("", None).text()));
    }

    #[test]
    fn what_is_shown_is_a_configuration_again() {
        for text in ["", FILE] {
            let text = shown(text, None).text();
            let again = parse("shown.toml", &text).map_err(|error| error.render(false, 100)).unwrap();
            assert_eq!(again.suppressions.len(), usize::from(text.contains("[[suppress]]")));
            assert_eq!(again.stages.len(), plan::STAGES.len() + usize::from(text.contains("stages.own")));
        }
        let again = parse("x", &shown(FILE, None).text()).unwrap();
        let first = parse("x", FILE).unwrap();
        let selectors = |config: &Config| config.suppressions.iter().map(|s| s.select.describe()).collect::<Vec<_>>();
        assert_eq!(selectors(&again), selectors(&first));
        let measured = |config: &Config| {
            config.gates.iter().filter_map(|gate| gate.measurement.clone()).map(|m| m.conditions).collect::<Vec<_>>()
        };
        assert_eq!(measured(&again)[0].len(), 2);
        assert!(measured(&first)[0].iter().all(|one| measured(&again)[0].contains(one)));
    }

    #[test]
    fn neither_form_shows_the_key_or_steers_a_terminal() {
        let shown = shown(FILE, None);
        let json = shown.json().unwrap();
        for text in [shown.text(), json.clone()] {
            assert!(!text.contains("hunter2") && !text.contains('\u{202e}'), "{text}");
        }
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["fingerprint-key"]["set"], true);
        assert_eq!(value["stages"]["commit"]["budget"], json!({ "value": "1m30s", "origin": "scan.toml:6" }));
        assert_eq!(value["suppress"][0]["path"]["value"], "tests/\u{202e}**");
        assert_eq!(value["suppress"][0]["origin"], "scan.toml:31, expired");
        assert_eq!(value["policy"]["nothing-scanned"]["origin"], DEFAULT);
    }

    #[test]
    fn an_unknown_stage_is_told() {
        let error = collect(&Config::default(), &OnDisk(".".into()), Some("comit"), Date::today()).err().unwrap();
        assert!(error.to_string().contains("did you mean `commit`"));
    }
}
