//! The host's modules that read the result cache, without those that open its folder.

#[path = "../../host/src/cache/key.rs"]
mod key;
#[path = "../../host/src/cache/recipe.rs"]
mod recipe;
#[path = "../../host/src/cache/record.rs"]
mod record;
#[path = "../../host/src/cache/shard.rs"]
mod shard;

use key::{FileKey, ShardKey};
use record::{About, Reported};
use shard::{Additions, Day, Entry, Shard};

const KEY: ShardKey = ShardKey([0; 32]);
const FILE: About<'_> = About { path: "a.txt", bytes: b"password = hunter2hunter2 cGFzc3dvcmQgPSBodW50ZXIy" };

/// A cache's file as it is; the same behind a header that is true of it, as a forger makes it; and one record.
pub fn cache_read(data: &[u8]) {
    shard(data.to_vec());
    let mut forged = b"scanhost cache\x00\x01".to_vec();
    forged.extend_from_slice(&KEY.0);
    forged.extend_from_slice(blake3::hash(data).as_bytes());
    forged.extend_from_slice(data);
    shard(forged);
    record(data);
}

fn shard(bytes: Vec<u8>) {
    let Some(shard) = Shard::parse(bytes, &KEY) else { return };
    for n in [0, 7, 255] {
        if let Some(Entry::Reported(bytes)) = shard.find(&FileKey([n; 16])) {
            record(bytes);
        }
    }
    let additions = Additions { quiet: vec![(FileKey([9; 16]), true)], loud: vec![(FileKey([8; 16]), b"x".to_vec())] };
    let again = shard.with(&shard, &additions, &KEY, Day::of_unix(1_700_000_000), |record| record.len() > 100);
    let again = Shard::parse(again, &KEY).expect("what is written is read");
    assert_eq!(again.find(&FileKey([9; 16])), Some(Entry::Clean));
    assert_eq!(again.find(&FileKey([8; 16])), Some(Entry::Reported(b"x")));
}

fn record(bytes: &[u8]) {
    let rules = ["a.one", "a.two"];
    let Some(report) = record::decode(bytes, |n| rules.get(n).copied(), FILE) else { return };
    let said = Reported {
        findings: &report.findings,
        packages: &report.packages,
        measurements: &report.measurements,
        attachments: &report.attachments,
        bytes: report.bytes,
    };
    // A forged recipe may make an empty secret, which none makes again.
    if let Some(again) = record::encode(&said, &rules.iter().copied(), FILE) {
        let read = record::decode(&again, |n| rules.get(n).copied(), FILE).expect("what is written is read");
        assert_eq!(read.findings.len(), report.findings.len());
    }
}
