//! Says too much.

use scanhost_plugin::{Attachment, Finding, Level, Measurement, Package};

use super::List;

/// See the module.
pub const ALL: List = &[
    ("flood-findings", |evil, file, report| {
        for n in 0..20_000 {
            report.finding(evil.note(file, format!("number {n}")));
        }
        Ok(())
    }),
    ("flood-bytes", |evil, file, report| {
        for _ in 0..20 {
            report.finding(evil.note(file, "x".repeat(1 << 20)));
        }
        Ok(())
    }),
    ("flood-packages", |_, _, report| {
        for n in 0..20_000 {
            let (purl, path) = (format!("pkg:cargo/p{n}@1"), Vec::new());
            let (licences, scope) = (Vec::new(), String::new());
            report.package(Package { purl, locations: Vec::new(), licences, path, scope, labels: Vec::new() });
        }
        Ok(())
    }),
    ("flood-measurements", |_, _, report| {
        for n in 0..20_000_u32 {
            report.measurement(Measurement {
                name: format!("evil.m{n}"),
                labels: Vec::new(),
                value: f64::from(n),
                unit: "count".into(),
                trials: 1,
                lower95: None,
                upper95: None,
            });
        }
        Ok(())
    }),
    ("flood-log", |evil, file, report| {
        for n in 0..10_000 {
            report.log(Level::Info, &format!("log line {n}"));
        }
        report.log(Level::Info, &"y".repeat(1 << 20));
        report.finding(evil.note(file, "logged"));
        Ok(())
    }),
    ("flood-stderr", |evil, file, report| {
        for n in 0..10_000 {
            eprintln!("stderr line {n} {}", "z".repeat(100));
            println!("stdout line {n}");
        }
        report.finding(evil.note(file, "written"));
        Ok(())
    }),
    ("flood-attachments", |evil, file, report| {
        let mut refused = 0;
        for n in 0..64 {
            let body = vec![b'a'; 1 << 20];
            let attachment =
                Attachment { name: format!("{n}.bin"), media_type: "application/octet-stream".into(), body };
            refused += u32::from(report.attach(attachment).is_err());
        }
        report.finding(evil.note(file, format!("{refused} attachments refused")));
        Ok(())
    }),
    // Each is small, each makes the host keep something.
    ("flood-empty-attachments", |evil, file, report| {
        let mut refused = 0;
        for _ in 0..100_000 {
            let empty = Attachment { name: String::new(), media_type: String::new(), body: Vec::new() };
            refused += u32::from(report.attach(empty).is_err());
        }
        report.finding(evil.note(file, format!("{refused} attachments refused")));
        Ok(())
    }),
    ("flood-unscanned", |_, _, report| {
        for n in 0..20_000 {
            report.unscanned(&format!("file{n}"), "because");
        }
        Ok(())
    }),
    ("flood-mistakes", |_, _, _| {
        for n in 0..100_000_u32 {
            let finding = Finding::new(format!("evil.no-such-rule-{n}"), scanhost_plugin::Confidence::Low, "x");
            let _ = scanhost_plugin::bindings::scanhost::plugin::report::findings(&[finding.into()]);
        }
        Ok(())
    }),
    // As deep in the report as a guest can get: one finding with many parts.
    ("flood-related", |evil, file, report| {
        let mut finding = evil.note(file, "with company");
        for n in 0..50_000_usize {
            finding = finding
                .related(scanhost_plugin::Location::whole(file), format!("{n}"))
                .label("k", "v")
                .redact(n..n + 1);
        }
        report.finding(finding);
        Ok(())
    }),
];
