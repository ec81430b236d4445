//! A planted credential leaves by no way out: not by a report or a log, not by the cache, not by a baseline, not by
//! what a command writes into `scan.toml`, not by an error; neither as it is nor in base64 or UTF-16.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scanhost_tests::{Project, Ran};

/// Each found by a rule of its own, or by the same in another place.
fn secrets() -> Vec<String> {
    let aws = |tail: &str| ["AKIA", tail].concat();
    vec![aws("WK6PQ235W75YVNEJ"), aws("Q3EGRIVT5DXZ2NMO"), ["wJ4rXtQvB8n", "Lk2PzS6hYd9MfG3cKuE7iRo5aTbN1"].concat()]
}

/// What must occur nowhere: the credential, what is in the middle of its base64 at the three alignments, and UTF-16.
fn needles(secret: &str) -> Vec<Vec<u8>> {
    let mut needles = vec![secret.as_bytes().to_vec()];
    for before in 0..3 {
        let text = STANDARD.encode([&b"xxx"[..before], secret.as_bytes()].concat());
        // The first and the last digits depend on what is around.
        let text = &text.trim_end_matches('=')[(before * 4).div_ceil(3)..];
        needles.push(text.as_bytes()[..text.len() - 1].to_vec());
    }
    needles.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    needles.push(secret.encode_utf16().flat_map(u16::to_be_bytes).collect());
    needles.push(secret.bytes().rev().collect());
    needles
}

fn find(text: &[u8]) -> Option<usize> {
    let holds = |needle: &Vec<u8>| text.windows(needle.len()).any(|part| part == needle);
    secrets().iter().position(|secret| needles(secret).iter().any(holds))
}

#[track_caller]
fn assert_clean(what: &str, text: &[u8]) {
    if let Some(at) = find(text) {
        panic!("secret {at} is in {what}:\n{}", String::from_utf8_lossy(text));
    }
}

