//! Tries what the standard library offers.

use super::attack;

#[test]
fn wasi_leads_nowhere() {
    let (ran, report) = attack(&["wasi"], "");
    assert_eq!(report.messages("evil.note"), ["got: ."]);
    assert!(!std::path::Path::new("/tmp/scanhost-evil").exists());
    ran.exits(1);
}
