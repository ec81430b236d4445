//! Work that makes more work, shared by a few threads. Last in, first out: depth first, so that what waits
//! is bounded by the depth and width of what is being walked and not by its size.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What waits, and who might add to it.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Outside the lock, as it is asked for each file. Set while the lock is held, so that nobody falls asleep
    /// after it.
    stopped: AtomicBool,
    jobs: usize,
}

struct State<T> {
    waiting: Vec<T>,
    /// Threads that have taken something and may add more.
    busy: usize,
}

impl<T: Send> Queue<T> {
    /// Does the first piece of work and all that comes of it, on up to `jobs` threads, the caller's among them.
    pub fn run(jobs: usize, first: T, work: &(dyn Fn(&Self, T) + Sync)) {
        let jobs = NonZeroUsize::new(jobs).map_or(1, NonZeroUsize::get);
        let state = State { waiting: vec![first], busy: 0 };
        let queue = Self { state: Mutex::new(state), changed: Condvar::new(), stopped: AtomicBool::new(false), jobs };
        thread::scope(|scope| {
            for number in 1..jobs {
                let spawned =
                    thread::Builder::new().name(format!("walk-{number}")).spawn_scoped(scope, || queue.serve(work));
                // A machine out of threads is a slower walk, not a failed one.
                if spawned.is_err() {
                    break;
                }
            }
            queue.serve(work);
        });
    }

    /// Adds work.
    pub fn push(&self, work: T) {
        self.lock().waiting.push(work);
        self.changed.notify_one();
    }

    /// Whether others have enough to do, so that it is better to do a thing than to add it.
    pub fn is_full(&self) -> bool {
        self.jobs == 1 || self.lock().waiting.len() >= 8 * self.jobs
    }

    /// Drops all that waits. What is being done is finished.
    pub fn stop(&self) {
        let mut state = self.lock();
        self.stopped.store(true, Ordering::Relaxed);
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn serve(&self, work: &(dyn Fn(&Self, T) + Sync)) {
        while let Some(next) = self.take() {
            let _done = Done(self);
            work(self, next);
        }
    }

    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Some(next) = state.waiting.pop() {
                state.busy += 1;
                return Some(next);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives back the busy place, also when the work panics: otherwise the others would wait for ever.
struct Done<'q, T: Send>(&'q Queue<T>);

impl<T: Send> Drop for Done<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
        let mut state = self.0.lock();
        state.busy -= 1;
        let finished = state.busy == 0 && state.waiting.is_empty();
        drop(state);
        if finished {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_that_comes_of_it_is_done() {
        for jobs in [0, 1, 4] {
            let done = AtomicUsize::new(0);
            Queue::run(jobs, 12_u32, &|queue, depth| {
                done.fetch_add(1, Ordering::Relaxed);
                for _ in 0..2 {
                    if depth > 0 {
                        queue.push(depth - 1);
                    }
                }
            });
            assert_eq!(done.into_inner(), (1 << 13) - 1);
        }
    }

    #[test]
    fn stopping_and_panicking_end_it() {
        let endless = |queue: &Queue<u32>, n| {
            queue.push(n);
            queue.push(n);
            queue.stop();
            assert!(queue.is_stopped());
        };
        Queue::run(3, 1, &endless);
        let panics = std::panic::catch_unwind(|| {
            Queue::run(3, 0, &|queue, n: u32| {
                queue.push(n + 1);
                assert!(n < 100, "enough");
            });
        });
        assert!(panics.is_err());
    }
}
