//! How long the secrets engine takes for files that somebody wrote to make it slow.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --example slow -- [MEBIBYTES] [WORD]` fills a file of
//! that size (16 unless told) with each of the pieces below (or those whose name holds the word), plain and in
//! UTF-16. Without a word it goes on with every anchor and example of the rules: all in a small file, the
//! worst in a large one. More than two seconds for 16 MiB is a defect.

#[path = "../../plugins/secrets/build/template.rs"]
mod template;

use std::path::Path;
use std::time::Duration;

use scanhost_plugin::testkit::{AnchorFinder, load_dir};
use scanhost_secrets::{ANCHORS, Engine};
use serde::Deserialize;

/// Written by hand, each after a place in the engine that reads on from an anchor.
const PIECES: &[(&str, &str)] = &[
    ("one name without end", "token"),
    ("one name, words", "password_"),
    ("assignments in a row", "key=token="),
    ("keywords as values", "token=secret=api_key=apikey=passwd="),
    ("values that pass for random", "tokenQ7=secretXv2=api_keyK9=passwdR4="),
    (
        "lines of values in values",
        concat!(
            "tokenQ7=secretXv2=api_keyK9=passwdR4=tokenM8=secretZp1=api_keyL3=passwdN6=tokenH5=secretYw9=api_keyB2=passwdT7=",
            "tokenA7=secretBv2=api_keyC9=passwdD4=tokenE8=secretFp1=api_keyG3=passwdH6=tokenI5=secretJw9=api_keyK2=passwdL7=",
            "tokenM7=secretNv2=api_keyO9=passwdP4=tokenQ8=secretRp1=api_keyS3=passwdT6=tokenU5=secretVw9=api_keyW2=passwdX7=",
            "tokenY7=secretZv2=api_keyA9=passwdB4=tokenC8=secretDp1=api_keyE3=passwdF6=tokenG5=secretHw9=api_keyI2=passwdJ7\n",
        ),
    ),
    (
        "lines of long values",
        concat!(
            "token=Q7vXk2Lp9WzR4tN8mYc3HsDQ7vXk2Lp9WzR4tN8mYc3HsDxb5gJf0aTqUeZoViCwSnKlMhPrBdGyEu6",
            "Z1cXv7Bn3Mq9Wk5Er2Ty8Ui4Op6As0Df1Gh7Jk3Lz9Xc5Vb2Nm8Qw4Er6Ty0Ui1Op7As3Df9Gh5Jk2Lz8Xc4V\n",
        ),
    ),
    ("quotes", "\""),
    ("keyword and quote", "token=\""),
    ("keyword and escaped quote", "token=\\\""),
    ("slashes", "token=\\"),
    ("all kinds of quotes, none closed", "token=\"token='token=`token=&quot;"),
    ("fallback without end", "token=token=token=token=token=token=token=token=token=token=token=token=a||\""),
    ("names that deny", "token_id=token_id=token_id=token_id=token_id=token_id=token_id=a||\"Q7vXk2Lp9WzR4tN8mYc3\""),
    ("calls", "token=f(\""),
    ("blanks behind", "token        \t\t\t\t        "),
    ("type annotations", "token:&'static str<a,b>::c "),
    ("pairs", "(\"token\",\"token\","),
    ("elements", "<token>"),
    ("dots", "token.token-"),
    ("headers of keys", "-----BEGIN "),
    ("headers of private keys", "-----BEGIN PRIVATE KEY-----"),
    (
        "key without end",
        "-----BEGIN PRIVATE KEY-----\nQ7vXk2Lp9WzR4tN8mYc3HsDQ7vXk2Lp9WzR4tN8mYc3HsDQ7vXk2Lp9WzR4tN8mYc3HsD",
    ),
    ("anchors inside their own rule", "ops_eyJ"),
    ("more of these", "glagent-"),
    ("headers of PGP keys", "-----BEGIN PGP PRIVATE KEY BLOCK"),
    ("web tokens", "eyJhbGci"),
    ("web tokens with dots", "eyJhbGci."),
    ("base64 of a header", "LS0tLS1CRUdJTi"),
    ("base64, the second alignment", "0tLS0tQkVHSU4g"),
    ("base64 of ghp_", "Z2hwX2dwX2hwXw"),
    ("command lines", "curl "),
    ("command lines with flags", "curl -u "),
    ("machines", "machine a "),
    ("URLs", "://a:"),
    ("URLs with names", "https://user:"),
    ("connection strings", ";password="),
    ("headers", "bearer basic "),
    (
        "file mode",
        "\"private_key_id\": \"0123456789abcdef0123456789abcdef01234567\", \"private_key\": \"-----BEGIN PRIVATE KEY-----",
    ),
    ("NUL", "token\0=\0"),
];

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    positive: Vec<String>,
}

