//! The plugin's directory: the files beside the executable. They are only read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::error::Category;

/// Where the parts of a plugin are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub component: PathBuf,
    pub metadata: PathBuf,
}

/// The plugin's id and version, as in its plugin.json.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: String,
    /// Empty if unknown.
    pub version: String,
    /// The day on which it was built, as in plugin.json. Empty if unknown.
    pub updated: String,
}

/// Why plugin.json does not say what the plugin is.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoIdentity {
    #[error("There is no plugin.json beside the executable; put it there")]
    Missing,
    #[error("plugin.json cannot be read ({0}); let the user that runs Grafana read it")]
    Unreadable(std::io::Error),
    #[error("plugin.json is not JSON ({0}); correct it")]
    NotJson(serde_json::Error),
    #[error(
        "plugin.json is not complete or has a value of another type ({0}); it needs at least an `id`, a text"
    )]
    Unexpected(serde_json::Error),
    #[error("plugin.json has an empty `id`; set the id of the plugin")]
    NoId,
}

#[derive(Deserialize)]
struct Metadata {
    id: String,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    version: String,
    #[serde(default)]
    updated: String,
}

// === impl Files ===

impl Files {
    /// Grafana starts `<name>_<os>_<arch>`; the component is `<name>.wasm` beside it, for every system.
    pub(super) fn beside(executable: &Path) -> Self {
        let file = executable.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = file.strip_suffix(".exe").unwrap_or(&file);
        let mut parts: Vec<&str> = name.split('_').collect();
        if let [.., system, processor] = parts.as_slice()
            && ["darwin", "freebsd", "linux", "windows"].contains(system)
            && ["386", "amd64", "arm", "arm64"].contains(processor)
        {
            parts.truncate(parts.len() - 2);
        }
        let name = parts.join("_");
        Self {
            component: executable.with_file_name(format!("{name}.wasm")),
            metadata: executable.with_file_name("plugin.json"),
        }
    }

    /// Reads plugin.json.
    pub(super) fn identity(&self) -> Result<Identity, NoIdentity> {
        let text = std::fs::read(&self.metadata).map_err(|error| match error.kind() {
            ErrorKind::NotFound => NoIdentity::Missing,
            _ => NoIdentity::Unreadable(error),
        })?;
        Identity::parse(&text)
    }
}

// === impl Identity ===

impl Identity {
    /// Reads the text of a plugin.json.
    pub(super) fn parse(text: &[u8]) -> Result<Self, NoIdentity> {
        let Metadata { id, info } = serde_json::from_slice(text).map_err(|error| match error.classify() {
            Category::Data => NoIdentity::Unexpected(error),
            _ => NoIdentity::NotJson(error),
        })?;
        if id.is_empty() {
            return Err(NoIdentity::NoId);
        }
        // Grafana treats the placeholders of an unbuilt plugin.json as empty.
        let version = if info.version.contains('%') { String::new() } else { info.version };
        Ok(Self { id, version, updated: info.updated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_serves_every_system() {
        for executable in
            ["gpx_x_y_linux_amd64", "gpx_x_y_darwin_arm64", "gpx_x_y_windows_amd64.exe", "gpx_x_y"]
        {
            let files = Files::beside(&Path::new("/plugins/x").join(executable));
            assert_eq!(files.component, Path::new("/plugins/x/gpx_x_y.wasm"), "{executable}");
            assert_eq!(files.metadata, Path::new("/plugins/x/plugin.json"));
        }
    }

    #[test]
    fn what_is_wrong_with_plugin_json_is_said() {
        for (text, what) in [
            ("", "plugin.json is not JSON (EOF"),
            ("{\"id\": \"a-b-app\"", "plugin.json is not JSON (EOF"),
            ("{\"id\": \"a-b-app\",}", "plugin.json is not JSON (trailing comma at line 1"),
            ("{}", "plugin.json is not complete or has a value of another type (missing field `id`"),
            ("{\"id\": 7}", "plugin.json is not complete or has a value of another type (invalid type"),
            ("{\"id\": \"\"}", "plugin.json has an empty `id`"),
        ] {
            let error = Identity::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(what), "{text}: {error}");
        }
        let identity = Identity::parse(br#"{"id":"a-b-app","info":{"version":"%VERSION%"}}"#).unwrap();
        assert_eq!((identity.id.as_str(), identity.version.as_str()), ("a-b-app", ""));
    }
}
