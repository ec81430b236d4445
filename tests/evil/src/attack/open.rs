//! Misbehaves before the first file.

use scanhost_plugin::Error;

use super::time;
use crate::Evil;

/// What the configuration's `open` asks for.
pub fn run(evil: &Evil) -> Result<(), Error> {
    if evil.told("open", "error") {
        return Err(Error::Invalid("no\u{1b}[31m".into()));
    }
    if evil.told("open", "trap") {
        panic!("in open");
    }
    if evil.told("open", "forever") {
        time::forever();
    }
    if evil.told("open", "log") {
        eprintln!("hello from open");
    }
    Ok(())
}
