//! The interfaces of the contract that the host provides, one file each. The linker links these and nothing
//! else of `scanhost:*`; what a plugin imports beyond them makes it unusable, and the message names it.

pub(super) mod files;
pub(super) mod report;

impl crate::sandbox::bindings::scanhost::plugin::types::Host for crate::sandbox::state::State {}

/// The interfaces that are provided, by name.
pub const PROVIDED: &[&str] = &["types", "files", "report"];
