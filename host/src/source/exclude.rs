//! `[files] exclude` for sources that meet files without their folders.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::GlobSet;

/// Whether a path is excluded, itself or by a folder above it.
pub fn excludes(exclude: &GlobSet, path: &[u8]) -> bool {
    let is_match = |path: &[u8]| exclude.is_match(OsStr::from_bytes(path));
    let mut folders = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
    !exclude.is_empty() && (is_match(path) || folders.any(|at| is_match(&path[..at]) || is_match(&path[..=at])))
}
