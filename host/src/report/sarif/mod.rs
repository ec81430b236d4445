//! SARIF 2.1.0, for code-scanning services. What is GitHub's own about it: the tags, `precision` and
//! `security-severity` of a rule, and at least one line in every place.
//!
//! GitHub's `primaryLocationLineHash` is not written: it is a rolling hash over a file's text from the
//! finding's line on, and an outcome keeps no file's text, only masked excerpts. GitHub's upload computes
//! it where it is missing; `scanhost/v1` is our own fingerprint.

mod model;
mod notices;

use std::collections::BTreeMap;

use serde_json::json;

use self::model::{
    ArtifactChange, ArtifactLocation, AutomationDetails, Deleted, Driver, Extension, Fix, Invocation, LevelOnly,
    Location, Log, LogicalLocation, Markdown, PhysicalLocation, Properties, Region, Replacement, Rule, Run,
    SarifResult, Suppression, Text, Tool, UriBase,
};
use super::percent_encode;
use crate::finding::{self, Confidence, FileLocation, Finding, Level, Novelty, Origin, Snippet, State};
use crate::outcome::{Exit, Outcome, PolicyUse, RuleInfo};

/// The name of what all paths are relative to. It stands for no path of this machine.
const BASE: &str = "SRCROOT";
/// GitHub takes no more tags of a rule.
const MAX_TAGS: usize = 20;

/// The report.
pub fn render(outcome: &Outcome) -> String {
    let worst = worst(outcome);
    let indices: BTreeMap<&str, usize> = outcome.rules.keys().map(String::as_str).zip(0..).collect();
    let driver = Driver {
        name: "scanhost",
        semantic_version: outcome.version.clone(),
        version: outcome.version.clone(),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: outcome.rules.values().map(|r| rule(r, worst.get(r.id.as_str()))).collect(),
    };
    let description = "The folder that scanhost was run in, or the scanned one where it was given as an absolute path.";
    let run = Run {
        tool: Tool { driver, extensions: outcome.plugins.iter().map(extension).collect() },
        // The slash at the end makes it a category: GitHub keeps the stages' alerts apart.
        automation_details: AutomationDetails { id: format!("scanhost/{}/", outcome.stage) },
        original_uri_base_ids: BTreeMap::from([(BASE, UriBase { description: description.into() })]),
        column_kind: "utf16CodeUnits",
        invocations: vec![Invocation {
            execution_successful: outcome.is_complete(),
            exit_code: outcome.exit.code(),
            exit_code_description: exit_words(outcome.exit).into(),
            tool_execution_notifications: notices::of_the_scan(outcome),
            tool_configuration_notifications: notices::of_the_policy(outcome),
        }],
        results: outcome.findings.iter().map(|f| result(outcome, f, indices.get(f.rule.as_str()).copied())).collect(),
        properties: properties(outcome),
    };
    super::to_json(&Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    })
}

fn properties(outcome: &Outcome) -> Properties {
    let gate = |g: &crate::outcome::GateResult| {
        json!({
            "description": g.description,
            "origin": g.origin,
            "judges": g.judges,
            "verdict": g.verdict,
            "passed": g.passed(),
            "counted": g.counted,
            "detail": g.detail,
        })
    };
    let PolicyUse { source, file, base, baseline, day } = &outcome.policy;
    let base = base.as_ref().map(|b| json!({"reference": b.reference, "commit": b.commit, "mergeBase": b.merge_base}));
    let baseline = baseline.as_ref().map(|b| json!({"path": b.path, "entries": b.entries, "gone": b.gone}));
    let policy = json!({"source": source, "file": file, "base": base, "baseline": baseline, "day": day});
    Properties::from([
        ("stage", json!(outcome.stage)),
        ("files", json!(outcome.inputs.files)),
        ("bytes", json!(outcome.inputs.bytes)),
        ("policy", policy),
        ("gates", outcome.gates.iter().map(gate).collect()),
    ])
}

fn extension(plugin: &crate::outcome::PluginUse) -> Extension {
    Extension {
        name: plugin.id.to_string(),
        version: plugin.version.clone(),
        properties: Properties::from([("digest", json!(plugin.digest)), ("source", json!(plugin.source))]),
    }
}

/// What a rule's findings say about it.
#[derive(Default)]
struct Worst {
    score: Option<f32>,
    confidence: Option<Confidence>,
}

