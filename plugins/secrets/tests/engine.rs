//! What the engine has to hold whatever it is fed: no panic, spans in bounds, no overlap, no quadratic
//! time; and what it sees through.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "../build/template.rs"]
mod template;

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use scanhost_plugin::testkit::{AnchorFinder, Kit, load_dir};
use scanhost_plugin::{Anchor, Confidence, Location, Subject};
use scanhost_secrets::{ANCHORS, Engine, Match, Secrets, Via};

static FINDER: LazyLock<AnchorFinder> =
    LazyLock::new(|| AnchorFinder::new(&load_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().anchors));

fn scan(bytes: &[u8], path: &str) -> Vec<Match> {
    let found = Engine::new().scan(bytes, &FINDER.find(bytes), path);
    sound(&found, bytes);
    found
}

fn sound(found: &[Match], bytes: &[u8]) {
    let mut end = 0;
    for one in found {
        assert!(one.span.start >= end && one.span.start < one.span.end && one.span.end <= bytes.len(), "{one:?}");
        assert!(!one.secret.is_empty());
        if one.via == Via::Plain {
            assert_eq!(one.secret, &bytes[one.span.clone()]);
        }
        end = one.span.end;
    }
}

fn made(text: &str) -> String {
    template::expand(text, text).unwrap()
}

#[test]
fn the_tables_are_those_of_the_manifest() {
    let manifest = load_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let same = |(a, b): (&scanhost_plugin::testkit::AnchorText, &scanhost_secrets::Anchor)| {
        a.text == b.text && a.ignore_case == b.ignore_case && a.base64 == b.base64
    };
    assert_eq!(manifest.anchors.len(), ANCHORS.len());
    assert!(manifest.anchors.iter().zip(ANCHORS).all(same));
}

#[test]
fn utf16_is_seen_through() {
    let text = made("$password = '{{base62:14}}'\r\n");
    for (order, mark) in [
        (u16::to_le_bytes as fn(u16) -> [u8; 2], &b"\xff\xfe"[..]),
        (u16::to_be_bytes, b"\xfe\xff"),
        (u16::to_le_bytes, b""),
    ] {
        let bytes: Vec<u8> = mark.iter().copied().chain(text.encode_utf16().flat_map(order)).collect();
        let found = scan(&bytes, "set.ps1");
        assert_eq!(found.len(), 1, "{mark:?}");
        assert_eq!(found[0].via, Via::Utf16);
        assert_eq!(found[0].span.start, mark.len() + 2 * text.find('\'').unwrap() + 2);
        assert_eq!(found[0].secret, text.split('\'').nth(1).unwrap().as_bytes());
    }
}

#[test]
fn base64_is_seen_through_at_every_alignment() {
    for pad in ["", "x", "xy"] {
        let text = made(&format!(
            "data: {{{{b64:{pad}-----BEGIN PRIVATE KEY-----\n{{{{base64:64}}}}\n-----END PRIVATE KEY-----\n}}}}\n"
        ));
        let found = scan(text.as_bytes(), "secret.yaml");
        assert_eq!(found.len(), 1, "{pad}");
        assert_eq!((found[0].via, found[0].rule.id), (Via::Base64, "secrets.private-key"));
        assert_eq!(found[0].span.start, 6);
    }
}

#[test]
fn rehearsals_are_believed_less() {
    let text = made("token = \"{{base62:40}}\"");
    assert_eq!(scan(text.as_bytes(), "src/app.py")[0].confidence, Confidence::Medium);
    assert_eq!(scan(text.as_bytes(), "tests/app.py")[0].confidence, Confidence::Low);
    assert!(scan(text.as_bytes(), "Cargo.lock").is_empty());
}

#[test]
fn a_finding_names_the_place_and_hides_the_secret() {
    let manifest = load_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = made("password = \"{{base62:14}}\"\n");
    let secret = text.split('"').nth(1).unwrap().to_owned();
    let kit = Kit::with_manifest(&manifest).file("a.py", &text).file("b.py", "nothing here");
    let reported = kit.run::<Secrets>("{}").unwrap();
    assert_eq!(reported.scanned, ["a.py"]);
    let finding = &reported.findings[0];
    assert!(manifest.rule(&finding.rule).is_some());
    assert_eq!(finding.subject, Subject::Secret(secret.clone().into_bytes()));
    assert!(!format!("{finding:?}").contains(&secret));
    assert!(matches!(&finding.primary, Location::File(place) if place.path == "a.py"));
    assert_eq!(finding.redact.len(), 1);
}

#[test]
fn long_lines_and_many_anchors_take_linear_time() {
    for piece in [
        "token=",
        "eyJhbGci",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "secret\\\":\\\"",
        "password = (\n",
        "\"kty\"",
        "LS0tLS1CRUdJTi",
        "curl -",
        "key: secret_",
        // One name of a mebibyte: its end must not be looked for from each keyword in it.
        "token",
        "token.token-",
        // Anchors that the rest of their own rule allows.
        "ops_eyJ",
        "glagent-",
        "-----BEGIN PGP PRIVATE KEY BLOCK",
        // One fallback for a dozen names.
        "token=token=token=token=token=token=token=token=token=token=token=token=a||\"",
        // Values in values, none of them the same.
        &format!("{}\n", (0..40).map(|at| format!("tokenQ{at}=")).collect::<Vec<_>>().concat()),
        &format!("{}\n", (0..40).map(|at| format!("password{at}!=")).collect::<Vec<_>>().concat()),
    ] {
        let bytes = piece.repeat((1 << 20) / piece.len()).into_bytes();
        let anchors = FINDER.find(&bytes);
        let start = Instant::now();
        sound(&Engine::new().scan(&bytes, &anchors, "a.txt"), &bytes);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(3), "`{piece}`: {took:?}");
    }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let anchors: Vec<Vec<u8>> = ANCHORS.iter().map(|anchor| anchor.text.as_bytes().to_vec()).collect();
    let marks: Vec<Vec<u8>> = [
        "\"", "'", "\\", "\\\"", "=", ":", " = ", "\n", "&quot;", "(", ")", ",", "value:", "<", ">", "\0", "==", "--",
        "||", "@", "${", "`", "\"\"\"", "%3D",
    ]
    .iter()
    .map(|mark| mark.as_bytes().to_vec())
    .collect();
    let piece = prop_oneof![
        3 => prop::sample::select(anchors),
        3 => prop::sample::select(marks),
        2 => "[0-9A-Za-z+/_-]{1,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn nothing_panics_and_spans_hold(bytes in pieces(), path in "[a-z]{1,4}(/[a-z]{1,4})?\\.(py|env|json|md|lock)") {
        scan(&bytes, &path);
    }

    #[test]
    fn utf16_and_base64_of_anything_hold(bytes in pieces(), big in any::<bool>(), odd in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let order = if big { u16::to_be_bytes } else { u16::to_le_bytes };
        let mut wide: Vec<u8> = if odd { vec![b'x'] } else { vec![] };
        wide.extend(text.encode_utf16().flat_map(order));
        scan(&wide, "a.txt");
    }

    #[test]
    fn false_anchors_hold(bytes in pieces(), anchors in prop::collection::vec((any::<u32>(), 0_u64..2000), 0..60)) {
        let mut anchors: Vec<Anchor> = anchors.into_iter()
            .map(|(id, offset)| Anchor { id: if id % 5 == 0 { id } else { id % ANCHORS.len() as u32 }, offset }).collect();
        anchors.push(Anchor { id: 0, offset: u64::MAX });
        let found = Engine::new().scan(&bytes, &anchors, "a.py");
        sound(&found, &bytes);
    }
}
