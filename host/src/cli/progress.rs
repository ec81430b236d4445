//! Progress: a bar on a terminal, a line now and then in a CI system, nothing at all for a run that is over
//! before anyone would ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::run::Control;

/// How long a run may take before it says that it is at work.
const PATIENCE: Duration = Duration::from_millis(700);

/// Between two lines in a log.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows progress until it is dropped.
pub struct Progress {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to watch.
    pub fn start(control: &Arc<Control>) -> Option<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (watched, stopped) = (Arc::clone(control), Arc::clone(&stop));
        let interactive = super::is_interactive();
        let thread = std::thread::Builder::new().name("progress".into()).spawn(move || {
            let started = Instant::now();
            while started.elapsed() < PATIENCE {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::park_timeout(PATIENCE.saturating_sub(started.elapsed()));
            }
            if interactive { bar(&watched, &stopped) } else { lines(&watched, &stopped) }
        });
        Some(Self { stop, thread: Some(thread.ok()?) })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn bar(control: &Control, stop: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} files {wide_bar} {prefix}") {
        bar.set_style(style);
    }
    while !stop.load(Ordering::Relaxed) {
        bar.set_length(control.files_known.load(Ordering::Relaxed));
        bar.set_position(control.files.load(Ordering::Relaxed));
        bar.set_prefix(format!("{} MB", control.bytes.load(Ordering::Relaxed) / 1_000_000));
        bar.tick();
        std::thread::park_timeout(Duration::from_millis(100));
    }
    bar.finish_and_clear();
}

fn lines(control: &Control, stop: &AtomicBool) {
    let mut next = Instant::now() + LINE_EVERY;
    while !stop.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            next += LINE_EVERY;
            let known = control.files_known.load(Ordering::Relaxed);
            let more = if control.listed.load(Ordering::Relaxed) { "" } else { " or more" };
            let line = format!("scanhost: {} of {known}{more} files scanned\n", control.files.load(Ordering::Relaxed));
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