/// By rule. GitHub shows one severity for all alerts of a rule; an override, or a finding's own severity,
/// has to be seen there, so it is that of the most severe finding.
fn worst(outcome: &Outcome) -> BTreeMap<&str, Worst> {
    let mut all: BTreeMap<&str, Worst> = BTreeMap::new();
    for finding in &outcome.findings {
        let worst = all.entry(&finding.rule).or_default();
        let score = finding.rating.score;
        if score.is_finite() {
            worst.score = Some(worst.score.map_or(score, |other| other.max(score)));
        }
        worst.confidence = worst.confidence.max(Some(finding.confidence));
    }
    all
}

fn rule(rule: &RuleInfo, worst: Option<&Worst>) -> Rule {
    let declared = Level::from(rule.severity);
    let score = worst.and_then(|w| w.score).unwrap_or(declared.default_score());
    let precision = worst.and_then(|w| w.confidence).unwrap_or(Confidence::Medium).as_str();
    let tags: Vec<_> =
        std::iter::once("security".to_owned()).chain(rule.tags.iter().map(|t| tag(t))).take(MAX_TAGS).collect();
    let mut properties = Properties::from([
        ("tags", json!(tags)),
        ("precision", json!(precision)),
        ("plugin", json!(rule.plugin.as_str())),
    ]);
    // 0.0 is not in any of GitHub's classes.
    if score > 0.0 {
        properties.insert("security-severity", json!(format!("{score:.1}")));
    }
    // GitHub asks for a help text.
    let help = if rule.help.trim().is_empty() { &rule.title } else { rule.help.trim() };
    let first_paragraph = help.split("\n\n").next().unwrap_or_default();
    Rule {
        id: rule.id.clone(),
        name: pascal_case(&rule.id),
        short_description: message(&rule.title),
        full_description: message(&first_paragraph.split_whitespace().collect::<Vec<_>>().join(" ")),
        help: Markdown { text: help.into(), markdown: help.into() },
        default_configuration: LevelOnly { level: level(declared) },
        properties,
    }
}

/// GitHub knows weaknesses by this form.
fn tag(tag: &str) -> String {
    let is_cwe = tag.strip_prefix("CWE-").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if is_cwe { format!("external/cwe/{}", tag.to_ascii_lowercase()) } else { tag.to_owned() }
}

/// `SecretsGithubPat`, the form that the standard asks of a rule's name.
fn pascal_case(id: &str) -> String {
    let word =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    id.split(['.', '-']).map(word).collect()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Critical | Level::High => "error",
        Level::Medium | Level::Unknown => "warning",
        Level::Low | Level::Info => "note",
    }
}

fn result(outcome: &Outcome, finding: &Finding, rule_index: Option<usize>) -> SarifResult {
    let related = finding.related.iter().enumerate().map(|(at, related)| Location {
        id: Some(at + 1),
        message: Some(message(&related.note)),
        ..location(outcome, &related.location)
    });
    let related: Vec<_> = related.collect();
    // An empty list says that it is not suppressed; either all results have one or none has.
    let suppressions = match &finding.state {
        State::Active => vec![],
        State::IgnoredInline { reason } => vec![Suppression {
            kind: "inSource",
            status: "accepted",
            justification: (!reason.is_empty()).then(|| reason.clone()),
            properties: Properties::new(),
        }],
        State::Suppressed { reason, expires, place } => vec![Suppression {
            kind: "external",
            status: "accepted",
            justification: Some(reason.clone()),
            properties: Properties::from([("expires", json!(expires)), ("place", json!(place))]),
        }],
    };
    // All results have it, or none.
    let compared = outcome.findings.iter().all(|finding| finding.novelty.is_some());
    let baseline_state = finding.novelty.filter(|_| compared).map(|novelty| match novelty {
        Novelty::New => "new",
        Novelty::Existing => "unchanged",
    });
    SarifResult {
        rule_id: finding.rule.clone(),
        rule_index,
        level: level(finding.rating.level),
        message: message(&finding.message),
        locations: vec![location(outcome, &finding.location)],
        related_locations: (!related.is_empty()).then_some(related),
        partial_fingerprints: BTreeMap::from([
            ("scanhost/v1", finding.fingerprint.to_string()),
            ("scanhostMoved/v1", finding.moved_fingerprint.to_string()),
        ]),
        baseline_state,
        suppressions,
        fixes: finding.fix.as_ref().map(|f| [fix(outcome, f)]),
        properties: result_properties(finding),
    }
}

