//! See the function of the same name in `src/lib.rs`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| scanhost_fuzz::cache_read(data));

#[cfg(not(fuzzing))]
fn main() {}
