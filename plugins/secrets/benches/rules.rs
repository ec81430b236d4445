//! What the rules cost: a keyword that is no assignment, an assignment that is no secret, a secret, and a
//! start from nothing.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scanhost_plugin::testkit::{AnchorFinder, load_dir};
use scanhost_secrets::Engine;

/// Name, path, and a line that is repeated.
const CASES: &[(&str, &str, &str)] = &[
    ("keyword in code", "a.rs", "    let kind = token.kind(); // the secret of the passphrase\n"),
    ("variable assigned", "a.py", "    self.password = password\n"),
    ("text assigned", "a.py", "    token = \"access_token_provider\"\n"),
    ("template assigned", "a.yaml", "  password: ${DB_PASSWORD}\n"),
    ("password assigned", "a.yaml", "  password: Tr4verse-Cobalt9\n"),
    ("URL without password", "a.md", "see https://host.internal/some/path for more\n"),
];

fn rules(c: &mut Criterion) {
    let finder = AnchorFinder::new(&load_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().anchors);
    let mut group = c.benchmark_group("anchors");
    for (name, path, line) in CASES {
        let text = line.repeat(1000).into_bytes();
        let anchors = finder.find(&text);
        let mut engine = Engine::new();
        group.throughput(Throughput::Elements(anchors.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| black_box(engine.scan(&text, &anchors, path)));
        });
    }
    group.finish();
    c.bench_function("start", |b| b.iter(|| black_box(Engine::new())));
}

criterion_group!(benches, rules);
criterion_main!(benches);
