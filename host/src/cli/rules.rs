//! `scanhost rules`.

use std::fmt::Write as _;
use std::path::Path;

use super::args;
use crate::outcome::RuleInfo;
use crate::plan;
use crate::plugin::Plugin;

/// Runs it.
pub fn command(args: &args::Rules) -> anyhow::Result<u8> {
    let plugins = plugins(args.config.as_deref())?;
    if let Some(name) = &args.plugin {
        plan::find(&plugins, name)?;
    }
    let wanted = |plugin: &&Plugin| args.plugin.as_ref().is_none_or(|name| plugin.id().as_str() == name);
    let rules = plan::rules(plugins.iter().filter(wanted));
    let text = if args.format == "json" { json(&rules)? } else { table(&rules) };
    super::print(&text)?;
    Ok(0)
}

/// All plugins that the configuration makes available.
pub fn plugins(config: Option<&Path>) -> anyhow::Result<Vec<Plugin>> {
    let config = super::run::config(config, Path::new("."))?;
    let base = config.folder().unwrap_or(Path::new(".")).to_owned();
    Ok(plan::available(&config, &plan::OnDisk(base))?)
}

fn json(rules: &[RuleInfo]) -> anyhow::Result<String> {
    let list: Vec<_> = rules
        .iter()
        .map(|rule| {
            serde_json::json!({
                "id": rule.id,
                "plugin": rule.plugin.as_str(),
                "title": rule.title,
                "severity": rule.severity,
                "tags": rule.tags,
                "help": rule.help,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

fn table(rules: &[RuleInfo]) -> String {
    let widest = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in rules {
        let _ = writeln!(out, "{:<widest$}  {:<8}  {}", rule.id, rule.severity.as_str(), rule.title);
    }
    out
}
