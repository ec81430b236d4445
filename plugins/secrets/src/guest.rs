//! The component's export, and nothing else.

scanhost_plugin::export!(crate::Secrets);
