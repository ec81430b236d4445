//! The rules as the build script left them: static tables, nothing to parse. How they are written is in
//! `RULES.md`, how they are checked in `build/`.

use scanhost_plugin::Confidence;

/// Where a rule's regex is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Beginning at an anchor.
    Anchored,
    /// Against the value of an assignment.
    Assignment,
    /// Around an anchor.
    Window,
    /// Over the whole file.
    File,
}

/// How hard a match is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The format speaks for itself; only plain placeholders are dropped.
    Format,
    /// Only the name gives it away, and it should look random.
    Token,
    /// Only the name gives it away, and a person may have made it up.
    Password,
}

/// What is verified offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The last six characters are a CRC-32 of those before.
    Github,
    /// The same scheme.
    Npm,
    /// Header and payload decode to JSON objects.
    Jwt,
    /// The body decodes, and to more than filler.
    Pem,
    /// Decodes to `user:password`.
    Basic,
}

/// A rule, ready to run.
#[derive(Debug)]
#[allow(missing_docs, reason = "as in RULES.md")]
pub struct Rule {
    pub id: &'static str,
    pub title: &'static str,
    pub confidence: Confidence,
    pub mode: Mode,
    pub judge: Judge,
    /// It stands in `rules/generic.toml`: it knows no provider.
    pub generic: bool,
    pub pattern: &'static str,
    pub before: usize,
    pub after: usize,
    pub entropy: f32,
    /// Bits: digit, letter, lower, upper, symbol.
    pub require: u8,
    pub checksum: Option<Checksum>,
    pub allow: &'static [&'static str],
    /// The shortest match.
    pub min: usize,
    /// The longest match.
    pub max: usize,
    /// For each of the first positions of a match an index into [`SETS`].
    pub prefix: &'static [u16],
    /// Where the pattern is one class repeated `min..=max` times, that class: no regex is needed.
    pub plain_class: Option<usize>,
}

/// One of the manifest's anchors and the rules that wait for it.
#[derive(Debug)]
#[allow(missing_docs, reason = "as in the manifest")]
pub struct Anchor {
    pub text: &'static str,
    pub ignore_case: bool,
    pub base64: bool,
    /// Rules of the mode anchored.
    pub anchored: &'static [u16],
    /// Rules of the mode assignment.
    pub assigned: &'static [u16],
    /// Rules of the modes window and file.
    pub wider: &'static [u16],
}

impl Anchor {
    /// Whether it stands here as written.
    pub fn is_at(&self, bytes: &[u8], offset: usize) -> bool {
        let text = self.text.as_bytes();
        offset
            .checked_add(text.len())
            .and_then(|end| bytes.get(offset..end))
            .is_some_and(|found| if self.ignore_case { found.eq_ignore_ascii_case(text) } else { found == text })
    }
}

/// A set of bytes.
#[derive(Debug)]
pub struct ByteSet(pub [u64; 4]);

impl ByteSet {
    /// Whether the byte is in it.
    #[inline]
    pub fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

impl Rule {
    /// Whether a match may begin here, as far as its first bytes tell.
    #[inline]
    pub fn may_start(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.min && self.prefix.iter().zip(bytes).all(|(&set, &byte)| SETS[usize::from(set)].has(byte))
    }
}

pub use tables::{ANCHORS, RULES, SETS};

#[allow(clippy::unreadable_literal, reason = "generated")]
mod tables {
    use super::{Anchor, ByteSet, Checksum, Confidence, Judge, Mode, Rule};

    include!(concat!(env!("OUT_DIR"), "/rules.rs"));
}
