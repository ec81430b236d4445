//! Wants all the memory.

use super::attack;

#[test]
fn memory_ends_where_the_limit_is() {
    let (ran, report) = attack(&["greedy", "glutton", "good"], "");
    report.assert_blames("plugin-memory", "evil", "glutton.evil");
    let notes = report.messages("evil.note");
    // 32 MiB, its own code's data taken off. Being refused is no failure.
    let got = notes.iter().find_map(|n| n.strip_prefix("got ")?.strip_suffix(" MiB")?.parse::<u32>().ok());
    assert!(got.is_some_and(|mib| (20..32).contains(&mib)), "{notes:?}");
    assert!(notes.contains(&"scanned"), "{notes:?}");
    ran.exits(3);
}
