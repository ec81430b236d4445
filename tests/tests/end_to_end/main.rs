//! The real binary from the outside: what it is fed, what it says, what it ends with. One file a topic.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod archives;
mod budget;
mod cache;
mod change;
mod commands;
mod config_mistakes;
mod configuration;
mod determinism;
mod exit_codes;
mod gate;
mod history;
mod input;
mod interplay;
mod loopholes;
mod planted;
mod plugins;
mod secrecy;
mod streams;
mod suppressions;
mod triage;
