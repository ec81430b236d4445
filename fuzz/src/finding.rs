//! The host's modules about places and text, without those that need the rest of the host.

#[path = "../../host/src/finding/date.rs"]
pub mod date;
#[path = "../../host/src/finding/fingerprint.rs"]
pub mod fingerprint;
#[path = "../../host/src/finding/location.rs"]
pub mod location;
#[path = "../../host/src/finding/pattern.rs"]
pub mod pattern;
#[path = "../../host/src/finding/raw.rs"]
pub mod raw;
#[path = "../../host/src/finding/severity.rs"]
pub mod severity;
#[path = "../../host/src/finding/text.rs"]
pub mod text;

pub use date::Date;
pub use fingerprint::Fingerprint;
pub use scanhost_manifest::{Confidence, PluginId, Severity};
