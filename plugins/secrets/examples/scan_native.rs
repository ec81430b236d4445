//! Scans folders natively with the rules of the plugin: what the sandbox costs is measured against this.
//!
//! `cargo run --release -p scanhost-secrets --example scan_native -- [--quiet] [--all] FOLDER…` prints a rule, a
//! place and the masked value for each finding, then the time that finding anchors and running rules took.
//! Findings of low confidence are shown with `--all`. Not part of the product.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a developer's tool")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scanhost_plugin::Confidence;
use scanhost_plugin::testkit::{AnchorFinder, load_dir};
use scanhost_secrets::Engine;

fn main() {
    let mut roots = Vec::new();
    let (mut quiet, mut all) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quiet" => quiet = true,
            "--all" => all = true,
            root => roots.push(PathBuf::from(root)),
        }
    }
    let manifest = load_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the manifest loads");
    let finder = AnchorFinder::new(&manifest.anchors);
    let mut engine = Engine::new();
    let (mut files, mut bytes, mut hits) = (0_u64, 0_u64, 0_u64);
    let (mut finding, mut scanning) = (Duration::ZERO, Duration::ZERO);
    let mut slowest = (Duration::ZERO, PathBuf::new());
    let mut rules: BTreeMap<(&str, Confidence), u64> = BTreeMap::new();
    let mut todo = roots.clone();
    while let Some(path) = todo.pop() {
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            let mut inner: Vec<_> =
                std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            inner.sort();
            todo.extend(inner.into_iter().rev());
            continue;
        }
        if !meta.is_file() || meta.len() > manifest.interests.max_size {
            continue;
        }
        let Ok(text) = std::fs::read(&path) else { continue };
        let marked = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
        if !marked && text[..text.len().min(8192)].contains(&0) {
            continue;
        }
        files += 1;
        bytes += text.len() as u64;
        let start = Instant::now();
        let anchors = finder.find(&text);
        finding += start.elapsed();
        hits += anchors.len() as u64;
        if anchors.is_empty() {
            continue;
        }
        let name =
            roots.iter().find_map(|root| path.strip_prefix(root).ok()).unwrap_or(&path).to_string_lossy().into_owned();
        let start = Instant::now();
        let found = engine.scan(&text, &anchors, &name);
        let took = start.elapsed();
        scanning += took;
        if took > slowest.0 {
            slowest = (took, path.clone());
        }
        for found in found {
            *rules.entry((found.rule.id, found.confidence)).or_default() += 1;
            if quiet || (!all && found.confidence == Confidence::Low) {
                continue;
            }
            let line = text[..found.span.start].split(|&b| b == b'\n').count();
            println!(
                "{:<32} {:?} {name}:{line} {} {}",
                found.rule.id,
                found.confidence,
                around(&text, found.span.start),
                mask(&found.secret)
            );
        }
    }
    for ((rule, confidence), count) in rules {
        println!("{count:>6} {rule} {confidence:?}");
    }
    println!(
        "{files} files, {:.1} MB, {hits} anchors; finding them {finding:?}, rules {scanning:?} ({:.0} ns an anchor); slowest {:?} {}",
        bytes as f64 / 1e6,
        scanning.as_nanos() as f64 / hits.max(1) as f64,
        slowest.0,
        slowest.1.display()
    );
}

/// What stands before the secret on its line.
fn around(text: &[u8], at: usize) -> String {
    let from = text[at.saturating_sub(40)..at]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(at.saturating_sub(40), |nl| at.saturating_sub(40) + nl + 1);
    String::from_utf8_lossy(&text[from..at]).trim().escape_debug().to_string()
}

/// A fifth of the value at either end, three characters at most.
fn mask(secret: &[u8]) -> String {
    let show = (secret.len() / 5).min(3);
    let text = |part: &[u8]| String::from_utf8_lossy(part).escape_debug().to_string();
    format!("{}…{} ({} bytes)", text(&secret[..show]), text(&secret[secret.len() - show..]), secret.len())
}
