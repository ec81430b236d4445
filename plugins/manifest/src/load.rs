//! Reading a plugin's folder: `plugin.toml`, and the rule files that it names.
//!
//! A rule file may hold keys that only the plugin's own engine knows (a pattern, examples); they are left
//! to it. The order of anchors is part of the result: files by name, rules as written, each anchor once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::{Anchor, Confidence, FORMAT, Interests, Kind, Limits, Manifest, Mistake, PluginId, Rule, Severity};

/// Why a plugin's folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is missing or unreadable.
    #[error("cannot read `{path}`: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file is not the TOML that it should be; the message has line and column.
    #[error("`{path}`: {error}")]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What the parser says.
        error: Box<toml::de::Error>,
    },
    /// A configuration schema that is no JSON.
    #[error("`{path}`: {error}")]
    Schema {
        /// Which file.
        path: PathBuf,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// All was read, and it does not fit together.
    #[error("`{path}`: {mistake}")]
    Mistake {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        mistake: Mistake,
    },
}

/// `plugin.toml` as written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PluginToml {
    id: PluginId,
    version: String,
    contract: String,
    kind: Kind,
    description: String,
    #[serde(default)]
    stages: Vec<String>,
    #[serde(default)]
    interests: Interests,
    #[serde(default)]
    limits: Limits,
    /// Folders whose `*.toml` are rule files, relative to the plugin's folder.
    #[serde(default)]
    rules: Vec<PathBuf>,
    /// Rules written into `plugin.toml` itself.
    #[serde(default)]
    rule: Vec<RuleToml>,
    /// Tags that every rule has.
    #[serde(default)]
    tags: Vec<String>,
    /// A JSON Schema, relative to the plugin's folder.
    #[serde(default)]
    config_schema: Option<PathBuf>,
}

/// The part of a rule that concerns the host.
#[derive(Deserialize, Clone)]
#[serde(rename_all = "kebab-case")]
pub struct RuleToml {
    id: String,
    title: String,
    severity: Severity,
    confidence: Confidence,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    help: String,
    /// Anchors that match as written.
    #[serde(default)]
    anchors: Vec<String>,
    /// Anchors that match in either case.
    #[serde(default)]
    keywords: Vec<String>,
    /// The anchors (not the keywords) are searched inside base64 too.
    #[serde(default)]
    base64: bool,
}

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<RuleToml>,
}

/// The host's part of the rules in one rule file.
pub fn parse_rules(text: &str) -> Result<Vec<RuleToml>, Box<toml::de::Error>> {
    Ok(toml::from_str::<RuleFile>(text).map_err(Box::new)?.rule)
}

/// The anchors of these rules, each once, in the order of their first use; and for each rule the indices
/// of its anchors.
pub fn anchors_of(rules: &[RuleToml]) -> (Vec<Anchor>, Vec<Vec<u32>>) {
    let mut list: Vec<Anchor> = Vec::new();
    let mut known: HashMap<(String, bool), u32> = HashMap::new();
    let mut uses = Vec::with_capacity(rules.len());
    for rule in rules {
        let mut own = Vec::new();
        let exact = rule.anchors.iter().map(|text| (text.clone(), false));
        let folded = rule.keywords.iter().map(|text| (text.to_ascii_lowercase(), true));
        for (text, ignore_case) in exact.chain(folded) {
            let id = *known.entry((text.clone(), ignore_case)).or_insert_with(|| {
                list.push(Anchor { text, ignore_case, base64: false });
                list.len() as u32 - 1
            });
            list[id as usize].base64 |= rule.base64 && !ignore_case;
            own.push(id);
        }
        uses.push(own);
    }
    (list, uses)
}

/// Reads `DIR/plugin.toml` and all that it names.
pub fn load_dir(dir: &Path) -> Result<Manifest, LoadError> {
    let path = dir.join("plugin.toml");
    let plugin: PluginToml = toml::from_str(&read(&path)?)
        .map_err(|error| LoadError::Toml { path: path.clone(), error: Box::new(error) })?;
    let mut rules = plugin.rule;
    for folder in &plugin.rules {
        for file in rule_files(&dir.join(folder))? {
            let text = read(&file)?;
            rules.extend(parse_rules(&text).map_err(|error| LoadError::Toml { path: file, error })?);
        }
    }
    let (anchors, _) = anchors_of(&rules);
    let mut rules: Vec<Rule> = rules
        .into_iter()
        .map(|rule| {
            let mut tags = plugin.tags.clone();
            tags.extend(rule.tags.into_iter().filter(|tag| !plugin.tags.contains(tag)));
            Rule {
                id: rule.id,
                title: rule.title,
                severity: rule.severity,
                confidence: rule.confidence,
                tags,
                help: rule.help.trim().into(),
            }
        })
        .collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let config_schema = match plugin.config_schema {
        None => None,
        Some(name) => {
            let path = dir.join(name);
            Some(serde_json::from_str(&read(&path)?).map_err(|error| LoadError::Schema { path, error })?)
        }
    };
    let manifest = Manifest {
        format: FORMAT,
        id: plugin.id,
        version: plugin.version,
        contract: plugin.contract,
        kind: plugin.kind,
        description: plugin.description,
        stages: plugin.stages,
        interests: plugin.interests,
        anchors,
        rules,
        limits: plugin.limits,
        config_schema,
    };
    manifest.check().map_err(|mistake| LoadError::Mistake { path, mistake })?;
    Ok(manifest)
}

/// The `*.toml` of a folder, sorted by name.
pub fn rule_files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let io = |error| LoadError::Io { path: folder.to_owned(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|error| LoadError::Io { path: path.to_owned(), error })
}
