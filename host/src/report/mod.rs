//! Rendering: an [`Outcome`](crate::outcome::Outcome) in, bytes out. One file a format; nothing here
//! decides anything, and nothing outside knows a format.
