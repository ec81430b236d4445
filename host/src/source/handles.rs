//! Handles to an object database, kept from read to read, and the cache of bases that they share.
//!
//! A packed object is usually a difference to another one, which is one again, up to fifty times: without a
//! cache each read of an old version unpacks all that it stands on. Opening a handle is not free either. So
//! whoever reads borrows a handle and gives it back; there are never more of them than threads that read at
//! the same time. The cache is one for all: two threads that take turns at the versions of one file would
//! otherwise each unpack all of them, and its size is a bound for the process.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use gix::odb::{HandleArc, Store};

/// All of the cache, in bytes.
const CACHE: usize = 32 << 20;

/// Parts of the cache, each with a lock of its own.
const SHARDS: usize = 16;

/// Smaller objects are quick to unpack, and millions of them would need more memory for the cache's own
/// records than for their bytes, which are all that it counts.
const SMALLEST: usize = 256;

/// See the module.
pub struct Handles {
    store: Arc<Store>,
    idle: Mutex<Vec<HandleArc>>,
    cache: Shared,
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handles").field(&self.store.path()).finish()
    }
}

impl Handles {
    /// None is opened yet.
    pub fn new(store: Arc<Store>) -> Self {
        let shard = || Mutex::new(MemoryCappedHashmap::new(CACHE / SHARDS));
        let cache = Shared(std::iter::repeat_with(shard).take(SHARDS).collect());
        Self { store, idle: Mutex::new(Vec::new()), cache }
    }

    /// A handle for whoever reads much on one thread.
    pub fn handle(&self) -> HandleArc {
        let mut handle = self.store.to_cache_arc();
        let cache = self.cache.clone();
        handle.set_pack_cache(move || Box::new(cache.clone()));
        handle
    }

    /// Lends a handle.
    pub fn with<T>(&self, use_it: impl FnOnce(&HandleArc) -> T) -> T {
        let idle = lock(&self.idle).pop();
        let handle = idle.unwrap_or_else(|| self.handle());
        let result = use_it(&handle);
        lock(&self.idle).push(handle);
        result
    }
}

#[derive(Clone)]
struct Shared(Arc<[Mutex<MemoryCappedHashmap>]>);

impl Shared {
    fn shard(&self, pack: u32, offset: u64) -> MutexGuard<'_, MemoryCappedHashmap> {
        // Offsets are as good as random in their lower bits.
        lock(&self.0[(u64::from(pack) ^ offset ^ (offset >> 7)) as usize % SHARDS])
    }
}

impl DecodeEntry for Shared {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, compressed_size: usize) {
        if data.len() >= SMALLEST && data.len() <= CACHE / SHARDS / 4 {
            self.shard(pack, offset).put(pack, offset, data, kind, compressed_size);
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        self.shard(pack, offset).get(pack, offset, out)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
