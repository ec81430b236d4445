//! No planted credential leaves by any way out.

use scanhost_tests::{Project, repository};

/// The values that are planted in the sample's `.env` and settings.
fn planted() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("examples/leaky-app/.env")).unwrap();
    let values: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('=').map(|(_, value)| value))
        .filter_map(|value| match value.split_once("://") {
            // The password of a URL.
            Some((_, rest)) => rest.split_once('@')?.0.split_once(':').map(|(_, password)| password.to_owned()),
            None => (value.len() >= 16 && !value.starts_with('$')).then(|| value.to_owned()),
        })
        .collect();
    assert!(values.len() >= 3, "{} values", values.len());
    values
}

#[test]
fn no_credential_is_in_any_output() {
    let secrets = planted();
    let project = Project::new();
    // In many places: as it was, in the middle of code, in a long line, twice in one line, in a file's name, in UTF-16.
    let env = std::fs::read_to_string(repository().join("examples/leaky-app/.env")).unwrap();
    project.write(".env", &env).write("copy/.env", &env);
    for (n, secret) in secrets.iter().enumerate() {
        project
            .write(format!("{n}.py"), format!("# {secret}\napi_key = \"{secret}\"\nprint('{secret}', '{secret}')\n"));
        project.write(format!("{n}.long"), format!("{}api_key = \"{secret}\"{}", "x ".repeat(5000), " y".repeat(5000)));
        project.write(format!("dir/{secret}.txt"), format!("token = \"{secret}\"\n"));
        // In what a comment gives as its reason, and in what only looks like one.
        project
            .write(format!("{n}.yml"), format!("api_key: \"{secret}\" # scanhost:ignore secrets.* -- was {secret}\n"));
        project.write(format!("{n}.json"), format!("{{\"x\": \"gitleaks:allow\", \"api_key\": \"{secret}\"}}\n"));
        let wide: Vec<u8> =
            format!("\u{feff}api_key = \"{secret}\"\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        project.write(format!("{n}.utf16"), wide);
    }
    project.write("other.txt", format!("nothing but a mention of {}\n", secrets.join(" and ")));
    for format in ["terminal", "json", "sarif"] {
        for level in ["-q", "-v", "-vv"] {
            let ran = project.scanhost(["run", "--format", format, level, "--fail-on", "info"]).exits(1);
            for secret in &secrets {
                let at = ran.out.find(secret.as_str()).or_else(|| ran.err.find(secret.as_str()));
                assert!(at.is_none(), "a secret of {} bytes in {format} {level}:\n{}", secret.len(), ran.all());
            }
        }
    }
}
