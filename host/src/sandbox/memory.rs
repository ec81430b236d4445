//! Keeping one instance inside its memory and tables, for wasmtime to ask before anything grows.

use super::limits::{CORE_ITEMS, TABLE_ELEMENTS};

/// Keeps an instance inside its memory, and remembers when it had to say no.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    used: usize,
    /// The guest asked for more than the limit.
    pub(crate) refused: bool,
}

impl Memory {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), used: 0, refused: false }
    }
}

impl wasmtime::ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.used.saturating_sub(current).saturating_add(desired);
        if after > self.limit || maximum.is_some_and(|max| desired > max) {
            self.refused = true;
            return Ok(false);
        }
        self.used = after;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS && maximum.is_none_or(|max| desired <= max))
    }

    fn instances(&self) -> usize {
        CORE_ITEMS
    }

    fn tables(&self) -> usize {
        CORE_ITEMS
    }

    fn memories(&self) -> usize {
        CORE_ITEMS
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    #[test]
    fn the_sum_of_all_memories_counts() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).is_ok_and(|ok| ok));
        assert!(memory.memory_growing(0, 60, None).is_ok_and(|ok| !ok));
        assert!(memory.refused);
        assert!(memory.memory_growing(60, 100, None).is_ok_and(|ok| ok));
    }
}
