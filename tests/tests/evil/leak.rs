//! Repeats another plugin's secrets, and its own, in every place that it can write to.

use base64::Engine as _;
use scanhost_tests::{Project, key};
use serde_json::Value;

use super::settings;

#[test]
fn no_secret_leaves_through_another_plugin() {
    let own = "own-S3cretValue99";
    // The hostile plugin comes first in the alphabet, so it has seen a file before anyone knows what is secret in it.
    let others = ["leak-and-die", "leak-in-error", "leak-in-rule", "leak-in-purl", "leak-granted"];
    for names in [&["leak"][..], &others, &["leak-own"]] {
        let project = Project::with_evil(&settings("allow = { read = [\"other.txt\"] }"));
        let other = ["AKIA", "QK6PQ235W75YVNXJ"].concat();
        for name in names {
            project.write(format!("{name}.evil"), format!("id = \"{}\"\nval {own} x\n", key()));
        }
        project.write("other.txt", format!("aws_access_key_id = \"{other}\"\n"));
        let mut secrets = vec![key(), other];
        if names.contains(&"leak-own") {
            secrets.push(own.into());
        }
        for format in ["json", "sarif", "terminal"] {
            let ran = project.scanhost(["run", "--format", format, "-vv"]);
            assert!([1, 3].contains(&ran.code), "{}", ran.all());
            for secret in &secrets {
                assert!(!ran.out.contains(secret), "{names:?}: `{secret}` in {format}\n{}", ran.all());
                assert!(!ran.err.contains(secret), "{names:?}: `{secret}` in the log of {format}\n{}", ran.all());
            }
            if format == "json" {
                let report: Value = serde_json::from_str(&ran.out).unwrap();
                for body in
                    report["findings"].as_array().unwrap().iter().flat_map(|f| f["attachments"].as_array().unwrap())
                {
                    let bytes =
                        base64::engine::general_purpose::STANDARD.decode(body["base64"].as_str().unwrap()).unwrap();
                    let text = String::from_utf8_lossy(&bytes);
                    assert!(!secrets.iter().any(|secret| text.contains(secret)), "{names:?}: in an attachment: {text}");
                }
            }
        }
    }
}
