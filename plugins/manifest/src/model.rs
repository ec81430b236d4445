//! The manifest's types, as they are serialised, and the checks that hold for every manifest, whoever
//! wrote it. A manifest comes from an unknown plugin: [`Manifest::check`] is called before it is used.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of the serialised form. A host refuses a newer one.
pub const FORMAT: u32 = 1;

/// The largest numbers that a manifest may hold.
mod cap {
    pub const RULES: usize = 10_000;
    pub const ANCHORS: usize = 20_000;
    pub const ANCHOR_BYTES: usize = 64;
    pub const GLOBS: usize = 1_000;
    pub const TEXT: usize = 16 * 1024;
}

/// A plugin's name: lower-case letters, digits and dashes, a letter first, 40 bytes at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(String);

impl PluginId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PluginId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let good = text.len() <= 40
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{}` is no plugin id; use lower-case letters, digits and dashes, a letter first",
                text.escape_debug()
            ))
        }
    }
}

impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The levels of the one severity scale, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, nothing to do.
    Info,
    /// A weakness that needs another one to hurt.
    Low,
    /// A weakness with limited harm, or one that is hard to use.
    Medium,
    /// Likely to be used for serious harm.
    High,
    /// To be acted on now.
    Critical,
}

impl Severity {
    /// All levels, least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name, as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure a plugin is; a separate axis from severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A hint.
    Low,
    /// More often right than wrong.
    Medium,
    /// Little doubt.
    High,
}

impl Confidence {
    /// The name, as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How a plugin is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Each file by itself, on all cores.
    PerFile,
    /// All its files in one instance, conclusions in `finish`.
    WholeProject,
    /// Targets, not files.
    Probe,
}

/// Which content a plugin wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Text in UTF-8, UTF-16 or an older encoding: no NUL byte, or a byte order mark.
    #[default]
    Text,
    /// What is not text.
    Binary,
    /// Both.
    Any,
}

/// Which files a plugin wants to see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Interests {
    /// Globs over the path from the root, `**` allowed; a glob without `/` matches the file name in any folder.
    pub include: Vec<String>,
    /// Taken out of `include`.
    pub exclude: Vec<String>,
    /// Larger files are not handed over; the report names them. Bytes.
    pub max_size: u64,
    /// Text, binary or any.
    pub content: Content,
    /// Hand over only files that contain one of the anchors.
    pub anchored: bool,
}

impl Default for Interests {
    fn default() -> Self {
        Self {
            include: vec!["**".into()],
            exclude: Vec::new(),
            max_size: 16 << 20,
            content: Content::Text,
            anchored: false,
        }
    }
}

/// A literal that a file has to contain. The host searches the anchors of all plugins in one pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Anchor {
    /// 3 to 64 bytes of printable ASCII.
    pub text: String,
    /// ASCII letters match in both cases.
    #[serde(default)]
    pub ignore_case: bool,
    /// Also found inside base64, at any of the three alignments, as written.
    #[serde(default)]
    pub base64: bool,
}

/// What a plugin may use when `scan.toml` does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory: u64,
    /// For one exported call, in milliseconds.
    pub time_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, time_ms: 10_000 }
    }
}

/// What the host knows of a rule without running the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Starts with the plugin's id and a dot: `secrets.github-pat`.
    pub id: String,
    /// A noun phrase: "GitHub personal access token".
    pub title: String,
    /// Of a finding that does not bring its own.
    pub severity: Severity,
    /// What to expect of the rule's findings.
    pub confidence: Confidence,
    /// `CWE-798`, `OWASP-A07:2021`, `ATLAS-AML.T0012` …
    #[serde(default)]
    pub tags: Vec<String>,
    /// Markdown: what it is, why it hurts, what to do.
    #[serde(default)]
    pub help: String,
}

/// All that a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The plugin's name.
    pub id: PluginId,
    /// Of the plugin, as semver.
    pub version: String,
    /// Of the package `scanhost:plugin` that it was built against.
    pub contract: String,
    /// How it is run.
    pub kind: Kind,
    /// One line for `scanhost plugin list`.
    pub description: String,
    /// The built-in stages that take the plugin up without being told to.
    #[serde(default)]
    pub stages: Vec<String>,
    /// The files it wants.
    #[serde(default)]
    pub interests: Interests,
    /// The guest sees an anchor as its index in this list.
    #[serde(default)]
    pub anchors: Vec<Anchor>,
    /// Sorted by id.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Defaults of its limits.
    #[serde(default)]
    pub limits: Limits,
    /// JSON Schema of `[plugins.<id>] config`; none: it takes no configuration.
    #[serde(default)]
    pub config_schema: Option<serde_json::Value>,
}

/// What is wrong with a manifest, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(pub String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

impl Manifest {
    /// The rule with this full id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|at| &self.rules[at])
    }

    /// Checks what the types alone do not: sizes, ids, order.
    pub fn check(&self) -> Result<(), Mistake> {
        let fail = |text: String| Err(Mistake(text));
        if self.format > FORMAT {
            return fail(format!("its format is {}, this host knows {FORMAT}; update scanhost", self.format));
        }
        if self.rules.len() > cap::RULES || self.anchors.len() > cap::ANCHORS {
            return fail(format!("more than {} rules or {} anchors", cap::RULES, cap::ANCHORS));
        }
        if self.interests.include.len() + self.interests.exclude.len() > cap::GLOBS {
            return fail(format!("more than {} globs", cap::GLOBS));
        }
        for glob in self.interests.include.iter().chain(&self.interests.exclude) {
            if let Err(error) = globset::Glob::new(glob) {
                return fail(format!("interests: {error}"));
            }
        }
        for anchor in &self.anchors {
            let text = &anchor.text;
            if !(3..=cap::ANCHOR_BYTES).contains(&text.len()) || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return fail(format!(
                    "anchor `{}`: 3 to {} printable ASCII characters are needed",
                    text.escape_debug(),
                    cap::ANCHOR_BYTES
                ));
            }
        }
        if self.interests.anchored && self.anchors.is_empty() {
            return fail("interests.anchored is set and there is no anchor, so no file would ever qualify".into());
        }
        let prefix = format!("{}.", self.id);
        let mut seen = HashSet::new();
        for rule in &self.rules {
            let shape = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
            if !rule.id.starts_with(&prefix) || rule.id.len() > 100 || !rule.id.bytes().all(shape) {
                return fail(format!(
                    "rule `{}`: an id is `{prefix}` and then lower-case letters, digits, dashes and dots",
                    rule.id.escape_debug()
                ));
            }
            if !seen.insert(&rule.id) {
                return fail(format!("rule `{}` is there twice", rule.id));
            }
            if rule.title.trim().is_empty() || rule.title.len() > 200 || rule.help.len() > cap::TEXT {
                return fail(format!(
                    "rule `{}`: a title of 1 to 200 bytes and a help of up to {} are needed",
                    rule.id,
                    cap::TEXT
                ));
            }
        }
        if !self.rules.is_sorted_by(|a, b| a.id < b.id) {
            return fail("its rules are not sorted by id".into());
        }
        Ok(())
    }
}
