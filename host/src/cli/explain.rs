//! `scanhost explain`.

use std::fmt::Write as _;

use anyhow::bail;

use super::args;
use crate::config::suggest;
use crate::plan;

/// Runs it.
pub fn command(args: &args::Explain) -> anyhow::Result<u8> {
    let plugins = super::rules::plugins(args.config.as_deref())?;
    let rules = plan::rules(&plugins);
    let Some(rule) = rules.iter().find(|rule| rule.id == args.rule) else {
        let nearest = suggest::nearest(&args.rule, rules.iter().map(|rule| rule.id.as_str()));
        let near = nearest.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
        bail!("there is no rule `{}`{near}; `scanhost rules` lists all", args.rule);
    };
    let mut out = String::new();
    let _ = writeln!(out, "{}\n{}\n", rule.title, "=".repeat(rule.title.chars().count()));
    let _ = writeln!(out, "Rule:     {}", rule.id);
    let _ = writeln!(out, "Plugin:   {}", rule.plugin);
    let _ = writeln!(out, "Severity: {}", rule.severity.as_str());
    if !rule.tags.is_empty() {
        let _ = writeln!(out, "Tags:     {}", rule.tags.join(", "));
    }
    let _ = writeln!(out, "\n{}", rule.help);
    super::print(&out)?;
    Ok(0)
}
