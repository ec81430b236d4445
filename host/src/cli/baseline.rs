//! `scanhost baseline create|update|diff`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::args::{self, BaselineCommand};
use super::policy_file::{PolicyFile, count, look_at_all, replace, warn_if_incomplete};
use crate::base;
use crate::config::{Config, FingerprintKey, edit};
use crate::finding::text::printable;
use crate::finding::{Finding, Fingerprint, Novelty, State};
use crate::outcome::{Exit, Outcome};
use crate::plan::{OnDisk, Plan};
use crate::policy::baseline::{Baseline, Entry, FILE_NAME};

/// The gate that a project without one gets, so that the baseline means something.
const GATE: &str = "[[gate]]\nfail-on = \"high\"\nnew-only = true\n";

/// Runs it.
pub fn command(args: &args::Baseline) -> anyhow::Result<u8> {
    super::start_log(0, false);
    match &args.command {
        BaselineCommand::Create { path, config } => create(path, config.as_deref()),
        BaselineCommand::Update { path, config, stage, gone_only } => {
            update(path, config.as_deref(), stage.clone(), *gone_only)
        }
        BaselineCommand::Diff { path, config, stage, format } => {
            diff(path, config.as_deref(), stage.clone(), format == "json")
        }
    }
}

fn create(root: &Path, asked: Option<&Path>) -> anyhow::Result<u8> {
    let mut file = PolicyFile::find(root, asked)?;
    let before = file.config()?;
    let mut added = Vec::new();
    if let Some(path) = &before.baseline {
        let path = file.folder().join(&path.value);
        if path.symlink_metadata().is_ok() {
            bail!("there is a baseline already, `{}`; `scanhost baseline update` brings it up to date", path.display());
        }
    } else {
        file.text = edit::add_key(&file.name, &file.text, "baseline", FILE_NAME)?;
        added.push("baseline");
    }
    if before.fingerprint_key.is_none() {
        // Without a key next to nothing of a secret enters its fingerprint.
        file.text = edit::add_key(&file.name, &file.text, "fingerprint-key", &random_key()?)?;
        added.push("fingerprint-key");
    }
    if before.gates.is_empty() {
        file.text = edit::add_table(&file.name, &file.text, GATE)?;
        added.push("[[gate]] fail-on = \"high\", new-only = true");
    }
    let config = file.config()?;
    let Some(path) = config.baseline.as_ref().map(|path| file.folder().join(&path.value)) else {
        bail!("`{}` names no baseline", file.name);
    };
    if path.symlink_metadata().is_ok() {
        bail!("`{}` is there already, and {} does not name it as the baseline", path.display(), file.name);
    }
    let key = key_of(&config);
    let (_, outcome) = look_at_all(root, config, None, false)?;
    let complete = warn_if_incomplete(&outcome);
    let baseline = Baseline::of(&outcome.findings, key.as_deref());
    // The baseline first: a `scan.toml` that names one that is not there is refused.
    replace(&path, &baseline.render())?;
    file.write()?;
    let mut out = format!("{}: {}\n", shown(&path), count(baseline.entries.len(), "finding"));
    if !added.is_empty() {
        let _ = writeln!(out, "{}: added {}", file.name, added.join(", "));
    }
    if !before.gates.is_empty() && !before.gates.iter().any(|gate| gate.new_only) {
        let _ = writeln!(out, "{}: add `new-only = true` to the gates that are to look past the baseline", file.name);
    }
    out.push_str("Commit both files.\n");
    super::print(&out)?;
    Ok(if complete { 0 } else { Exit::Incomplete.code() })
}

/// A project's configuration, its baseline, and what is found today.
struct Today {
    path: std::path::PathBuf,
    baseline: Baseline,
    plan: Plan,
    outcome: Outcome,
    key: Option<Vec<u8>>,
}

impl Today {
    fn look(root: &Path, asked: Option<&Path>, stage: Option<String>) -> anyhow::Result<Self> {
        let file = PolicyFile::find(root, asked)?;
        let config = file.config()?;
        let found = base::baseline(&config, &OnDisk(file.folder().to_owned()))?;
        let Some((path, baseline)) = found else {
            bail!("{} names no baseline; `scanhost baseline create` makes one", file.name);
        };
        let key = key_of(&config);
        let (plan, outcome) = look_at_all(root, config, stage, true)?;
        Ok(Self { path: file.folder().join(path), baseline, plan, outcome, key })
    }

    fn is_new(finding: &Finding) -> bool {
        finding.state == State::Active && finding.novelty != Some(Novelty::Existing)
    }

    /// Findings that the baseline does not have.
    fn added(&self) -> Vec<&Finding> {
        self.outcome.findings.iter().filter(|finding| Self::is_new(finding)).collect()
    }

