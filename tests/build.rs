//! Builds the hostile guest for wasm32-wasip2 and packs it twice: as a plugin that sees single files, and as
//! one that sees the whole project.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the guest depends on, beside its own folder.
const SHARED: &[&str] =
    &["wit", "plugins/sdk/src", "plugins/sdk/Cargo.toml", "plugins/manifest/src", "Cargo.lock", "Cargo.toml"];

/// What the inner cargo needs of the outer one's environment. Everything else (flags, wrappers such as clippy's,
/// profiles, what cargo sets for build scripts) is meant for the host's build.
const KEPT: &[&str] =
    &["PATH", "HOME", "TMPDIR", "USER", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_AUTO_INSTALL"];

/// The same, by prefix: how to reach a registry.
const KEPT_PREFIXES: &[&str] =
    &["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=evil");
    for path in SHARED {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    // A target folder of its own: the outer cargo holds the lock of its, the bundle's build script that of
    // the plugins'. OUT_DIR is <target>/<profile>/build/<crate>/out.
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is too short")?.join("evil");
    let wasm = build(&root, &target)?;
    for (folder, name) in [("per-file", "evil"), ("whole-project", "evil-project")] {
        let manifest = scanhost_manifest::load_dir(&here.join("evil").join(folder))?;
        fs::write(out.join(format!("{name}.wasm")), scanhost_manifest::pack(&wasm, &manifest)?)?;
    }
    fs::write(out.join("unpacked.wasm"), wasm)?;
    Ok(())
}

/// The guest as the compiler makes it.
fn build(root: &Path, target: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.current_dir(root).args(["build", "--quiet", "--locked", "--profile", "evil", "--target", "wasm32-wasip2"]);
    cargo.args(["--package", "scanhost-evil", "--target-dir"]).arg(target);
    cargo.env_clear();
    for (name, value) in env::vars_os() {
        let text = name.to_string_lossy();
        if KEPT.contains(&&*text) || KEPT_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env(&name, value);
        }
    }
    if !cargo.status()?.success() {
        return Err("the hostile guest did not build for wasm32-wasip2 (the compiler's messages are above); if the target is missing, run `cargo xtask setup`".into());
    }
    let file = target.join("wasm32-wasip2/evil/scanhost_evil.wasm");
    Ok(fs::read(&file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?)
}
