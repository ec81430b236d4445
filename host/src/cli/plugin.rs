//! `scanhost plugin list|inspect|pack`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::args::{self, PluginCommand};
use crate::finding::text::printable;
use crate::plan;
use crate::plugin::{self, Origin, Plugin};
use crate::sandbox::Engine;

/// Runs it.
pub fn command(args: &args::Plugin) -> anyhow::Result<u8> {
    match &args.command {
        PluginCommand::List { format, config } => list(format, config.as_deref()),
        PluginCommand::Inspect { plugin, format } => inspect(plugin, format),
        PluginCommand::Pack { component, manifest, output } => pack(component, manifest, output),
    }
}

fn list(format: &str, config: Option<&Path>) -> anyhow::Result<u8> {
    let plugins = super::rules::plugins(config)?;
    let mut out = String::new();
    if format == "json" {
        let list: Vec<_> = plugins
            .iter()
            .map(|p| {
                serde_json::json!({
                    "id": p.id().as_str(),
                    "version": p.manifest.version,
                    "digest": p.digest,
                    "source": p.source(),
                    "stages": p.manifest.stages,
                    "rules": p.manifest.rules.len(),
                    "description": p.manifest.description,
                })
            })
            .collect();
        out = serde_json::to_string_pretty(&list)? + "\n";
    } else {
        let widest = plugins.iter().map(|p| p.id().as_str().len()).max().unwrap_or(0);
        for p in &plugins {
            let stages =
                if p.manifest.stages.is_empty() { "no stage by default".into() } else { p.manifest.stages.join(", ") };
            let m = &p.manifest;
            let _ = writeln!(
                out,
                "{:<widest$}  {}  {} rules  {}  [{}]  {}",
                m.id,
                m.version,
                m.rules.len(),
                p.source(),
                stages,
                m.description
            );
        }
    }
    super::print(&out)?;
    Ok(0)
}

fn inspect(name: &str, format: &str) -> anyhow::Result<u8> {
    let known = plugin::built_in();
    let by_path = name.contains(['/', '\\', '.']);
    let plugin = if by_path { plugin::from_file(Path::new(name), name)? } else { plan::find(&known, name)?.clone() };
    let imports = imports(&plugin)?;
    let m = &plugin.manifest;
    let mut out = String::new();
    if format == "json" {
        let value = serde_json::json!({
            "digest": plugin.digest,
            "source": plugin.source(),
            "imports": imports,
            "manifest": m.as_ref(),
        });
        out = serde_json::to_string_pretty(&value)? + "\n";
    } else {
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<12} {}", printable(&value));
        };
        row("id", m.id.to_string());
        row("version", m.version.clone());
        row("description", m.description.clone());
        row("digest", plugin.digest.clone());
        row("source", plugin.source());
        row("contract", m.contract.clone());
        row("kind", serde_json::to_value(m.kind)?.as_str().unwrap_or_default().to_owned());
        row("stages", m.stages.join(", "));
        row(
            "imports",
            imports.map_or_else(|| "compiled ahead of time, checked at build".into(), |list| list.join(", ")),
        );
        row("files", m.interests.include.join(", "));
        row("anchors", m.anchors.len().to_string());
        row("rules", m.rules.len().to_string());
        row("memory", format!("{} MiB", m.limits.memory >> 20));
        row("time", format!("{} ms a call", m.limits.time_ms));
    }
    super::print(&out)?;
    Ok(0)
}

/// What a component imports of the contract; an artefact does not tell any more.
fn imports(plugin: &Plugin) -> anyhow::Result<Option<Vec<String>>> {
    let Origin::File { wasm, .. } = &plugin.origin else { return Ok(None) };
    Ok(Some(Engine::new()?.imports(wasm)?))
}

fn pack(component: &Path, dir: &Path, output: &Path) -> anyhow::Result<u8> {
    let wasm = plugin::read(component)?;
    let manifest = scanhost_manifest::load_dir(dir)?;
    let packed =
        scanhost_manifest::pack(&wasm, &manifest).with_context(|| format!("cannot pack `{}`", component.display()))?;
    // What would not load is not worth packing; better said now than in somebody's pipeline.
    Engine::new()?.compile(&packed).with_context(|| format!("`{}` is no usable plugin", component.display()))?;
    std::fs::write(output, &packed).with_context(|| format!("cannot write `{}`", output.display()))?;
    super::print(&format!("{} {}\n", scanhost_manifest::digest(&packed), output.display()))?;
    Ok(0)
}
