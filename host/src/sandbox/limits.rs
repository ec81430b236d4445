//! What a guest may use. Each number is documented with its default and with what else bounds it.

use std::time::{Duration, Instant};

/// The limits of one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes; the sum over its memories. Default: the manifest's, 256 MiB.
    pub memory: u64,
    /// For one exported call. The clock has a resolution of [`TICK`]. Default: the manifest's, 10 s.
    pub time: Duration,
    /// Findings, packages and measurements that one call may report. Default: 10,000.
    pub records_per_call: usize,
    /// Findings, packages and measurements that a plugin may report in a run. Default: 200,000.
    pub records_per_run: usize,
    /// Bytes of all texts and attachments that one call may report; the copy itself is bounded by wasmtime's
    /// fuel for host calls as well. Default: 16 MiB.
    pub bytes_per_call: usize,
    /// Bytes of all texts and attachments that a plugin may report in a run: all of it is kept to the end.
    /// Default: 256 MiB.
    pub bytes_per_run: usize,
    /// Log lines of one call, its standard error included; further ones are dropped and counted. Default: 200.
    pub log_lines: usize,
    /// Bytes of one log line. Default: 2,000.
    pub log_line_bytes: usize,
    /// Files that one call may have open at once, beside its own. Default: 256.
    pub open_files: usize,
    /// Calls of one plugin that may run out of time before it is given up for the rest of the run: each
    /// costs its full time. Default: 3.
    pub timeouts: u32,
    /// Calls of one plugin that may trap before it is given up. Default: 100.
    pub traps: u32,
}

/// How often the engine looks at deadlines.
pub const TICK: Duration = Duration::from_millis(10);

/// Tables of one instance may hold this many elements. A guest's functions and handles are in them.
pub const TABLE_ELEMENTS: usize = 100_000;

/// Core instances, memories and tables of one component.
pub const CORE_ITEMS: usize = 64;

impl Limits {
    /// The manifest's limits, and the defaults for the rest.
    pub fn of(manifest: &scanhost_manifest::Limits) -> Self {
        Self {
            memory: manifest.memory,
            time: Duration::from_millis(manifest.time_ms),
            records_per_call: 10_000,
            records_per_run: 200_000,
            bytes_per_call: 16 << 20,
            bytes_per_run: 256 << 20,
            log_lines: 200,
            log_line_bytes: 2_000,
            open_files: 256,
            timeouts: 3,
            traps: 100,
        }
    }

    /// The deadline of a call in ticks of the engine; one more, because the current tick has begun already. `run` is
    /// when all has to be over.
    pub(crate) fn ticks(&self, run: Option<Instant>) -> u64 {
        let left = run.map_or(Duration::MAX, |run| run.saturating_duration_since(Instant::now()));
        let time = self.time.min(left);
        u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX / 4).saturating_add(1)
    }
}
