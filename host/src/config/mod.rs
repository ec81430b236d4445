//! `scan.toml`: text in, a [`Config`] out, or every mistake of the file at once with its place.
//!
//! The file is read strictly: whatever this version does not know is an error, because a mistyped key that
//! is ignored is a gate that does not hold. What a name refers to (whether that plugin exists, whether that
//! stage does) is not known here; [`plan`](crate::plan) checks it and points into the same file with
//! [`Config::error_at`]. Nothing here prints, and nothing here decides what a setting leads to.

pub mod edit;
mod error;
mod excerpt;
mod places;
mod reader;
#[cfg(test)]
mod schema_tests;
pub mod suggest;
#[cfg(test)]
mod tests;
pub mod value;
mod walk;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use annotate_snippets::Level;

use crate::finding::text::brief;
pub use error::{ConfigError, Mistake, Mistakes};
pub use places::Places;

pub use crate::finding::Date;
use crate::finding::{Confidence, Fingerprint, PluginId, Severity};
use excerpt::Source;

/// What the file is called.
pub const FILE_NAME: &str = "scan.toml";

/// JSON Schema of the file, for editors. A test holds it and the reader together.
pub const SCHEMA: &str = include_str!("../../../docs/scan.schema.json");

/// The largest file that is read. A policy written by hand is a hundredth of it.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Files larger than this are not read, unless `[files] max-size` says otherwise.
pub const MAX_FILE: u64 = 16 << 20;

/// Bytes of the file.
pub type Span = std::ops::Range<usize>;

/// A value with the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// What to do about a run that is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Incomplete {
    /// The exit code says so.
    #[default]
    Fail,
    /// The report says so, the exit code does not.
    Warn,
}

/// Which files a stage looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All of them.
    #[default]
    Full,
    /// What is staged for the next commit.
    Staged,
    /// What differs from the commit that the change is based on.
    Changed,
}

impl Scope {
    /// All, as `scan.toml` and the command line write them.
    pub const ALL: [(&str, Self); 3] = [("full", Self::Full), ("staged", Self::Staged), ("changed", Self::Changed)];

    /// As `scan.toml` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Staged => "staged",
            Self::Changed => "changed",
        }
    }
}

/// The key of secrets' fingerprints. It identifies secrets to whoever has it, so nothing shows it: neither
/// `Debug` nor an error nor an excerpt of the file.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey(String);

impl FingerprintKey {
    /// How many characters it may have.
    pub const CHARS: std::ops::RangeInclusive<usize> = 32..=128;

    /// The key's text, for deriving the key of a hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// `[stages.<name>]`. What is left out keeps its built-in default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stage {
    /// The plugins that run in it.
    pub plugins: Option<Vec<Spanned<PluginId>>>,
    /// Which files it looks at.
    pub scope: Option<Spanned<Scope>>,
    /// How long it may take.
    pub budget: Option<Duration>,
    /// Overrides [`PolicySettings::incomplete`].
    pub incomplete: Option<Incomplete>,
    /// Where its name stands.
    pub span: Span,
}

/// `[[gate]]`. All gates of a stage must pass.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gate {
    /// The stages that it applies to; none: all.
    pub stages: Option<Vec<Spanned<String>>>,
    /// Fails when a finding is this severe or more. `fail-on = "none"` is none, too.
    pub fail_on: Option<Severity>,
    /// Only findings this sure or more are looked at.
    pub min_confidence: Option<Confidence>,
    /// Only findings are looked at that were not there before: neither in the baseline nor at the base.
    pub new_only: bool,
    /// Fails when there are more findings of a level than this.
    pub max: BTreeMap<Severity, u64>,
    /// Judges a measurement instead of findings.
    pub measurement: Option<MeasurementGate>,
    /// Line of its first key or header.
    pub line: u32,
    /// The same as a place.
    pub span: Span,
}

/// `measurement`, `where` and the bounds of a gate. At least one bound is set.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementGate {
    /// The measurement's full name, `evasion.robust_accuracy`.
    pub name: Spanned<String>,
    /// Labels that it must have, all of them, in the order of the file.
    pub conditions: Vec<Condition>,
    /// Fails when the lower bound of the 95 % confidence interval is below this.
    pub min_lower95: Option<f64>,
    /// Fails when the upper bound of the 95 % confidence interval is above this.
    pub max_upper95: Option<f64>,
}

/// One key of a gate's `where`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The label.
    pub label: String,
    /// What it must be.
    pub value: ConditionValue,
}

/// What a label must be.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionValue {
    /// This number, within 1e-9, however it is written: `0.5`, `5e-1`, `"8/255"`.
    Number(f64),
    /// This text.
    Text(String),
}

