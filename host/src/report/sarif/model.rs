//! SARIF 2.1.0, as much of it as is written; the names are the standard's. Nothing here knows a finding.

#![expect(clippy::struct_field_names, reason = "the names are the standard's")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// `properties` of anything.
pub type Properties = BTreeMap<&'static str, Value>;

/// Declares structs whose keys are written in camel case, empty options left out.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $(
                #[serde(skip_serializing_if = "Absent::is_absent")]
                #[doc = concat!("`", stringify!($field), "` of the standard.")]
                pub $field: $kind,
            )*
        }
    )*};
}

/// What is left out when it is empty.
trait Absent {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for Properties {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

macro_rules! always {
    ($($kind:ty),*) => { $(impl Absent for $kind {})* };
}
always!(
    &'static str,
    String,
    bool,
    u8,
    u32,
    u64,
    usize,
    Text,
    ArtifactLocation,
    Driver,
    Tool,
    Invocation,
    AutomationDetails,
    Run,
    LevelOnly,
    Markdown,
    Id
);
impl<T> Absent for Vec<T> {}
impl Absent for BTreeMap<&'static str, String> {}
impl Absent for BTreeMap<&'static str, UriBase> {}

/// The document.
#[derive(Debug, Serialize)]
pub struct Log {
    /// Where the standard's schema is.
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    /// Of the standard.
    pub version: &'static str,
    /// One.
    pub runs: [Run; 1],
}

objects! {
    /// §3.14
    Run {
        tool: Tool,
        automation_details: AutomationDetails,
        original_uri_base_ids: BTreeMap<&'static str, UriBase>,
        column_kind: &'static str,
        invocations: Vec<Invocation>,
        results: Vec<SarifResult>,
        properties: Properties,
    }
    /// §3.18
    Tool { driver: Driver, extensions: Vec<Extension>, }
    /// §3.19, the host.
    Driver {
        name: &'static str,
        semantic_version: String,
        version: String,
        information_uri: &'static str,
        rules: Vec<Rule>,
    }
    /// §3.19, a plugin.
    Extension { name: String, version: String, properties: Properties, }
    /// §3.49, a rule.
    Rule {
        id: String,
        name: String,
        short_description: Text,
        full_description: Text,
        help: Markdown,
        default_configuration: LevelOnly,
        properties: Properties,
    }
    /// §3.52, of a notification.
    Id { id: String, }
    /// §3.50
    LevelOnly { level: &'static str, }
    /// §3.17
    AutomationDetails { id: String, }
    /// §3.14.14, without the machine's path.
    UriBase { description: Text, }
    /// §3.11
    Text { text: String, }
    /// §3.11 or §3.12, in both forms.
    Markdown { text: String, markdown: String, }
    /// §3.20
    Invocation {
        execution_successful: bool,
        exit_code: u8,
        exit_code_description: String,
        tool_execution_notifications: Vec<Notification>,
        tool_configuration_notifications: Vec<Notification>,
    }
    /// §3.58
    Notification {
        descriptor: Id,
        level: &'static str,
        message: Text,
        locations: Option<Vec<Location>>,
        properties: Properties,
    }
    /// §3.27
    SarifResult {
        rule_id: String,
        rule_index: Option<usize>,
        level: &'static str,
        message: Text,
        locations: Vec<Location>,
        related_locations: Option<Vec<Location>>,
        partial_fingerprints: BTreeMap<&'static str, String>,
        baseline_state: Option<&'static str>,
        suppressions: Vec<Suppression>,
        fixes: Option<[Fix; 1]>,
        properties: Properties,
    }
    /// §3.28
    Location {
        id: Option<usize>,
        physical_location: Option<PhysicalLocation>,
        logical_locations: Option<[LogicalLocation; 1]>,
        message: Option<Text>,
        properties: Properties,
    }
    /// §3.29
    PhysicalLocation {
        artifact_location: ArtifactLocation,
        region: Option<Region>,
        context_region: Option<Region>,
    }
    /// §3.4
    ArtifactLocation { uri: String, uri_base_id: &'static str, }
    /// §3.30
    Region {
        start_line: Option<u32>,
        start_column: Option<u32>,
        end_line: Option<u32>,
        end_column: Option<u32>,
        byte_offset: Option<u64>,
        byte_length: Option<u64>,
        snippet: Option<Text>,
    }
    /// §3.33
    LogicalLocation { fully_qualified_name: String, kind: Option<String>, }
    /// §3.35
    Suppression {
        kind: &'static str,
        status: &'static str,
        justification: Option<String>,
        properties: Properties,
    }
    /// §3.55
    Fix { description: Text, artifact_changes: Vec<ArtifactChange>, }
    /// §3.56
    ArtifactChange { artifact_location: ArtifactLocation, replacements: Vec<Replacement>, }
    /// §3.57
    Replacement { deleted_region: Deleted, inserted_content: Text, }
    /// §3.30, in bytes.
    Deleted { byte_offset: u64, byte_length: u64, }
}
always!(Deleted);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.into() }
    }
}
