//! Runs one scanner once and reads what the kernel says it took.
//!
//! The kernel sums up the resources of *all* children of a process, so each run gets a process of its own
//! between us and the scanner: this very program, called with [`SELF_CALL`]. It starts the scanner, waits, and
//! prints one line of numbers. Its own memory is a few megabytes, far below any scanner's.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::peers::Scanner;
use crate::CommandResult;

/// The hidden command that measures.
pub const SELF_CALL: &str = "__measure";

/// What one run took. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub wall: f64,
    pub user: f64,
    pub system: f64,
    /// The largest resident set of the scanner or of one of its children, in KiB.
    pub peak_kib: u64,
    /// 256 for one that a signal ended.
    pub exit: i32,
}

/// Runs `scanner` over `tree`.
pub fn once(scanner: &Scanner, tree: &Path) -> Result<Sample, String> {
    let us = std::env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let mut command = Command::new(us);
    command.arg(SELF_CALL).arg(&scanner.program).args((scanner.arguments)(tree)).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("cannot measure {}: {error}", scanner.name))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text)
        .ok_or_else(|| format!("cannot measure {}: {}", scanner.name, String::from_utf8_lossy(&output.stderr).trim()))
}

fn parse(line: &str) -> Option<Sample> {
    let mut fields = line.split_whitespace();
    let mut time = || fields.next()?.parse::<f64>().ok();
    let (wall, user, system) = (time()?, time()?, time()?);
    Some(Sample { wall, user, system, peak_kib: fields.next()?.parse().ok()?, exit: fields.next()?.parse().ok()? })
}

/// The process in between: starts what follows, with its output thrown away, and prints the numbers.
#[cfg(unix)]
pub fn child(command: &[OsString]) -> CommandResult {
    use nix::sys::resource::{UsageWho, getrusage};
    let (program, arguments) = command.split_first().ok_or("nothing to measure")?;
    let mut scanner = Command::new(program);
    scanner.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = scanner.status().map_err(|error| format!("cannot start it: {error}"))?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| format!("getrusage: {error}"))?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + f64::from(time.tv_usec() as i32) / 1e6;
    let peak = if cfg!(target_os = "macos") { usage.max_rss() / 1024 } else { usage.max_rss() };
    let (user, system) = (seconds(usage.user_time()), seconds(usage.system_time()));
    println!("{wall} {user} {system} {peak} {}", status.code().unwrap_or(256));
    Ok(0)
}

/// Only Unix tells what a child took.
#[cfg(not(unix))]
pub fn child(_: &[OsString]) -> CommandResult {
    Err("bench needs a Unix system".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_numbers_is_a_sample() {
        let expected = Sample { wall: 1.5, user: 2.25, system: 0.5, peak_kib: 20_480, exit: 200 };
        assert_eq!(parse("1.5 2.25 0.5 20480 200\n"), Some(expected));
        assert_eq!(parse("1.5 2.25\n"), None);
    }
}
