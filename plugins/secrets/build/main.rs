//! Turns `rules/*.toml` into static tables, so that the plugin parses nothing when it starts. What a rule
//! says is checked here; all mistakes are listed at once, each with its file and rule, and fail the build.
//! What a rule does is checked by `tests/rules.rs`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a build script tells cargo by printing and failing"
)]

mod format;
mod prefix;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use format::{Mode, Rule};
use prefix::Sets;

/// Bytes of NFA that one rule's regex may take.
const REGEX_LIMIT: usize = 1 << 20;

fn main() {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=plugin.toml");
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    let mut mistakes = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    let mut host = Vec::new();
    let mut seen = HashSet::new();
    let mut generic = HashSet::new();
    for path in scanhost_manifest::rule_files(&Path::new(&root).join("rules")).unwrap_or_else(|error| panic!("{error}"))
    {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let own = toml::from_str::<format::RuleFile>(&text).map_err(|error| error.to_string());
        let theirs = scanhost_manifest::parse_rules(&text).map_err(|error| error.to_string());
        match (own, theirs) {
            (Ok(own), Ok(theirs)) => {
                for rule in own.rule {
                    let mut found = check(&rule);
                    if !seen.insert(rule.id.clone()) {
                        found.push("its id is taken by another rule".into());
                    }
                    mistakes.extend(found.into_iter().map(|m| format!("rules/{name}: {}: {m}", rule.id)));
                    if name == "generic.toml" {
                        generic.insert(rule.id.clone());
                    }
                    rules.push(rule);
                }
                host.extend(theirs);
            }
            (Err(error), _) | (_, Err(error)) => mistakes.push(format!("rules/{name}: {error}")),
        }
    }
    if mistakes.is_empty()
        && let Err(error) = scanhost_manifest::load_dir(Path::new(&root))
    {
        mistakes.push(error.to_string());
    }
    assert!(mistakes.is_empty(), "{} mistakes in the rules\n  {}\n", mistakes.len(), mistakes.join("\n  "));
    let (anchors, uses) = scanhost_manifest::anchors_of(&host);
    std::fs::write(Path::new(&out).join("rules.rs"), render(&rules, &generic, &anchors, &uses))
        .expect("OUT_DIR is writable");
}

/// What is wrong with a rule, in words for its author.
fn check(rule: &Rule) -> Vec<String> {
    let mut wrong = Vec::new();
    let shape = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !rule.id.strip_prefix("secrets.").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(shape)) {
        wrong.push("an id is `secrets.` and then lower-case letters, digits and dashes".into());
    }
    for literal in rule.anchors.iter().chain(&rule.keywords) {
        if literal.len() < 3 || literal.len() > 64 || !literal.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            wrong.push(format!("`{literal}` is no anchor; 3 to 64 printable ASCII characters are needed"));
        }
    }
    if rule.anchors.is_empty() && rule.keywords.is_empty() {
        wrong.push("it has neither anchors nor keywords".into());
    }
    if rule.base64 && rule.anchors.is_empty() {
        wrong.push("`base64` concerns anchors, and it has none".into());
    }
    if rule.help.trim().is_empty() {
        wrong.push("`help` is missing".into());
    }
    if rule.positive.is_empty() || rule.negative.is_empty() {
        wrong.push("at least one positive and one negative example are needed".into());
    }
    for class in &rule.require {
        if class_bit(class).is_none() {
            wrong.push(format!("`require`: `{class}` is none of digit, letter, lower, upper, symbol"));
        }
    }
    if let Some(checksum) = &rule.checksum
        && !["github", "npm", "jwt", "pem", "basic"].contains(&checksum.as_str())
    {
        wrong.push(format!("`checksum`: `{checksum}` is not known"));
    }
    if (rule.before.is_some() && rule.mode != Mode::Window)
        || (rule.after.is_some() && !matches!(rule.mode, Mode::Window | Mode::Anchored))
    {
        wrong.push("`before` belongs to the mode window, `after` to window and anchored".into());
    }
    if rule.before.unwrap_or(0) > 4096 || rule.after.unwrap_or(0) > 65536 {
        wrong.push("`before` is at most 4096, `after` at most 65536".into());
    }
    for pattern in &rule.allow {
        if let Err(error) = compile(pattern) {
            wrong.push(format!("`allow`: {error}"));
        }
    }
    match compile(&wrapped(rule)) {
        Err(error) => wrong.push(format!("`regex`: {error}")),
        Ok(()) => {
            if prefix::lengths(&wrapped(rule)).0 < 3 {
                wrong.push("`regex` matches fewer than three bytes".into());
            }
        }
    }
    wrong
}

