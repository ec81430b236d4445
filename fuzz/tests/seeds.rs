//! Every seed through its target, on any compiler.

use std::path::Path;

fn each(target: &str, run: fn(&[u8])) {
    run(b"");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        run(&bytes);
        for end in [bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            run(&bytes[..end]);
        }
        count += 1;
    }
    assert!(count > 0, "there are no seeds for {target}");
}

#[test]
fn archive() {
    each("archive", scanhost_fuzz::archive);
}

#[test]
fn manifest_read() {
    each("manifest_read", scanhost_fuzz::manifest_read);
}

#[test]
fn manifest_rules() {
    each("manifest_rules", scanhost_fuzz::manifest_rules);
}

#[test]
fn secrets_scan() {
    each("secrets_scan", scanhost_fuzz::secrets_scan);
}

#[test]
fn config_parse() {
    each("config_parse", scanhost_fuzz::config_parse);
}

#[test]
fn text() {
    each("text", scanhost_fuzz::text);
}

#[test]
fn cache_read() {
    each("cache_read", scanhost_fuzz::cache_read);
}

#[test]
fn report_read() {
    each("report_read", scanhost_fuzz::report_read);
}
