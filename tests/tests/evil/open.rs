//! Misbehaves before the first file.

use super::{attack, settings};

#[test]
fn a_plugin_that_does_not_start_is_named_once() {
    for (how, kind) in [("error", "plugin-unusable"), ("trap", "plugin-trapped"), ("forever", "plugin-timeout")] {
        let more = settings(&format!("config = {{ open = \"{how}\" }}\nlimits = {{ time = \"200ms\" }}"));
        let (ran, report) = attack(&["1.good", "2.good", "3.good"], &more);
        let starts: Vec<_> = report.problems().iter().filter(|p| p["kind"] == kind && p["plugin"] == "evil").collect();
        assert!(starts.iter().any(|p| p["message"].as_str().unwrap().contains("does not start")), "{how}: {starts:#?}");
        assert!(report.problems().len() <= 2, "{how}: {:#?}", report.problems());
        ran.exits(3);
    }
}

#[test]
fn a_configuration_that_the_schema_refuses_ends_the_run_before_it_begins() {
    let project = scanhost_tests::Project::with_evil(&settings("config = { open = \"nonsense\" }"));
    project.json(&[]).exits(2).says(&["scan.toml", "config", "nonsense"]);
}
