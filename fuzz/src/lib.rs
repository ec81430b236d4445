//! What the fuzz targets do with their bytes: one function a target, so that the seeds are tried by
//! `cargo test` on a stable compiler too. A target fails by panicking.
//!
//! The host's own modules are included by path: as a dependency the host would bring wasmtime along.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "fuzz targets, and parts of a crate")]

mod cache;
#[path = "../../host/src/config/mod.rs"]
mod config;
#[allow(unused_imports, reason = "the host uses more of it")]
#[path = "../../host/src/finding/mod.rs"]
mod finding;
mod manifest;
#[path = "../../host/src/outcome.rs"]
mod outcome;
#[allow(unused_imports, reason = "the host uses more of it")]
#[path = "../../host/src/report/mod.rs"]
mod report;
mod router;
mod secrets;
mod source;

pub use cache::cache_read;
pub use manifest::{manifest_read, manifest_rules};
pub use secrets::secrets_scan;
pub use source::archive;

/// A `scan.toml`: parsed or refused, and the refusal is safe to print.
pub fn config_parse(data: &[u8]) {
    let shown = |error: &config::ConfigError| {
        let text = format!("{error}\n{}", error.render(false, 100));
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    };
    match config::parse_bytes("scan.toml", data) {
        Err(error) => shown(&error),
        Ok(config) => {
            for at in [0, data.len() / 3, data.len() / 2, data.len(), data.len() + 9] {
                shown(&config.error_at(at..at + 5, "a mistake", None));
            }
            let places = config::Places::new(&config);
            for (name, stage) in &config.stages {
                assert!(stage.span.end <= data.len());
                assert!(stage.budget.is_none() || places.span(&["stages", name, "budget"]).is_some());
            }
            for (at, one) in config.suppressions.iter().enumerate() {
                assert!(one.span.end <= data.len() && !one.select.describe().is_empty());
                assert!(places.span(&["suppress", &at.to_string(), "reason"]).is_some());
            }
        }
    }
}

/// A stored report: read or refused, and whatever is made of it is safe to print.
pub fn report_read(data: &[u8]) {
    use report::{Format, RenderOptions, json};
    let safe = |text: &str| {
        for line in text.lines() {
            assert_eq!(finding::text::printable(line), line);
        }
    };
    let outcome = match json::read(&String::from_utf8_lossy(data)) {
        Ok(outcome) => outcome,
        Err(error) => return safe(&error.to_string()),
    };
    for format in Format::ALL {
        safe(&report::render(format, &outcome, &RenderOptions { verbose: 2, width: 30, ..RenderOptions::default() }));
    }
    let mut again = json::read(&json::render(&outcome)).expect("what is written is read");
    // The last digit of a long number may differ.
    again.measurements.clone_from(&outcome.measurements);
    assert_eq!(again, outcome);
}

/// Lines and columns of any bytes, and any bytes made safe to show.
pub fn text(data: &[u8]) {
    use finding::text::{cells, is_unsafe, printable, printable_bytes, printable_line};
    let safe = |text: &str| text.char_indices().all(|(at, c)| !is_unsafe(c, &text[at..]));

    let bytes = printable_bytes(data);
    assert!(safe(&bytes), "{bytes:?}");
    let text = String::from_utf8_lossy(data);
    let once = printable(&text);
    assert!(safe(&once), "{once:?}");
    assert_eq!(printable(&once), once);
    let joined: String = cells(&text).map(|(_, cell)| cell).collect();
    assert_eq!(joined, printable_line(&text));

    let index = finding::location::LineIndex::new(data);
    let lines = index.position(data.len()).line;
    let mut end = 0;
    for line in 1..=lines.min(300) {
        let range = index.line(line);
        assert!(range.start >= end && range.start <= range.end && range.end <= data.len(), "{range:?}");
        assert_eq!(index.position(range.start).line, line);
        let _ = printable_line(&index.decode(&range));
        end = range.end;
    }
    for offset in 0..=data.len().min(300) {
        let position = index.position(offset);
        let back = index.offset(position).expect("the line is there");
        assert!(back <= data.len());
        // In UTF-16 the way back is exact for ASCII only.
        if !data.contains(&0) && !data.starts_with(b"\xff\xfe") && !data.starts_with(b"\xfe\xff") {
            assert_eq!(back, offset);
        }
    }
}

/// For the examples.
pub fn toml<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("the repository's own file")
}

/// In the standard alphabet.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes()
}
