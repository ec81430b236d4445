//! The rule file as `RULES.md` has it: the keys that the engine knows, and the examples. Shared by the
//! build script and the test that proves each rule against its own examples.

use serde::Deserialize;

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    #[serde(default)]
    pub rule: Vec<Rule>,
}

/// One rule, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code, reason = "the build script and the test each read their part")]
pub struct Rule {
    pub id: String,
    pub title: String,
    pub severity: String,
    pub confidence: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub anchors: Vec<String>,
    #[serde(default)]
    pub keywords: Vec<String>,
    #[serde(default)]
    pub base64: bool,
    pub mode: Mode,
    pub regex: String,
    pub before: Option<usize>,
    pub after: Option<usize>,
    #[serde(default)]
    pub judge: Judge,
    #[serde(default)]
    pub entropy: f32,
    #[serde(default)]
    pub require: Vec<String>,
    pub checksum: Option<String>,
    #[serde(default)]
    pub allow: Vec<String>,
    #[serde(default)]
    pub positive: Vec<String>,
    #[serde(default)]
    pub negative: Vec<String>,
    #[serde(default)]
    pub help: String,
}

/// Where the regex is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Anchored,
    Assignment,
    Window,
    File,
}

/// How hard a match is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    #[default]
    Format,
    Token,
    Password,
}
