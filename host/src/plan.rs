//! The plan: which plugins run in this stage, with which settings, and what the verdict will be judged by.
//! Made once from the configuration and the command line; nothing later looks at either.

mod check;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, ConfigError, FILE_NAME, MAX_FILE, PluginSettings, Scope, suggest};
use crate::finding::{Date, PluginId};
use crate::outcome::RuleInfo;
use crate::plugin::{self, Plugin};
use crate::policy::{self, Calendar, FailOn, Names, Policy, StageView};
use crate::router::GlobError;
use crate::sandbox::Limits;
use crate::source::archive::ArchiveLimits;

pub use check::{Checked, check, gate_stages};

/// The stages that exist without being declared.
pub const STAGES: &[&str] = &["commit", "build", "test", "deploy", "nightly"];

/// The stage when none is named.
pub const DEFAULT_STAGE: &str = "commit";

/// How long the built-in stages may take, unless `[stages.X] budget` says otherwise. Generous, so that a stage that
/// exceeds it has something the matter with it; a commit hook with a budget of its own says so.
const BUDGETS: [(&str, u64); 5] =
    [("commit", 30), ("build", 5 * 60), ("test", 30 * 60), ("deploy", 15 * 60), ("nightly", 2 * 60 * 60)];

/// Where the files are read from that a policy names: plugins and the baseline.
pub trait PolicyFiles {
    /// A file by its path from the folder of `scan.toml`. None: there is no such file.
    fn read(&self, path: &Path, max: u64) -> std::io::Result<Option<PolicyFile>>;
}

/// A file that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether the change that is being judged could have put it there, so that only its digest vouches for it.
    pub from_head: bool,
}

/// Files in a folder, trusted as the `scan.toml` in it is.
#[derive(Debug, Clone)]
pub struct OnDisk(pub PathBuf);

impl PolicyFiles for OnDisk {
    fn read(&self, path: &Path, max: u64) -> std::io::Result<Option<PolicyFile>> {
        read_file(&self.0.join(path), max).map(|bytes| bytes.map(|bytes| PolicyFile { bytes, from_head: false }))
    }
}

/// A regular file of at most so many bytes; none when there is none.
pub fn read_file(path: &Path, max: u64) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Before opening: opening a FIFO would wait for its other end.
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(std::io::Error::other(format!("it has more than {max} bytes")));
    }
    Ok(Some(bytes))
}

/// What the command line adds to the configuration.
#[derive(Debug, Clone)]
pub struct Request {
    /// `--stage`.
    pub stage: Option<String>,
    /// `--plugin`; empty: those of the stage.
    pub plugins: Vec<String>,
    /// `--fail-on`.
    pub fail_on: Option<FailOn>,
    /// The day that expiries are judged by.
    pub today: Date,
}

impl Default for Request {
    fn default() -> Self {
        Self { stage: None, plugins: Vec::new(), fail_on: None, today: Date::today() }
    }
}

/// Why there is no plan. All of these are exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A mistake in `scan.toml`, with its place.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `--stage` names none.
    #[error("there is no stage `{name}`{}; the stages are {known}", near(.nearest.as_ref()))]
    Stage {
        /// As given.
        name: String,
        /// The near match.
        nearest: Option<String>,
        /// All of them.
        known: String,
    },
    /// `--plugin` names none.
    #[error("there is no plugin `{name}`{}; the plugins are {known}", near(.nearest.as_ref()))]
    Plugin {
        /// As given.
        name: String,
        /// The near match.
        nearest: Option<String>,
        /// All of them.
        known: String,
    },
    /// A glob in a grant.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// Nothing would run.
    #[error(
        "no plugin runs in stage `{stage}`; name some as `plugins` of [stages.{stage}] in scan.toml, or one with --plugin"
    )]
    NoPlugin {
        /// The stage.
        stage: String,
    },
}

