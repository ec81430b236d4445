//! How fast the one native pass is: all anchors of the built-in plugins over text that looks like source code.

#![allow(clippy::expect_used, missing_docs, reason = "a bench may fail in the plainest way")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scanhost::plugin;
use scanhost::router::{Hits, Router, kind};

/// Lines as they occur in code, without any secret; the same on every machine.
fn code(bytes: usize) -> Vec<u8> {
    let lines = [
        "    for (index, token) in tokens.iter().enumerate() {\n",
        "        if self.password_field.is_none() { return Err(Error::Missing(\"password\")); }\n",
        "# Returns the key of the first item, or `None` when the map is empty.\n",
        "const MAX_CONNECTIONS: usize = 1024; // per worker\n",
        "<div class=\"container\"><span id=\"secret-santa\">Hello</span></div>\n",
        "export function formatDate(value, locale = 'en') { return value.toLocaleString(locale); }\n",
    ];
    let mut state = 1_u32;
    let mut out = Vec::with_capacity(bytes + 128);
    while out.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend_from_slice(lines[(state >> 16) as usize % lines.len()].as_bytes());
    }
    out
}

fn route(criterion: &mut Criterion) {
    let plugins = plugin::built_in();
    let router =
        Router::new(plugins.iter().map(|plugin| plugin.manifest.as_ref())).expect("the built-in globs are good");
    let text = code(1 << 20);
    let all: Vec<usize> = (0..plugins.len()).collect();
    let mut hits = Hits::default();
    let mut group = criterion.benchmark_group("router");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("1 MiB of code", |bencher| {
        bencher.iter(|| router.by_content(&all, kind(&text), black_box(&text), &mut hits).len());
    });
    group.finish();
    criterion.bench_function("router/build", |bencher| {
        bencher.iter(|| Router::new(plugins.iter().map(|plugin| plugin.manifest.as_ref())).is_ok());
    });
}

criterion_group!(benches, route);
criterion_main!(benches);
