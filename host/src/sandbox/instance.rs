//! One instance of a plugin: a store, the guest in it, and the calls into it with their deadlines.
//!
//! After a failed call the instance is spent: a guest that trapped is in no state to be called again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use wasmtime::{Store, Trap};

use super::bindings::FileScanner;
use super::bindings::scanhost::plugin::types::Error;
use super::convert;
use super::engine::{Engine, Loaded};
use super::inert;
use super::memory::Memory;
use super::state::{Batch, FileData, OpenFile, State};
use super::stderr::Stderr;
use crate::router::Hit;

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFailure {
    /// The guest trapped; what wasmtime says of it.
    Trapped(String),
    /// The deadline passed.
    Timeout,
    /// The guest was refused memory and fell over it.
    Memory,
    /// The guest returned an error: it is well, the input is not.
    Refused(String),
}

impl CallFailure {
    /// Whether the instance can be called again.
    pub fn is_survived(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// What a call came to. What was reported is committed when the call returned, with an error or without,
/// and thrown away when it did not return; the log is kept in any case.
#[derive(Debug)]
pub struct CallResult {
    /// What was reported.
    pub batch: Batch,
    /// None: all went well.
    pub failure: Option<CallFailure>,
}

/// An instance.
pub struct Instance {
    store: Store<State>,
    guest: FileScanner,
    plugin: Loaded,
    /// When the whole run has to be over, whatever one call may take.
    deadline: Option<Instant>,
    /// The per-call budget for what wasmtime copies on the guest's behalf.
    fuel: usize,
}

impl Instance {
    /// Instantiates the plugin and calls its `open`. No call goes on after the deadline.
    pub fn start(engine: &Engine, plugin: &Loaded, deadline: Option<Instant>) -> (Option<Self>, CallResult) {
        let stderr = Stderr::default();
        let state = State {
            table: wasmtime::component::ResourceTable::new(),
            wasi: inert::context(&plugin.seed, stderr.clone()),
            stderr,
            memory: Memory::new(plugin.shared.limits.memory),
            shared: Arc::clone(&plugin.shared),
            batch: Batch::default(),
            handles: Vec::new(),
        };
        let mut store = Store::new(engine.inner(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(plugin.shared.limits.ticks(deadline));
        let guest = match plugin.code.0.instantiate(&mut store) {
            Ok(guest) => guest,
            Err(error) => return (None, finish(&mut store, Err(error))),
        };
        let fuel = plugin.shared.limits.bytes_per_call.saturating_mul(4);
        let mut instance = Self { store, guest, plugin: plugin.clone(), deadline, fuel };
        let config = Arc::clone(&instance.plugin.config);
        let result = instance.call(|guest, store| guest.scanhost_plugin_scanner().call_open(store, &config));
        let usable = result.failure.is_none();
        (usable.then_some(instance), result)
    }

    /// Hands it a file.
    pub fn scan(&mut self, data: &Arc<FileData>, hits: &Arc<[Hit]>) -> CallResult {
        let handle = OpenFile { data: Arc::clone(data), hits: Arc::clone(hits) };
        let file = match self.store.data_mut().give(handle) {
            Ok(file) => file,
            Err(error) => return finish(&mut self.store, Err(error)),
        };
        self.call(|guest, store| guest.scanhost_plugin_scanner().call_scan(store, file))
    }

    /// Lets it conclude.
    pub fn conclude(&mut self) -> CallResult {
        self.call(|guest, store| guest.scanhost_plugin_scanner().call_finish(store))
    }

    fn call(
        &mut self,
        export: impl FnOnce(&FileScanner, &mut Store<State>) -> wasmtime::Result<Result<(), Error>>,
    ) -> CallResult {
        self.store.set_epoch_deadline(self.plugin.shared.limits.ticks(self.deadline));
        self.store.set_hostcall_fuel(self.fuel);
        self.store.data_mut().memory.refused = false;
        let result = export(&self.guest, &mut self.store);
        finish(&mut self.store, result)
    }
}

/// Ends a call, whatever it came to.
fn finish(store: &mut Store<State>, result: wasmtime::Result<Result<(), Error>>) -> CallResult {
    let mut batch = store.data_mut().end_call();
    let failure = match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(CallFailure::Refused(convert::error(&error))),
        Err(error) => {
            batch = Batch { log: batch.log, log_dropped: batch.log_dropped, ..Batch::default() };
            Some(if matches!(error.downcast_ref::<Trap>(), Some(Trap::Interrupt)) {
                CallFailure::Timeout
            } else if store.data().memory.refused {
                CallFailure::Memory
            } else {
                CallFailure::Trapped(format!("{}{}", reason(&error), last_words(&batch)))
            })
        }
    };
    store.data().shared.spent.records.fetch_add(batch.records(), Ordering::Relaxed);
    store.data().shared.spent.bytes.fetch_add(batch.bytes, Ordering::Relaxed);
    CallResult { batch, failure }
}

/// What the guest wrote to standard error before it died: a panic's message is the only clue that there is.
fn last_words(batch: &Batch) -> String {
    let lines = batch.log.iter().filter(|line| line.level == "stderr" && !line.text.trim().is_empty());
    let mut lines: Vec<&str> = lines.map(|line| line.text.trim()).filter(|line| !line.starts_with("note: ")).collect();
    let last = lines.split_off(lines.len().saturating_sub(2)).join(" ");
    if last.is_empty() { last } else { format!("; it wrote: {last}") }
}

/// The innermost cause: wasmtime wraps it in its own words.
fn reason(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.strip_prefix("wasm trap: ").map_or(text.clone(), str::to_owned)
}