fn near(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// A plugin with what it is run with.
#[derive(Clone)]
pub struct Planned {
    /// The plugin.
    pub plugin: Plugin,
    /// JSON for its `open`.
    pub config: String,
    /// Its limits.
    pub limits: Limits,
    /// Globs of files that it may open.
    pub read: globset::GlobSet,
}

/// What a run does.
#[derive(Clone)]
pub struct Plan {
    /// The stage.
    pub stage: String,
    /// By id.
    pub plugins: Vec<Planned>,
    /// What judges.
    pub policy: Policy,
    /// What rules there are.
    pub names: Names,
    /// Which files the stage looks at, as `scan.toml` has it.
    pub scope: Scope,
    /// Time for the stage.
    pub budget: Option<Duration>,
    /// Paths that are not scanned.
    pub exclude: Vec<String>,
    /// Larger files are not read.
    pub max_file: u64,
    /// How far archives are unpacked; none: they are files like any other.
    pub archives: Option<ArchiveLimits>,
    /// Keys the fingerprints of secrets.
    pub fingerprint_key: Option<Arc<[u8]>>,
}

impl Plan {
    /// Whether a plugin sees the whole project, so that a narrowed run still needs its other files.
    pub fn sees_whole_project(&self) -> bool {
        self.whole_project().next().is_some()
    }

    /// The plugins that see all their files together.
    pub fn whole_project(&self) -> impl Iterator<Item = &PluginId> {
        let whole = |planned: &&Planned| planned.plugin.manifest.kind == scanhost_manifest::Kind::WholeProject;
        self.plugins.iter().filter(whole).map(|planned| planned.plugin.id())
    }
}

/// All plugins that a configuration makes available, by id.
pub fn available(config: &Config, files: &dyn PolicyFiles) -> Result<Vec<Plugin>, PlanError> {
    let mut plugins = plugin::built_in();
    for (id, settings) in &config.plugins {
        if settings.source.is_some() {
            plugins.push(third_party(config, id, settings, files)?);
        } else if !plugins.iter().any(|plugin| plugin.id() == id) {
            let error = unknown_plugin(id.as_str(), &plugins).to_string();
            let help = "a third party's plugin needs a `source`".to_owned();
            return Err(config.error_at(settings.span.clone(), error, Some(help)).into());
        }
    }
    plugins.sort_by(|a, b| a.id().cmp(b.id()));
    Ok(plugins)
}

/// The plugin that `[plugins.ID] source` names, if its file is what it should be.
fn third_party(
    config: &Config,
    id: &PluginId,
    settings: &PluginSettings,
    files: &dyn PolicyFiles,
) -> Result<Plugin, PlanError> {
    let Some(source) = &settings.source else { return Err(unknown_plugin(id.as_str(), &[])) };
    let shown = source.value.display().to_string();
    let at_source = |message: String, help: Option<String>| config.error_at(source.span.clone(), message, help);
    let file = files
        .read(&source.value, plugin::MAX_COMPONENT)
        .and_then(|file| file.ok_or_else(|| std::io::ErrorKind::NotFound.into()))
        .map_err(|error| at_source(format!("cannot read the plugin `{shown}`: {error}"), None))?;
    let plugin = plugin::third_party(id, file.bytes, &shown).map_err(|error| at_source(error.to_string(), None))?;
    match &settings.digest {
        Some(digest) if digest.value != plugin.digest => {
            let message = format!("the plugin `{shown}` has the digest {}", plugin.digest);
            let help = "if you trust it, write that digest; if you do not know why it differs, do not run it";
            Err(config.error_at(digest.span.clone(), message, Some(help.into())).into())
        }
        None if file.from_head => {
            let message = format!("the change that is being judged could have replaced the plugin `{shown}`");
            let help = format!("commit the file, or write `digest = \"{}\"` beside its source", plugin.digest);
            Err(at_source(message, Some(help)).into())
        }
        _ => Ok(plugin),
    }
}

/// The names of all stages: the built-in ones, then those of the configuration.
pub fn stages(config: &Config) -> Vec<&str> {
    let own = config.stages.keys().map(String::as_str).filter(|name| !STAGES.contains(name));
    STAGES.iter().copied().chain(own).collect()
}

/// How long a stage may take.
pub fn budget(config: &Config, stage: &str) -> Option<Duration> {
    let declared = config.stages.get(stage).and_then(|stage| stage.budget);
    let built_in = || BUDGETS.iter().find(|(name, _)| *name == stage).map(|(_, seconds)| Duration::from_secs(*seconds));
    declared.or_else(built_in)
}

/// What a stage looks at.
pub fn scope(config: &Config, stage: &str) -> Scope {
    config.stages.get(stage).and_then(|stage| stage.scope.as_ref()).map_or(Scope::Full, |scope| scope.value)
}

/// The plugins of a stage: those that `scan.toml` names, otherwise those that say of themselves that they belong
/// to it.
pub fn plugins_of<'p>(config: &Config, stage: &str, plugins: &'p [Plugin]) -> Result<Vec<&'p Plugin>, PlanError> {
    let declared = config.stages.get(stage);
    let Some(names) = declared.and_then(|stage| stage.plugins.as_ref()) else {
        return Ok(plugins.iter().filter(|plugin| plugin.manifest.stages.iter().any(|name| name == stage)).collect());
    };
    let mut chosen: Vec<&Plugin> = Vec::new();
    for name in names {
        let plugin = find(plugins, name.value.as_str())
            .map_err(|error| config.error_at(name.span.clone(), error.to_string(), None))?;
        if !chosen.iter().any(|other| other.id() == plugin.id()) {
            chosen.push(plugin);
        }
    }
    Ok(chosen)
}

