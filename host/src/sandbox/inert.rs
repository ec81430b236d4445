//! What remains of WASI. Every language's runtime imports file systems, sockets, clocks and environment
//! whether it uses them or not, so all of it is linked, and none of it leads anywhere: no folder is
//! opened, no socket allowed, no variable or argument set, standard input is empty, standard output goes
//! nowhere, standard error is kept for the log, clocks stand still, randomness is a function of the plugin.
//!
//! `poll` is our own: with clocks that stand still a guest that sleeps would block its thread for as long
//! as it asks, and an epoch deadline does not reach a thread that waits inside the host.

use std::time::Duration;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::sync::io::poll;
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx};

use super::state::State;
use super::stderr::Stderr;

/// The packages that are linked: the command-line world. `wasi:http` is not: requests go through the contract.
pub(super) const LINKED: &[&str] =
    &["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Links all of WASI preview 2, inert.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    poll::add_to_linker::<State, Ready>(linker, |state| ReadyView(&mut state.table))?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A context that grants nothing.
pub(super) fn context(seed: &str, stderr: Stderr) -> WasiCtx {
    let mut random = vec![0; 4096];
    blake3::Hasher::new_derive_key("scanhost guest randomness")
        .update(seed.as_bytes())
        .finalize_xof()
        .fill(&mut random);
    WasiCtx::builder()
        .stderr(stderr)
        .wall_clock(Frozen)
        .monotonic_clock(Frozen)
        .secure_random(Deterministic::new(random.clone()))
        .insecure_random(Deterministic::new(random))
        .insecure_random_seed(0x5ca7_0057)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// 2000-01-01, for as long as the guest lives: a time that no certificate or token is taken for valid by accident.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::from_hours(262_968)
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        0
    }
}

/// Marks our own `poll` for the linker.
struct Ready;

impl HasData for Ready {
    type Data<'a> = ReadyView<'a>;
}

/// A `poll` to which everything is ready at once.
struct ReadyView<'a>(&'a mut ResourceTable);

impl poll::Host for ReadyView<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        if pollables.is_empty() {
            return Err(wasmtime::format_err!("poll was called with an empty list"));
        }
        Ok((0..u32::try_from(pollables.len())?).collect())
    }
}

impl poll::HostPollable for ReadyView<'_> {
    fn ready(&mut self, _: Resource<DynPollable>) -> wasmtime::Result<bool> {
        Ok(true)
    }
    fn block(&mut self, _: Resource<DynPollable>) -> wasmtime::Result<()> {
        Ok(())
    }
    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.0, pollable)
    }
}