/// The thread's processor time where the system tells it, so that a busy machine does not matter.
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn wide(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|&b| [b, 0]).collect()
}

fn filled(piece: &[u8], size: usize) -> Vec<u8> {
    piece.iter().copied().cycle().take(size).collect()
}

struct Bench {
    finder: AnchorFinder,
    engine: Engine,
}

impl Bench {
    /// Processor time, the number of anchors, the number of secrets.
    fn time(&mut self, bytes: &[u8]) -> (Duration, usize, usize) {
        let anchors = self.finder.find(bytes);
        let start = now();
        let found = self.engine.scan(bytes, &anchors, "deploy/a.env").len();
        (now().saturating_sub(start), anchors.len(), found)
    }

    fn show(&mut self, name: &str, piece: &[u8], size: usize) {
        let (took, anchors, found) = self.time(&filled(piece, size));
        let mark = if took > Duration::from_secs(2) { "SLOW" } else { "" };
        println!("{:>7} ms {anchors:>9} anchors {found:>5} found  {mark:4} {name}", took.as_millis());
    }
}

fn main() {
    let mut size = 16 << 20;
    let mut word = String::new();
    for argument in std::env::args().skip(1) {
        match argument.parse::<usize>() {
            Ok(mebibytes) => size = mebibytes << 20,
            Err(_) => word = argument,
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/secrets");
    let manifest = load_dir(&root).expect("the manifest loads");
    let mut bench = Bench { finder: AnchorFinder::new(&manifest.anchors), engine: Engine::new() };
    for (name, piece) in PIECES.iter().filter(|(name, _)| word == "all" || name.contains(&word)) {
        bench.show(name, piece.as_bytes(), size);
        bench.show(&format!("{name}, UTF-16"), &wide(piece.as_bytes()), size);
    }
    if !word.is_empty() && word != "all" {
        return;
    }
    let mut pieces: Vec<(String, Vec<u8>)> = Vec::new();
    for anchor in ANCHORS {
        let text = anchor.text;
        for (suffix, what) in [
            ("", "bare"),
            (" ", "blank"),
            ("=", "="),
            ("=\"", "=\""),
            ("a", "a"),
            ("Q7x", "Q7x"),
            ("0", "0"),
            ("-", "-"),
        ] {
            pieces.push((format!("anchor `{text}` {what}"), [text, suffix].concat().into_bytes()));
        }
        for length in [12, 60, 500, 4000] {
            let fill: String = "Q7vXk2Lp9WzR4tN8mYc3HsD".chars().cycle().take(length).collect();
            pieces.push((format!("anchor `{text}` and {length} characters"), format!("{text}{fill}").into_bytes()));
            let spaces = " ".repeat(length);
            pieces.push((format!("anchor `{text}` and {length} blanks"), format!("{text}{spaces}").into_bytes()));
        }
    }
    for file in scanhost_manifest::rule_files(&root.join("rules")).expect("the rules are there") {
        let text = std::fs::read_to_string(file).expect("the rules are read");
        let rules: RuleFile = scanhost_fuzz::toml(&text);
        for rule in rules.rule {
            for (at, positive) in rule.positive.iter().enumerate() {
                let example = template::expand(positive, positive).expect("examples expand").into_bytes();
                let name = |what: &str| format!("{} example {at} {what}", rule.id);
                for part in [2, 3, 5] {
                    pieces.push((name(&format!("first {part} eighths")), example[..example.len() * part / 8].to_vec()));
                }
                pieces.push((name("without its end"), example[..example.len() - 2].to_vec()));
                pieces.push((name("lines"), [&example[..], b"\n"].concat()));
                pieces.push((name("in base64"), scanhost_fuzz::base64(&example)));
                pieces.push((name(""), example));
            }
        }
    }
    pieces.retain(|(_, piece)| !piece.is_empty());
    println!("{} pieces of anchors and examples", pieces.len());
    let small = 48 << 10;
    let mut times: Vec<(Duration, usize)> =
        pieces.iter().enumerate().map(|(at, (_, piece))| (bench.time(&filled(piece, small)).0, at)).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    for &(_, at) in times.iter().take(25) {
        bench.show(&pieces[at].0, &pieces[at].1, size);
    }
}
