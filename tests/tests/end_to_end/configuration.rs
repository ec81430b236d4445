//! Each kind of mistake in `scan.toml` ends with 2 and the place, before anything is scanned.

use scanhost_tests::{EVIL, Project};

#[test]
fn every_mistake_has_its_place() {
    let cases = [
        ("version = 2", "scan.toml:1"),
        ("stages = 1\nversion = 1", "scan.toml:1"),
        ("", "version"),
        ("version = 1\nversoin = 1", "scan.toml:2"),
        ("version = 1\n[stages.commit]\nplugins = [\"secrte\"]", "scan.toml:3"),
        ("version = 1\n[stages.commit]\nplugin = [\"secrets\"]", "scan.toml:3"),
        ("version = 1\n[stages.commit]\nbudget = \"soon\"", "scan.toml:3"),
        ("version = 1\n[stages.Commit]\n", "scan.toml:2"),
        ("version = 1\n[[gate]]\nfail-on = \"hihg\"", "scan.toml:3"),
        ("version = 1\n[[gate]]\nstages = [\"commit\"]", "scan.toml:2"),
        ("version = 1\n[[suppress]]\nrule = \"x\"", "scan.toml:2"),
        ("version = 1\n[policy]\nincomplete = \"ignore\"", "scan.toml:3"),
        ("version = 1\n[[severity]]\nrule = \"secrets.jwt\"\nset = \"low\"", "scan.toml:2"),
        ("version = 1\n[files]\nexclude = [\"a[\"]", "scan.toml:3"),
        ("version = 1\n[files]\nexclude = [\"../up\"]", "scan.toml:3"),
        ("version = 1\n[files]\nmax-size = \"10 parsecs\"", "scan.toml:3"),
        ("version = 1\n[plugins.nobody]\nconfig = {}", "scan.toml:2"),
        ("version = 1\n[plugins.other]\nsource = \"no-such.wasm\"", "scan.toml:3"),
        ("version = 1\n[plugins.other]\nsource = \"plugins/evil.wasm\"", "scan.toml:3"),
        ("version = 1\n[plugins.secrets]\nsource = \"plugins/evil.wasm\"", "scan.toml:3"),
        ("version = 1\n[plugins.secrets]\nconfig = { a = 1 }", "scan.toml:3"),
        ("version = 1\n[plugins.secrets]\nlimits = { memory = \"1KiB\" }", "scan.toml:3"),
        ("version = 1\n[plugins.secrets]\nallow = { net = [] }", "scan.toml:3"),
        ("version = 1\nfingerprint-key = \"short\"", "scan.toml:2"),
        ("version = 1\n\u{1b}[31m = 2", "scan.toml:2"),
        ("version = 1\n[[[[", "scan.toml:2"),
    ];
    let project = Project::new();
    project.write("a.txt", "x").install(EVIL, "evil.wasm");
    for (text, place) in cases {
        project.write("scan.toml", text);
        let ran = project.scanhost(["run"]).exits(2).says(&[place]);
        assert!(ran.out.is_empty(), "{text}\n{}", ran.all());
    }
    project.write("scan.toml", b"version = 1\n# \xff\xfe\n").scanhost(["run"]).exits(2).says(&["UTF-8"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let project = Project::new();
    project.write("scan.toml", "version = 1\nunknown = 1\n[policy]\nincomplete = 5\n");
    project.scanhost(["run"]).exits(2).says(&["unknown", "incomplete", "5"]);
}

#[test]
fn a_scan_toml_that_is_no_file_is_not_passed_over() {
    let project = Project::new();
    std::fs::create_dir(project.path().join("scan.toml")).unwrap();
    project.scanhost(["run"]).exits(2).says(&["scan.toml"]);
    let linked = Project::new();
    std::os::unix::fs::symlink("/etc/passwd", linked.path().join("scan.toml")).unwrap();
    let ran = linked.scanhost(["run"]).exits(2);
    assert!(!ran.err.contains("root:"), "{}", ran.all());
}

#[test]
fn check_says_what_is_wrong_in_any_stage_and_what_is_good() {
    let project = Project::new();
    project.scanhost(["config", "check"]).exits(0).shows(&["no scan.toml"]);
    project
        .write("scan.toml", "version = 1\n[stages.nightly]\nplugins = [\"secrte\"]\n[stages.deploy]\nplugins = []\n");
    // The stage that would run has no mistake.
    project.write("a.txt", "x").scanhost(["run"]).exits(0);
    let ran =
        project.scanhost(["config", "check"]).exits(2).says(&["scan.toml:3", "did you mean `secrets`", "scan.toml:4"]);
    assert!(ran.out.is_empty(), "{}", ran.all());
    project.write(
        "scan.toml",
        "version = 1\n[[suppress]]\nrule = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2020-01-31\n",
    );
    project
        .scanhost(["config", "check"])
        .exits(0)
        .shows(&["scan.toml is good", "1 warning"])
        .says(&["warning", "expired"]);
    project.write("scan.toml", "version = 1\nbaseline = \"none.json\"\n[stages.own]\n");
    project.scanhost(["config", "check"]).exits(2).says(&["scan.toml:2", "none.json", "scan.toml:3"]);
    project.write("other.toml", "version = 1\n[[gate]]\nfail_on = \"low\"\n");
    project.scanhost(["config", "check", "--config", "other.toml"]).exits(2).says(&["other.toml:3", "fail-on"]);
    project.scanhost(["config", "check", "--config", "none.toml"]).exits(2);
}

#[test]
fn show_is_toml_without_the_key_and_schema_is_json() {
    let project = Project::new();
    project.write(
        "scan.toml",
        "version = 1\nfingerprint-key = \"0123456789abcdef0123456789abcdef\"\n[files]\nmax-size = 5\n",
    );
    let ran = project.scanhost(["config", "show"]).exits(0).shows(&["max-size = 5  # scan.toml:4", "# default"]);
    assert!(!ran.out.contains("0123456789abcdef0123456789abcdef"));
    // What it shows is good again.
    let shown = ran.out.clone();
    project.write("scan.toml", &shown).scanhost(["config", "show", "--stage", "commit"]).exits(0);
    let ran = project.scanhost(["config", "show", "--format", "json"]).exits(0);
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["stages"]["commit"].is_object());
    project.scanhost(["config", "show", "--stage", "comit"]).exits(2).says(&["did you mean `commit`"]);
    let ran = project.scanhost(["config", "schema"]).exits(0);
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["properties"]["gate"].is_object());
}

#[test]
fn in_a_repository_places_are_from_its_root() {
    let project = Project::new();
    project.write("scan.toml", "version = 1\n[files]\nmax-size = 5\n").write("a/b/c.txt", "x").git(&["init", "-q"]);
    project.scanhost(["config", "show", "a/b"]).exits(0).shows(&["from scan.toml.", "max-size = 5  # scan.toml:3"]);
    project.write("scan.toml", "version = 1\nfile = 1\n");
    let ran = project.scanhost(["config", "check", "a"]).exits(2).says(&["scan.toml:2:1"]);
    assert!(!ran.err.contains(&*project.path().to_string_lossy()), "{}", ran.all());
}
