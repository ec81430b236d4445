//! The terminal's report: what a developer reads in a commit hook. Findings, most severe first; why the
//! scan is incomplete; what was skipped; and one last line that says what it all came to, and that nobody
//! can take for a pass when it is none. A clean run is that line alone.
//!
//! Colour only repeats what the words say. No text of the scanned repository begins a line, because a CI
//! service obeys lines that begin with `::`. Lines keep to the width, paths excepted: a path that is cut
//! cannot be copied.

mod excerpt;
mod layout;

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};

use super::{RenderOptions, from_here, percent_encode};
use crate::finding::text::printable;
use crate::finding::{Finding, Level, Location, Origin, State};
use crate::outcome::{Exit, GateResult, Outcome, Problem, SkipReason};
use layout::{bytes, count, duration, first_sentence};

/// Findings that are shown without `-v`. More than that is not read in a terminal, and scrolls the first
/// and most severe ones away.
const MAX_FINDINGS: usize = 100;
/// Problems, and skipped files, that are shown without `-v`.
const MAX_LINES: usize = 10;
/// Related places and measurements that are shown.
const MAX_RELATED: usize = 5;

/// A narrower terminal is treated as one of this width.
const MIN_WIDTH: usize = 30;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// The report.
pub fn render(outcome: &Outcome, options: &RenderOptions) -> String {
    let mut page = Page { outcome, options, out: String::new() };
    page.findings();
    page.problems();
    if !options.quiet {
        page.skipped();
        page.measurements();
        page.details();
    }
    page.summary();
    page.out
}

/// What went wrong and the verdict, without the findings: for whoever sent the report itself elsewhere.
pub fn summary(outcome: &Outcome, options: &RenderOptions) -> String {
    let mut page = Page { outcome, options, out: String::new() };
    page.problems();
    page.summary();
    page.out
}

/// The report as far as it is written.
struct Page<'o> {
    outcome: &'o Outcome,
    options: &'o RenderOptions,
    out: String,
}

