//! Falls over.

use super::List;

/// See the module.
pub const ALL: List = &[
    ("panic", |evil, file, report| {
        report.finding(evil.note(file, "never to be seen"));
        panic!("\u{1b}[31mred panic\u{1b}[0m");
    }),
    ("unreachable", |_, _, _| core::arch::wasm32::unreachable()),
    ("recursion", |_, _, _| {
        std::hint::black_box(recurse(1));
        Ok(())
    }),
    ("exit", |_, _, _| std::process::exit(0)),
    ("exit-failure", |_, _, _| std::process::exit(1)),
];

#[expect(unconditional_recursion, reason = "the attack")]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(frame[7] + 1) + frame[9]
}
