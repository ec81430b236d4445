//! `scanhost gate`.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::args;
use crate::base::{self, Judge};
use crate::config::{Config, FingerprintKey};
use crate::finding::Date;
use crate::outcome::Outcome;
use crate::plan::{self, PolicyFiles, Request, STAGES};
use crate::plugin::Plugin;
use crate::policy::{self, Again, Names};
use crate::report::RenderOptions;
use crate::report::json::{self, ReadError};

/// Runs it.
pub fn command(args: &args::Gate) -> anyhow::Result<u8> {
    super::start_log(args.verbose, args.quiet);
    let outputs = super::run::outputs(&args.formats)?;
    let reference = super::run::reference(args.base.as_ref());
    let Judge { config, files, policy: source, base: of, notices, problems } =
        base::judge(&args.root, args.config.as_deref(), &reference, args.policy)?;
    if args.results.iter().filter(|path| is_stdin(path)).count() > 1 {
        bail!("standard input is one report; name it once");
    }
    let reports = args.results.iter().map(|path| report(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let outcome = policy::together(reports, args.stage.as_deref())?;
    let stage = args.stage.clone().unwrap_or_else(|| outcome.stage.clone());
    if !STAGES.contains(&stage.as_str()) && !config.stages.contains_key(&stage) {
        return Err(plan::unknown_stage(&config, &stage).into());
    }
    plan::gate_stages(&config)?;
    let today = args.today.unwrap_or_else(Date::today);
    let request = Request { stage: Some(stage.clone()), fail_on: args.fail_on, today, plugins: Vec::new() };
    let baseline = base::baseline(&config, files.as_ref())?;
    let with = Again {
        stage: &stage,
        policy: &plan::policy(&config, &stage, &request),
        names: names(&config, files.as_ref(), &stage, &outcome)?,
        file: config.name(),
        source,
        base: of.map(|named| named.to_use()),
        notices,
        problems,
        baseline: baseline.as_ref().map(|(path, baseline)| (path.as_path(), baseline)),
        key: config.fingerprint_key.as_ref().map(FingerprintKey::as_bytes),
    };
    let outcome = policy::again(outcome, with);
    let options = RenderOptions { verbose: args.verbose, quiet: args.quiet, ..RenderOptions::default() };
    super::run::write(&outputs, &outcome, &options)?;
    Ok(outcome.exit.code())
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// One report. A pipe is as good as a file.
fn report(path: &Path) -> anyhow::Result<Outcome> {
    let shown = if is_stdin(path) { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    let mut bytes = Vec::new();
    let limit = json::MAX_BYTES + 1;
    let read = if is_stdin(path) {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    // Not as the cause in a chain: a broken pipe here is no reader that has seen enough.
    read.map_err(|error| anyhow!("cannot read {shown}: {error}"))?;
    if bytes.len() as u64 > json::MAX_BYTES {
        return Err(ReadError::TooLarge).with_context(|| format!("cannot judge {shown}"));
    }
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("cannot judge {shown}: it is not UTF-8, so no report"))?;
    json::read(&text).with_context(|| format!("cannot judge {shown}"))
}

/// What rules there are: those of the plugins that can be read, and those of the report.
fn names(config: &Config, files: &dyn PolicyFiles, stage: &str, outcome: &Outcome) -> anyhow::Result<Names> {
    let plugins = readable(config, files)?;
    let ran = |plugin: &&Plugin| outcome.plugins.iter().any(|used| used.id == *plugin.id());
    let of_report = || outcome.rules.keys().cloned();
    let ids = |plugins: &mut dyn Iterator<Item = &Plugin>| -> Vec<String> {
        plugins.flat_map(|plugin| &plugin.manifest.rules).map(|rule| rule.id.clone()).chain(of_report()).collect()
    };
    // A plugin of the stage that is not there any more cannot have been left out of the scan knowingly.
    let whole = plan::plugins_of(config, stage, &plugins).is_ok_and(|all| all.iter().all(ran));
    Ok(Names { ran: ids(&mut plugins.iter().filter(ran)), known: ids(&mut plugins.iter()), whole })
}

/// The plugins that a configuration makes available, but for third parties' that cannot be read: nothing is run.
fn readable(config: &Config, files: &dyn PolicyFiles) -> anyhow::Result<Vec<Plugin>> {
    let only = |keep: &dyn Fn(&crate::finding::PluginId, bool) -> bool| {
        let mut config = config.clone();
        config.plugins.retain(|id, settings| keep(id, settings.source.is_some()));
        config
    };
    let mut plugins = plan::available(&only(&|_, foreign| !foreign), files)?;
    for (id, _) in config.plugins.iter().filter(|(_, settings)| settings.source.is_some()) {
        match plan::available(&only(&|other, _| other == id), files) {
            Ok(all) => plugins.extend(all.into_iter().filter(|plugin| plugin.id() == id)),
            Err(error) => tracing::warn!("the rules of the plugin `{id}` are not known: {error}"),
        }
    }
    Ok(plugins)
}
