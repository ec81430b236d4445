//! `scan.toml` as a whole: what a good file means, how each kind of mistake is shown, and that no text
//! whatever makes the reader panic or shows the fingerprint key.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

pub(super) const GOOD: &str = r#"
version = 1
fingerprint-key = "0123456789abcdef0123456789abcdef"
baseline = "ci/scan-baseline.json"

[stages.commit]
plugins = ["secrets", "sast"]
scope = "staged"
budget = "2s"

[stages.my-own]
incomplete = "warn"

[[gate]]
stages = ["commit", "build"]
fail-on = "high"
min-confidence = "medium"

[[gate]]
fail-on = "none"
max = { low = 20, medium = 0 }
new-only = true

[[gate]]
measurement = "evasion.robust_accuracy"
where = { attack = "pgd", epsilon = 0.03, eps = "8/255", steps = 40, targeted = false }
min-lower95 = 0.6
max-upper95 = 1

[policy]
incomplete = "fail"
nothing-scanned = "warn"
warn-before-expiry = "30d"

[[suppress]]
rule = "secrets.*"
path = "tests/**"
reason = "made up"
expires = 2027-01-31

[[suppress]]
advisory = "CVE-2024-0001"
package = "pkg:pypi/foo@1.2"
reason = "the vulnerable code is not called"
expires = "2028-02-29"

[[suppress]]
fingerprint = "00112233445566778899aabbccddeeff"
moved = "ffeeddccbbaa99887766554433221100"
reason = "revoked"
expires = 2027-06-30

[[severity]]
rule = "sast.py.cors-star"
set = "critical"
reason = "this service\n is public"

[[severity]]
path = "tests/**"
plugin = "secrets"
set = "info"
reason = "made up"
expires = 2027-01-31

[plugins.secrets]
config = { rules = ["own.toml"], since = 2027-01-31, entropy = 3.5, nested = { on = true } }

[plugins.license-check]
source = "tools/license-check.wasm"
digest = "sha256:fedcba9876543210FEDCBA9876543210fedcba9876543210fedcba9876543210"
allow = { read = ["**/LICENSE*"] }
limits = { memory = "256MiB", time = "1m30s" }

[[plugins.license-check.config.licence]]
name = "MIT"

[files]
exclude = ["vendor/**", "*.min.js"]
max-size = 1048576
archives = false
"#;

fn id(text: &str) -> PluginId {
    PluginId::try_from(text.to_owned()).unwrap()
}

#[test]
fn a_good_file_is_read_whole() {
    let config = parse("scan.toml", GOOD).map_err(|error| error.render(false, 100)).unwrap();
    assert_eq!(config.fingerprint_key.as_ref().unwrap().as_bytes(), b"0123456789abcdef0123456789abcdef");
    let commit = &config.stages["commit"];
    let plugins: Vec<&str> = commit.plugins.as_ref().unwrap().iter().map(|plugin| plugin.value.as_str()).collect();
    assert_eq!(plugins, ["secrets", "sast"]);
    assert_eq!(&GOOD[commit.plugins.as_ref().unwrap()[1].span.clone()], "\"sast\"");
    assert_eq!(&GOOD[commit.span.clone()], "commit");
    assert_eq!(commit.budget, Some(Duration::from_secs(2)));
    assert_eq!(config.incomplete("commit"), Some(Incomplete::Fail));
    assert_eq!(config.incomplete("my-own"), Some(Incomplete::Warn));

    assert_eq!(commit.scope.as_ref().map(|scope| scope.value), Some(Scope::Staged));
    assert_eq!(config.baseline.as_ref().unwrap().value, Path::new("ci/scan-baseline.json"));

    assert_eq!(config.gates.len(), 3);
    assert_eq!(config.place(config.gates[0].line), place("[[gate]]"));
    assert_eq!(config.gates[0].fail_on, Some(Severity::High));
    assert_eq!(config.gates[0].min_confidence, Some(Confidence::Medium));
    assert_eq!(config.gates[1].fail_on, None);
    assert_eq!(config.gates[1].max, BTreeMap::from([(Severity::Low, 20), (Severity::Medium, 0)]));
    assert!(config.gates[1].new_only && !config.gates[0].new_only);
    assert_eq!(config.policy.nothing_scanned, Incomplete::Warn);
    assert_eq!(config.policy.warn_before_expiry, Some(30));

    assert_eq!(config.severities[0].rule.as_deref(), Some("sast.py.cors-star"));
    assert_eq!(config.severities[0].reason, "this service is public");
    assert_eq!(config.place(config.severities[0].line), place("[[severity]]"));
    assert_eq!(&GOOD[config.severities[0].span.clone()], "\"sast.py.cors-star\"");
    assert_eq!(config.severities[1].describe(), "path = \"tests/**\", plugin = \"secrets\"");
    assert_eq!(config.severities[1].expires, Date::new(2027, 1, 31));

    let secrets = &config.plugins[&id("secrets")];
    let expected = serde_json::json!({
        "rules": ["own.toml"], "since": "2027-01-31", "entropy": 3.5, "nested": { "on": true }
    });
    assert_eq!(secrets.config, expected);
    let third = &config.plugins[&id("license-check")];
    assert_eq!(third.source.as_ref().unwrap().value, Path::new("tools/license-check.wasm"));
    let digest = "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    assert_eq!(third.digest.as_ref().unwrap().value, digest);
    assert_eq!(third.allow_read[0].value, "**/LICENSE*");
    assert_eq!(third.limits, LimitSettings { memory: Some(256 << 20), time: Some(Duration::from_secs(90)) });
    assert_eq!(third.config, serde_json::json!({ "licence": [{ "name": "MIT" }] }));

    let globs: Vec<&str> = config.files.exclude.iter().map(|glob| glob.value.as_str()).collect();
    assert_eq!(globs, ["vendor/**", "*.min.js"]);
    assert_eq!(config.files.max_size, Some(1 << 20));
    assert_eq!(config.files.archives, Some(false));
}

