//! `[plugins.ID] config` against the JSON Schema that the plugin's manifest brings.

use scanhost_manifest::Manifest;
use serde_json::Value;

/// A configuration that the plugin does not take.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It takes none.
    #[error("the plugin takes no configuration; remove `config`")]
    TakesNone,
    /// The manifest's schema is broken: the plugin's defect.
    #[error("the plugin's own configuration schema is unusable: {0}")]
    Schema(String),
    /// Where and what.
    #[error("`config{at}`: {message}")]
    Invalid {
        /// JSON pointer into the configuration, dotted.
        at: String,
        /// What is wrong there.
        message: String,
    },
}

/// Checks a configuration; an empty one is always fine.
pub fn check_settings(manifest: &Manifest, config: &Value) -> Result<(), SettingsError> {
    let empty = config.is_null() || config.as_object().is_some_and(serde_json::Map::is_empty);
    let Some(schema) = &manifest.config_schema else {
        return if empty { Ok(()) } else { Err(SettingsError::TakesNone) };
    };
    let validator = jsonschema::validator_for(schema).map_err(|error| SettingsError::Schema(error.to_string()))?;
    let value = if config.is_null() { &Value::Object(serde_json::Map::new()) } else { config };
    validator.validate(value).map_err(|error| SettingsError::Invalid {
        at: error.instance_path().to_string().replace('/', "."),
        message: error.to_string(),
    })
}
