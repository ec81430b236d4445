//! The host's anchor pass, with what it takes from the module around it.

#[path = "../../host/src/router/anchors.rs"]
mod anchors;

pub use anchors::{AnchorSet, Builder, Hits};

/// As in the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where.
    pub offset: u64,
    /// Which.
    pub anchor: u32,
}
