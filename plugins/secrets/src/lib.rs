//! The secrets scanner: which bytes of a file are a credential.
//!
//! In comes a file's bytes, its path and the places where the host found the rules' anchors; out go
//! [`Match`]es. The rules are data (`rules/`, written as `RULES.md` says) and are turned into static tables
//! when this crate is built. All of it runs natively too; `guest.rs` is the component's export and nothing
//! else.
//!
//! - `engine` goes from anchors to matches, `assign` from a keyword to the value assigned to its name;
//! - `judge`, `lists`, `words` and `context` tell secrets from what looks like one; `check` verifies what can be;
//! - `base64` and `wide` see through encodings.

mod assign;
mod base64;
mod check;
mod context;
mod engine;
mod judge;
mod lists;
mod regexes;
mod rule;
mod scanner;
mod wide;
mod words;

#[cfg(target_family = "wasm")]
mod guest;

pub use engine::{Engine, MAX_MATCHES, Match, Via};
pub use rule::{ANCHORS, Anchor, ByteSet, Checksum, Judge, Mode, RULES, Rule, SETS};
pub use scanner::Secrets;