/// Where a text first stands in the good file.
fn place(text: &str) -> String {
    let line = GOOD.lines().position(|line| line.contains(text)).unwrap();
    format!("scan.toml:{}", line + 1)
}

#[test]
fn a_gate_on_a_measurement_has_its_conditions_in_order() {
    let config = parse("scan.toml", GOOD).unwrap();
    let gate = config.gates[2].measurement.as_ref().unwrap();
    assert_eq!(gate.name.value, "evasion.robust_accuracy");
    assert_eq!((gate.min_lower95, gate.max_upper95), (Some(0.6), Some(1.0)));
    let text = |text: &str| ConditionValue::Text(text.into());
    let expected = [
        ("attack", text("pgd")),
        ("epsilon", ConditionValue::Number(0.03)),
        ("eps", ConditionValue::Number(8.0 / 255.0)),
        ("steps", ConditionValue::Number(40.0)),
        ("targeted", text("false")),
    ];
    let found: Vec<_> = gate.conditions.iter().map(|one| (one.label.as_str(), one.value.clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn suppressions_say_what_they_select_and_until_when() {
    let config = parse("scan.toml", GOOD).unwrap();
    let shown: Vec<_> =
        config.suppressions.iter().map(|one| format!("{} until {}", one.select.describe(), one.expires)).collect();
    assert_eq!(
        shown,
        [
            "rule = \"secrets.*\", path = \"tests/**\" until 2027-01-31",
            "package = \"pkg:pypi/foo@1.2\", advisory = \"CVE-2024-0001\" until 2028-02-29",
            "fingerprint = \"00112233445566778899aabbccddeeff\" until 2027-06-30",
        ]
    );
    assert_eq!(config.place(config.suppressions[0].line), place("[[suppress]]"));
    assert_eq!(&GOOD[config.suppressions[1].span.clone()], "\"CVE-2024-0001\"");
    assert!(config.suppressions[2].select.moved.is_some());
    assert_eq!(config.suppressions[0].reason, "made up");
}

#[test]
fn the_example_of_the_documentation_is_good() {
    let page = include_str!("../../../docs/configuration.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let config = parse("scan.toml", example).map_err(|error| error.render(false, 100)).unwrap();
    assert_eq!(config.gates.len(), 3);
    for part in page.split("```toml\n").skip(2).filter_map(|rest| rest.split("```").next()) {
        let text = if part.starts_with("version") { part.to_owned() } else { format!("version = 1\n{part}") };
        parse("scan.toml", &text).map_err(|error| error.render(false, 100)).unwrap();
    }
}

#[test]
fn a_large_hostile_file_is_soon_refused() {
    let tables = [
        "[[suppress]]\npath='[a-z]*{b,c?}/**'\n",
        "[[gate]]\nwhere={a='1/2'}\n",
        "[[gate]]\n",
        "a.b.c=[{}]\n",
        "[[severity]]\nrule='a*'\n",
        "[plugins.a]\n",
    ];
    let pieces = ["=x", "fingerprint-key='''", "fingerprint-key=1\n", "\u{202e}", "[", "a={a="];
    for piece in tables.into_iter().chain(pieces) {
        let text = format!("version = 1\n{}", piece.repeat(MAX_FILE_BYTES as usize / piece.len() - 20));
        let started = std::time::Instant::now();
        let error = parse("scan.toml", &text).unwrap_err();
        assert!(error.render(false, 100).len() < 100_000);
        assert!(error.to_string().len() < 100_000);
        // Far above what it takes; a quadratic reader needs minutes.
        assert!(started.elapsed() < Duration::from_secs(30), "{piece:?}");
    }
}

#[test]
fn the_smallest_file_is_the_default() {
    let config = parse("scan.toml", "version = 1").unwrap();
    assert!(config.gates.is_empty() && config.stages.is_empty() && config.plugins.is_empty());
    assert_eq!(config.policy, PolicySettings::default());
    assert_eq!(config.incomplete("commit"), None);
}

/// Each kind of mistake, by name; `version = 1` stands before each but those about it.
pub(super) const MISTAKES: &[(&str, &str)] = &[
    ("syntax", "[stages.commit\nplugins = []"),
    ("syntax_unterminated", "[policy]\nincomplete = \"fail\n"),
    ("duplicate_key", "[policy]\nincomplete = \"fail\"\nincomplete = \"warn\""),
    ("duplicate_table", "[policy]\nincomplete = \"fail\"\n[policy]\n"),
    ("unknown_key_near", "[[gate]]\nfail_on = \"high\"\nfail-on = \"low\""),
    ("unknown_key_far", "[policy]\nowner = \"me\""),
    ("unknown_table", "[stage.commit]\nplugins = []"),
    ("later_key", "[policy]\nmax-database-age = \"7d\"\n[stages.test]\ntargets = [\"api\"]"),
    ("later_table", "[targets.api]\nkind = \"openapi\""),
    ("later_grant", "[plugins.p]\nallow = { read = [], net = [] }"),
    ("later_source", "[plugins.p]\nsource = \"oci:registry.example/p@sha256:00\""),
    ("scope", "[stages.commit]\nscope = \"stagd\"\n[stages.build]\nscope = true"),
    ("new_only", "[[gate]]\nfail-on = \"high\"\nnew-only = \"yes\"\n[[gate]]\nnew-only = true"),
    (
        "measurement_and_findings",
        "[[gate]]\nmeasurement = \"evasion.x\"\nmin-lower95 = 0.6\nfail-on = \"high\"\nnew-only = true",
    ),
    ("measurement_without_bound", "[[gate]]\nmeasurement = \"evasion.x\"\nwhere = { attack = \"pgd\" }"),
    (
        "measurement_missing",
        "[[gate]]\nwhere = { attack = \"pgd\" }\nmin-lower95 = 0.6\n[[gate]]\nfail-on = \"low\"\nmax-upper95 = 1",
    ),
    (
        "measurement_name",
        "[[gate]]\nmeasurement = \"accuracy\"\nmin-lower95 = 0.6\n[[gate]]\nmeasurement = \"evasion.Robust Accuracy\"\nmin-lower95 = 0.6\n[[gate]]\nmeasurement = \"evasion..x\"\nmin-lower95 = 0.6",
    ),
    (
        "measurement_bounds",
        "[[gate]]\nmeasurement = \"evasion.x\"\nmin-lower95 = nan\nmax-upper95 = \"1\"\n[[gate]]\nmeasurement = \"evasion.x\"\nmin-lower95 = 0.9\nmax-upper95 = 0.1",
    ),
    (
        "measurement_where",
        "[[gate]]\nmeasurement = \"evasion.x\"\nmin-lower95 = 0\nwhere = { a = [1], b = \"1/0\", c = inf, d = 2027-01-31, \"\" = 1 }\n[[gate]]\nmeasurement = \"evasion.x\"\nmin-lower95 = 0\nwhere = {}",
    ),
    ("warn_before_expiry", "[policy]\nwarn-before-expiry = \"2 weeks\""),
    ("warn_before_expiry_too_long", "[policy]\nwarn-before-expiry = \"366d\""),
    ("archives", "[files]\narchives = \"no\""),
    ("baseline", "baseline = \"../scan-baseline.json\""),
    ("baseline_absolute", "baseline = \"/tmp/scan-baseline.json\""),
    ("baseline_taken", "baseline = \".git/config\""),
    (
        "digest",
        "[plugins.p]\nsource = \"p.wasm\"\ndigest = \"md5:00\"\n[plugins.secrets]\ndigest = \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    ),
    (
        "suppress_parts",
        "[[suppress]]\nrule = \"secrets.jwt\"\n[[suppress]]\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nrule = \"A B\"\nreason = \" \"\nexpires = true",
    ),
    ("suppress_unknown_key", "[[suppress]]\nrules = \"secrets.jwt\"\nreason = \"x\"\nexpires = 2027-01-31"),
    (
        "suppress_expiry",
        "suppress = [\n  { rule = \"a.b\", reason = \"x\", expires = 2027-01-31T00:00:00Z },\n  { rule = \"a.c\", reason = \"x\", expires = \"31.01.2027\" },\n  { rule = \"a.d\", reason = \"x\", expires = 9999-12-31 },\n  { rule = \"a.e\", reason = \"x\", expires = \"never\" },\n]",
    ),
    (
        "suppress_fingerprint",
        "[[suppress]]\nfingerprint = \"00112233\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nrule = \"a.b\"\nmoved = \"00112233445566778899aabbccddeeff\"\nreason = \"x\"\nexpires = 2027-01-31",
    ),
    (
        "suppress_package",
        "[[suppress]]\npackage = \"requests==2.31\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\npackage = \"pkg:pypi\"\nreason = \"x\"\nexpires = 2027-01-31",
    ),
    (
        "suppress_advisory",
        "[[suppress]]\nadvisory = \"CVE-24-1\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nadvisory = \"all of them\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nadvisory = \"ghsa-7x4w-6cq2-3qcm\"\nreason = \"x\"\nexpires = 2027-01-31",
    ),
    (
        "suppress_everything",
        "[[suppress]]\npath = \"**\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nrule = \"*\"\npath = \"**/*\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\nrule = \"*.*\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\npath = \"*\"\nreason = \"x\"\nexpires = 2027-01-31\n[[suppress]]\npath = \"{**/*,a}\"\nreason = \"x\"\nexpires = 2027-01-31",
    ),
    (
        "suppress_twice",
        "[[suppress]]\nrule = \"a.b\"\nreason = \"x\"\nexpires = 2027-01-31\n\n[[suppress]]\nreason = \"y\"\nexpires = 2027-02-28\nrule = \"a.b\"",
    ),
    (
        "override_of_nothing",
        "[[severity]]\nset = \"low\"\nreason = \"x\"\n[[severity]]\nplugin = \"A\"\npath = \"/x\"\nset = \"low\"\nreason = \"x\"\nexpires = \"soon\"",
    ),
    ("wrong_type", "[stages.commit]\nplugins = \"secrets\"\nbudget = 2"),
    ("wrong_type_in_list", "[stages.commit]\nplugins = [\"secrets\", 7]"),
    ("wrong_type_of_table", "gate = 1\npolicy = []\nfiles = { exclude = {} }\n[[stages]]\nx = 1"),
    ("unknown_value_near", "[[gate]]\nfail-on = \"hihg\""),
    ("unknown_value_far", "[policy]\nincomplete = \"explode\""),
    ("bad_glob", "[files]\nexclude = [\"src/[a\", \"/abs/**\", \"../x\", \"\"]"),
    ("bad_duration", "[stages.commit]\nbudget = \"2 seconds\""),
    ("bad_size", "[files]\nmax-size = \"10 megs\"\n[plugins.p.limits]\nmemory = \"1KiB\"\ntime = \"0s\""),
    ("duplicate_in_list", "[stages.commit]\nplugins = [\"secrets\", \"sast\", \"secrets\"]"),
    ("plugin_id", "[stages.commit]\nplugins = [\"Secrets\"]\n[plugins.\"a b\"]\n"),
    ("stage_name", "[stages.\"Commit!\"]\n[[gate]]\nstages = [\"x y\"]\nfail-on = \"low\""),
    ("gate_of_nothing", "[[gate]]\nmin-confidence = \"low\"\n[[gate]]\nstages = []\nmax = {}"),
    ("bad_maximum", "[[gate]]\nmax = { high = -1, meduim = 2 }"),
    (
        "override_parts",
        "[[severity]]\nrule = \"secrets.*\"\n[[severity]]\nrule = \"A B\"\nset = \"bad\"\nreason = \" \"",
    ),
    (
        "override_twice",
        "severity = [\n  { rule = \"a.b\", set = \"low\", reason = \"x\" },\n  { rule = \"a.b\", set = \"high\", reason = \"y\" },\n]",
    ),
    ("no_json", "[plugins.p]\nconfig = { a = [1.0, nan] }"),
    ("control_characters", "\"\\u001b[31mred\\u202e\" = 1\n[policy]\nincomplete = \"\\u0007\" # \u{202e}\u{9b}31m"),
    (
        "long_line",
        "[policy]\nincomplete = \"fail\" ; xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    ("key_too_short", "fingerprint-key = \"hunter2hunter2\""),
    ("key_of_wrong_type", "fingerprint-key = [\"hunter2hunter2\"]"),
    ("key_mistyped", "fingerprint_key = \"hunter2hunter2\""),
    ("key_in_broken_file", "fingerprint-key = \"hunter2hunter2"),
    ("key_multi_line", "fingerprint-key = \"\"\"hunter2\nhunter2\"\"\" x"),
];

fn mistakes(text: &str) -> ConfigError {
    parse("scan.toml", text).unwrap_err()
}

#[test]
fn each_mistake_is_shown_at_its_place() {
    for (name, text) in MISTAKES {
        let error = mistakes(&format!("version = 1\n{text}\n"));
        let shown = error.render(false, 120);
        assert!(error.mistakes().iter().all(|mistake| mistake.span.is_some()), "{name}");
        assert!(!shown.contains("hunter2") && !format!("{error} {error:?}").contains("hunter2"), "{name}:\n{shown}");
        insta::assert_snapshot!(*name, shown);
    }
}

#[test]
fn version_comes_first() {
    insta::assert_snapshot!("version_missing", mistakes("[policy]\nincomplet = \"fail\"").render(false, 120));
    insta::assert_snapshot!("version_newer", mistakes("version = 2\n[policy]\nnews = 1").render(false, 120));
    insta::assert_snapshot!("version_of_wrong_type", mistakes("version = \"1\"").render(false, 120));
}

#[test]
fn a_file_that_is_not_utf8_is_shown_where_it_is_not() {
    let error = parse_bytes("scan.toml", b"version = 1\n# caf\xe9\n").unwrap_err();
    insta::assert_snapshot!("not_utf8", error.render(false, 120));
}

#[test]
fn one_line_for_each_mistake() {
    let text = "version = 1\nstage = 1\n[policy]\nincomplete = 3\n";
    insta::assert_snapshot!("display", mistakes(text).to_string());
}

#[test]
fn many_mistakes_are_counted() {
    let text: String = (0..60).fold("version = 1\n".into(), |text, n| format!("{text}wrong-{n} = 1\n"));
    let error = mistakes(&text);
    assert_eq!(error.mistakes().len(), 60);
    assert!(error.render(false, 100).ends_with("10 more are not shown"));
}

#[test]
fn later_mistakes_point_into_the_same_file() {
    let config = parse("ci/scan.toml", GOOD).unwrap();
    let stage = &config.stages["commit"].plugins.as_ref().unwrap()[1];
    let one = config.error_at(stage.span.clone(), "there is no plugin `sast`", Some("did you mean `secrets`?".into()));
    let two = config.error_at(config.stages["my-own"].span.clone(), "this stage has no plugins", None);
    insta::assert_snapshot!("later", two.and(one).render(false, 100));
    let nowhere = Config::default().error_at(3..4, "no plugin", None);
    assert_eq!(nowhere.to_string(), "scan.toml: no plugin");
    assert_eq!(config.place(7), "ci/scan.toml:7");
}

#[test]
fn colour_only_when_asked() {
    let error = mistakes("version = 1\nstage = 1\n");
    assert!(error.render(true, 100).contains('\u{1b}'));
    assert!(!error.render(false, 100).contains('\u{1b}'));
}

#[test]
fn the_key_is_in_no_debug_output() {
    let config = parse("scan.toml", GOOD).unwrap();
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
    let error = config.error_at(14..50, "see there", None);
    assert!(!format!("{error:?} {error} {}", error.render(true, 200)).contains("0123456789"));
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    assert_eq!(discover(folder.path()), None);
    assert!(matches!(load(&path), Err(ConfigError::Unreadable { .. })));

    fs::create_dir(&path).unwrap();
    assert_eq!(discover(folder.path()), Some(path.clone()));
    assert!(matches!(load(&path), Err(ConfigError::NotAFile { .. })));
    fs::remove_dir(&path).unwrap();

    fs::write(&path, format!("version = 1\n#{}", "x".repeat(MAX_FILE_BYTES as usize))).unwrap();
    let error = load(&path).unwrap_err();
    assert!(error.render(false, 100).ends_with("it is larger than 1048576 bytes"), "{error}");

    fs::write(&path, GOOD).unwrap();
    let config = load(&path).unwrap();
    assert_eq!(config.folder(), Some(folder.path()));
    assert_eq!(discover(&path), None, "a file has no scan.toml in it");
}

#[cfg(unix)]
#[test]
fn a_link_must_stay_in_its_folder() {
    use std::os::unix::fs::symlink;
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join(FILE_NAME);
    fs::write(other.path().join("secret"), "TOKEN=hunter2").unwrap();
    symlink(other.path().join("secret"), &path).unwrap();
    assert!(matches!(load(&path), Err(ConfigError::LeavesFolder { .. })));
    fs::remove_file(&path).unwrap();

    fs::write(folder.path().join("real.toml"), "version = 1").unwrap();
    symlink("real.toml", &path).unwrap();
    assert!(load(&path).is_ok());
    fs::remove_file(&path).unwrap();

    symlink("nowhere", &path).unwrap();
    assert_eq!(discover(folder.path()), Some(path.clone()), "a dangling link is no missing policy");
    assert!(load(&path).is_err());
}

/// Parses, and shows the errors in every way.
fn survive(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = parse("scan.toml", text) {
        let plain = error.render(false, 80);
        prop_assert!(!plain.is_empty() && !error.mistakes().is_empty());
        prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()), "{plain:?}");
        prop_assert!(error.to_string().chars().all(|c| c == '\n' || !c.is_control()));
        error.render(true, 1);
    }
    Ok(())
}

/// What a mutation puts in: pieces that mean something to TOML, and anything.
pub(super) fn piece() -> impl Strategy<Value = String> {
    let words =
        ["[", "]", "[[", "\"", "'''", "\"\"\"", "=", "\n", "\r\n", ".", "{", "}", ",", "nan", "-1", "1979-05-27"];
    let keys = [
        "suppress",
        "expires = ",
        "where = {",
        "pkg:",
        "8/255",
        "gate",
        "fingerprint-key = \"",
        "stages",
        "[plugins.",
        "version",
        "\u{202e}",
        "\u{1b}[2J",
        "\u{feff}",
    ];
    let pieces: Vec<&str> = words.into_iter().chain(keys).collect();
    prop_oneof![prop::sample::select(pieces).prop_map(str::to_owned), "\\PC{0,4}", any::<char>().prop_map(String::from)]
}

/// The good file with pieces put in the place of some of its bytes.
pub(super) fn changed(changes: &[(usize, usize, String)]) -> String {
    let mut text = GOOD.to_owned();
    for (at, len, piece) in changes {
        let start = text.floor_char_boundary(*at);
        let end = text.floor_char_boundary(start + len).max(start);
        text.replace_range(start..end, piece);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        survive(&text)?;
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = parse_bytes("scan.toml", &bytes) {
            error.render(false, 80);
        }
    }

    #[test]
    fn pieces_of_toml(pieces in prop::collection::vec(piece(), 0..40)) {
        survive(&format!("version = 1\n{}", pieces.concat()))?;
    }

    #[test]
    fn a_good_file_with_some_changes(
        changes in prop::collection::vec((0..GOOD.len(), 0..30_usize, piece()), 1..5),
    ) {
        survive(&changed(&changes))?;
    }
}
