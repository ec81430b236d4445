//! The contract, as wasmtime generates it from `wit/`.
#![allow(missing_docs, clippy::pedantic, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "file-scanner",
    imports: { default: trappable },
    with: { "scanhost:plugin/files.file": crate::sandbox::state::FileHandle },
    require_store_data_send: true,
});
