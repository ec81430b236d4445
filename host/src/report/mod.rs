//! Rendering: an [`Outcome`] in, text out. One file a format; nothing here decides anything, and nothing
//! outside knows a format.
//!
//! The outcome is sorted already and its texts are safe to show; renderers keep its order. The same
//! outcome and options give the same bytes.

pub mod json;
pub mod sarif;
pub mod terminal;

#[cfg(test)]
pub(crate) mod sample;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use crate::finding::{Novelty, State, text};
use crate::outcome::Outcome;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For people: see [`terminal`].
    Terminal,
    /// For programs, complete: see [`json`].
    Json,
    /// For code-scanning services: see [`sarif`].
    Sarif,
}

impl Format {
    /// All of them, in the order of the help text.
    pub const ALL: [Self; 3] = [Self::Terminal, Self::Json, Self::Sarif];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Json => "json",
            Self::Sarif => "sarif",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such format. Whoever shows this knows how to suggest a near match from [`Format::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no report format `{}`", text::printable(.0))]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or_else(|| UnknownFormat(name.into()))
    }
}

/// How to render. All but the terminal's renderer ignore all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderOptions {
    /// Write ANSI styles.
    pub color: bool,
    /// Columns to fill; 0: as many as it takes, for output that no terminal shows.
    pub width: usize,
    /// Make paths clickable with OSC 8; needs `root_abs`.
    pub hyperlinks: bool,
    /// 1: all findings, ignored ones, all skipped files, plugins. 2: labels and timings too.
    pub verbose: u8,
    /// Findings and verdict only, and nothing at all for a clean run.
    pub quiet: bool,
    /// The scanned folder as an absolute path. Written into hyperlinks and nowhere else.
    pub root_abs: Option<PathBuf>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { color: false, width: 100, hyperlinks: false, verbose: 0, quiet: false, root_abs: None }
    }
}

/// The report, with a line end at its end unless it is empty.
pub fn render(format: Format, outcome: &Outcome, options: &RenderOptions) -> String {
    match format {
        Format::Terminal => terminal::render(outcome, options),
        Format::Json => json::render(outcome),
        Format::Sarif => sarif::render(outcome),
    }
}

pub use terminal::summary;

/// How many findings there are of each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Those that count.
    pub active: u64,
    /// Those that a comment sets aside.
    pub ignored: u64,
    /// Those that `scan.toml` accepts.
    pub suppressed: u64,
    /// Of those that count, the new ones. None: there is nothing to compare with.
    pub new: Option<u64>,
}

impl Tally {
    /// Counts.
    pub fn of(outcome: &Outcome) -> Self {
        let mut tally = Self::default();
        let policy = &outcome.policy;
        // Without a single finding nobody was asked whether there is something to compare with.
        let compared = policy.baseline.is_some() || policy.base.as_ref().is_some_and(|base| base.merge_base.is_some());
        tally.new = (outcome.findings.is_empty() && compared).then_some(0);
        for finding in &outcome.findings {
            if finding.novelty.is_some() {
                tally.new.get_or_insert(0);
            }
            match finding.state {
                State::Active => tally.active += 1,
                State::IgnoredInline { .. } => tally.ignored += 1,
                State::Suppressed { .. } => tally.suppressed += 1,
            }
            if finding.state == State::Active && finding.novelty == Some(Novelty::New) {
                *tally.new.get_or_insert(0) += 1;
            }
        }
        tally
    }
}

/// A path of the outcome as seen from the folder that the command was given in, so that an editor finds it.
fn from_here(outcome: &Outcome, path: &str) -> String {
    let root = outcome.inputs.root.trim_end_matches('/');
    let root = root.strip_prefix("./").unwrap_or(root);
    if outcome.inputs.source == "stdin" || matches!(root, "" | ".") && !outcome.inputs.root.starts_with('/') {
        return path.to_owned();
    }
    format!("{}/{path}", text::printable(root))
}

/// A path as a relative URI reference, or as the path of a URI. `:` is escaped too, or the first part of
/// `a:b/c` would be a scheme.
fn percent_encode(path: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Pretty-printed JSON with a line end. Beyond what JSON demands, whatever is not safe to show is written
/// as `\u` escapes: the same data for a parser, harmless under `cat` and in a CI service's log.
fn to_json(document: &impl Serialize) -> String {
    let mut out = Vec::new();
    let written = document.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Escaping::default()));
    match (written, String::from_utf8(out)) {
        (Ok(()), Ok(text)) => text + "\n",
        // Numbers, strings and lists always serialise. Were it otherwise, this is no report in any format's
        // eyes, and so no clean one.
        _ => "\"the report could not be serialised\"\n".into(),
    }
}

/// The pretty printer of `serde_json`, with more escapes inside strings.
#[derive(Default)]
struct Escaping(serde_json::ser::PrettyFormatter<'static>);

/// Hands the layout to the pretty printer, unchanged.
macro_rules! delegate {
    ($($name:ident($($arg:ident: $kind:ty),*);)*) => {$(
        fn $name<W: ?Sized + std::io::Write>(&mut self, writer: &mut W $(, $arg: $kind)*) -> std::io::Result<()> {
            self.0.$name(writer $(, $arg)*)
        }
    )*};
}

impl serde_json::ser::Formatter for Escaping {
    delegate! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, part: &str) -> std::io::Result<()> {
        let mut done = 0;
        for (at, c) in part.char_indices() {
            if text::is_unsafe(c, &part[at..]) {
                writer.write_all(&part.as_bytes()[done..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                done = at + c.len_utf8();
            }
        }
        writer.write_all(&part.as_bytes()[done..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("xml".parse::<Format>(), Err(UnknownFormat("xml".into())));
    }

    #[test]
    fn a_path_is_seen_from_where_the_command_was_given() {
        let mut outcome = sample::clean();
        for (root, expected) in [
            (".", "a/b"),
            ("./", "a/b"),
            ("", "a/b"),
            ("src", "src/a/b"),
            ("./src/", "src/a/b"),
            ("/", "/a/b"),
            ("/x", "/x/a/b"),
        ] {
            outcome.inputs.root = root.into();
            assert_eq!(from_here(&outcome, "a/b"), expected, "{root}");
        }
    }

    #[test]
    fn uris_are_encoded() {
        assert_eq!(percent_encode("a:b/c d/ä%.rs"), "a%3Ab/c%20d/%C3%A4%25.rs");
    }

    #[test]
    fn json_is_harmless_to_print_and_the_same_data() {
        let text = "\u{202e}##[error]\u{9b}\u{e0041}\x1b\"\\";
        let json = to_json(&[text]);
        assert_eq!(json, "[\n  \"\\u202e\\u0023#[error]\\u009b\\udb40\\udc41\\u001b\\\"\\\\\"\n]\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }
}
