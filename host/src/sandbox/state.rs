//! What belongs to one instance on the host's side: its WASI context, its limits, the file it is looking at,
//! and what it has reported during the current call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use globset::GlobSet;
use scanhost_manifest::Manifest;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limits::Limits;
use super::memory::Memory;
use super::stderr::Stderr;
use crate::finding::raw;
use crate::router::Hit;
use crate::source::{Source, Stat};

/// A file's bytes and facts, shared by all plugins that look at it.
#[derive(Debug, Default)]
pub struct FileData {
    /// Safe to print.
    pub path: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the source keeps them.
    pub stat: Option<Stat>,
    /// Where it comes from.
    pub provenance: Vec<(String, String)>,
}

/// What a guest's handle stands for. A handle is good for one call; one that a guest keeps stays in the table,
/// empty, because a number that was given away again would silently mean another file.
pub struct FileHandle {
    pub(super) open: Option<OpenFile>,
}

/// A file during the call that it was given to.
#[derive(Clone)]
pub struct OpenFile {
    pub(super) data: Arc<FileData>,
    pub(super) hits: Arc<[Hit]>,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `error`, `warn`, `info`, `debug`; `stderr` for what was written there.
    pub level: &'static str,
    /// Not masked yet.
    pub text: String,
}

/// What a guest reported during one call.
#[derive(Debug, Default)]
pub struct Batch {
    /// Findings.
    pub findings: Vec<raw::Finding>,
    /// Packages.
    pub packages: Vec<raw::Package>,
    /// Measurements.
    pub measurements: Vec<raw::Measurement>,
    /// A finding refers to them by index.
    pub attachments: Vec<raw::Attachment>,
    /// Path and reason.
    pub unscanned: Vec<(String, String)>,
    /// Breaches of the contract, in words.
    pub misbehaved: Vec<String>,
    /// Limits that were hit, in words.
    pub limited: Vec<String>,
    /// Log lines.
    pub log: Vec<LogLine>,
    /// Log lines that were dropped.
    pub log_dropped: u64,
    /// Bytes of texts and attachments so far.
    pub bytes: usize,
    /// What it asked the host for.
    pub asked: Asked,
}

/// What a guest's answer depends on beside its file's content, path and provenance.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The mode and the owner of a file.
    pub stat: bool,
    /// Another file, whether it got it or not.
    pub other: bool,
}

impl Batch {
    /// Findings, packages and measurements.
    pub fn records(&self) -> usize {
        self.findings.len() + self.packages.len() + self.measurements.len()
    }

    /// Whether nothing at all was said.
    pub fn is_silent(&self) -> bool {
        self.kept() == 0 && self.is_plain()
    }

    /// Whether it holds nothing but records: no complaint, and nothing for the log.
    pub fn is_plain(&self) -> bool {
        self.unscanned.is_empty()
            && self.misbehaved.is_empty()
            && self.limited.is_empty()
            && self.log.is_empty()
            && self.log_dropped == 0
    }

    /// Everything that the host keeps for the call, attachments and unscanned inputs too.
    pub(super) fn kept(&self) -> usize {
        self.records() + self.attachments.len() + self.unscanned.len()
    }
}

/// What the plugin as a whole shares: everything that is the same for all its instances.
pub struct Shared {
    pub(super) manifest: Arc<Manifest>,
    pub(super) limits: Limits,
    /// What `allow.read` grants.
    pub(super) read: GlobSet,
    pub(super) source: Option<Arc<dyn Source + Send>>,
    pub(super) max_file: u64,
    /// What it has reported in this run.
    pub(super) spent: Arc<Spent>,
}

/// What a plugin has reported in a run, against its limits for one.
#[derive(Debug, Default)]
pub struct Spent {
    /// Findings, packages and measurements so far.
    pub(super) records: AtomicUsize,
    /// Bytes of their texts and attachments.
    pub(super) bytes: AtomicUsize,
}

impl Spent {
    /// Counts what the plugin reported in an earlier run and would report again. Whether it fits: if not, the plugin
    /// has to be asked, so that it hits the limit itself.
    pub fn count(&self, records: usize, bytes: usize, limits: &Limits) -> bool {
        let fits = self.records.load(Ordering::Relaxed).saturating_add(records) <= limits.records_per_run
            && self.bytes.load(Ordering::Relaxed).saturating_add(bytes) <= limits.bytes_per_run;
        if fits {
            self.records.fetch_add(records, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }
}

/// The data of one store.
pub(crate) struct State {
    pub(super) table: ResourceTable,
    pub(super) wasi: WasiCtx,
    pub(super) stderr: Stderr,
    pub(super) memory: Memory,
    pub(super) shared: Arc<Shared>,
    pub(super) batch: Batch,
    /// Handles given out during the current call; what the guest keeps is taken back at its end.
    pub(super) handles: Vec<u32>,
}

impl State {
    /// A handle for the guest.
    pub(super) fn give(&mut self, file: OpenFile) -> wasmtime::Result<Resource<FileHandle>> {
        let resource = self.table.push(FileHandle { open: Some(file) })?;
        self.handles.push(resource.rep());
        Ok(resource)
    }

    /// Ends a call: takes back handles, collects standard error, hands out what was reported.
    pub(super) fn end_call(&mut self) -> Batch {
        for rep in std::mem::take(&mut self.handles) {
            if let Ok(handle) = self.table.get_mut(&Resource::<FileHandle>::new_borrow(rep)) {
                handle.open = None;
            }
        }
        let mut batch = std::mem::take(&mut self.batch);
        let (text, dropped) = self.stderr.take();
        for line in text.lines() {
            push_log(&mut batch, &self.shared.limits, "stderr", line);
        }
        batch.log_dropped += u64::from(dropped);
        batch
    }
}

/// Adds a log line inside the limits.
pub(super) fn push_log(batch: &mut Batch, limits: &Limits, level: &'static str, text: &str) {
    if batch.log.len() >= limits.log_lines {
        batch.log_dropped += 1;
        return;
    }
    let mut end = text.len().min(limits.log_line_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // The masker has to know where a text was cut: what is left of a secret there is none of its values.
    let cut = if end < text.len() { "…" } else { "" };
    batch.log.push(LogLine { level, text: format!("{}{cut}", &text[..end]) });
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