/// The ids of all plugins that run in any stage.
pub fn of_all_stages(config: &Config, files: &dyn PolicyFiles) -> Result<Vec<String>, PlanError> {
    let plugins = available(config, files)?;
    let mut ids = BTreeSet::new();
    for stage in stages(config) {
        ids.extend(plugins_of(config, stage, &plugins)?.into_iter().map(|plugin| plugin.id().to_string()));
    }
    Ok(ids.into_iter().collect())
}

/// What a configuration comes to in every stage that it or another one has, for comparing the two. A plugin
/// that is not among `plugins` counts by its name alone.
pub fn views(config: &Config, other: &Config, plugins: &[Plugin]) -> Vec<StageView> {
    let names: BTreeSet<&str> = stages(config).into_iter().chain(stages(other)).collect();
    let view = |name: &str| {
        let named = config.stages.get(name).and_then(|stage| stage.plugins.as_ref());
        let own = |plugin: &&Plugin| plugin.manifest.stages.iter().any(|stage| stage == name);
        let ids = named.map_or_else(
            || plugins.iter().filter(own).map(|plugin| plugin.id().clone()).collect(),
            |names| names.iter().map(|name| name.value.clone()).collect(),
        );
        let known = STAGES.contains(&name) || config.stages.contains_key(name);
        known.then(|| StageView {
            name: name.to_owned(),
            plugins: ids,
            scope: scope(config, name),
            budget: budget(config, name),
        })
    };
    names.into_iter().filter_map(view).collect()
}

/// Makes the plan.
pub fn make(config: &Config, files: &dyn PolicyFiles, request: &Request) -> Result<Plan, PlanError> {
    let plugins = available(config, files)?;
    gate_stages(config)?;
    let stage = request.stage.clone().unwrap_or_else(|| DEFAULT_STAGE.into());
    let declared = config.stages.get(&stage);
    if declared.is_none() && !STAGES.contains(&stage.as_str()) {
        return Err(unknown_stage(config, &stage));
    }
    let mut chosen: Vec<&Plugin> = if request.plugins.is_empty() {
        plugins_of(config, &stage, &plugins)?
    } else {
        request.plugins.iter().map(|name| find(&plugins, name)).collect::<Result<_, _>>()?
    };
    chosen.sort_by(|a, b| a.id().cmp(b.id()));
    chosen.dedup_by(|a, b| a.id() == b.id());
    if chosen.is_empty() {
        return Err(no_plugin(config, &stage));
    }
    let ids = |plugins: &[&Plugin]| -> Vec<String> {
        plugins.iter().flat_map(|plugin| &plugin.manifest.rules).map(|rule| rule.id.clone()).collect()
    };
    let names =
        Names { ran: ids(&chosen), known: ids(&plugins.iter().collect::<Vec<_>>()), whole: request.plugins.is_empty() };
    let chosen = chosen.into_iter().map(|plugin| settle(config, plugin.clone())).collect::<Result<_, _>>()?;
    Ok(Plan {
        plugins: chosen,
        policy: policy(config, &stage, request),
        names,
        scope: scope(config, &stage),
        budget: budget(config, &stage),
        exclude: config.files.exclude.iter().map(|glob| glob.value.clone()).collect(),
        max_file: config.files.max_size.unwrap_or(MAX_FILE),
        archives: config.files.archives.unwrap_or(true).then(ArchiveLimits::default),
        fingerprint_key: config.fingerprint_key.as_ref().map(|key| Arc::from(key.as_bytes())),
        stage,
    })
}

