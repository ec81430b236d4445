//! Between the contract and the engine: reads a file, runs the rules, words the findings.

use scanhost_plugin::{Confidence, Error, File, Finding, Report, Scanner};

use crate::engine::{Engine, MAX_MATCHES, Match, Via};

/// The plugin.
#[derive(Debug)]
pub struct Secrets {
    engine: Engine,
}

impl Scanner for Secrets {
    fn open(_config: &str) -> Result<Self, Error> {
        Ok(Self { engine: Engine::new() })
    }

    fn scan(&mut self, file: &File, report: &mut Report) -> Result<(), Error> {
        let anchors = file.anchors();
        if anchors.is_empty() {
            return Ok(());
        }
        let bytes = file.read_all()?;
        let path = file.path();
        let matches = self.engine.scan(&bytes, &anchors, &path);
        if matches.len() >= MAX_MATCHES {
            report.unscanned(&path, &format!("it holds more than {MAX_MATCHES} secrets; the others are not reported"));
        }
        if let Some(rule) = self.engine.gave_up() {
            let reason = format!(
                "it repeats the beginning of what {rule} looks for so often that some places were not looked at; look at the file, or exclude it"
            );
            report.unscanned(&path, &reason);
        }
        for found in matches {
            report.finding(finding(file, found));
        }
        Ok(())
    }
}

fn finding(file: &File, found: Match) -> Finding {
    let title = found.rule.title;
    let hidden = match found.via {
        Via::Plain => "",
        Via::Base64 => ", only encoded in base64",
        Via::Utf16 => ", in UTF-16",
    };
    let message = match found.confidence {
        Confidence::Low => format!("Possibly a secret in clear text{hidden}: {title}"),
        _ => format!("{title} in clear text{hidden}"),
    };
    let span = found.span;
    let finding =
        Finding::new(found.rule.id, found.confidence, message).at(file, span.clone()).secret(found.secret).redact(span);
    match found.via {
        Via::Plain => finding,
        Via::Base64 => finding.label("encoding", "base64"),
        Via::Utf16 => finding.label("encoding", "utf-16"),
    }
}
