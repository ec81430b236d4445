//! The plugins of a run, loaded when they are needed first: a run whose results are all known starts no engine and
//! loads no code.
//!
//! A plugin that cannot be loaded is a problem of the run whether a file needs it or not, so only one that an
//! equal run has loaded before may wait; see [`Cache::is_proven`](crate::cache::Cache::is_proven).

use std::sync::{Arc, OnceLock};

use crate::plan::Plan;
use crate::plugin::Origin;
use crate::sandbox::{Engine, EngineError, Grants, Loaded, Spent};
use crate::source::Source;

/// The plugins, by the plan's index.
pub(super) struct Plugins<'r> {
    plan: &'r Plan,
    source: &'r Arc<dyn Source + Send>,
    engine: OnceLock<Result<Engine, EngineError>>,
    slots: Vec<OnceLock<Result<Loaded, EngineError>>>,
    spent: Vec<Arc<Spent>>,
}

impl<'r> Plugins<'r> {
    pub(super) fn new(plan: &'r Plan, source: &'r Arc<dyn Source + Send>) -> Self {
        Self {
            plan,
            source,
            engine: OnceLock::new(),
            slots: plan.plugins.iter().map(|_| OnceLock::new()).collect(),
            spent: plan.plugins.iter().map(|_| Arc::default()).collect(),
        }
    }

    /// The engine. None: it does not start on this machine.
    pub(super) fn engine(&self) -> Option<&Engine> {
        self.engine.get_or_init(Engine::new).as_ref().ok()
    }

    /// A plugin. None: it cannot be used.
    pub(super) fn get(&self, plugin: usize) -> Option<&Loaded> {
        let engine = self.engine()?;
        self.slots[plugin].get_or_init(|| self.load(engine, plugin)).as_ref().ok()
    }

    /// What it has reported so far.
    pub(super) fn spent(&self, plugin: usize) -> &Spent {
        &self.spent[plugin]
    }

    /// What went wrong with the plugins that were needed: the plan's index and why. The engine's own failure is another
    /// matter: without it there is no run.
    pub(super) fn failed(self) -> Result<Vec<(usize, EngineError)>, EngineError> {
        if let Some(Err(error)) = self.engine.into_inner() {
            return Err(error);
        }
        let slots = self.slots.into_iter().enumerate();
        Ok(slots.filter_map(|(plugin, slot)| Some((plugin, slot.into_inner()?.err()?))).collect())
    }

    fn load(&self, engine: &Engine, plugin: usize) -> Result<Loaded, EngineError> {
        let planned = &self.plan.plugins[plugin];
        let code = match &planned.plugin.origin {
            Origin::BuiltIn(built_in) => engine.load_built_in(built_in)?,
            Origin::File { wasm, .. } => engine.compile(wasm)?,
        };
        let grants = Grants {
            limits: planned.limits,
            read: planned.read.clone(),
            source: Some(Arc::clone(self.source)),
            max_file: self.plan.max_file,
            spent: Arc::clone(&self.spent[plugin]),
        };
        let plugin = &planned.plugin;
        Ok(Loaded::new(code, Arc::clone(&plugin.manifest), &plugin.digest, &planned.config, grants))
    }
}
