//! Records there and back, and records that are none.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::record::{About, Report, Reported, decode, encode};
use crate::finding::raw::{
    Attachment, Edit, Extent, FileLocation, Finding, Labels, Location, Measurement, Package, Subject,
};
use crate::finding::severity::{Confidence, Severity};

const RULES: &[&str] = &["p.one", "p.two", "p.three"];
const PATH: &str = "dir/a.txt";

fn rule(number: usize) -> Option<&'static str> {
    RULES.get(number).copied()
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![Just(String::new()), "[a-zäß…]{0,12}", Just(PATH.to_owned())]
}

fn labels() -> impl Strategy<Value = Labels> {
    vec((text(), text()), 0..3)
}

fn file_location() -> impl Strategy<Value = FileLocation> {
    let extent = prop_oneof![
        Just(Extent::Whole),
        any::<(u64, u64)>().prop_map(|(offset, len)| Extent::Bytes(offset, len)),
        any::<((u32, u32), (u32, u32))>().prop_map(|(start, end)| Extent::Text(start, end)),
    ];
    (text(), extent, option::of(text())).prop_map(|(path, extent, logical)| FileLocation { path, extent, logical })
}

fn location() -> impl Strategy<Value = Location> {
    prop_oneof![
        file_location().prop_map(Location::File),
        (text(), text()).prop_map(|(a, b)| Location::Package(a, b)),
        (text(), text()).prop_map(|(a, b)| Location::Endpoint(a, b)),
        text().prop_map(Location::Model),
        (text(), text()).prop_map(|(a, b)| Location::Other(a, b)),
    ]
}

/// A file's bytes and a report on it; every secret is a part of the file.
fn report() -> impl Strategy<Value = (Vec<u8>, Report)> {
    vec(any::<u8>(), 1..80).prop_flat_map(|file| {
        let size = file.len();
        let secret = (0..size, 1..=size).prop_map({
            let file = file.clone();
            move |(at, len)| Subject::Secret(file[at..(at + len).min(file.len())].to_vec())
        });
        let subject = prop_oneof![Just(Subject::Matched), text().prop_map(Subject::Text), secret];
        let head = (
            0..RULES.len(),
            option::of(proptest::sample::select(Severity::ALL.to_vec())),
            option::of(0f32..10.0),
            proptest::sample::select(vec![Confidence::Low, Confidence::Medium, Confidence::High]),
            text(),
            location(),
        );
        let edit = (text(), any::<(u64, u64)>(), text()).prop_map(|(path, span, replacement)| Edit {
            path,
            span,
            replacement,
        });
        let tail = (
            vec((location(), text()), 0..3),
            subject,
            vec(any::<(u64, u64)>(), 0..3),
            option::of((text(), vec(edit, 0..3))),
            vec(0..2u32, 0..3),
            labels(),
        );
        let finding = (head, tail).prop_map(
            |(
                (rule, severity, score, confidence, message, primary),
                (related, subject, redact, fix, attachments, labels),
            )| {
                let rule = RULES[rule].to_owned();
                Finding {
                    rule,
                    severity,
                    score,
                    confidence,
                    message,
                    primary,
                    related,
                    subject,
                    redact,
                    fix,
                    attachments,
                    labels,
                }
            },
        );
        let package = (vec(file_location(), 0..2), vec(text(), 0..2), vec(text(), 0..2), text(), labels()).prop_map(
            |(locations, licences, path, scope, labels)| Package {
                purl: "pkg:a/b@1".to_owned(),
                locations,
                licences,
                path,
                scope,
                labels,
            },
        );
        let measurement = (text(), labels(), -9f64..9.0, any::<u64>(), option::of(0f64..1.0)).prop_map(
            |(name, labels, value, trials, lower95)| Measurement {
                name,
                labels,
                value,
                unit: "ratio".to_owned(),
                trials,
                lower95,
                upper95: lower95,
            },
        );
        let attachment = (text(), text(), vec(any::<u8>(), 0..20)).prop_map(|(name, media_type, body)| Attachment {
            name,
            media_type,
            body,
        });
        let bytes = 5000usize..1_000_000;
        (Just(file), vec(finding, 0..4), vec(package, 0..3), vec(measurement, 0..3), vec(attachment, 2..4), bytes)
            .prop_map(|(file, findings, packages, measurements, attachments, bytes)| {
                (file, Report { findings, packages, measurements, attachments, bytes })
            })
    })
}

