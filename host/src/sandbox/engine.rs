//! The engine: one for the process, with a thread that moves the epoch; and what it makes of a plugin.
//!
//! Loading an artefact that was compiled ahead of time is the one unsafe thing here: wasmtime believes
//! what it says. So only two kinds are ever loaded: those embedded in this very binary, and none else;
//! a third party's component is always compiled from WebAssembly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::GlobSet;
use scanhost_manifest::Manifest;
use wasmtime::component::{Component, HasSelf, Linker};

use super::bindings::FileScannerPre;
use super::bindings::scanhost::plugin::{files, report, types};
use super::capability::PROVIDED;
use super::limits::{Limits, TICK};
use super::state::{Shared, Spent, State};
use crate::source::Source;

/// Why a plugin cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses to start on this machine.
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Start(String),
    /// The bytes are no component that can be compiled.
    #[error("it does not compile: {0}")]
    Compile(String),
    /// It wants what the host does not have.
    #[error("it imports `{0}`, which this version of scanhost does not provide")]
    Import(String),
    /// It does not export what its kind needs.
    #[error("it does not implement the contract `scanhost:plugin@{contract}`: {message}")]
    Contract {
        /// The version that the host speaks.
        contract: &'static str,
        /// What wasmtime says.
        message: String,
    },
}

/// The contract's version.
pub const CONTRACT: &str = "0.1.0-dev";

/// wasmtime's engine, and the thread that moves its epoch.
pub struct Engine {
    inner: wasmtime::Engine,
    linker: Linker<State>,
    stop: Arc<AtomicBool>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Engine {
    /// Starts the engine.
    pub fn new() -> Result<Self, EngineError> {
        let start = |error: wasmtime::Error| EngineError::Start(format!("{error:#}"));
        let config = scanhost_bundle::engine::config(scanhost_bundle::TRIPLE).map_err(start)?;
        let inner = wasmtime::Engine::new(&config).map_err(start)?;
        let mut linker = Linker::new(&inner);
        super::inert::link(&mut linker).map_err(start)?;
        types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).map_err(start)?;
        files::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).map_err(start)?;
        report::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).map_err(start)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopped) = (inner.weak(), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(TICK);
                    let Some(engine) = engine.upgrade() else { break };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| EngineError::Start(error.to_string()))?;
        Ok(Self { inner, linker, stop })
    }

    /// Loads an artefact that this binary embeds.
    pub fn load_built_in(&self, built_in: &scanhost_bundle::BuiltIn) -> Result<Code, EngineError> {
        // SAFETY: `deserialize` requires bytes that `Engine::precompile_component` made. A `BuiltIn` can only
        // come from `scanhost_bundle::PLUGINS`, whose artefacts its build script made so, and which are part
        // of this binary: whoever can change them can change the host's own code.
        #[expect(unsafe_code, reason = "see above; the only call")]
        let component = unsafe { Component::deserialize(&self.inner, built_in.artefact) };
        self.check(&component.map_err(|error| EngineError::Compile(format!("{error:#}")))?)
    }

    /// Compiles a third party's component.
    pub fn compile(&self, wasm: &[u8]) -> Result<Code, EngineError> {
        let component = Component::from_binary(&self.inner, wasm);
        self.check(&component.map_err(|error| EngineError::Compile(format!("{error:#}")))?)
    }

    /// The interfaces of `scanhost:*` that a component imports, by their short names, sorted.
    pub fn imports(&self, wasm: &[u8]) -> Result<Vec<String>, EngineError> {
        let component =
            Component::from_binary(&self.inner, wasm).map_err(|error| EngineError::Compile(format!("{error:#}")))?;
        let names = component.component_type();
        let mut list: Vec<String> =
            names.imports(&self.inner).filter_map(|(name, _)| interface(name).map(str::to_owned)).collect();
        list.sort();
        Ok(list)
    }

    fn check(&self, component: &Component) -> Result<Code, EngineError> {
        for (name, _) in component.component_type().imports(&self.inner) {
            let provided = match interface(name) {
                Some(ours) => PROVIDED.contains(&ours),
                None => super::inert::LINKED.iter().any(|linked| name.starts_with(linked)),
            };
            if !provided {
                return Err(EngineError::Import(name.to_owned()));
            }
        }
        let contract =
            |error: wasmtime::Error| EngineError::Contract { contract: CONTRACT, message: format!("{error:#}") };
        let pre = self.linker.instantiate_pre(component).map_err(contract)?;
        Ok(Code(FileScannerPre::new(pre).map_err(contract)?))
    }

    pub(super) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

/// `scanhost:plugin/files@0.1.0-dev` → `files`.
fn interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("scanhost:plugin/")?;
    Some(rest.split('@').next().unwrap_or(rest))
}

/// Compiled code, linked, ready to be instantiated any number of times.
#[derive(Clone)]
pub struct Code(pub(super) FileScannerPre<State>);

/// A plugin with all that its instances share.
#[derive(Clone)]
pub struct Loaded {
    pub(super) code: Code,
    pub(super) shared: Arc<Shared>,
    /// JSON.
    pub(super) config: Arc<str>,
    /// What the guest's randomness is made of.
    pub(super) seed: Arc<str>,
}

/// What a plugin gets.
pub struct Grants {
    /// Its limits.
    pub limits: Limits,
    /// Files that it may open beside the one it is handed.
    pub read: GlobSet,
    /// Where from.
    pub source: Option<Arc<dyn Source + Send>>,
    /// The largest file that is read.
    pub max_file: u64,
    /// What it has reported in this run already.
    pub spent: Arc<Spent>,
}

impl Loaded {
    /// Puts a plugin together.
    pub fn new(code: Code, manifest: Arc<Manifest>, digest: &str, config: &str, grants: Grants) -> Self {
        let Grants { limits, read, source, max_file, spent } = grants;
        let shared = Shared { manifest, limits, read, source, max_file, spent };
        Self { code, shared: Arc::new(shared), config: config.into(), seed: digest.into() }
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.shared.manifest
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }
}
