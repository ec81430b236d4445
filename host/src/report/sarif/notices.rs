//! Notifications: what went wrong in the scan, and what is to be said of the policy.

use serde_json::json;

use super::model::{ArtifactLocation, Id, Location, Notification, PhysicalLocation, Properties, Region};
use super::{BASE, artifact, message};
use crate::outcome::{Notice, NoticeKind, Outcome, SkipReason};
use crate::report::percent_encode;

/// What went wrong, as errors, and what a reader may not expect to have been left out, as notes.
pub fn of_the_scan(outcome: &Outcome) -> Vec<Notification> {
    let at = |path: &str| vec![location(artifact(outcome, path), None)];
    let problems = outcome.problems.iter().map(|problem| Notification {
        descriptor: Id { id: name_of(&problem.kind) },
        level: "error",
        message: message(&problem.message),
        locations: problem.path.as_deref().map(at),
        properties: problem.plugin.iter().map(|id| ("plugin", json!(id.as_str()))).collect(),
    });
    let unexpected = |reason| {
        use SkipReason as Why;
        matches!(reason, Why::TooLarge | Why::Vanished | Why::Encrypted | Why::UnsupportedCompression)
    };
    let skipped = outcome.inputs.skipped.iter().filter(|file| unexpected(file.reason)).map(|file| Notification {
        descriptor: Id { id: format!("skipped-{}", name_of(&file.reason)) },
        level: "note",
        message: message(format!("not scanned: {}; {}", file.reason.as_str(), file.detail).trim_end_matches("; ")),
        locations: Some(at(&file.path)),
        properties: Properties::new(),
    });
    problems.chain(skipped).collect()
}

/// What a person should know of the policy, as warnings.
pub fn of_the_policy(outcome: &Outcome) -> Vec<Notification> {
    let warning = |notice: &Notice| {
        let text = notice.place.as_ref().map_or_else(String::new, |place| format!("{place}: ")) + &notice.message;
        Notification {
            descriptor: Id { id: name_of(&notice.kind) },
            level: "warning",
            message: message(&text),
            locations: place(outcome, notice).map(|place| vec![place]),
            properties: Properties::new(),
        }
    };
    outcome.notices.iter().map(warning).collect()
}

/// Where a notice is about, if that is a line of a file that is there: not of another commit's, not outside.
fn place(outcome: &Outcome, notice: &Notice) -> Option<Location> {
    let (path, line) = notice.place.as_ref()?.rsplit_once(':')?;
    let line = line.parse::<u32>().ok().filter(|line| *line > 0)?;
    let outside = path.is_empty() || path.starts_with('/') || path.contains([':', '\\']);
    if outside || path.split('/').any(|part| part == "..") {
        return None;
    }
    // A finding's path is one of the root; `scan.toml` is named as seen from the folder of the command.
    let artifact = match notice.kind {
        NoticeKind::CommentWithoutEffect => artifact(outcome, path),
        _ => ArtifactLocation { uri: percent_encode(path.trim_start_matches("./")), uri_base_id: BASE },
    };
    Some(location(artifact, Some(line)))
}

fn location(artifact_location: ArtifactLocation, line: Option<u32>) -> Location {
    let region = line.map(|line| Region { start_line: Some(line), ..Region::default() });
    let physical = PhysicalLocation { artifact_location, region, context_region: None };
    Location { physical_location: Some(physical), ..Location::default() }
}

/// The name that an enum has in the JSON report.
fn name_of(kind: &impl serde::Serialize) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
