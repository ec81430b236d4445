//! Misbehaves after the last file, or there reports about all of them.

use scanhost_plugin::{Confidence, Error, Extent, FileLocation, Finding, Location, Report, Span};

use super::time;
use crate::Evil;

/// What the configuration's `finish` asks for.
pub fn finish(evil: &Evil, report: &mut Report) -> Result<(), Error> {
    if evil.told("finish", "error") {
        return Err(Error::Failed("cannot conclude".into()));
    }
    if evil.told("finish", "trap") {
        panic!("in finish");
    }
    if evil.told("finish", "forever") {
        time::forever();
    }
    if evil.told("finish", "report") {
        let seen = evil.seen.iter().map(String::as_str);
        for path in seen.chain(["not/a/file.txt", "../../etc/passwd", "x\u{1b}[31m\n::error::y"]) {
            let place =
                FileLocation { path: path.into(), extent: Extent::Bytes(Span { offset: 1, len: 3 }), logical: None };
            let message = format!("one of {}", evil.seen.len());
            report.finding(Finding::new(evil.rule("note"), Confidence::High, message).located(Location::File(place)));
        }
    }
    Ok(())
}
