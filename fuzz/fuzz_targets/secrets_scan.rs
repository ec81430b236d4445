//! See the function of the same name in `src/lib.rs`.
#![cfg_attr(fuzzing, no_main)]

// The searcher for the anchors takes seconds to build under the sanitizer, which no input is to blame for.
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(init: scanhost_fuzz::secrets_scan(b"\0"), |data: &[u8]| scanhost_fuzz::secrets_scan(data));

#[cfg(not(fuzzing))]
fn main() {}
