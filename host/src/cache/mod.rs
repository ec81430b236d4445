//! The result cache: what a per-file plugin said of a file is kept, and given again for the same file.
//!
//! In comes a file's content, path and provenance with what its plugin is run with; out goes what the guest
//! reported then, raw, so that everything after the guest (places, severities, masks, fingerprints, comments
//! that ignore) is done anew with the file at hand. A run with the cache and one without come to the same bytes.
//!
//! [`key`] says what makes two results the same, [`record`] what is written of one and [`recipe`] how a secret
//! is not; [`shard`] is the form of a file, [`folder`] where the files are, [`store`] how a run uses them.
//! Nothing here knows wasmtime, and nothing runs a guest.
//!
//! # What this relies on
//! A guest is a function of its component, its configuration, its limits and the file: clocks stand still, its
//! randomness is a function of the component, of WASI nothing else is there. Two things could still make it
//! depend on more. It may ask the host for more: whoever opens another file is not cached at all, and whoever
//! asks for the owner and the mode of its file is cached with them in the key. And it may keep something from
//! one call to the next (or draw randomness, which goes on from call to call). A per-file plugin may not: which
//! files an instance sees depends on the number of threads already, so such a plugin's reports are not
//! reproducible without a cache either. What can be seen of it is obeyed: a plugin that says or logs anything
//! before its first file or after its last is not cached.
//!
//! # What is not kept
//! Calls that failed, ran into a limit, broke the contract, declared an input unscanned or logged anything; all
//! of a plugin that could not be loaded; and every record in which a secret of the run stands in clear text or in
//! base64, see [`store`]. Those files are scanned each time.
//!
//! # Who may write it
//! A cache is believed: whoever can write its folder can hide findings, and nothing else. It is never code, and
//! hostile bytes in it are bounded and parsed like any other. So in CI only runs of trusted branches may save
//! it, and a stage that proves something (`nightly`) does not use it unless asked.

pub mod folder;
pub mod key;
pub mod recipe;
pub mod record;
#[cfg(test)]
mod record_tests;
pub mod shard;
pub mod store;

pub use folder::{Folder, FolderError};
pub use key::{Circumstances, Content, FileKey, ShardKey};
pub use record::{Report, Reported};
pub use store::{Cache, Found, Learnt};