fn result_properties(finding: &Finding) -> Properties {
    let mut properties = Properties::from([
        ("severity", json!(finding.rating.level.as_str())),
        ("score", json!(finding.rating.score)),
        ("confidence", json!(finding.confidence.as_str())),
        ("plugin", json!(finding.plugin.as_str())),
    ]);
    let origin = match &finding.rating.origin {
        Origin::Rule => "rule",
        Origin::Finding => "finding",
        Origin::Override { was, reason, place } => {
            properties.insert("severityWas", json!(was.level.as_str()));
            properties.insert("severityReason", json!(reason));
            properties.insert("severityPlace", json!(place));
            "override"
        }
    };
    properties.insert("severityOrigin", json!(origin));
    if !finding.also.is_empty() {
        properties.insert("alsoFoundBy", json!(finding.also));
    }
    if !finding.labels.is_empty() {
        properties.insert("labels", pairs(&finding.labels));
    }
    properties
}

fn pairs(pairs: &[(String, String)]) -> serde_json::Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// In a message `[text](target)` is a link. Our texts have none, so one comes from what was scanned: it is
/// broken, and can still be read.
fn message(text: &str) -> Text {
    text.replace("](", "] (").as_str().into()
}

fn location(outcome: &Outcome, location: &finding::Location) -> Location {
    let logical = |name: &str, kind: &str| {
        let kind = (!kind.is_empty()).then(|| kind.to_owned());
        Some([LogicalLocation { fully_qualified_name: name.to_owned(), kind }])
    };
    // GitHub refuses a whole upload for one result without a file or a line, so what is about a file as such
    // points to its beginning, and what is about a target to the file that declares the targets.
    let start = Some(1);
    let begin =
        || Region { start_line: start, start_column: start, end_line: start, end_column: start, ..Region::default() };
    let physical = |path: &str| PhysicalLocation {
        artifact_location: artifact(outcome, path),
        region: Some(begin()),
        context_region: None,
    };
    let target = |name: &str, kind: &str| Location {
        physical_location: Some(physical("scan.toml")),
        logical_locations: logical(name, kind),
        ..Location::default()
    };
    match location {
        finding::Location::File(file) => {
            let mut properties = Properties::new();
            if !file.provenance.is_empty() {
                properties.insert("provenance", pairs(&file.provenance));
            }
            Location {
                physical_location: Some(PhysicalLocation {
                    region: Some(region(file).unwrap_or_else(begin)),
                    context_region: context(file),
                    artifact_location: artifact(outcome, &file.path),
                }),
                logical_locations: file.logical.as_deref().and_then(|name| logical(name, "")),
                properties,
                ..Location::default()
            }
        }
        finding::Location::Package { purl, manifest } if manifest.is_empty() => target(purl, "package"),
        finding::Location::Package { purl, manifest } => Location {
            physical_location: Some(physical(manifest)),
            logical_locations: logical(purl, "package"),
            ..Location::default()
        },
        finding::Location::Endpoint { method, url } => target(&format!("{method} {url}"), "endpoint"),
        finding::Location::Model(name) => target(name, "model"),
        finding::Location::Other { kind, value } => target(value, kind),
    }
}

/// A file's path from the folder that the command was given in, which in CI is the repository's root, as
/// services want it. An absolute root is left out: it would name this machine's folders.
fn artifact(outcome: &Outcome, path: &str) -> ArtifactLocation {
    let root = &outcome.inputs.root;
    let outside =
        root.starts_with(['/', '\\']) || root.contains(':') || root.split(['/', '\\']).any(|part| part == "..");
    let path = if outside { path.to_owned() } else { super::from_here(outcome, path) };
    ArtifactLocation { uri: percent_encode(&path), uri_base_id: BASE }
}

