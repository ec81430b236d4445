//! What a scanhost plugin in Rust depends on.
//!
//! A plugin implements [`Scanner`] and calls [`export!`]; it is handed a [`File`] a call and tells what it
//! found through a [`Report`]. The same code runs natively over files in memory with the `testkit`. The
//! contract itself is `wit/plugin.wit`; nothing here adds to it, and nothing here knows the host.
//!
//! ```
//! use scanhost_plugin::{Confidence, Error, File, Finding, Report, Scanner};
//!
//! struct Todo;
//!
//! impl Scanner for Todo {
//!     fn open(_config: &str) -> Result<Self, Error> {
//!         Ok(Self)
//!     }
//!
//!     fn scan(&mut self, file: &File, report: &mut Report) -> Result<(), Error> {
//!         for anchor in file.anchors() {
//!             let span = anchor.offset..anchor.offset + 4;
//!             report.finding(Finding::new("todo.left", Confidence::High, "A TODO is left").at(file, span));
//!         }
//!         Ok(())
//!     }
//! }
//!
//! scanhost_plugin::export!(Todo);
//! ```

mod file;
mod model;
mod report;
mod scanner;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod testkit;

pub use file::{Anchor, Entry, File, Stat};
pub use model::{
    Attachment, Confidence, Edit, Error, Extent, FileLocation, Finding, Fix, Labels, Location, Measurement, Package,
    Position, Region, Severity, Span, Subject,
};
pub use report::{Level, Report};
pub use scanner::Scanner;
