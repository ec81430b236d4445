//! The trait that a plugin implements, and the macro that exports it.

use crate::{Error, File, Report};

/// A plugin that looks at files.
///
/// One instance sees many files, one after the other, never two at once. A plugin of the kind `per-file`
/// must not let one file's answer depend on another's: results are cached per file.
pub trait Scanner: Sized {
    /// Once, before anything else. `config` is the JSON of `[plugins.<id>] config`, already validated
    /// against the manifest's schema; `{}` when there is none.
    fn open(config: &str) -> Result<Self, Error>;

    /// One file. An error means that this file could not be judged: the run is then incomplete.
    fn scan(&mut self, file: &File, report: &mut Report) -> Result<(), Error>;

    /// After the last file. A `whole-project` plugin concludes here.
    fn finish(&mut self, report: &mut Report) -> Result<(), Error> {
        let _ = report;
        Ok(())
    }
}

/// Exports a [`Scanner`] as the component's world `file-scanner`.
///
/// Natively it expands to nothing, so that the same crate can be tested. The state lives in a thread-local
/// of the plugin; a component instance has one thread.
#[macro_export]
macro_rules! export {
    ($scanner:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            #[allow(unsafe_code, unused_imports, reason = "the generated export shims, and nothing else")]
            mod shim {
                use super::*;

                struct Component;

                ::std::thread_local! {
                    static STATE: $crate::guest::State<$scanner> = const { $crate::guest::State::new() };
                }

                impl $crate::bindings::exports::scanhost::plugin::scanner::Guest for Component {
                    fn open(config: ::std::string::String) -> ::std::result::Result<(), $crate::guest::WireError> {
                        STATE.with(|state| state.open(&config))
                    }

                    fn scan(file: $crate::guest::WireFile) -> ::std::result::Result<(), $crate::guest::WireError> {
                        STATE.with(|state| state.scan(file))
                    }

                    fn finish() -> ::std::result::Result<(), $crate::guest::WireError> {
                        STATE.with($crate::guest::State::finish)
                    }
                }

        $crate::bindings::export_file_scanner!(Component with_types_in $crate::bindings);
            }
        };
    };
}