impl Page<'_> {
    fn findings(&mut self) {
        let verbose = self.options.verbose > 0;
        let active: Vec<_> = self.outcome.findings.iter().filter(|f| f.state == State::Active).collect();
        let shown = if verbose { active.len() } else { active.len().min(MAX_FINDINGS) };
        for finding in &active[..shown] {
            self.finding(finding);
            self.blank();
        }
        if shown < active.len() {
            let text = format!(
                "... and {} that are no more severe; -v shows them all, --format json=FILE writes them to a file",
                count(active.len() - shown, "more finding")
            );
            self.wrapped("", "", &text);
            self.blank();
        }
        if verbose && !self.options.quiet {
            self.ignored();
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let style = style(finding.rating.level);
        let level = finding.rating.level.as_str();
        // The severity stands first, so no title can be mistaken for a command or for another severity.
        let title =
            layout::wrap(&printable(&finding.title), self.width().saturating_sub(level.len() + 2), self.width());
        for (at, line) in title.iter().enumerate() {
            let head = if at == 0 { self.paint(style, level) + ": " } else { "  | ".into() };
            self.line(&format!("{head}{}", self.paint(BOLD, line)));
        }
        let place = self.place(&finding.location);
        self.line(&format!("  {} {place}", self.paint(DIM, "-->")));
        if let Some(file) = finding.location.file()
            && let Some(snippet) = &file.snippet
        {
            for line in excerpt::lines(snippet, self.width()) {
                let gutter = self.paint(DIM, &line.gutter);
                let text = if line.is_mark { self.paint(style, &line.text) } else { line.text };
                self.line(format!("{gutter}{text}").trim_end());
            }
        }
        self.commit(finding);
        self.note("", &finding.message);
        self.note("rule: ", &format!("{}, confidence {}", finding.rule, finding.confidence.as_str()));
        if let Origin::Override { was, reason, place } = &finding.rating.origin {
            self.note("severity: ", &format!("{place} changed it from {}: {reason}", was.level));
        }
        if !finding.also.is_empty() {
            self.note("also: ", &finding.also.join(", "));
        }
        for related in finding.related.iter().take(MAX_RELATED) {
            let (line, column) = related.location.start();
            let at = if line > 0 { format!(":{line}:{column}") } else { String::new() };
            let path = from_here_or_not(self.outcome, &related.location);
            self.note("see: ", &format!("{path}{at}: {}", related.note));
        }
        let (name, hint) = self.hint(finding);
        self.note(name, &hint);
        if self.options.verbose > 0 {
            self.note("fingerprint: ", &finding.fingerprint.to_string());
            if !finding.tags.is_empty() {
                self.note("tags: ", &finding.tags.join(", "));
            }
        }
        if self.options.verbose > 1 {
            for (key, value) in &finding.labels {
                self.note("label: ", &format!("{key} = {value}"));
            }
        }
    }

    /// Who brought it, where the source knows: `commit: 1a2b3c4d5e6f by Name, 2024-05-01, still there`.
    fn commit(&mut self, finding: &Finding) {
        let get = |name: &str| {
            let pairs = &finding.location.file()?.provenance;
            pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        let Some(commit) = get("commit") else { return };
        let mut text = commit.get(..12).unwrap_or(commit).to_owned();
        if let Some(author) = get("author") {
            // The address is in the other reports.
            let name = author.split(" <").next().filter(|name| !name.is_empty()).unwrap_or(author);
            text = format!("{text} by {name}");
        }
        if let Some(day) = get("date").and_then(|date| date.split('T').next()) {
            text = format!("{text}, {day}");
        }
        text += match get("head") {
            Some("yes") => ", still there",
            Some(_) => ", no longer there",
            None => "",
        };
        self.note("commit: ", &text);
    }

    /// What to do: the finding's own fix, what the rule's help ends with, or where to read on.
    fn hint(&self, finding: &Finding) -> (&'static str, String) {
        let help = self.outcome.rules.get(&finding.rule).map_or("", |rule| rule.help.as_str());
        match finding.fix.as_ref().map(|fix| fix.title.clone()).or_else(|| first_sentence(help)) {
            Some(what) => ("fix: ", what),
            None => ("help: ", format!("scanhost explain {}", finding.rule)),
        }
    }

    /// Where a finding is, clickable if it is a file.
    fn place(&self, location: &Location) -> String {
        let (line, column) = location.start();
        let path = from_here_or_not(self.outcome, location);
        match location {
            Location::File(file) => {
                let at = if line > 0 { format!("{path}:{line}:{column}") } else { path };
                let logical = file.logical.as_deref().map(|name| format!(" ({})", printable(name))).unwrap_or_default();
                self.link(&file.path, &at) + &logical
            }
            Location::Package { purl, manifest } if manifest.is_empty() => printable(purl).into_owned(),
            Location::Package { purl, manifest } => format!("{} ({})", self.link(manifest, &path), printable(purl)),
            Location::Endpoint { method, .. } => format!("{} {path}", printable(method)),
            Location::Model(_) => format!("model {path}"),
            Location::Other { kind, .. } => format!("{} {path}", printable(kind)),
        }
    }

    /// `text` as a link to a file of the root, where links are wanted and the file's name is known for sure:
    /// a backslash may be part of the name, or of what an unsafe character was written as.
    fn link(&self, path: &str, text: &str) -> String {
        let root = self.options.root_abs.as_ref().and_then(|root| root.to_str());
        match root {
            Some(root) if self.options.hyperlinks && !path.contains('\\') && self.is_on_disk() => {
                let root = percent_encode(root.trim_end_matches('/'));
                // What can be opened is the archive.
                let path = path.split("!/").next().unwrap_or(path);
                format!("\x1b]8;;file://{root}/{}\x1b\\{text}\x1b]8;;\x1b\\", percent_encode(path))
            }
            _ => text.to_owned(),
        }
    }

    /// Whether a path leads to what was scanned. An old version is not what lies there now.
    fn is_on_disk(&self) -> bool {
        !matches!(self.outcome.inputs.source.as_str(), "stdin" | "history")
    }

    fn ignored(&mut self) {
        let ignored = |f: &&Finding| matches!(f.state, State::IgnoredInline { .. });
        let mut any = false;
        for finding in self.outcome.findings.iter().filter(ignored) {
            let State::IgnoredInline { reason } = &finding.state else { continue };
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            let head = self.paint(DIM, "ignored:");
            let place = self.place(&finding.location);
            self.line(&format!("{head} {} {place}", finding.rating.level));
            self.note("", &format!("{}: {reason}", finding.rule));
            any = true;
        }
        if any {
            self.blank();
        }
    }

    fn problems(&mut self) {
        let problems = &self.outcome.problems;
        if problems.is_empty() {
            return;
        }
        self.verdict(YELLOW, "incomplete", &count(problems.len(), "problem"));
        // One cause often hits many files; the same words are said once.
        let mut groups: BTreeMap<(&str, Option<&str>, &str), Vec<&str>> = BTreeMap::new();
        for Problem { kind, plugin, path, message } in problems {
            let plugin = plugin.as_ref().map(crate::finding::PluginId::as_str);
            groups.entry((kind_words(*kind), plugin, message)).or_default().extend(path.as_deref());
        }
        let limit = if self.options.verbose > 0 { usize::MAX } else { MAX_LINES };
        for ((kind, plugin, message), paths) in groups.iter().take(limit) {
            let whose = plugin.map(|id| format!("{id} ")).unwrap_or_default();
            self.wrapped("  * ", "  | ", &format!("{whose}{kind}: {message}"));
            self.paths(paths, limit);
        }
        if groups.len() > limit {
            self.wrapped("  * ", "  | ", &format!("+{} more, -v shows them", groups.len() - limit));
        }
        self.blank();
    }

    fn paths(&mut self, paths: &[&str], limit: usize) {
        for path in paths.iter().take(limit) {
            let path = self.link(path, &printable(&from_here(self.outcome, path)));
            self.line(&format!("    - {path}"));
        }
        if paths.len() > limit {
            self.line(&format!("    - +{} more", paths.len() - limit));
        }
    }

    /// Counts of what was left out, and by name what a reader may not expect to be left out.
    fn skipped(&mut self) {
        let skipped = &self.outcome.inputs.skipped;
        let mut counts: BTreeMap<SkipReason, usize> = BTreeMap::new();
        for file in skipped {
            *counts.entry(file.reason).or_default() += 1;
        }
        // What was left out on purpose is of interest with -v only: a clean run is one line.
        let verbose = self.options.verbose > 0;
        let shown = |reason: SkipReason| {
            verbose
                || matches!(
                    reason,
                    SkipReason::TooLarge
                        | SkipReason::Unreadable
                        | SkipReason::Vanished
                        | SkipReason::Encrypted
                        | SkipReason::UnsupportedCompression
                )
        };
        if !skipped.iter().any(|file| shown(file.reason)) {
            return;
        }
        let counts: Vec<_> = counts.iter().map(|(reason, count)| format!("{count} {}", reason.as_str())).collect();
        self.wrapped("", "  | ", &format!("{} skipped: {}", count(skipped.len(), "file"), counts.join(", ")));
        let limit = if verbose { usize::MAX } else { MAX_LINES };
        let listed: Vec<_> = skipped.iter().filter(|file| shown(file.reason)).collect();
        for file in listed.iter().take(limit) {
            let path = self.link(&file.path, &printable(&from_here(self.outcome, &file.path)));
            let detail = if file.detail.is_empty() { file.reason.as_str().into() } else { printable(&file.detail) };
            self.line(&format!("  - {path}: {detail}"));
        }
        if listed.len() > limit {
            self.line(&format!("  - +{} more", listed.len() - limit));
        }
        self.blank();
    }

    fn measurements(&mut self) {
        let limit = if self.options.verbose > 0 { usize::MAX } else { MAX_RELATED };
        let all = &self.outcome.measurements;
        for m in all.iter().take(limit) {
            let labels: Vec<_> = m.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let bound = |b: Option<f64>| b.map_or("?".to_owned(), |b| b.to_string());
            let interval = match (m.lower95, m.upper95) {
                (None, None) => String::new(),
                (lower, upper) => format!(", 95 % interval {} to {}", bound(lower), bound(upper)),
            };
            let text = format!(
                "{} {{{}}} = {} {}{interval}, {}",
                m.name,
                labels.join(", "),
                m.value,
                m.unit,
                count(m.trials, "trial")
            );
            self.wrapped("measured: ", "  | ", &text);
        }
        if all.len() > limit {
            self.wrapped("measured: ", "  | ", &format!("+{} more, -v shows them", all.len() - limit));
        }
        if !all.is_empty() {
            self.blank();
        }
    }

    /// What only `-v` shows: who did how much, which gates passed, where the time went.
    fn details(&mut self) {
        if self.options.verbose == 0 {
            return;
        }
        let timings = self.outcome.timings.as_ref();
        for p in &self.outcome.plugins {
            let time = timings.map(|_| format!(", {} inside it", duration(p.time_us))).unwrap_or_default();
            let text =
                format!("{} {} ({}): {}, {}{time}", p.id, p.version, p.source, count(p.files, "file"), bytes(p.bytes));
            self.wrapped("plugin: ", "  | ", &text);
        }
        for gate in &self.outcome.gates {
            let verdict = if gate.passed() { "passed" } else { "failed" };
            self.wrapped("", "  | ", &format!("{}, {verdict}, {}", gate_words(gate), count(gate.counted, "finding")));
        }
        if let Some(t) = timings.filter(|_| self.options.verbose > 1) {
            let sums = [("reading", t.read_us), ("routing", t.route_us), ("inside plugins", t.guest_us)];
            let sums: Vec<_> = sums.iter().map(|(what, us)| format!("{what} {}", duration(*us))).collect();
            self.wrapped("time: ", "  | ", &format!("{}, summed over threads", sums.join(", ")));
        }
        self.blank();
    }

    /// What was found in how much, and the verdict.
    fn summary(&mut self) {
        let Outcome { inputs, timings, .. } = self.outcome;
        let counts = self.outcome.counts();
        let active: u64 = counts.iter().map(|(_, count)| count).sum();
        let ignored = self.outcome.findings.len() as u64 - active;
        let clean = active == 0 && self.outcome.exit == Exit::Pass && self.outcome.is_complete();
        if clean && self.options.quiet {
            return;
        }
        let mut found = if active == 0 { "no findings".to_owned() } else { count(active, "finding") };
        let levels: Vec<_> = counts.iter().map(|(level, count)| format!("{count} {level}")).collect();
        if !levels.is_empty() {
            found = format!("{found} ({})", levels.join(", "));
        }
        let ignored = if ignored > 0 { format!("; {ignored} ignored inline") } else { String::new() };
        let time = timings.as_ref().map(|t| format!(", {}", duration(t.total_us))).unwrap_or_default();
        let summary = format!("{found} in {} ({}){time}{ignored}", count(inputs.files, "file"), bytes(inputs.bytes));
        if clean && inputs.files == 0 {
            let what = if inputs.source == "staged" { "nothing is staged" } else { "there was nothing to scan" };
            self.verdict(GREEN, "passed", &format!("{what}, no file was scanned"));
        } else if clean {
            self.verdict(GREEN, "passed", &summary);
        } else {
            if !self.options.quiet {
                self.wrapped("", "  | ", &summary);
            }
            self.verdicts();
        }
    }

    fn verdicts(&mut self) {
        let outcome = self.outcome;
        for gate in outcome.gates.iter().filter(|gate| gate.failed()) {
            self.verdict(RED, "FAILED", &format!("{}: {}", gate_words(gate), count(gate.counted, "finding")));
        }
        let problems = count(outcome.problems.len(), "problem");
        match outcome.exit {
            Exit::Pass if outcome.is_complete() => {
                let gates: Vec<_> = outcome.gates.iter().map(gate_words).collect();
                let gates = if gates.is_empty() { "no gate applies".into() } else { gates.join(", ") };
                self.verdict(GREEN, "passed", &gates);
            }
            Exit::Pass => {
                self.verdict(YELLOW, "passed, but INCOMPLETE", &format!("{problems}; the policy says only to warn"));
            }
            // A gate without a line above would be a mistake elsewhere; the verdict is shown all the same.
            Exit::GateFailed if outcome.gates.iter().all(|gate| gate.passed()) => {
                self.verdict(RED, "FAILED", "a gate failed");
            }
            Exit::GateFailed if outcome.is_complete() => {}
            Exit::GateFailed => self.verdict(YELLOW, "INCOMPLETE", &problems),
            Exit::Incomplete => {
                self.verdict(RED, "INCOMPLETE", &format!("{problems}; what was not scanned may hold more findings"));
            }
            Exit::NothingScanned => {
                let stage = &self.outcome.stage;
                let why = if self.outcome.plugins.is_empty() {
                    format!(
                        "no plugin runs in stage `{stage}`; name some as `plugins` of [stages.{stage}], or use --plugin"
                    )
                } else {
                    "no file was scanned although some were expected; look at the path and at [files] exclude".into()
                };
                self.verdict(RED, "NOTHING SCANNED", &why);
            }
            Exit::Usage => self.verdict(RED, "FAILED", "there was no scan"),
        }
    }

    fn verdict(&mut self, style: Style, word: &str, text: &str) {
        let width = self.width();
        let lines = layout::wrap(&printable(text), width.saturating_sub(word.len() + 2), width.saturating_sub(4));
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { self.paint(style, word) + ": " } else { "  | ".into() };
            self.line(&format!("{head}{line}"));
        }
    }

    fn note(&mut self, name: &str, text: &str) {
        self.wrapped(&format!("  = {name}"), "  | ", text);
    }

    /// `text` after `first`, and after `next` on every further line. Whatever it is, it is safe to print then.
    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        let width = self.width();
        let lines = layout::wrap(&printable(text), width.saturating_sub(first.len()), width.saturating_sub(next.len()));
        for (at, line) in lines.iter().enumerate() {
            let head = self.paint(DIM, if at == 0 { first } else { next });
            self.line(format!("{head}{line}").trim_end());
        }
    }

    fn width(&self) -> usize {
        if self.options.width == 0 { usize::MAX } else { self.options.width.max(MIN_WIDTH) }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }
}