fn lend(report: &Report) -> Reported<'_> {
    Reported {
        findings: &report.findings,
        packages: &report.packages,
        measurements: &report.measurements,
        attachments: &report.attachments,
        bytes: report.bytes,
    }
}

fn written(report: &Report, about: About<'_>) -> Vec<u8> {
    encode(&lend(report), &RULES.iter().copied(), about).expect("every secret is in the file")
}

proptest! {
    #[test]
    fn what_is_written_is_read((file, report) in report()) {
        let about = About { path: PATH, bytes: &file };
        let bytes = written(&report, about);
        prop_assert_eq!(decode(&bytes, rule, about), Some(report));
    }

    #[test]
    fn what_is_damaged_is_no_panic((file, report) in report(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let about = About { path: PATH, bytes: &file };
        let good = written(&report, about);
        let mut bad = good.clone();
        bad[at.index(good.len())] = byte;
        let _ = decode(&bad, rule, about);
        prop_assert_eq!(decode(&good[..cut.index(good.len())], rule, about), None);
        // Another file of other rules: a rule that is not there and a secret that does not fit are refused.
        let _ = decode(&good, |n| RULES[..1].get(n).copied(), About { path: "b", bytes: b"" });
    }

    #[test]
    fn noise_is_no_panic(noise in vec(any::<u8>(), 0..400)) {
        let _ = decode(&noise, rule, About { path: PATH, bytes: b"some bytes of a file" });
    }
}

fn secret_finding(secret: &[u8]) -> Finding {
    Finding {
        rule: RULES[1].to_owned(),
        severity: None,
        score: None,
        confidence: Confidence::High,
        message: "a key in clear text".to_owned(),
        primary: Location::File(FileLocation { path: PATH.to_owned(), extent: Extent::Bytes(4, 12), logical: None }),
        related: Vec::new(),
        subject: Subject::Secret(secret.to_vec()),
        redact: vec![(4, 12)],
        fix: None,
        attachments: Vec::new(),
        labels: Vec::new(),
    }
}

#[test]
fn neither_a_secret_nor_the_path_nor_the_rule_is_written() {
    let about = About { path: PATH, bytes: b"pw: hunter2hunt2 \n" };
    let report = Report { findings: vec![secret_finding(b"hunter2hunt2")], ..Report::default() };
    let bytes = written(&report, about);
    for part in ["hunter2", PATH, "two"] {
        assert!(memchr::memmem::find(&bytes, part.as_bytes()).is_none(), "{part}");
    }
    assert!(bytes.len() < 60, "{} bytes", bytes.len());
    let absent = Report { findings: vec![secret_finding(b"not in the file")], ..Report::default() };
    assert_eq!(encode(&lend(&absent), &RULES.iter().copied(), about), None);
    let undeclared = ["p.else"];
    assert_eq!(encode(&lend(&report), &undeclared.iter().copied(), about), None);
}

#[test]
fn what_a_guest_may_not_report_no_record_may() {
    let about = About { path: PATH, bytes: b"pw: hunter2hunt2 \n" };
    let mut finding = secret_finding(b"hunter2hunt2");
    finding.attachments = vec![0];
    let package = Package {
        purl: "no purl".to_owned(),
        locations: vec![],
        licences: vec![],
        path: vec![],
        scope: String::new(),
        labels: vec![],
    };
    let measurement = Measurement {
        name: String::new(),
        labels: vec![],
        value: f64::NAN,
        unit: String::new(),
        trials: 0,
        lower95: None,
        upper95: None,
    };
    for report in [
        Report { findings: vec![finding], ..Report::default() },
        Report { packages: vec![package], ..Report::default() },
        Report { measurements: vec![measurement], ..Report::default() },
    ] {
        assert_eq!(decode(&written(&report, about), rule, about), None, "{report:?}");
    }
}
