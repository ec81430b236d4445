//! What the sandbox costs beside the work in it: starting the engine, an instance, and a call.

#![allow(clippy::expect_used, missing_docs, reason = "a bench may fail in the plainest way")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use scanhost::plugin;
use scanhost::router::Hit;
use scanhost::sandbox::{Engine, FileData, Grants, Instance, Limits, Loaded};

fn loaded(engine: &Engine) -> Loaded {
    let plugin = plugin::built_in().into_iter().next().expect("there is a built-in plugin");
    let plugin::Origin::BuiltIn(built_in) = &plugin.origin else { unreachable!("it is built in") };
    let code = engine.load_built_in(built_in).expect("it loads");
    let limits = Limits::of(&plugin.manifest.limits);
    let read = scanhost::router::set(&[]).expect("no globs");
    let grants = Grants { limits, read, source: None, max_file: 1 << 20, spent: Arc::default() };
    Loaded::new(code, Arc::clone(&plugin.manifest), &plugin.digest, "{}", grants)
}

fn boundary(criterion: &mut Criterion) {
    let engine = Engine::new().expect("the engine starts");
    let plugin = loaded(&engine);
    criterion.bench_function("boundary/engine and artefact", |bencher| {
        bencher.iter(|| {
            let engine = Engine::new().expect("the engine starts");
            black_box(loaded(&engine));
        });
    });
    criterion.bench_function("boundary/instance", |bencher| {
        bencher.iter(|| black_box(Instance::start(&engine, &plugin, None).0.is_some()));
    });
    let mut instance = Instance::start(&engine, &plugin, None).0.expect("it starts");
    let hits: Arc<[Hit]> = Arc::from([]);
    for size in [0, 64 << 10, 1 << 20] {
        let data = Arc::new(FileData { path: "a.txt".into(), bytes: vec![b'x'; size], ..FileData::default() });
        criterion.bench_function(&format!("boundary/call with {} KiB and no anchor", size >> 10), |bencher| {
            bencher.iter(|| black_box(instance.scan(&data, &hits).failure.is_none()));
        });
    }
}

criterion_group!(benches, boundary);
criterion_main!(benches);