/// What to show for a place; only paths are seen from somewhere.
fn from_here_or_not(outcome: &Outcome, location: &Location) -> String {
    let path = location.path();
    let path = match location {
        Location::File(_) | Location::Package { .. } => from_here(outcome, path),
        Location::Endpoint { .. } | Location::Model(_) | Location::Other { .. } => path.to_owned(),
    };
    printable(&path).into_owned()
}

fn gate_words(gate: &GateResult) -> String {
    format!("gate {} ({})", gate.description, gate.origin)
}

fn style(level: Level) -> Style {
    match level {
        Level::Critical => AnsiColor::Magenta.on_default().bold(),
        Level::High => RED,
        Level::Medium | Level::Unknown => YELLOW,
        Level::Low => AnsiColor::Cyan.on_default().bold(),
        Level::Info => AnsiColor::Blue.on_default().bold(),
    }
}

fn kind_words(kind: crate::outcome::ProblemKind) -> &'static str {
    use crate::outcome::ProblemKind as Kind;
    match kind {
        Kind::PluginTrapped => "crashed",
        Kind::PluginTimeout => "ran out of time",
        Kind::PluginMemory => "ran out of memory",
        Kind::PluginUnusable => "could not be started",
        Kind::PluginMisbehaved => "broke the contract",
        Kind::OutputLimit => "reported too much",
        Kind::Unscanned => "could not judge a file",
        Kind::Unreadable => "unreadable",
        Kind::Interrupted => "interrupted",
        Kind::BudgetExceeded => "out of budget",
        Kind::GateUnmatched => "a gate without anything to judge",
        Kind::PolicyUnavailable => "no policy",
        Kind::ArchiveLimit => "archive not fully unpacked",
        Kind::ArchiveDamaged => "damaged archive",
        Kind::ShallowHistory => "shallow clone",
    }
}

#[cfg(test)]
mod tests;