fn compile(pattern: &str) -> Result<(), String> {
    regex_automata::meta::Builder::new()
        .syntax(regex_automata::util::syntax::Config::new().unicode(false).utf8(false))
        .configure(regex_automata::meta::Config::new().nfa_size_limit(Some(REGEX_LIMIT)).utf8_empty(false))
        .build(pattern)
        .map(|_| ())
        .map_err(|error| std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
}

/// The regex as the engine compiles it. A value is matched whole.
fn wrapped(rule: &Rule) -> String {
    if rule.mode == Mode::Assignment { format!(r"\A(?:{})\z", rule.regex) } else { rule.regex.clone() }
}

fn class_bit(class: &str) -> Option<u8> {
    ["digit", "letter", "lower", "upper", "symbol"].iter().position(|c| *c == class).map(|at| 1 << at)
}

fn render(
    rules: &[Rule],
    generic: &HashSet<String>,
    anchors: &[scanhost_manifest::Anchor],
    uses: &[Vec<u32>],
) -> String {
    let mut sets = Sets::default();
    let mut out = String::from("/// All rules; an index into it names a rule.\npub static RULES: &[Rule] = &[\n");
    for rule in rules {
        let pattern = wrapped(rule);
        let (min, max) = prefix::lengths(&pattern);
        let require = rule.require.iter().filter_map(|class| class_bit(class)).fold(0, |a, b| a | b);
        let checksum = rule.checksum.as_deref().map_or("None".into(), |c| format!("Some(Checksum::{})", capital(c)));
        let (prefix, exact) = prefix::of(&pattern, rule.mode, min, &mut sets);
        let _ = writeln!(
            out,
            "    Rule {{ id: {:?}, title: {:?}, confidence: Confidence::{}, mode: Mode::{:?}, judge: Judge::{:?}, generic: {}, pattern: {pattern:?}, \
             before: {}, after: {}, entropy: {:?}, require: {require}, checksum: {checksum}, allow: &{:?}, min: {min}, max: {}, prefix: &{prefix:?}, \
             plain_class: {} }},",
            rule.id,
            rule.title,
            capital(&rule.confidence),
            rule.mode,
            rule.judge,
            generic.contains(&rule.id),
            rule.before.unwrap_or(64),
            rule.after.unwrap_or(if rule.mode == Mode::Anchored { 4096 } else { 256 }),
            rule.entropy,
            rule.allow,
            max.map_or("usize::MAX".into(), |max| max.to_string()),
            exact.map_or("None".into(), |set| format!("Some({set})")),
        );
    }
    out.push_str("];\n\n/// The manifest's anchors; the index is the id.\npub static ANCHORS: &[Anchor] = &[\n");
    for (id, anchor) in anchors.iter().enumerate() {
        let of = |modes: &[Mode]| -> Vec<usize> {
            (0..rules.len()).filter(|&at| uses[at].contains(&(id as u32)) && modes.contains(&rules[at].mode)).collect()
        };
        let _ = writeln!(
            out,
            "    Anchor {{ text: {:?}, ignore_case: {}, base64: {}, anchored: &{:?}, assigned: &{:?}, wider: &{:?} }},",
            anchor.text,
            anchor.ignore_case,
            anchor.base64,
            of(&[Mode::Anchored]),
            of(&[Mode::Assignment]),
            of(&[Mode::Window, Mode::File]),
        );
    }
    let _ = writeln!(out, "];\n\n/// Sets of bytes that the rules share.\npub static SETS: &[ByteSet] = &[");
    for set in sets.list() {
        let _ = writeln!(out, "    ByteSet({set:?}),");
    }
    out.push_str("];\n");
    out
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
