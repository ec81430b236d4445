//! Reports what is not true, not declared, or not fit to be shown.

use scanhost_plugin::{
    Attachment, Confidence, Edit, Extent, FileLocation, Finding, Fix, Level, Location, Measurement, Package, Position,
    Region,
};

use super::List;

/// What a terminal, a CI system's log or a reader's eye would obey.
const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\nforged line\n::error::forged\n##[error]forged\u{202e}txt.exe\u{0}";

/// See the module.
pub const ALL: List = &[
    ("undeclared", |_, file, report| {
        report.finding(Finding::new("evil.undeclared\u{1b}[31m", Confidence::High, "x").at(file, 0..1_usize));
        Ok(())
    }),
    ("foreign-rule", |_, file, report| {
        report.finding(Finding::new("secrets.github-pat", Confidence::High, "x").at(file, 0..1_usize));
        Ok(())
    }),
    ("outside", |evil, file, report| {
        let size = file.size() as usize;
        let far = usize::MAX;
        for span in [size..size + 10, far - 1..far, 0..far, 3..3] {
            report.finding(evil.note(file, "outside").at(file, span.clone()).redact(span).subject("outside"));
        }
        let u64s = scanhost_plugin::Span { offset: u64::MAX, len: u64::MAX };
        report.finding(evil.note(file, "u64").at(file, u64s).redact(u64s));
        for (start, end) in [((0, 0), (0, 0)), ((u32::MAX, u32::MAX), (1, 1)), ((2, 9), (1, 1))] {
            let at = |(line, column)| Position { line, column };
            let extent = Extent::Text(Region { start: at(start), end: at(end) });
            report.finding(evil.note(file, "text").located(Location::File(FileLocation {
                path: file.path(),
                extent,
                logical: None,
            })));
        }
        Ok(())
    }),
    ("hostile-text", |evil, file, report| {
        let text = || HOSTILE.to_owned();
        report.log(Level::Error, HOSTILE);
        eprintln!("{HOSTILE}");
        report.unscanned(HOSTILE, HOSTILE);
        let attachment = report.attach(Attachment {
            name: format!("../../{HOSTILE}"),
            media_type: text(),
            body: b"\x1b[31m".to_vec(),
        })?;
        let mut finding = evil
            .note(file, text())
            .logical(HOSTILE)
            .subject(HOSTILE)
            .related(Location::Endpoint(text(), text()), HOSTILE)
            .related(Location::Package(text(), text()), HOSTILE)
            .related(Location::Model(text()), HOSTILE)
            .label(HOSTILE, HOSTILE)
            .attachment(attachment);
        finding.fix = Some(Fix {
            title: text(),
            edits: vec![Edit { path: text(), span: scanhost_plugin::Span { offset: 0, len: 1 }, replacement: text() }],
        });
        report.finding(finding);
        report.finding(evil.note(file, "elsewhere").located(Location::File(FileLocation {
            path: format!("../../etc/passwd{HOSTILE}"),
            extent: Extent::Bytes(scanhost_plugin::Span { offset: 5, len: u64::MAX }),
            logical: Some(text()),
        })));
        report.finding(evil.note(file, "other").located(Location::Other(text(), text())));
        report.package(Package {
            purl: format!("pkg:generic/{HOSTILE}"),
            locations: Vec::new(),
            licences: vec![text()],
            path: vec![text()],
            scope: text(),
            labels: vec![(text(), text())],
        });
        report.measurement(Measurement {
            name: text(),
            labels: vec![(text(), text())],
            value: 1.0,
            unit: text(),
            trials: u64::MAX,
            lower95: Some(-0.0),
            upper95: None,
        });
        Ok(())
    }),
    ("megabyte", |evil, file, report| {
        report.finding(evil.note(file, "\u{1b}é".repeat(1 << 18)).label("big".repeat(10_000), "v".repeat(1 << 16)));
        Ok(())
    }),
    ("score", |evil, file, report| {
        for score in [f32::NAN, f32::INFINITY, -1.0, 1e30] {
            report.finding(evil.note(file, format!("score {score}")).score(score).subject(format!("{score}")));
        }
        Ok(())
    }),
    ("nan", |_, _, report| {
        report.measurement(Measurement {
            name: "evil.nan".into(),
            labels: Vec::new(),
            value: f64::NAN,
            unit: "ratio".into(),
            trials: 1,
            lower95: None,
            upper95: None,
        });
        Ok(())
    }),
    ("attachment", |evil, file, report| {
        report.finding(evil.note(file, "x").attachment(4_000_000_000));
        Ok(())
    }),
    ("error", |_, _, _| Err(scanhost_plugin::Error::Failed(format!("cannot judge it{HOSTILE}")))),
];
