//! The plan: which plugins run in this stage, with which settings, and what the verdict will be judged by.
//! Made once from the configuration and the command line; nothing later looks at either.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, ConfigError, Incomplete, SeverityOverride, suggest};
use crate::outcome::RuleInfo;
use crate::plugin::{self, Plugin};
use crate::policy::{self, FailOn, ResolvedGate};
use crate::router::GlobError;
use crate::sandbox::Limits;

/// The stages that exist without being declared.
pub const STAGES: &[&str] = &["commit", "build", "test", "deploy", "nightly"];

/// The stage when none is named.
pub const DEFAULT_STAGE: &str = "commit";

/// Files larger than this are not read, unless `[files] max-size` says otherwise.
pub const MAX_FILE: u64 = 16 << 20;

/// What the command line adds to the configuration.
#[derive(Debug, Default, Clone)]
pub struct Request {
    /// `--stage`.
    pub stage: Option<String>,
    /// `--plugin`; empty: those of the stage.
    pub plugins: Vec<String>,
    /// `--fail-on`.
    pub fail_on: Option<FailOn>,
}

/// Why there is no plan. All of these are exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A mistake in `scan.toml`, with its place.
    #[error("{0}")]
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
    #[error("{0}")]
    Glob(#[from] GlobError),
}

fn near(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
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
    pub gates: Vec<ResolvedGate>,
    /// Changes of severity.
    pub severities: Vec<SeverityOverride>,
    /// What an incomplete run means.
    pub incomplete: Incomplete,
    /// What an empty run means.
    pub nothing_scanned: Incomplete,
    /// Time for the stage.
    pub budget: Option<Duration>,
    /// Paths that are not scanned.
    pub exclude: Vec<String>,
    /// Larger files are not read.
    pub max_file: u64,
    /// Keys the fingerprints of secrets.
    pub fingerprint_key: Option<Arc<[u8]>>,
}

impl Plan {
    /// Whether a plugin sees the whole project, so that a narrowed run still needs its other files.
    pub fn sees_whole_project(&self) -> bool {
        self.plugins.iter().any(|planned| planned.plugin.manifest.kind == scanhost_manifest::Kind::WholeProject)
    }
}

/// All plugins that a configuration makes available, by id.
pub fn available(config: &Config, base: &Path) -> Result<Vec<Plugin>, PlanError> {
    let mut plugins = plugin::built_in();
    for (id, settings) in &config.plugins {
        match &settings.source {
            Some(source) => {
                let path = base.join(&source.value);
                let shown = source.value.display().to_string();
                let loaded = plugin::third_party(id, &path, &shown);
                plugins.push(loaded.map_err(|error| config.error_at(source.span.clone(), error.to_string(), None))?);
            }
            None if plugins.iter().any(|plugin| plugin.id() == id) => {}
            None => {
                let error = unknown_plugin(id.as_str(), &plugins).to_string();
                return Err(config
                    .error_at(settings.span.clone(), error, Some("a third party's plugin needs a `source`".into()))
                    .into());
            }
        }
    }
    plugins.sort_by(|a, b| a.id().cmp(b.id()));
    Ok(plugins)
}

/// Makes the plan.
pub fn make(config: &Config, base: &Path, request: &Request) -> Result<Plan, PlanError> {
    let plugins = available(config, base)?;
    let stage = request.stage.clone().unwrap_or_else(|| DEFAULT_STAGE.into());
    let declared = config.stages.get(&stage);
    if declared.is_none() && !STAGES.contains(&stage.as_str()) {
        let known: Vec<&str> = STAGES.iter().copied().chain(config.stages.keys().map(String::as_str)).collect();
        let nearest = suggest::nearest(&stage, known.iter().copied()).map(str::to_owned);
        return Err(PlanError::Stage { name: stage, nearest, known: list(&known) });
    }
    let mut chosen: Vec<Plugin> = Vec::new();
    let mut choose = |name: &str| -> Result<(), PlanError> {
        let plugin = find(&plugins, name)?;
        if !chosen.iter().any(|p| p.id() == plugin.id()) {
            chosen.push(plugin.clone());
        }
        Ok(())
    };
    if request.plugins.is_empty() {
        match declared.and_then(|stage| stage.plugins.as_ref()) {
            Some(names) => {
                for name in names {
                    choose(name.value.as_str())
                        .map_err(|error| config.error_at(name.span.clone(), error.to_string(), None))?;
                }
            }
            None => {
                for plugin in plugins.iter().filter(|p| p.manifest.stages.contains(&stage)) {
                    choose(plugin.id().as_str())?;
                }
            }
        }
    } else {
        for name in &request.plugins {
            choose(name)?;
        }
    }
    chosen.sort_by(|a, b| a.id().cmp(b.id()));
    let chosen = chosen.into_iter().map(|plugin| settle(config, plugin)).collect::<Result<_, _>>()?;
    Ok(Plan {
        plugins: chosen,
        gates: policy::resolve(config, &stage, request.fail_on),
        severities: config.severities.clone(),
        incomplete: config.incomplete(&stage),
        nothing_scanned: config.policy.nothing_scanned,
        budget: declared.and_then(|stage| stage.budget),
        exclude: config.files.exclude.iter().map(|glob| glob.value.clone()).collect(),
        max_file: config.files.max_size.unwrap_or(MAX_FILE),
        fingerprint_key: config.fingerprint_key.as_ref().map(|key| Arc::from(key.as_bytes())),
        stage,
    })
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
fn settle(config: &Config, plugin: Plugin) -> Result<Planned, PlanError> {
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

fn unknown_plugin(name: &str, plugins: &[Plugin]) -> PlanError {
    let known: Vec<&str> = plugins.iter().map(|plugin| plugin.id().as_str()).collect();
    let nearest = suggest::nearest(name, known.iter().copied()).map(str::to_owned);
    PlanError::Plugin { name: name.to_owned(), nearest, known: list(&known) }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
