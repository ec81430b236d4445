//! Archives: what is in them is scanned, and what hides in them is said.

use std::io::Write as _;
use std::process::Command;

use scanhost_tests::{Project, Report, leaked_line};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let method = rawzip::CompressionMethod::DEFLATE;
        let (mut entry, config) = archive.new_file(*name).compression_method(method).start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
        let mut writer = config.wrap(encoder);
        writer.write_all(bytes).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

fn leak() -> Vec<u8> {
    leaked_line().into_bytes()
}

fn paths(report: &Report) -> Vec<&str> {
    let mut paths: Vec<_> = report.found().into_iter().map(|(_, path)| path).collect();
    paths.sort_unstable();
    paths
}

#[test]
fn a_key_is_found_wherever_it_is_packed() {
    let project = Project::new();
    let jar = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n"), ("conf/app.properties", &leak())]);
    project.write("a.zip", zip(&[("src/settings.py", &leak()), ("src/clean.py", b"x = 1\n")]));
    project.write("b.tar.gz", gzip(&tar(&[("./etc/keys", &leak())])));
    project.write("c.log.gz", gzip(&leak()));
    project.write("d.zip", zip(&[("lib/app.jar", &jar), ("inner.tgz", &gzip(&tar(&[("k", &leak())])))]));
    project.write("no-name", zip(&[("k", &leak())]));
    let ran = project.json(&[]).exits(1);
    let report = ran.report();
    let expected = [
        "a.zip!/src/settings.py",
        "b.tar.gz!/etc/keys",
        "c.log.gz!/c.log",
        "d.zip!/inner.tgz!/k",
        "d.zip!/lib/app.jar!/conf/app.properties",
        "no-name!/k",
    ];
    assert_eq!(paths(&report), expected);
    assert!(report.problems().is_empty(), "{}", ran.all());
    let nested = report.findings().iter().find(|f| f["location"]["path"] == expected[4]).unwrap();
    let archives: Vec<_> = nested["location"]["provenance"].as_array().unwrap().iter().collect();
    assert_eq!(archives.len(), 2, "{nested:#}");
    assert_eq!(nested["location"]["start"]["line"], 1, "{nested:#}");
    project.scanhost(["run"]).exits(1).shows(&["d.zip!/lib/app.jar!/conf/app.properties:1"]);
    let sarif = project.scanhost(["run", "--format", "sarif"]).exits(1);
    sarif.shows(&["\"uri\": \"d.zip%21/lib/app.jar%21/conf/app.properties\""]);
}

#[test]
fn what_is_staged_is_unpacked_too() {
    let project = Project::new();
    project.git(&["init", "-q"]).write("a.zip", zip(&[("k", &leak())])).git(&["add", "."]);
    let report = project.json(&["--staged"]).exits(1).report();
    assert_eq!(paths(&report), ["a.zip!/k"]);
}

