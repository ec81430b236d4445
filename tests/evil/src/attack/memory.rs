//! Wants all the memory.

use super::List;

/// See the module.
pub const ALL: List = &[
    // Asks politely, is refused, and goes on.
    ("greedy", |evil, file, report| {
        let mut chunks: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut chunk = Vec::new();
            if chunk.try_reserve_exact(1 << 20).is_err() {
                break;
            }
            chunks.push(chunk);
        }
        let got = chunks.len();
        drop(chunks);
        report.finding(evil.note(file, format!("got {got} MiB")));
        Ok(())
    }),
    // Takes for granted what it asks for.
    ("glutton", |_, _, _| {
        let mut chunks: Vec<Vec<u8>> = Vec::new();
        loop {
            chunks.push(std::hint::black_box(vec![1; 1 << 20]));
        }
    }),
];
