//! The terminal's report: what a developer reads in a commit hook. Findings, new ones first, most severe first;
//! why the scan is incomplete; what to know; what was skipped; and one last line that says what it all came to,
//! and that nobody can take for a pass when it is none. A clean run is that line alone, and a run whose findings
//! were all there before is one where no gate looks at those.
//!
//! Colour only repeats what the words say. No text of the scanned repository begins a line, because a CI
//! service obeys lines that begin with `::`. Lines keep to the width, paths excepted: a path that is cut
//! cannot be copied.

mod excerpt;
mod finding;
mod layout;
mod notices;
mod verdict;

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};

use super::{RenderOptions, from_here};
use crate::finding::Level;
use crate::finding::text::printable;
use crate::outcome::{Outcome, Problem, SkipReason};
use layout::count;

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
    page.notices();
    if !options.quiet {
        page.skipped();
        page.measurements();
        page.details();
    }
    page.summary();
    page.out
}

/// What went wrong, what to know, and the verdict, without the findings: for whoever sent the report itself elsewhere.
pub fn summary(outcome: &Outcome, options: &RenderOptions) -> String {
    let mut page = Page { outcome, options, out: String::new() };
    page.problems();
    page.notices();
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
