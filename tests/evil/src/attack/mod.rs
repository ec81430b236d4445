//! The attacks by name. A module holds the variants of one idea.

mod files;
mod flood;
mod leak;
mod lies;
mod memory;
pub mod open;
pub mod project;
mod time;
mod trap;
mod wasi;

use scanhost_plugin::{Error, File, Report};

use crate::Evil;

/// What a scanned file's name chooses.
pub type Attack = fn(&mut Evil, &File, &mut Report) -> Result<(), Error>;

/// The attack of this name.
pub fn find(name: &str) -> Option<Attack> {
    let all = [files::ALL, flood::ALL, leak::ALL, lies::ALL, memory::ALL, time::ALL, trap::ALL, wasi::ALL, NONE];
    all.into_iter().flatten().find(|(own, _)| *own == name).map(|(_, attack)| *attack)
}

/// A module's attacks.
pub type List = &'static [(&'static str, Attack)];

/// No attack at all: a file beside the others.
const NONE: List = &[
    ("good", |evil, file, report| {
        report.finding(evil.note(file, "scanned"));
        Ok(())
    }),
    ("quiet", |_, _, _| Ok(())),
];
