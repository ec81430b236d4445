//! `scanhost suppress add|list|prune`: edits `[[suppress]]` of `scan.toml` and leaves all the rest as it is.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::args::{self, SuppressAdd, SuppressCommand};
use super::policy_file::{PolicyFile, count, look_at_all, warn_if_incomplete};
use crate::config::{Config, Selector, Suppression, edit, suggest};
use crate::finding::pattern::matches;
use crate::finding::text::printable;
use crate::finding::{Date, Finding, State};
use crate::outcome::{Exit, NoticeKind};
use crate::plan::OnDisk;
use crate::policy::WARN_DAYS;
use crate::report::json as report;

/// How long a suppression holds unless somebody says otherwise.
const DAYS: u32 = 90;

/// The shortest beginning of a fingerprint that is taken for it.
const SHORTEST: usize = 8;

/// Runs it.
pub fn command(args: &args::Suppress) -> anyhow::Result<u8> {
    super::start_log(0, false);
    match &args.command {
        SuppressCommand::Add(add) => self::add(add),
        SuppressCommand::List { root, config, format, today } => {
            list(root, config.as_deref(), format == "json", today.unwrap_or_else(Date::today))
        }
        SuppressCommand::Prune { root, config, unused, dry_run, today } => {
            prune(root, config.as_deref(), *unused, *dry_run, today.unwrap_or_else(Date::today))
        }
    }
}

fn add(args: &SuppressAdd) -> anyhow::Result<u8> {
    let mut file = PolicyFile::find(&args.root, args.config.as_deref())?;
    let config = file.config()?;
    let today = Date::today();
    let expires = args.expires.unwrap_or_else(|| today.plus_days(args.days.unwrap_or(DAYS)));
    if expires < today {
        bail!("{expires} is over; a suppression holds up to and including its day");
    }
    let selected = Selector {
        rule: args.rule.clone(),
        path: args.glob.clone(),
        package: args.package.clone(),
        advisory: args.advisory.clone(),
        ..Selector::default()
    };
    if let Some(rule) = &args.rule {
        known_rule(rule, &config, &file)?;
    }
    let mut new = Vec::new();
    if args.fingerprints.is_empty() {
        if selected == Selector::default() {
            bail!("say what to suppress: a fingerprint, --rule, --path, --package or --advisory");
        }
        new.push((selected, None));
    } else {
        let findings = findings(args, &config)?;
        for wanted in &args.fingerprints {
            let finding = find(&findings, wanted)?;
            let (line, _) = finding.location.start();
            let comment = format!("{} at {}:{line}", finding.rule, finding.location.path());
            let select = Selector {
                fingerprint: Some(finding.fingerprint),
                moved: Some(finding.moved_fingerprint),
                ..selected.clone()
            };
            new.push((select, Some(comment)));
        }
    }
    let mut out = String::new();
    for (select, comment) in new {
        let what = comment.clone().unwrap_or_else(|| select.describe());
        let entry = edit::NewSuppression { select, reason: args.reason.clone(), expires, comment };
        file.text = edit::add_suppression(&file.name, &file.text, &entry)?;
        let _ = writeln!(out, "{}: suppressed until {expires}: {}", file.name, printable(&what));
    }
    file.write()?;
    super::print(&out)?;
    Ok(0)
}

/// A name that no plugin has would hide nothing.
fn known_rule(rule: &str, config: &Config, file: &PolicyFile) -> anyhow::Result<()> {
    let plugins = crate::plan::available(config, &OnDisk(file.folder().to_owned()))?;
    let ids: Vec<&str> =
        plugins.iter().flat_map(|plugin| &plugin.manifest.rules).map(|rule| rule.id.as_str()).collect();
    if ids.iter().any(|id| matches(rule, id)) {
        return Ok(());
    }
    let near = suggest::nearest(rule, ids).map_or(String::new(), |near| format!(", did you mean `{near}`?"));
    bail!("no plugin has a rule `{}`{near}", printable(rule))
}

/// What the fingerprints are looked up in: a stored report, or what is found now.
fn findings(args: &SuppressAdd, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let Some(path) = &args.results else {
        let (_, outcome) = look_at_all(&args.root, config.clone(), None, true)?;
        warn_if_incomplete(&outcome);
        return Ok(outcome.findings);
    };
    let bytes =
        crate::plan::read_file(path, report::MAX_BYTES).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Some(bytes) = bytes else { bail!("there is no `{}`", path.display()) };
    let outcome = report::read(&String::from_utf8_lossy(&bytes)).with_context(|| format!("`{}`", path.display()))?;
    Ok(outcome.findings)
}

