//! Builds every first-party plugin for wasm32-wasip2, packs its manifest, compiles it ahead of time and
//! writes `bundle.rs`, which embeds the results.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "src/engine.rs"]
mod engine;

/// Folder under `plugins/`, which is the plugin's id too, and the crate's name.
const PLUGINS: &[(&str, &str)] = &[("secrets", "scanhost-secrets")];

/// What a plugin's component depends on, beside its own folder.
const SHARED: &[&str] =
    &["wit", "plugins/sdk/src", "plugins/sdk/Cargo.toml", "plugins/manifest/src", "Cargo.lock", "Cargo.toml"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let triple = env::var("TARGET")?;
    println!("cargo::rustc-env=SCANHOST_BUNDLE_TRIPLE={triple}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/engine.rs");
    for path in SHARED {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    // One folder for debug and release: a plugin is the same in both. OUT_DIR is
    // <target>/<profile>/build/<crate>/out.
    let target_dir = out.ancestors().nth(4).ok_or("OUT_DIR is too short")?.join("plugins");
    build(&root, &target_dir)?;

    let engine = wasmtime::Engine::new(&engine::config(&triple)?)?;
    let mut table = String::from("/// Every first-party plugin, by id.\npub static PLUGINS: &[BuiltIn] = &[\n");
    for (id, krate) in PLUGINS {
        let dir = root.join("plugins").join(id);
        for part in ["src", "rules", "plugin.toml", "build", "build.rs", "Cargo.toml"] {
            if dir.join(part).exists() {
                println!("cargo::rerun-if-changed={}", dir.join(part).display());
            }
        }
        let manifest = scanhost_manifest::load_dir(&dir)?;
        if manifest.id.as_str() != *id {
            return Err(format!("`{}` says that its id is `{}`", dir.join("plugin.toml").display(), manifest.id).into());
        }
        let file = target_dir.join("wasm32-wasip2/plugin").join(format!("{}.wasm", krate.replace('-', "_")));
        let wasm = fs::read(&file).map_err(|e| format!("cannot read `{}`: {e}", file.display()))?;
        let packed = scanhost_manifest::pack(&wasm, &manifest)?;
        let digest = scanhost_manifest::digest(&packed);
        let artefact = engine.precompile_component(&packed)?;
        fs::write(out.join(format!("{id}.cwasm")), artefact)?;
        fs::write(out.join(format!("{id}.json")), serde_json::to_string(&manifest)?)?;
        write!(
            table,
            "    BuiltIn {{\n        id: {id:?},\n        digest: {digest:?},\n        manifest: include_str!(concat!(env!(\"OUT_DIR\"), \"/{id}.json\")),\n        artefact: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{id}.cwasm\")),\n    }},\n"
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("bundle.rs"), table)?;
    Ok(())
}

/// One cargo for all plugins, in a target folder of its own: the outer cargo holds the lock of its.
fn build(root: &Path, target_dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.current_dir(root).args(["build", "--quiet", "--locked", "--profile", "plugin", "--target", "wasm32-wasip2"]);
    cargo.arg("--target-dir").arg(target_dir);
    for (_, krate) in PLUGINS {
        cargo.args(["--package", krate]);
    }
    // What is set for the host's build (flags, wrappers such as clippy's, profiles) must not reach this one;
    // nor must what cargo sets for build scripts.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let meant_for_the_host = [
            "CARGO_PROFILE_",
            "CARGO_BUILD_",
            "CARGO_TARGET_",
            "CARGO_FEATURE_",
            "CARGO_CFG_",
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_UNSTABLE_",
            "DEP_",
        ];
        if meant_for_the_host.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_INCREMENTAL",
        "CLIPPY_ARGS",
        "RUSTC",
        "RUSTDOC",
        "TARGET",
        "HOST",
        "OPT_LEVEL",
        "PROFILE",
        "DEBUG",
        "NUM_JOBS",
        "OUT_DIR",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
        "RUSTC_LINKER",
        "LD_LIBRARY_PATH",
    ] {
        cargo.env_remove(name);
    }
    let status = cargo.status()?;
    if status.success() {
        return Ok(());
    }
    Err("the plugins did not build for wasm32-wasip2 (the compiler's messages are above); if the target is missing, run `cargo xtask setup`".into())
}