    /// Entries of rules that could have been found, and were not.
    fn gone(&self) -> Vec<&Entry> {
        let looked_for = |entry: &&Entry| self.plan.names.ran.contains(&entry.rule);
        let found: std::collections::HashSet<Fingerprint> =
            self.outcome.findings.iter().map(|finding| finding.fingerprint).collect();
        let mut moved: HashMap<Fingerprint, usize> = HashMap::new();
        let known: std::collections::HashSet<Fingerprint> =
            self.baseline.entries.iter().map(|entry| entry.fingerprint).collect();
        for finding in &self.outcome.findings {
            if finding.novelty == Some(Novelty::Existing) && !known.contains(&finding.fingerprint) {
                *moved.entry(finding.moved_fingerprint).or_default() += 1;
            }
        }
        let mut is_gone = |entry: &&Entry| {
            if found.contains(&entry.fingerprint) {
                return false;
            }
            match moved.get_mut(&entry.moved) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    false
                }
                _ => true,
            }
        };
        self.baseline.entries.iter().filter(looked_for).filter(|entry| is_gone(entry)).collect()
    }
}

fn update(root: &Path, asked: Option<&Path>, stage: Option<String>, gone_only: bool) -> anyhow::Result<u8> {
    let today = Today::look(root, asked, stage)?;
    let complete = warn_if_incomplete(&today.outcome);
    let (new, gone) = (today.added().len(), today.gone().len());
    let kept: Vec<Finding> =
        today.outcome.findings.iter().filter(|finding| !gone_only || !Today::is_new(finding)).cloned().collect();
    let mut baseline = Baseline::of(&kept, today.key.as_deref());
    // What was not looked for is neither found nor gone.
    let others = today.baseline.entries.iter().filter(|entry| !today.plan.names.ran.contains(&entry.rule));
    baseline.entries.extend(others.cloned());
    if !complete {
        // A file that was not read may hold what is in it still.
        baseline.entries.extend(today.baseline.entries.iter().cloned());
    }
    let baseline = Baseline::parse(&baseline.render()).context("the baseline cannot be written")?;
    replace(&today.path, &baseline.render())?;
    let added = if gone_only { String::new() } else { format!("{} added, ", count(new, "finding")) };
    let gone = if complete { format!("{gone} gone, ") } else { String::new() };
    super::print(&format!("{}: {added}{gone}{} now\n", shown(&today.path), baseline.entries.len()))?;
    if gone_only && new > 0 {
        super::print(&format!("{} not in it; `scanhost baseline diff` shows them\n", count(new, "new finding")))?;
    }
    Ok(if complete { 0 } else { Exit::Incomplete.code() })
}

fn diff(root: &Path, asked: Option<&Path>, stage: Option<String>, as_json: bool) -> anyhow::Result<u8> {
    let today = Today::look(root, asked, stage)?;
    let complete = warn_if_incomplete(&today.outcome);
    let (new, gone) = (today.added(), if complete { today.gone() } else { Vec::new() });
    let out = if as_json {
        let new: Vec<_> = new
            .iter()
            .map(|f| {
                json!({
                    "rule": f.rule, "path": f.location.path(), "line": f.location.start().0,
                    "severity": f.rating.level.as_str(), "fingerprint": f.fingerprint.to_string(),
                })
            })
            .collect();
        let gone: Vec<_> = gone
            .iter()
            .map(|e| json!({"rule": e.rule, "path": e.path, "fingerprint": e.fingerprint.to_string()}))
            .collect();
        serde_json::to_string_pretty(&json!({"complete": complete, "new": new, "gone": gone}))? + "\n"
    } else {
        let mut lines: BTreeMap<(String, u32), String> = BTreeMap::new();
        for finding in &new {
            let (line, _) = finding.location.start();
            let path = printable(finding.location.path());
            let text = format!("+ {path}:{line} {} ({})\n", finding.rule, finding.rating.level);
            lines.entry((path.into_owned(), line)).or_default().push_str(&text);
        }
        for entry in &gone {
            let path = printable(&entry.path);
            let text = format!("- {path} {}\n", printable(&entry.rule));
            lines.entry((path.into_owned(), 0)).or_default().push_str(&text);
        }
        let summary = format!("{}, {} gone\n", count(new.len(), "new finding"), gone.len());
        lines.into_values().collect::<String>() + &summary
    };
    super::print(&out)?;
    Ok(if complete { 0 } else { Exit::Incomplete.code() })
}

fn key_of(config: &Config) -> Option<Vec<u8>> {
    config.fingerprint_key.as_ref().map(FingerprintKey::as_bytes).map(<[u8]>::to_vec)
}

/// 256 random bits as hexadecimal digits.
fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn shown(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    printable(&name).into_owned()
}