/// `[policy]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicySettings {
    /// A scanner failed, or something could not be read. None: [`Incomplete::Fail`], but for an exceeded budget of
    /// the stage `commit`.
    pub incomplete: Option<Incomplete>,
    /// There was nothing to scan although something was expected.
    pub nothing_scanned: Incomplete,
    /// How many days before its expiry a suppression is warned about. None: 14.
    pub warn_before_expiry: Option<u32>,
}

/// `[plugins.<id>]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginSettings {
    /// Path of a packed `.wasm`, relative to the folder of `scan.toml`; none: a built-in plugin.
    pub source: Option<Spanned<PathBuf>>,
    /// `sha256:…` that the packed component must have.
    pub digest: Option<Spanned<String>>,
    /// What the plugin is told; an object. Dates are strings.
    pub config: serde_json::Value,
    /// Where `config` stands, if it does.
    pub config_span: Option<Span>,
    /// Globs of the files that it may open beyond the one that it is given.
    pub allow_read: Vec<Spanned<String>>,
    /// Overrides of the manifest's limits.
    pub limits: LimitSettings,
    /// Where the plugin's name stands.
    pub span: Span,
}

/// `[plugins.<id>] limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSettings {
    /// Bytes of linear memory in one instance.
    pub memory: Option<u64>,
    /// For one call.
    pub time: Option<Duration>,
}

/// `[[severity]]`. At least one of rule, path and plugin is set; a finding has to match all that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityOverride {
    /// A rule's id, or a pattern of ids with `*`.
    pub rule: Option<String>,
    /// A glob of paths, from the repository's root.
    pub path: Option<String>,
    /// Whose findings.
    pub plugin: Option<PluginId>,
    /// What it becomes.
    pub set: Severity,
    /// Why; safe to print, not empty.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Date>,
    /// Line of its header.
    pub line: u32,
    /// Where its first selector stands.
    pub span: Span,
}

impl SeverityOverride {
    /// What it selects, as `scan.toml` would have it: `rule = "secrets.jwt", path = "tests/**"`.
    pub fn describe(&self) -> String {
        let plugin = self.plugin.as_ref().map(PluginId::as_str);
        selectors(&[("rule", self.rule.as_deref()), ("path", self.path.as_deref()), ("plugin", plugin)])
    }
}

/// Keys and values as `scan.toml` would have them.
fn selectors(parts: &[(&str, Option<&str>)]) -> String {
    let set = parts.iter().filter_map(|(key, value)| value.map(|value| format!("{key} = \"{value}\"")));
    set.collect::<Vec<_>>().join(", ")
}

/// `[[suppress]]`. At least one selector is set; a finding has to match all that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// What it selects.
    pub select: Selector,
    /// Why; safe to print, not empty.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Line of its header.
    pub line: u32,
    /// Where its first selector stands.
    pub span: Span,
}

/// What a suppression is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// One finding.
    pub fingerprint: Option<Fingerprint>,
    /// The same finding after its file was renamed: the path-less fingerprint. Only beside `fingerprint`.
    pub moved: Option<Fingerprint>,
    /// A rule's id, or a pattern of ids with `*`.
    pub rule: Option<String>,
    /// A glob of paths, from the repository's root.
    pub path: Option<String>,
    /// A package URL; without a version it means all of them.
    pub package: Option<String>,
    /// A CVE, GHSA or other advisory id.
    pub advisory: Option<String>,
}

impl Selector {
    /// As `scan.toml` would have it: `rule = "secrets.jwt", path = "tests/**"`.
    pub fn describe(&self) -> String {
        let fingerprint = self.fingerprint.map(|fingerprint| fingerprint.to_string());
        selectors(&[
            ("fingerprint", fingerprint.as_deref()),
            ("rule", self.rule.as_deref()),
            ("path", self.path.as_deref()),
            ("package", self.package.as_deref()),
            ("advisory", self.advisory.as_deref()),
        ])
    }
}

/// `[files]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSettings {
    /// Globs of files that no plugin sees. The report counts them.
    pub exclude: Vec<Spanned<String>>,
    /// Larger files are skipped.
    pub max_size: Option<u64>,
    /// Whether archives are opened. None: they are.
    pub archives: Option<bool>,
}

/// What `scan.toml` says. The default is what holds without a file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The key of secrets' fingerprints.
    pub fingerprint_key: Option<FingerprintKey>,
    /// By name.
    pub stages: BTreeMap<String, Stage>,
    /// In the order of the file.
    pub gates: Vec<Gate>,
    /// How a run that is not whole ends.
    pub policy: PolicySettings,
    /// By id.
    pub plugins: BTreeMap<PluginId, PluginSettings>,
    /// In the order of the file.
    pub severities: Vec<SeverityOverride>,
    /// In the order of the file.
    pub suppressions: Vec<Suppression>,
    /// Path of the baseline, relative to the folder of `scan.toml`.
    pub baseline: Option<Spanned<PathBuf>>,
    /// Which files are read at all.
    pub files: FileSettings,
    /// The text, for pointing into it later.
    source: Option<Source>,
}

