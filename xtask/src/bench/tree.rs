//! What is scanned: two generated trees, the same bytes on every machine, and any folder that is named.
//!
//! The generated text has what a scanner's time depends on: many short lines, identifiers that contain its
//! keywords without a secret near them, and here and there a secret. It is no natural code, so a real
//! project should be named too before anything is concluded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::Project;

/// A tree to scan.
pub struct Tree {
    /// As reports show it; never a path of this machine.
    pub name: String,
    pub path: PathBuf,
    pub files: u64,
    pub bytes: u64,
}

/// Changed whenever the generator's output does, so that an old tree is not measured for a new one.
const GENERATION: u32 = 1;

/// Files of one to sixty-four kilobytes, like a large repository's sources.
pub fn source_like(project: &Project, folder: &Path, megabytes: usize) -> Result<Tree, String> {
    generate(project, &folder.join("source"), &format!("source-like text, {megabytes} MB"), |random, written| {
        (written < megabytes * 1_000_000).then(|| 1024 << random.below(6) | random.below(1024))
    })
}

/// Twenty thousand files of a kilobyte or less: what opening files costs, and calling a guest for each.
pub fn small_files(project: &Project, folder: &Path) -> Result<Tree, String> {
    let mut left = 20_000;
    generate(project, &folder.join("small"), "20,000 small files", move |random, _| {
        left -= 1;
        (left >= 0).then(|| 100 + random.below(900))
    })
}

/// A folder that the caller named.
pub fn given(path: &Path) -> Result<Tree, String> {
    let fail = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let path = path.canonicalize().map_err(fail)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (files, bytes) = count(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Tree { name, path, files, bytes })
}

/// Writes files until `size` says that it is enough. An equal tree of an earlier run is kept.
fn generate(
    project: &Project,
    path: &Path,
    name: &str,
    mut size: impl FnMut(&mut Random, usize) -> Option<usize>,
) -> Result<Tree, String> {
    let fail = |error: io::Error| format!("cannot write {}: {error}", path.display());
    let (stamp, wanted) = (path.with_extension("stamp"), format!("{GENERATION}: {name}\n"));
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
        eprintln!("Generating {name}");
        let _ = fs::remove_file(&stamp);
        let _ = fs::remove_dir_all(path);
        let (mut random, mut written, mut files) = (Random(0x5ca9_4057), 0, 0_usize);
        while let Some(bytes) = size(&mut random, written) {
            let folder = path.join(format!("module-{:03}", files / 100));
            fs::create_dir_all(&folder).map_err(fail)?;
            let extension = ["py", "ts", "go", "yaml", "json", "rs", "tf", "env"][random.below(8)];
            let text = text(&mut random, bytes, files % 50 == 7);
            fs::write(folder.join(format!("part-{files:05}.{extension}")), &text).map_err(fail)?;
            written += text.len();
            files += 1;
        }
        // The target folder is ignored by git, and most scanners honour that. In a repository of its own the
        // tree is ignored by none.
        project.program("git", ["init", "--quiet", "--template="]).args([path]).succeed()?;
        fs::write(&stamp, &wanted).map_err(fail)?;
    }
    let (files, bytes) = count(path).map_err(fail)?;
    Ok(Tree { name: name.into(), path: path.to_owned(), files, bytes })
}

fn count(folder: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes, mut pending) = (0, 0, vec![folder.to_owned()]);
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && entry.file_name() != ".git" {
                pending.push(entry.path());
            } else if kind.is_file() {
                files += 1;
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok((files, bytes))
}

const WORDS: &[&str] = &[
    "account",
    "batch",
    "cache",
    "client",
    "config",
    "context",
    "customer",
    "dataset",
    "embedding",
    "endpoint",
    "event",
    "feature",
    "gateway",
    "handler",
    "index",
    "invoice",
    "kernel",
    "label",
    "layer",
    "loader",
    "metric",
    "model",
    "order",
    "parser",
    "payload",
    "pipeline",
    "query",
    "record",
    "request",
    "response",
    "result",
    "sample",
    "schema",
    "session",
    "shard",
    "stream",
    "table",
    "tensor",
    "user",
    "vector",
    "worker",
    "keyboard",
    "tokenizer",
    "monkey",
];

/// Names that scanners react to, with values that are none.
const LOOK_ALIKES: &[&str] = &[
    "password = os.environ[\"DB_PASSWORD\"]",
    "token: str | None = None",
    "api_key: ${API_KEY}",
    "\"secret\": \"changeme\",",
    "const accessKey = process.env.ACCESS_KEY ?? ''",
    "private_key_path = \"/etc/service/tls.key\"",
    "credentials = load_credentials(settings)",
    "# the client secret is kept in the vault",
];

fn text(random: &mut Random, bytes: usize, planted: bool) -> String {
    let mut text = String::with_capacity(bytes + 200);
    let secret_at = planted.then(|| random.below(bytes));
    let mut waiting = planted;
    while text.len() < bytes {
        if waiting && secret_at.is_some_and(|at| at <= text.len()) {
            text += &secret(random);
            waiting = false;
        }
        let indent = "    ".repeat(random.below(4));
        let (a, b, c) = (random.word(), random.word(), random.word());
        let number = random.below(100_000);
        let line = match random.below(40) {
            0 => format!("{indent}{}\n", LOOK_ALIKES[random.below(LOOK_ALIKES.len())]),
            1..=3 => "\n".to_owned(),
            4..=8 => format!("{indent}# The {a} is kept until the {b} has seen every {c}.\n"),
            9..=14 => format!("{indent}def {a}_{b}(self, {c}: int = {number}) -> str:\n"),
            15..=20 => format!("{indent}if {a}.{b} == {number} and not {c}:\n"),
            21..=26 => format!("{indent}{a}_{b} = self.{c}.get(\"{b}-{number}\", {a})\n"),
            27..=31 => format!("{indent}\"{a}\": {{ \"{b}\": \"{c}\", \"id\": \"{:016x}\" }},\n", random.next()),
            32..=35 => format!("{indent}return {a}({b}, {c}={number})\n"),
            _ => format!("{indent}import {a}.{b} as {c}\n"),
        };
        text += &line;
    }
    text
}

/// A line with a made-up credential. The prefixes are put together here so that this file holds no token.
fn secret(random: &mut Random) -> String {
    const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abcdefghijklmnopqrstuvwxyz0189";
    let mut draw =
        |count: usize, range: usize| -> String { (0..count).map(|_| char::from(ALNUM[random.below(range)])).collect() };
    let (upper, mixed, long) = (draw(16, 32), draw(34, 58), draw(40, 62));
    match random.below(4) {
        0 => format!("aws_access_key_id = \"{}{upper}\"\naws_secret_access_key = \"{long}\"\n", "AKIA"),
        1 => format!("HF_TOKEN={}{mixed}\n", "hf_"),
        2 => format!("DATABASE_URL=postgres://service:{}@db.internal:5432/orders\n", &long[..20]),
        _ => format!("client_secret: \"{long}\"\n"),
    }
}

/// `SplitMix64`: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is small enough for the bias not to matter.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        let make = || text(&mut Random(1), 10_000, true);
        assert_eq!(make(), make());
        assert!((10_000..10_400).contains(&make().len()));
    }

    #[test]
    fn secrets_stand_only_where_they_are_planted() {
        let marks = ["AKIA", "hf_", "postgres://", "client_secret: "];
        let has = |planted| {
            (0..20).all(|seed| marks.iter().any(|mark| text(&mut Random(seed), 3000, planted).contains(mark)))
        };
        assert!(has(true));
        assert!(!has(false));
    }
}
