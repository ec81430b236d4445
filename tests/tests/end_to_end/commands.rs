//! `rules` and `explain`.

use scanhost_tests::Project;
use serde_json::Value;

#[test]
fn rules_are_listed() {
    let project = Project::new();
    project.scanhost(["rules"]).exits(0).shows(&["secrets.aws-access-key-id", "secrets.github-pat"]);
    let ran = project.scanhost(["rules", "--format", "json"]).exits(0);
    let rules: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    assert!(rules.len() > 100);
    for rule in &rules {
        assert!(
            rule["id"].as_str().unwrap().starts_with("secrets.") && !rule["help"].as_str().unwrap().is_empty(),
            "{rule}"
        );
    }
    project.scanhost(["rules", "--plugin", "secrts"]).exits(2).says(&["did you mean `secrets`"]);
    project.scanhost(["rules", "--format", "yaml"]).exits(2).says(&["yaml"]);
}

#[test]
fn a_third_partys_rules_are_listed_too() {
    let project = Project::with_evil("");
    project.scanhost(["rules", "--plugin", "evil"]).exits(0).shows(&["evil.note"]);
    project.scanhost(["explain", "evil.note"]).exits(0).shows(&["What an attack came to"]);
}

#[test]
fn a_rule_is_explained() {
    let project = Project::new();
    project.scanhost(["explain", "secrets.github-pat"]).exits(0).shows(&["Rule:     secrets.github-pat", "Severity:"]);
    project.scanhost(["explain", "secrets.github-pta"]).exits(2).says(&["did you mean `secrets.github-pat`"]);
    project.scanhost(["explain", "\u{1b}[31mx"]).exits(2);
}
