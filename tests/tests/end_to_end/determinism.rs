//! The same input gives the same bytes, however many threads there are; and the bytes are what the schema says.

use scanhost_tests::{Project, Ran, command, leaked_line, repository};
use serde_json::Value;

/// The sample with its planted credentials, and a hostile plugin that fails, floods and reports.
fn project() -> Project {
    let project = Project::with_evil("");
    copy(&repository().join("examples/leaky-app"), &project);
    project.write("scan.toml", "version = 1\n[stages.commit]\nplugins = [\"evil\", \"secrets\"]\n[plugins.evil]\nsource = \"plugins/evil.wasm\"\n");
    for name in ["panic", "good", "lies.outside", "hostile-text", "score", "flood-findings", "undeclared", "error"] {
        project.write(format!("evil/{name}.evil"), leaked_line());
    }
    for n in 0..50 {
        project.write(format!("many/{n}.txt"), leaked_line());
        project.write(format!("many/{n}.good.evil"), leaked_line());
    }
    std::os::unix::fs::symlink("nowhere", project.path().join("link")).unwrap();
    project
}

fn copy(from: &std::path::Path, to: &Project) {
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                to.write(path.strip_prefix(from).unwrap(), std::fs::read(&path).unwrap());
            }
        }
    }
}

fn reproducible(project: &Project, format: &str, jobs: &str) -> Ran {
    let mut run = command();
    run.args(["run", "--stage", "commit", "--format", format, "--jobs", jobs, "-vv"]).env("SOURCE_DATE_EPOCH", "1");
    project.finish(run)
}

#[test]
fn reports_do_not_depend_on_threads() {
    let project = project();
    for format in ["json", "sarif"] {
        let first = reproducible(&project, format, "1").exits(3);
        for jobs in ["1", "2", "2"] {
            let again = reproducible(&project, format, jobs).exits(3);
            assert!(
                first.out == again.out,
                "{format} differs with {jobs} threads: {}",
                difference(&first.out, &again.out)
            );
            assert!(
                first.err == again.err,
                "the log differs with {jobs} threads: {}",
                difference(&first.err, &again.err)
            );
        }
    }
}

fn difference(a: &str, b: &str) -> String {
    a.lines().zip(b.lines()).enumerate().find(|(_, (a, b))| a != b).map_or_else(
        || format!("lengths {} and {}", a.len(), b.len()),
        |(n, (a, b))| format!("line {n}:\n{a:.300}\n{b:.300}"),
    )
}

#[test]
fn a_report_is_what_the_schema_says() {
    let text = std::fs::read_to_string(repository().join("docs/report.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let project = project();
    let plain = project.json(&[]).exits(3);
    for ran in [plain, reproducible(&project, "json", "2"), Project::new().json(&[]).exits(4)] {
        let errors: Vec<String> = schema
            .iter_errors(&ran.report().0)
            .map(|e| format!("{}: {:.200}", e.instance_path(), e.to_string()))
            .take(5)
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn sarif_has_what_services_need() {
    let ran = reproducible(&project(), "sarif", "2");
    let sarif: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    // The schema wants a URI, and an empty one is none.
    assert!(run["tool"]["driver"]["informationUri"].as_str().is_some_and(|uri| uri.starts_with("https://")));
    let rules: Vec<&str> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = result["ruleId"].as_str().unwrap();
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index], rule);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()), "{result:#}");
        assert!(result["partialFingerprints"]["scanhost/v1"].is_string(), "{result:#}");
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && uri.chars().all(|c| c.is_ascii_graphic()), "{uri}");
        if let Some(region) = place["region"].as_object() {
            assert!(region["startLine"].as_u64().unwrap() >= 1, "{result:#}");
        }
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(!invocation["toolExecutionNotifications"].as_array().unwrap().is_empty());
    assert_eq!(run["automationDetails"]["id"], "scanhost/commit/");
}
