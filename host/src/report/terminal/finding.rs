//! Findings: those that count, most severe first and new ones before the others, and with `-v` those that are set
//! aside, with what sets them aside.

use super::layout::{self, count, first_sentence};
use super::{BOLD, DIM, MAX_FINDINGS, MAX_RELATED, Page, excerpt, style};
use crate::finding::text::printable;
use crate::finding::{Comment, Finding, Location, Novelty, Origin, State};
use crate::outcome::{Judges, Outcome};
use crate::report::{from_here, percent_encode};

/// Whether a finding is only counted unless `-v` is given: no gate looks at what was there before, so a developer
/// need not either.
pub fn is_left_out(outcome: &Outcome, finding: &Finding) -> bool {
    let mut of_findings = outcome.gates.iter().filter(|gate| gate.judges != Judges::Measurements).peekable();
    finding.novelty == Some(Novelty::Existing)
        && of_findings.peek().is_some()
        && of_findings.all(|gate| gate.judges == Judges::NewFindings)
}

impl Page<'_> {
    pub(super) fn findings(&mut self) {
        let verbose = self.options.verbose > 0;
        let active = |f: &&Finding| f.state == State::Active && (verbose || !is_left_out(self.outcome, f));
        let (new, old): (Vec<_>, Vec<_>) =
            self.outcome.findings.iter().filter(active).partition(|f| f.novelty == Some(Novelty::New));
        let active: Vec<_> = new.into_iter().chain(old).collect();
        let shown = if verbose { active.len() } else { active.len().min(MAX_FINDINGS) };
        for finding in &active[..shown] {
            self.finding(finding);
            self.blank();
        }
        if shown < active.len() {
            let text = format!(
                "... and {}; -v shows them all, --format json=FILE writes them to a file",
                count(active.len() - shown, "more finding")
            );
            self.wrapped("", "", &text);
            self.blank();
        }
        if self.options.quiet {
            return;
        }
        let left_out =
            self.outcome.findings.iter().filter(|f| f.state == State::Active && is_left_out(self.outcome, f)).count();
        if verbose {
            self.set_aside();
        } else if left_out > 0 {
            let were = if left_out == 1 { "was" } else { "were" };
            let text = format!("{} {were} there before, where no gate looks; -v shows", count(left_out, "finding"));
            self.wrapped("", "  | ", &format!("{text} {}", if left_out == 1 { "it" } else { "them" }));
            self.blank();
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
        let novelty = match finding.novelty {
            Some(Novelty::New) => ", new",
            Some(Novelty::Existing) => ", there before",
            None => "",
        };
        self.note("rule: ", &format!("{}, confidence {}{novelty}", finding.rule, finding.confidence.as_str()));
        match (&finding.comment, &finding.state) {
            (Some(Comment::Ignore { .. }), State::Active) => {
                self.note("comment: ", "the one that ignores it does not count before it is merged");
            }
            (Some(Comment::Malformed { lacks }), State::Active) => {
                self.note("comment: ", &format!("the one beside it lacks {lacks}, so it does nothing"));
            }
            _ => {}
        }
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
    pub(super) fn link(&self, path: &str, text: &str) -> String {
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

    /// What is reported and does not count.
    fn set_aside(&mut self) {
        let mut any = false;
        for finding in &self.outcome.findings {
            let (word, reason, until) = match &finding.state {
                State::Active => continue,
                State::IgnoredInline { reason } => ("ignored:", reason, None),
                State::Suppressed { reason, expires, place } => ("suppressed:", reason, Some((expires, place))),
            };
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            let head = self.paint(DIM, word);
            let place = self.place(&finding.location);
            self.line(&format!("{head} {} {place}", finding.rating.level));
            self.note("", &format!("{}: {reason}", finding.rule));
            if let Some((expires, place)) = until {
                self.note("until: ", &format!("{expires}, says {place}"));
            }
            any = true;
        }
        if any {
            self.blank();
        }
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