/// Everything below a folder. How many files that was.
#[track_caller]
fn assert_clean_folder(folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_clean("a file's name", path.as_os_str().as_encoded_bytes());
        if path.is_dir() {
            count += assert_clean_folder(&path);
        } else {
            assert_clean(&path.display().to_string(), &fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

#[track_caller]
fn clean(ran: Ran) -> Ran {
    assert_clean("standard output", ran.out.as_bytes());
    assert_clean("standard error", ran.err.as_bytes());
    ran
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, bytes).unwrap();
    builder.into_inner().unwrap()
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let (mut entry, config) =
        archive.new_file(name).compression_method(rawzip::CompressionMethod::STORE).start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(bytes).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap()
}

fn line(secret: &str) -> String {
    format!("aws_secret_access_key = \"{secret}\"\n")
}

/// Each credential in every place where one may be.
fn plant(project: &Project, n: usize, secret: &str) {
    let line = line(secret);
    project.write(format!("{n}/plain.py"), format!("# was {secret}\n{line}print('{secret}', '{secret}')\n"));
    project
        .write(format!("{n}/ignored.py"), format!("{} # scanhost:ignore secrets.* -- was {secret}\n", line.trim_end()));
    project.write(format!("{n}/malformed.py"), format!("{} # scanhost:ignore {secret}\n", line.trim_end()));
    for before in 0..3 {
        let text = STANDARD.encode("x".repeat(before) + " " + &line);
        project.write(format!("{n}/{before}.yml"), format!("data: {text}\n"));
    }
    let wide: Vec<u8> = format!("\u{feff}{line}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    project.write(format!("{n}/wide.txt"), wide);
    project.write(format!("{n}/a.zip"), zip(&format!("in/{secret}.py"), line.as_bytes()));
    project.write(format!("{n}/b.tar.gz"), gzip(&tar(&format!("in/{secret}.py"), line.as_bytes())));
    project.write(format!("{n}/{secret}/c.txt"), &line);
}

fn commit(project: &Project, secret: &str) {
    let author = format!("Ann {secret} <{secret}@example.invalid>");
    project.git(&["add", "-A"]).git(&["commit", "-q", "-m", &format!("take {secret} out"), "--author", &author]);
}

/// Planted on a branch whose base has another part of it; what was there once is in the history only.
fn project() -> Project {
    let project = Project::new();
    project.git(&["init", "-q"]).write("README", "x\n").write("scan.toml", "version = 1\n");
    for (n, secret) in secrets().iter().enumerate() {
        project.write(format!("once/{n}.env"), line(secret)).write(format!("base/{n}.env"), line(secret));
    }
    commit(&project, &secrets()[0]);
    fs::remove_dir_all(project.path().join("once")).unwrap();
    commit(&project, &secrets()[1]);
    project.git(&["checkout", "-q", "-b", "change"]);
    for (n, secret) in secrets().iter().enumerate() {
        // A line that the change takes out.
        project.write(format!("base/{n}.env"), "nothing\n");
        plant(&project, n, secret);
    }
    commit(&project, &secrets()[2]);
    project
}

/// The runs, with the arguments that make them.
const RUNS: [&[&str]; 6] = [
    &["run"],
    &["run", "--no-cache"],
    &["run", "--history"],
    &["run", "--base", "main"],
    &["run", "--changed-since", "main"],
    &["run", "--stage", "nightly", "--plugin", "secrets"],
];

#[test]
fn no_way_out() {
    let project = project();
    let out = tempfile::tempdir().unwrap();
    let cache = out.path().join("cache");
    let all = secrets();
    for (n, args) in RUNS.iter().enumerate() {
        let to = |format: &str| format!("{format}={}", out.path().join(format!("{n}.{format}")).display());
        let (terminal, json, sarif) = (to("terminal"), to("json"), to("sarif"));
        let mut full = args.to_vec();
        full.extend(["-vv", "--fail-on", "info", "--format", &terminal, "--format", &json, "--format", &sarif]);
        let dir = cache.display().to_string();
        if !args.contains(&"--no-cache") {
            full.extend(["--cache-dir", &dir]);
        }
        // The second time out of the cache.
        for _ in 0..2 {
            let ran = clean(project.scanhost(&full));
            assert!([1, 3].contains(&ran.code), "{args:?}: {}", ran.all());
            fs::write(out.path().join(format!("{n}.log")), ran.out + &ran.err).unwrap();
        }
        clean(project.scanhost(*args));
        clean(project.scanhost(args.iter().chain(&["-q"])));
        // It was found, or this proves nothing.
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(out.path().join(format!("{n}.json"))).unwrap()).unwrap();
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.len() >= all.len() * 3, "{args:?}: {}", findings.len());
        let stored = out.path().join(format!("{n}.json")).display().to_string();
        clean(project.scanhost(["gate", &stored, "-v"]));
    }
    let files = assert_clean_folder(out.path());
    assert!(files > RUNS.len() * 4, "{files}");
    assert!(fs::read_dir(&cache).unwrap().count() > 0, "nothing was cached");
}

#[test]
fn not_by_what_commands_write() {
    let project = project();
    let report = project.json(&[]).exits(1).report();
    let mut prints: Vec<String> =
        report.findings().iter().map(|f| f["fingerprint"].as_str().unwrap().to_owned()).collect();
    prints.sort_unstable();
    prints.dedup();
    let mut add = vec!["suppress", "add", "--reason", "revoked"];
    let some: Vec<_> = report
        .findings()
        .iter()
        .filter(|f| f["state"]["kind"] == "active")
        .map(|f| f["fingerprint"].as_str().unwrap())
        .collect();
    add.extend(&some);
    clean(project.scanhost(&add).exits(0));
    assert_clean("scan.toml", &fs::read(project.path().join("scan.toml")).unwrap());
    clean(project.scanhost(["suppress", "list"]).exits(0));
    clean(project.scanhost(["suppress", "prune", "--unused", "--dry-run"]).exits(0));
    clean(project.scanhost(["run", "-v"]));
    clean(project.scanhost(["run", "--format", "sarif"]));
    project.write("scan.toml", "version = 1\n");
    clean(project.scanhost(["baseline", "create"]).exits(0));
    for name in ["scan.toml", "scan-baseline.json"] {
        assert_clean(name, &fs::read(project.path().join(name)).unwrap());
    }
    clean(project.scanhost(["baseline", "diff"]).exits(0));
    project.write("late.py", line(&secrets()[0]));
    clean(project.scanhost(["baseline", "diff"]).exits(0)).shows(&["late.py"]);
    clean(project.scanhost(["baseline", "diff", "--format", "json"]).exits(0));
    clean(project.scanhost(["baseline", "update"]).exits(0));
    assert_clean("scan-baseline.json", &fs::read(project.path().join("scan-baseline.json")).unwrap());
}

/// Whoever writes a credential into the policy has it in the policy; no report repeats it.
#[test]
fn not_by_a_policy_that_holds_it() {
    for secret in &secrets()[..2] {
        let project = Project::new();
        project.write("a.py", line(secret));
        project.write(
            "scan.toml",
            format!(
                "version = 1\n[[suppress]]\nrule = \"secrets.*\"\npath = \"*.py\"\nreason = \"was {secret}\"\nexpires = \
                 2097-01-31\n[[suppress]]\npath = \"{secret}/**\"\nreason = \"x\"\nexpires = 2097-01-31\n[[severity]]\nrule \
                 = \"secrets.*\"\nset = \"high\"\nreason = \"it is {secret}\"\n"
            ),
        );
        for args in [&["run", "-v"][..], &["run", "-vv", "--format", "json"], &["run", "--format", "sarif", "-v"]] {
            clean(project.scanhost(args).exits(1));
        }
    }
}

/// What an error shows of a file is not what the file says where a key belongs.
#[test]
fn not_by_an_error() {
    let project = Project::new();
    let secret = &secrets()[0];
    project.write("a.py", line(secret));
    for text in [
        format!("version = 1\nfingerprint-key = \"{secret}\"\n"),
        format!("version = 1\nfingerprint-key = \"{secret}{secret}\"\nfingerprint-key = \"{secret}{secret}\"\n"),
        format!("version = 1\nfingerprint-key = \"{secret}{secret}\"\nunknown = 1\n"),
        format!("version = 1\nfingerprint-key = [\"{secret}{secret}\"]\n"),
        format!("version = 1\nfingerprint-key = {secret}{secret}\n"),
    ] {
        project.write("scan.toml", &text);
        for args in
            [&["run"][..], &["config", "check"], &["config", "show"], &["suppress", "list"], &["baseline", "create"]]
        {
            clean(project.scanhost(args).exits(2));
        }
    }
    project.write("scan.toml", format!("version = 1\nfingerprint-key = \"{secret}{secret}\"\n"));
    clean(project.scanhost(["config", "show"]).exits(0));
    clean(project.scanhost(["config", "check"]).exits(0));
    clean(project.scanhost(["run", "-vv"]).exits(1));
}
