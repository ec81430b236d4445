//! `cargo xtask bench`: how long a scan takes, how much CPU and memory, next to other scanners.
//!
//! [`tree`] makes what is scanned, [`peers`] knows how each scanner is called, [`measure`] runs one of them
//! once, [`table`] makes a document of the numbers; here they are put together. Every scanner runs once
//! unmeasured, so that all of them find the files in the page cache, then they take turns, so that a
//! disturbance of the machine hits all of them alike. Medians are reported, with the extremes beside them.

pub mod measure;
mod peers;
mod table;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::project::Project;
use crate::{CommandResult, wasm_target};
use measure::Sample;
use peers::Scanner;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Options {
    rounds: usize,
    megabytes: usize,
    trees: Vec<PathBuf>,
}

/// What one scanner took for one tree.
struct Row {
    scanner: String,
    version: String,
    /// Empty: it failed, and why is in `failure`.
    samples: Vec<Sample>,
    failure: Option<String>,
}

/// One tree and what all scanners took for it. scanhost comes first.
struct Table {
    tree: String,
    files: u64,
    bytes: u64,
    rows: Vec<Row>,
}

/// Builds, measures, prints and writes `docs/benchmarks.md`.
pub fn run(project: &Project, arguments: &[OsString]) -> CommandResult {
    let options = options(arguments)?;
    wasm_target::ensure(project)?;
    project.cargo(["build", "--release", "--workspace"]).succeed()?;

    let folder = project.scratch("bench")?;
    // Without a file of its own, each tree would be judged by the nearest `scan.toml` above it, if any.
    let config = folder.join("scan.toml");
    std::fs::write(&config, "version = 1\n").map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    let scanners = peers::all(project, &config);
    eprintln!("Scanners: {}", scanners.iter().map(|scanner| scanner.name).collect::<Vec<_>>().join(", "));

    let mut trees = vec![tree::source_like(project, &folder, options.megabytes)?, tree::small_files(project, &folder)?];
    for path in &options.trees {
        trees.push(tree::given(path)?);
    }
    let mut tables = Vec::new();
    for tree in trees {
        eprintln!("Scanning {}: {} files, {:.1} MB", tree.name, tree.files, tree.bytes as f64 / 1e6);
        let rows = measure_all(&scanners, &tree, options.rounds)?;
        let table = Table { tree: tree.name, files: tree.files, bytes: tree.bytes, rows };
        println!("{}", table::markdown(&table));
        tables.push(table);
    }
    let document = project.root.join("docs/benchmarks.md");
    let text = table::document(project, &tables, options.rounds);
    std::fs::create_dir_all(project.root.join("docs"))
        .and_then(|()| std::fs::write(&document, text))
        .map_err(|error| format!("cannot write docs/benchmarks.md: {error}"))?;
    eprintln!("Wrote docs/benchmarks.md");
    let broken =
        tables.iter().flat_map(|table| &table.rows).any(|row| row.scanner == "scanhost" && row.failure.is_some());
    if broken { Err("scanhost itself failed, see above".into()) } else { Ok(0) }
}

fn measure_all(scanners: &[Scanner], tree: &tree::Tree, rounds: usize) -> Result<Vec<Row>, String> {
    let row = |scanner: &Scanner| Row {
        scanner: scanner.name.into(),
        version: scanner.version.clone(),
        samples: Vec::new(),
        failure: None,
    };
    let mut rows: Vec<Row> = scanners.iter().map(row).collect();
    for round in 0..=rounds {
        // Another one begins each round: whoever follows the heaviest one finds the coldest caches.
        for turn in 0..scanners.len() {
            let at = (turn + round) % scanners.len();
            if rows[at].failure.is_some() {
                continue;
            }
            let sample = measure::once(&scanners[at], &tree.path)?;
            if !scanners[at].success.contains(&sample.exit) {
                let why = format!("ended with exit code {}", sample.exit);
                eprintln!("  {} {why}", scanners[at].name);
                rows[at].failure = Some(why);
                rows[at].samples.clear();
            } else if round > 0 {
                eprintln!("  round {round}: {:<14} {:>7.3} s", scanners[at].name, sample.wall);
                rows[at].samples.push(sample);
            }
        }
    }
    Ok(rows)
}

fn options(arguments: &[OsString]) -> Result<Options, String> {
    let mut options = Options { rounds: 7, megabytes: 64, trees: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let (place, most) = match text.as_str() {
            "--rounds" => (&mut options.rounds, 1_000),
            "--size" => (&mut options.megabytes, 4_096),
            flag if flag.starts_with('-') => {
                return Err(format!("bench knows no `{}`, only --rounds and --size", flag.escape_debug()));
            }
            _ => {
                options.trees.push(argument.into());
                continue;
            }
        };
        let value = arguments.next().and_then(|value| value.to_str().and_then(|value| value.parse().ok()));
        *place = value
            .filter(|value| (1..=most).contains(value))
            .ok_or(format!("{text} takes a number from 1 to {most}"))?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        options(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_trees_may_be_mixed() {
        let expected = Options { rounds: 3, megabytes: 64, trees: vec!["a".into(), "b".into()] };
        assert_eq!(parse(&["a", "--rounds", "3", "b"]), Ok(expected));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for bad in [&["--rounds", "0"][..], &["--rounds"], &["--size", "x"], &["--frobnicate"]] {
            assert!(parse(bad).is_err());
        }
    }
}