/// What judges a stage.
pub fn policy(config: &Config, stage: &str, request: &Request) -> Policy {
    let warn = config.policy.warn_before_expiry.unwrap_or(policy::WARN_DAYS);
    Policy {
        gates: policy::resolve(config, stage, request.fail_on),
        severities: config.severities.clone(),
        suppressions: config.suppressions.clone(),
        incomplete: config.incomplete(stage),
        nothing_scanned: config.policy.nothing_scanned,
        calendar: Calendar { today: request.today, warn },
        file: config.name().unwrap_or(FILE_NAME).to_owned(),
    }
}

fn no_plugin(config: &Config, stage: &str) -> PlanError {
    let error = PlanError::NoPlugin { stage: stage.to_owned() };
    let Some(declared) = config.stages.get(stage) else { return error };
    let help = "name some: `plugins = [\"secrets\"]`; `scanhost plugin list` shows those that there are";
    config.error_at(declared.span.clone(), format!("no plugin runs in stage `{stage}`"), Some(help.into())).into()
}

/// The plugin of this name, or what to say when there is none.
pub fn find<'p>(plugins: &'p [Plugin], name: &str) -> Result<&'p Plugin, PlanError> {
    plugins.iter().find(|plugin| plugin.id().as_str() == name).ok_or_else(|| unknown_plugin(name, plugins))
}

/// What a report needs of the rules of these plugins.
pub fn rules<'p>(plugins: impl IntoIterator<Item = &'p Plugin>) -> Vec<RuleInfo> {
    let of = |plugin: &'p Plugin| {
        plugin.manifest.rules.iter().map(|rule| RuleInfo {
            id: rule.id.clone(),
            plugin: plugin.id().clone(),
            title: rule.title.clone(),
            severity: rule.severity,
            tags: rule.tags.clone(),
            help: rule.help.clone(),
        })
    };
    plugins.into_iter().flat_map(of).collect()
}

/// Settings of one plugin: the manifest's, changed by `scan.toml`.
pub fn settle(config: &Config, plugin: Plugin) -> Result<Planned, PlanError> {
    let mut limits = Limits::of(&plugin.manifest.limits);
    let mut json = "{}".to_owned();
    let mut read = crate::router::set(&[])?;
    if let Some(settings) = config.plugins.get(plugin.id()) {
        plugin::check_settings(&plugin.manifest, &settings.config).map_err(|error| {
            let span = settings.config_span.clone().unwrap_or_else(|| settings.span.clone());
            config.error_at(span, error.to_string(), None)
        })?;
        if !settings.config.is_null() {
            json = settings.config.to_string();
        }
        limits.memory = settings.limits.memory.unwrap_or(limits.memory);
        limits.time = settings.limits.time.unwrap_or(limits.time);
        let globs: Vec<String> = settings.allow_read.iter().map(|glob| glob.value.clone()).collect();
        read = crate::router::set(&globs)?;
    }
    Ok(Planned { plugin, config: json, limits, read })
}

/// What to say of a stage that there is not.
pub fn unknown_stage(config: &Config, name: &str) -> PlanError {
    let known = stages(config);
    let nearest = suggest::nearest(name, known.iter().copied()).map(str::to_owned);
    PlanError::Stage { name: name.to_owned(), nearest, known: list(&known) }
}

fn unknown_plugin(name: &str, plugins: &[Plugin]) -> PlanError {
    let known: Vec<&str> = plugins.iter().map(|plugin| plugin.id().as_str()).collect();
    let nearest = suggest::nearest(name, known.iter().copied()).map(str::to_owned);
    PlanError::Plugin { name: name.to_owned(), nearest, known: list(&known) }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
