//! The sandbox: guests run here, and only here does the host know wasmtime.
//!
//! In comes a plugin (compiled code, manifest, grants) and one file at a time; out comes what the guest
//! reported, as [`finding::raw`](crate::finding::raw) types, or how it failed. [`limits`] says what a guest may use,
//! [`capability`] has one file for each interface of the contract that the host provides, `inert` is
//! what remains of WASI. Nothing here judges a finding.

mod bindings;
pub mod capability;
mod convert;
mod engine;
mod inert;
mod instance;
pub mod limits;
mod memory;
mod state;
mod stderr;

pub use engine::{CONTRACT, Code, Engine, EngineError, Grants, Loaded};
pub use instance::{CallFailure, CallResult, Instance};
pub use limits::Limits;
pub use state::{Asked, Batch, FileData, LogLine, Spent};