impl Config {
    /// What the file says of an incomplete run of a stage, if it says anything.
    pub fn incomplete(&self, stage: &str) -> Option<Incomplete> {
        self.stages.get(stage).and_then(|stage| stage.incomplete).or(self.policy.incomplete)
    }

    /// The folder that relative paths of the file start from.
    pub fn folder(&self) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent)
    }

    /// A mistake found later than parsing, shown at its place in the file.
    pub fn error_at(&self, span: Span, message: impl Into<String>, help: Option<String>) -> ConfigError {
        let span = self.source.is_some().then_some(span);
        self.error_of(vec![Mistake { span, message: message.into(), label: String::new(), help }])
    }

    /// Several of them at once; at least one.
    pub fn error_of(&self, mistakes: Vec<Mistake>) -> ConfigError {
        ConfigError::Invalid(self.mistakes(mistakes))
    }

    fn mistakes(&self, list: Vec<Mistake>) -> Mistakes {
        Mistakes::new(self.source.clone().unwrap_or_else(|| Source::new(FILE_NAME, "")), list)
    }

    /// What is no mistake and still worth a look, shown as mistakes are, for a terminal or a log of `width` columns.
    pub fn render_warnings(&self, warnings: &[Mistake], color: bool, width: usize) -> String {
        self.mistakes(warnings.to_vec()).render(&Level::WARNING, color, width)
    }

    /// How messages call the file; none without a file.
    pub fn name(&self) -> Option<&str> {
        self.source.as_ref().map(Source::name)
    }

    /// The line on which something stands; 0 without a file.
    pub fn line_of(&self, span: &Span) -> u32 {
        self.source.as_ref().map_or(0, |source| source.line(span.start))
    }

    /// `scan.toml:12`, for naming where something was decided.
    pub fn place(&self, line: u32) -> String {
        format!("{}:{line}", self.source.as_ref().map_or(FILE_NAME, Source::name))
    }
}

/// The `scan.toml` of a root, if it has one. Only of the root itself: a file further down must not take over
/// the policy of what contains it, and one further up belongs to another project. Whatever is there under
/// the name is returned, even if it cannot be read: [`load`] then says so, where silence would drop the policy.
pub fn discover(root: &Path) -> Option<PathBuf> {
    let path = root.join(FILE_NAME);
    match path.symlink_metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        _ => Some(path),
    }
}

/// Reads and parses a file.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    // The `.` of `scanhost run .` says nothing in front of every place that is named.
    let shown = path.strip_prefix(".").unwrap_or(path);
    load_as(path, &shown.display().to_string())
}

/// The same; `name` is how messages and reports call the file.
pub fn load_as(path: &Path, name: &str) -> Result<Config, ConfigError> {
    let name = brief(name, 300);
    let unreadable = |source: std::io::Error| ConfigError::Unreadable { name: name.clone(), source };
    check_place(path, &name)?;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    let mut config = parse_bytes(&name, &bytes)?;
    config.path = Some(path.to_path_buf());
    Ok(config)
}

/// Whether a path is one that a configuration may be read from; `name` is how messages call it.
pub fn check_place(path: &Path, name: &str) -> Result<(), ConfigError> {
    let name = brief(name, 300);
    let unreadable = |source: std::io::Error| ConfigError::Unreadable { name: name.clone(), source };
    // An error shows a line of the file, so a link in a foreign repository must not make this
    // show a line of `/proc/self/environ`. A mounted configuration (a link beside itself) stays possible.
    if path.symlink_metadata().map_err(unreadable)?.is_symlink() && leaves_its_folder(path).map_err(unreadable)? {
        return Err(ConfigError::LeavesFolder { name });
    }
    // Before opening: opening a FIFO would wait for its other end.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(ConfigError::NotAFile { name });
    }
    Ok(())
}

fn leaves_its_folder(path: &Path) -> std::io::Result<bool> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(!path.canonicalize()?.starts_with(folder.canonicalize()?))
}

/// Parses the bytes of a file; `name` is how messages call it.
pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Config, ConfigError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { name: brief(name, 300), limit: MAX_FILE_BYTES });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(name, text),
        Err(error) => {
            // Up to the bad byte the lossy text has the same offsets.
            let at = error.valid_up_to();
            let source = Source::guessing(name, &String::from_utf8_lossy(bytes));
            let mistake = Mistake {
                span: Some(at..at + char::REPLACEMENT_CHARACTER.len_utf8()),
                message: "the file is not UTF-8".into(),
                label: "the first byte that is none".into(),
                help: Some("save it as UTF-8".into()),
            };
            Err(ConfigError::Invalid(Mistakes::new(source, vec![mistake])))
        }
    }
}

/// Parses a text; `name` is how messages call it.
pub fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { name: brief(name, 300), limit: MAX_FILE_BYTES });
    }
    walk::parse(name, text)
}