/// Lines and columns, where they are known. Our columns count bytes of UTF-8, SARIF's UTF-16 code units; the
/// excerpt is the only text to convert them with, and it is shortened and masked. So a column is written
/// only where the excerpt still has all that stands before it, and left out rather than guessed.
fn region(file: &FileLocation) -> Option<Region> {
    let region = file.region?;
    let snippet = file.snippet.as_ref();
    let start = column(region.start.column, snippet.and_then(|s| Some((s.lines.first()?.as_str(), s.start))));
    let end = column(region.end.column, snippet.and_then(|s| Some((s.lines.last()?.as_str(), s.end))));
    // A mask seldom has the length of what it hides. What is masked is a secret, and those are ASCII.
    let end = end.or_else(|| {
        let one_line = region.start.line == region.end.line;
        let is_ascii = snippet.is_some_and(|s| span(s).is_ascii());
        start
            .filter(|_| one_line && is_ascii)
            .map(|start| start.saturating_add(region.end.column.saturating_sub(region.start.column)))
    });
    Some(Region {
        start_line: Some(region.start.line.max(1)),
        start_column: start,
        end_line: Some(region.end.line.max(region.start.line).max(1)),
        // Without a start an end means nothing.
        end_column: end.filter(|_| start.is_some()),
        byte_offset: file.bytes.map(|b| b.offset),
        byte_length: file.bytes.map(|b| b.len),
        snippet: snippet.map(|s| Text { text: span(s) }),
    })
}

/// The column in UTF-16 code units, by the line of the excerpt and the offset in it.
fn column(bytes: u32, excerpt: Option<(&str, usize)>) -> Option<u32> {
    let before = bytes.checked_sub(1)?;
    if before == 0 {
        return Some(1);
    }
    let (line, at) = excerpt?;
    let text = line.get(..at).filter(|text| text.len() == before as usize)?;
    u32::try_from(text.encode_utf16().count()).ok().map(|units| units + 1)
}

/// What of a snippet the finding is about, masked.
fn span(snippet: &Snippet) -> String {
    let last = snippet.lines.len().saturating_sub(1);
    let part = |(at, line): (usize, &String)| {
        let end = if at == last { line.floor_char_boundary(snippet.end) } else { line.len() };
        let start = if at == 0 { line.floor_char_boundary(snippet.start).min(end) } else { 0 };
        line[start..end].to_owned()
    };
    snippet.lines.iter().enumerate().map(part).collect::<Vec<_>>().join("\n")
}

/// The whole lines of the excerpt.
fn context(file: &FileLocation) -> Option<Region> {
    let snippet = file.region.and(file.snippet.as_ref())?;
    let more = u32::try_from(snippet.lines.len()).unwrap_or(u32::MAX).saturating_sub(1);
    Some(Region {
        start_line: Some(snippet.first_line.max(1)),
        end_line: Some(snippet.first_line.max(1).saturating_add(more)),
        snippet: Some(Text { text: snippet.lines.join("\n") }),
        ..Region::default()
    })
}

fn fix(outcome: &Outcome, fix: &finding::Fix) -> Fix {
    // One change a file, in the order in which the files first come up.
    let mut changes: Vec<(&str, Vec<Replacement>)> = Vec::new();
    for edit in &fix.edits {
        let replacement = Replacement {
            deleted_region: Deleted { byte_offset: edit.span.offset, byte_length: edit.span.len },
            inserted_content: edit.replacement.as_str().into(),
        };
        match changes.iter_mut().find(|(path, _)| *path == edit.path) {
            Some((_, replacements)) => replacements.push(replacement),
            None => changes.push((&edit.path, vec![replacement])),
        }
    }
    let change = |(path, replacements)| ArtifactChange { artifact_location: artifact(outcome, path), replacements };
    Fix { description: message(&fix.title), artifact_changes: changes.into_iter().map(change).collect() }
}

