//! How guests are compiled. The build script compiles the first-party plugins with these settings, the host
//! loads what came out and compiles third-party plugins with the same; an artefact is accepted only when
//! both agree, so the settings stand in this one file, which the build script includes.

/// The settings of the engine, for a target triple. Naming the triple, even the machine's own, keeps
/// Cranelift from using whatever this machine's processor happens to have: the artefact has to run on any
/// machine of the architecture.
pub fn config(triple: &str) -> wasmtime::Result<wasmtime::Config> {
    let mut config = wasmtime::Config::new();
    config.target(triple)?;
    config.strategy(wasmtime::Strategy::Cranelift);
    config.cranelift_opt_level(wasmtime::OptLevel::Speed);
    // Deadlines. Fuel would cost two to three times the time.
    config.epoch_interruption(true);
    // What no plugin needs is off: less to trust, and smaller artefacts.
    config.wasm_component_model(true);
    config.wasm_relaxed_simd(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(true);
    config.wasm_tail_call(true);
    config.concurrency_support(false);
    config.native_unwind_info(false);
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    // 512 KiB of stack for a guest; a worker thread has 2 MiB.
    config.max_wasm_stack(512 << 10);
    Ok(config)
}