fn find<'f>(findings: &'f [Finding], wanted: &str) -> anyhow::Result<&'f Finding> {
    let hex = wanted.len() >= SHORTEST && wanted.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex {
        bail!(
            "`{}` is no fingerprint: give its 32 hexadecimal digits, or the first {SHORTEST} and more",
            printable(wanted)
        );
    }
    let wanted = wanted.to_ascii_lowercase();
    let mut found = findings.iter().filter(|finding| finding.fingerprint.to_string().starts_with(&wanted));
    match (found.next(), found.next()) {
        (None, _) => bail!(
            "no finding has the fingerprint {wanted}; `scanhost run -v` shows them, and a report of another \
             `fingerprint-key` has others"
        ),
        (Some(one), Some(two)) if one.fingerprint != two.fingerprint => {
            bail!("{wanted} is the beginning of several fingerprints; give more of it")
        }
        (Some(finding), _) => match &finding.state {
            State::Suppressed { place, .. } => bail!("this finding is suppressed already, by {place}"),
            _ => Ok(finding),
        },
    }
}

fn status(entry: &Suppression, today: Date, warn: u32) -> &'static str {
    match entry.expires.days_since(today) {
        left if left < 0 => "expired",
        left if left <= i64::from(warn) => "expiring",
        _ => "active",
    }
}

fn list(root: &Path, asked: Option<&Path>, as_json: bool, today: Date) -> anyhow::Result<u8> {
    let file = PolicyFile::find(root, asked)?;
    let config = file.config()?;
    let warn = config.policy.warn_before_expiry.unwrap_or(WARN_DAYS);
    if as_json {
        let entry = |entry: &Suppression| {
            let select = &entry.select;
            json!({
                "line": entry.line, "status": status(entry, today, warn), "expires": entry.expires.to_string(),
                "reason": entry.reason, "fingerprint": select.fingerprint.map(|f| f.to_string()),
                "rule": select.rule, "path": select.path, "package": select.package, "advisory": select.advisory,
            })
        };
        let entries: Vec<_> = config.suppressions.iter().map(entry).collect();
        super::print(&(serde_json::to_string_pretty(&entries)? + "\n"))?;
        return Ok(0);
    }
    let mut out = String::new();
    for entry in &config.suppressions {
        let status = status(entry, today, warn);
        let _ = writeln!(
            out,
            "{} {status}, until {}: {}",
            config.place(entry.line),
            entry.expires,
            entry.select.describe()
        );
        let _ = writeln!(out, "    {}", printable(&entry.reason));
    }
    if config.suppressions.is_empty() {
        let _ = writeln!(out, "{} suppresses nothing", file.name);
    }
    super::print(&out)?;
    Ok(0)
}

fn prune(root: &Path, asked: Option<&Path>, unused: bool, dry_run: bool, today: Date) -> anyhow::Result<u8> {
    let mut file = PolicyFile::find(root, asked)?;
    let config = file.config()?;
    let mut gone: Vec<(usize, &str)> = Vec::new();
    let over = config.suppressions.iter().enumerate().filter(|(_, entry)| entry.expires < today);
    gone.extend(over.map(|(at, _)| (at, "expired")));
    let mut complete = true;
    if unused {
        let (_, outcome) = look_at_all(root, config.clone(), None, true)?;
        complete = warn_if_incomplete(&outcome);
        let of_no_use = |line: u32| {
            let place = config.place(line);
            let is = |kind| matches!(kind, NoticeKind::Unused | NoticeKind::UnknownRule);
            outcome.notices.iter().any(|notice| is(notice.kind) && notice.place.as_deref() == Some(&place))
        };
        for (at, entry) in config.suppressions.iter().enumerate() {
            if entry.expires >= today && of_no_use(entry.line) {
                gone.push((at, "unused"));
            }
        }
    }
    gone.sort_unstable();
    let mut out = String::new();
    for (at, why) in &gone {
        let entry = &config.suppressions[*at];
        let _ = writeln!(out, "{} {why}: {}", config.place(entry.line), entry.select.describe());
    }
    let places: Vec<usize> = gone.iter().map(|(at, _)| *at).collect();
    if !places.is_empty() && !dry_run {
        file.text = edit::remove_suppressions(&file.name, &file.text, &places)?;
        file.write()?;
    }
    let done = if dry_run { "would be taken out" } else { "taken out" };
    let _ = writeln!(out, "{} {done}", count(places.len(), "suppression"));
    super::print(&out)?;
    Ok(if complete { 0 } else { Exit::Incomplete.code() })
}
