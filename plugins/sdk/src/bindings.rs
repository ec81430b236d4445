//! Generated from `wit/plugin.wit`, for the world `file-scanner`.
//!
//! A further world gets a module of its own beside this one that reuses these types (`with:`), so that a
//! [`crate::Finding`] stays one type whatever a plugin exports.
#![allow(unsafe_code, missing_docs, reason = "generated code")]
#![allow(clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason, reason = "generated code")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "file-scanner",
    pub_export_macro: true,
    export_macro_name: "export_file_scanner",
    default_bindings_module: "scanhost_plugin::bindings",
    generate_all,
});
