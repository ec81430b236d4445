//! Takes more time than there is.

use std::time::Duration;

use super::List;

/// See the module.
pub const ALL: List = &[
    // What was reported before the loop must not be committed, so something is.
    ("forever", |evil, file, report| {
        report.finding(evil.note(file, "never to be seen"));
        forever()
    }),
    // Time spent in many host calls instead of in the guest.
    ("chatter", |_, file, _| {
        loop {
            let _ = file.read(0, 1 << 20);
        }
    }),
    ("sleep", |evil, file, report| {
        std::thread::sleep(Duration::from_secs(3600));
        report.finding(evil.note(file, "slept"));
        Ok(())
    }),
];

/// Does not return, and is not optimised away.
pub fn forever() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}
