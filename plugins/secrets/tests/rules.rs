//! Every rule is proven against its own examples, with all rules running together; all that fails is
//! listed at once.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "../build/format.rs"]
mod format;
#[path = "../build/template.rs"]
mod template;

use std::path::Path;

use scanhost_plugin::testkit::AnchorFinder;
use scanhost_secrets::Engine;

#[test]
fn every_rule_finds_its_positives_and_leaves_its_negatives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = scanhost_manifest::load_dir(root).unwrap();
    let finder = AnchorFinder::new(&manifest.anchors);
    let mut engine = Engine::new();
    let mut wrong = Vec::new();
    let mut rules = 0;
    let mut examples = 0;
    for path in scanhost_manifest::rule_files(&root.join("rules")).unwrap() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file: format::RuleFile = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for rule in file.rule {
            rules += 1;
            let cases = rule.positive.iter().map(|t| (t, true)).chain(rule.negative.iter().map(|t| (t, false)));
            for (at, (text, expected)) in cases.enumerate() {
                examples += 1;
                let text = match template::expand(text, &format!("{} {at}", rule.id)) {
                    Ok(text) => text,
                    Err(error) => {
                        wrong.push(format!("{name}: {}: {error}", rule.id));
                        continue;
                    }
                };
                let found = engine.scan(text.as_bytes(), &finder.find(text.as_bytes()), "config/settings");
                let ids: Vec<&str> = found.iter().map(|m| m.rule.id).collect();
                if ids.contains(&rule.id.as_str()) != expected {
                    let what = if expected { "is not found in" } else { "is found in" };
                    wrong.push(format!("{name}: {} {what} `{}` (found: {ids:?})", rule.id, text.escape_debug()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} problems in {rules} rules\n  {}\n", wrong.len(), wrong.join("\n  "));
    assert!(rules > 0 && examples >= 2 * rules);
}