fn exit_words(exit: Exit) -> &'static str {
    match exit {
        Exit::Pass => "every gate passed",
        Exit::GateFailed => "a gate failed",
        Exit::Usage => "usage or configuration",
        Exit::Incomplete => "the scan is incomplete",
        Exit::NothingScanned => "nothing was scanned although something was expected",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn parsed(outcome: &Outcome) -> Value {
        serde_json::from_str(&render(outcome)).unwrap()
    }

    #[test]
    fn a_report_is_the_same_each_time() {
        assert_eq!(render(&sample::full()), render(&sample::full()));
        insta::assert_snapshot!(render(&sample::full()));
    }

    #[test]
    fn what_went_wrong_is_said() {
        let invocation = &parsed(&sample::incomplete())["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["exitCode"], 3);
        assert_eq!(invocation["toolExecutionNotifications"].as_array().unwrap().len(), 15);
    }

    #[test]
    fn what_is_suppressed_and_what_is_new_is_said() {
        let run = &parsed(&sample::change())["runs"][0];
        let states: Vec<_> = run["results"].as_array().unwrap().iter().map(|r| r["baselineState"].clone()).collect();
        assert_eq!(states, ["new", "unchanged", "unchanged", "new", "unchanged"]);
        let suppression = &run["results"][2]["suppressions"][0];
        assert_eq!(suppression["kind"], "external");
        assert_eq!(suppression["properties"]["expires"], "2026-12-03");
        assert_eq!(run["properties"]["policy"]["base"]["commit"], "1a2b3c4d5e6f7081");
        // Nothing is said where there is nothing to compare with.
        let run = &parsed(&sample::full())["runs"][0];
        assert!(run["results"].as_array().unwrap().iter().all(|r| r.get("baselineState").is_none()));
    }

    #[test]
    fn notices_are_warnings_at_their_place() {
        let mut outcome = sample::change();
        outcome.inputs.root = "sub".into();
        let notices = &parsed(&outcome)["runs"][0]["invocations"][0]["toolConfigurationNotifications"];
        let place = |at: usize| notices[at]["locations"][0]["physicalLocation"].clone();
        assert_eq!(notices[0]["descriptor"]["id"], "loosened");
        assert_eq!(notices[0]["level"], "warning");
        assert_eq!(place(0)["artifactLocation"]["uri"], "scan.toml");
        assert_eq!(place(0)["region"]["startLine"], 4);
        // A finding's path is seen from the root, that of `scan.toml` from where the command was given.
        assert_eq!(place(2)["artifactLocation"]["uri"], "sub/config/prod.env");
        // A file of another commit is none of the run's.
        assert!(notices[4].get("locations").is_none());
        assert!(notices[4]["message"]["text"].as_str().unwrap().starts_with("origin/main:scan.toml:20: "));
    }

    #[test]
    fn columns_are_utf16_or_left_out() {
        let columns = |snippet: Option<Snippet>, start: u32, end: u32| {
            let file =
                FileLocation { region: Some(sample::region((3, start), (3, end))), snippet, ..sample::file("a") };
            let region = region(&file).unwrap();
            (region.start_column, region.end_column)
        };
        let snippet = |line: &str, start, end| Some(Snippet { first_line: 3, lines: vec![line.into()], start, end });
        // ä is two bytes and one unit, the smiley four and two.
        assert_eq!(columns(snippet("ä🙂 key", 7, 10), 8, 11), (Some(5), Some(8)));
        // The mask is shorter than the secret.
        assert_eq!(columns(snippet("ä key=**", 7, 9), 8, 48), (Some(7), Some(47)));
        // The beginning of a long line is cut off.
        assert_eq!(columns(snippet("… key", 4, 7), 5000, 5003), (None, None));
        assert_eq!(columns(None, 8, 11), (None, None));
        assert_eq!(columns(None, 1, 1), (Some(1), Some(1)));
        assert_eq!(columns(snippet("ä", 1, 99), 2, 99), (None, None));
    }

    #[test]
    fn no_path_of_the_machine_is_written() {
        let mut outcome = sample::full();
        for (root, uri) in
            [("/home/me/x", "config/prod.env"), ("../x", "config/prod.env"), ("sub", "sub/config/prod.env")]
        {
            outcome.inputs.root = root.into();
            assert!(!render(&outcome).contains("/home/me"));
            let location = &parsed(&outcome)["runs"][0]["results"][0]["locations"][0];
            assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], uri);
        }
    }

    #[test]
    fn hostile_text_makes_no_link_and_no_escape() {
        let text = render(&sample::hostile());
        assert!(!text.contains(['\x1b', '\u{202e}']) && !text.contains("##["));
        assert_eq!(message("see [here](http://x)").text, "see [here] (http://x)");
        assert_eq!(tag("CWE-79"), "external/cwe/cwe-79");
        assert_eq!(tag("CWE-x"), "CWE-x");
    }

    #[test]
    fn a_rule_shows_its_most_severe_finding() {
        let mut outcome = sample::full();
        outcome.findings[0].rating.score = 3.04;
        let rules = &parsed(&outcome)["runs"][0]["tool"]["driver"]["rules"];
        let pat = rules.as_array().unwrap().iter().find(|r| r["id"] == "secrets.github-pat").unwrap();
        assert_eq!(pat["properties"]["security-severity"], "3.0");
        assert_eq!(pat["name"], "SecretsGithubPat");
    }
}
