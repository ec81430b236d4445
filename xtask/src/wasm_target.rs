//! Makes `wasm32-wasip2` usable, the target that the plugins are compiled for.
//!
//! Three steps, each only if the one before did not do: the compiler is asked, rustup is asked, and at last
//! `ensure-wasm-target.sh` builds the target's standard library from Debian's sources.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::project::Project;

/// What plugins are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Needs std and a linker, so it fails where either is missing, as a plugin would.
const PROBE: &str =
    "#[unsafe(no_mangle)] pub extern \"C\" fn probe(n: usize) -> usize { std::env::args().count() + n }";

/// Returns once the target works, or says what to do.
pub fn ensure(project: &Project) -> Result<(), String> {
    if works(project)? {
        return Ok(());
    }
    if std::env::var_os("SCANHOST_WASM_FALLBACK_ONLY").is_none() {
        eprintln!("The compiler cannot build for {TARGET} yet; asking rustup to add it.");
        match project.program("rustup", ["target", "add", TARGET]).succeed() {
            Ok(()) if works(project)? => return Ok(()),
            Ok(()) => eprintln!("rustup added {TARGET}, and the compiler still refuses it."),
            Err(error) => eprintln!("rustup could not add {TARGET}: {error}"),
        }
    }
    eprintln!("Building the standard library of {TARGET} from Debian's sources, once; this takes a minute or two.");
    let by_hand =
        format!("install {TARGET} for this compiler: `rustup target add {TARGET}`, or your system's package of it");
    project
        .program("bash", ["xtask/ensure-wasm-target.sh"])
        .succeed()
        .map_err(|error| format!("{error}; {by_hand}"))?;
    if works(project)? { Ok(()) } else { Err(format!("the compiler still cannot build for {TARGET}; {by_hand}")) }
}

/// Asks the compiler, not the file system: files that another version of the compiler left behind are there
/// and do not work.
fn works(project: &Project) -> Result<bool, String> {
    let output = project.scratch("xtask")?.join(format!("probe-{}.wasm", std::process::id()));
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(&project.root)
        .args(["--target", TARGET, "--edition", "2024", "--crate-type", "cdylib", "-Cpanic=abort", "-o"])
        .arg(&output)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start rustc: {error}"))?;
    // A compiler that refuses the target may close its input unread; its exit status says it all.
    if let Some(mut input) = rustc.stdin.take() {
        let _ = input.write_all(PROBE.as_bytes());
    }
    let status = rustc.wait().map_err(|error| format!("rustc: {error}"))?;
    let _ = std::fs::remove_file(&output);
    Ok(status.success())
}