#[test]
fn an_archive_may_be_larger_than_any_file() {
    let project = Project::new();
    let noise: Vec<u8> = (0..40_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    project.write("scan.toml", "version = 1\n[files]\nmax-size = \"64KiB\"\n");
    project.write("a.zip", zip(&[("noise.bin", &noise), ("k", &leak())]));
    // The name alone does not open it.
    project.write("b.zip", &noise);
    let ran = project.json(&[]).exits(1);
    let report = ran.report();
    assert_eq!(paths(&report), ["a.zip!/k"]);
    let skipped: Vec<_> = report.0["inputs"]["skipped"].as_array().unwrap().iter().map(|s| &s["path"]).collect();
    assert_eq!(skipped, ["a.zip!/noise.bin", "b.zip"], "{}", ran.all());
    project.git(&["init", "-q"]).git(&["add", "."]);
    assert_eq!(paths(&project.json(&["--staged"]).exits(1).report()), ["a.zip!/k"]);
}

#[test]
fn a_path_inside_is_excluded_like_any_other() {
    let project = Project::new();
    project.write("scan.toml", "version = 1\n[files]\nexclude = [\"a.zip!/vendor/**\", \"fixtures\"]\n");
    project.write("a.zip", zip(&[("vendor/k", &leak()), ("x/fixtures/k", &leak()), ("src/k", &leak())]));
    let report = project.json(&[]).exits(1).report();
    assert_eq!(paths(&report), ["a.zip!/src/k"]);
}

#[test]
fn what_is_cut_off_makes_the_run_incomplete_and_is_read_as_far_as_it_goes() {
    let project = Project::new();
    let after = vec![b'x'; 4000];
    let mut archive = tar(&[("k", &leak()), ("after", &after)]);
    archive.truncate(2000);
    project.write("a.tar", archive);
    let ran = project.json(&[]).exits(3);
    let report = ran.report();
    assert_eq!(paths(&report), ["a.tar!/k"]);
    let problem = &report.problems()[0];
    assert_eq!((&problem["kind"], &problem["path"]), (&"archive-damaged".into(), &"a.tar".into()));
    project.scanhost(["run"]).exits(3).shows(&["a.tar", "exclude it under"]);
}

#[test]
fn bombs_are_named_and_cost_little() {
    let project = Project::new();
    project.write("leaked.txt", leak());
    project.write("zeros.gz", gzip(&vec![0; 80 << 20]));
    let mut deep = leak();
    for _ in 0..100 {
        deep = zip(&[("n.zip", &deep)]);
    }
    project.write("deep.zip", deep);
    let mut reports = Vec::new();
    for jobs in ["1", "2", "7"] {
        let mut run = scanhost_tests::command();
        run.args(["run", "--format", "json", "--jobs", jobs]).env("SOURCE_DATE_EPOCH", "1");
        let ran = project.finish(run).exits(3);
        let report = ran.report();
        let named = |path: &str| {
            let is =
                |p: &&serde_json::Value| p["kind"] == "archive-limit" && p["path"].as_str().unwrap().starts_with(path);
            report.problems().iter().filter(is).count()
        };
        assert_eq!(
            (named("zeros.gz"), named("deep.zip!/n.zip!/"), report.problems().len()),
            (1, 1, 2),
            "{}",
            ran.all()
        );
        assert_eq!(paths(&report), ["leaked.txt"]);
        reports.push(ran.out);
    }
    assert!(reports.iter().all(|report| *report == reports[0]));
}

#[test]
fn hostile_names_reach_no_terminal() {
    let project = Project::new();
    project.write("a.tar", {
        let mut builder = tar::Builder::new(Vec::new());
        for name in ["../../up", "/abs", "new\nline", "\u{1b}[31mred", "b.zip!/c"] {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(leak().len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, leak().as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    });
    let ran = project.json(&[]).exits(1);
    let expected = [
        r"a.tar!/\x1b[31mred",
        r"a.tar!/\x2e\x2e/\x2e\x2e/up",
        "a.tar!/abs",
        r"a.tar!/b.zip\x21/c",
        r"a.tar!/new\x0aline",
    ];
    assert_eq!(paths(&ran.report()), expected);
    project.scanhost(["run", "-vv"]).exits(1);
}

#[test]
fn python_and_tar_make_what_is_read() {
    // The archives of two other programs, where they are installed.
    let project = Project::new();
    project.write("d/k.env", leak());
    let mut made = 0;
    for (program, args) in
        [("tar", vec!["-czf", "t.tgz", "d"]), ("python3", vec!["-m", "zipfile", "-c", "p.zip", "d/k.env"])]
    {
        let done = Command::new(program).args(args).current_dir(project.path()).output();
        made += usize::from(done.is_ok_and(|done| done.status.success()));
    }
    let report = project.json(&[]).exits(1).report();
    assert_eq!(paths(&report).len(), 1 + made, "{:?}", report.found());
}
