//! `plugin list|inspect|pack`, and components that are none.

use scanhost_tests::{EVIL, EVIL_PROJECT, Project, UNPACKED, repository};
use serde_json::Value;

#[test]
fn plugins_are_listed_and_inspected() {
    let project = Project::with_evil("");
    project.scanhost(["plugin", "list"]).exits(0).shows(&["secrets", "built-in", "evil", "plugins/evil.wasm"]);
    let ran = project.scanhost(["plugin", "list", "--format", "json"]).exits(0);
    let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list.iter().map(|p| p["id"].as_str().unwrap()).collect::<Vec<_>>(), ["evil", "secrets"]);
    project.scanhost(["plugin", "inspect", "secrets"]).exits(0).shows(&["sha256:", "0.1.0-dev"]);
    let ran = project.scanhost(["plugin", "inspect", EVIL_PROJECT, "--format", "json"]).exits(0);
    let plugin: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(plugin["manifest"]["kind"], "whole-project");
    let imports = plugin["imports"].as_array().unwrap();
    assert!(imports.iter().any(|name| name == "files") && !imports.iter().any(|name| name == "http"), "{imports:?}");
    project.scanhost(["plugin", "inspect", "secrte"]).exits(2).says(&["did you mean `secrets`"]);
    project.scanhost(["plugin", "inspect", "./no.wasm"]).exits(2).says(&["no.wasm"]);
}

#[test]
fn a_component_is_packed() {
    let project = Project::new();
    let manifest = repository().join("tests/evil/per-file");
    let manifest = manifest.to_str().unwrap();
    project
        .scanhost(["plugin", "pack", UNPACKED, "--manifest", manifest, "-o", "out.wasm"])
        .exits(0)
        .shows(&["sha256:", "out.wasm"]);
    assert_eq!(std::fs::read(project.path().join("out.wasm")).unwrap(), std::fs::read(EVIL).unwrap());
    // Packing what is packed replaces the manifest.
    project.scanhost(["plugin", "pack", "out.wasm", "--manifest", manifest, "-o", "again.wasm"]).exits(0);
    project.scanhost(["plugin", "inspect", "./again.wasm"]).exits(0).shows(&["evil", "6.6.6"]);
    project.scanhost(["plugin", "pack", UNPACKED, "--manifest", ".", "-o", "x.wasm"]).exits(2).says(&["plugin.toml"]);
    project
        .scanhost(["plugin", "pack", UNPACKED, "--manifest", manifest, "-o", "no/x.wasm"])
        .exits(2)
        .says(&["no/x.wasm"]);
    project.write("plugin.toml", "id = 7\n");
    project
        .scanhost(["plugin", "pack", UNPACKED, "--manifest", ".", "-o", "x.wasm"])
        .exits(2)
        .says(&["plugin.toml", "line 1"]);
}

#[test]
fn what_is_no_plugin_is_refused_with_a_reason() {
    let project = Project::new();
    let manifest = repository().join("tests/evil/per-file");
    let manifest = manifest.to_str().unwrap();
    let good = std::fs::read(EVIL).unwrap();
    project.write("core.wasm", wat::parse_str("(module)").unwrap());
    project.write("empty.wasm", "").write("text.wasm", "hello");
    project.write("component.wasm", wat::parse_str("(component)").unwrap());
    project.write(
        "import.wasm",
        wat::parse_str("(component (import \"evil:host/everything@1.0.0\" (instance)))").unwrap(),
    );
    project.write("cut.wasm", &good[..good.len() / 2]);
    for name in ["core", "empty", "text", "component", "import", "cut"] {
        let file = format!("./{name}.wasm");
        let ran = project.scanhost(["plugin", "inspect", &file]).exits(2).says(&[&file]);
        assert!(ran.err.lines().count() < 12, "{}", ran.all());
        if name != "cut" {
            project.scanhost(["plugin", "pack", &file, "--manifest", manifest, "-o", "x.wasm"]).exits(2).says(&[&file]);
        }
    }
    project.scanhost(["plugin", "inspect", UNPACKED]).exits(2).says(&["manifest"]);
}

/// Damaged in the middle, where only the compiler sees it: it is named, the others' findings count, 3.
#[test]
fn a_damaged_plugin_costs_nobody_elses_findings() {
    let project = Project::with_evil("");
    let mut bytes = std::fs::read(EVIL).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    project.write("plugins/evil.wasm", bytes).write("good.evil", "x");
    let ran = project.json(&[]);
    if ran.code == 2 {
        // The manifest's reader has seen it already.
        assert!(ran.err.contains("evil.wasm"), "{}", ran.all());
        return;
    }
    let report = ran.report();
    report.assert_others_kept();
    assert!(
        report.problems().iter().any(|p| p["kind"] == "plugin-unusable" && p["plugin"] == "evil"),
        "{:#?}",
        report.problems()
    );
    ran.exits(3);
}
