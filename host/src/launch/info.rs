//! What the executable says of the plugin beside it, as plugins on the Go SDK do.

use serde_json::json;

use super::executable;
use super::files::Files;

/// What is known about a plugin's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The plugin's version. Empty if plugin.json has none.
    pub version: String,
    /// A JSON object with `time` (of the build, in Unix milliseconds, if plugin.json has a date), `pluginID` and `version`, and
    /// with `host`, the version of this library.
    pub json: String,
}

/// Returns what plugin.json beside the executable says about the plugin's build.
///
/// Fails with a sentence for people if there is no plugin.json, or if it cannot be read.
///
/// gpx-host's `main` calls it for the options `-version` and `-buildinfo`.
pub fn build_info() -> Result<BuildInfo, String> {
    let executable = executable().map_err(|error| error.to_string())?;
    let identity = Files::beside(&executable).identity().map_err(|error| error.to_string())?;
    let mut info = json!({
        "pluginID": identity.id, "version": identity.version, "host": env!("CARGO_PKG_VERSION"),
    });
    if let (Some(time), Some(info)) = (milliseconds(&identity.updated), info.as_object_mut()) {
        info.insert("time".to_owned(), time.into());
    }
    Ok(BuildInfo { version: identity.version, json: info.to_string() })
}

/// Returns the beginning of a day such as `2026-11-30`.
fn milliseconds(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = time::Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
    let day = parts.next()?.parse().ok()?;
    let date = time::Date::from_calendar_date(year, month, day).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(milliseconds("2026-11-30"), Some(1_795_996_800_000));
        for date in ["", "2026-11", "2026-13-01", "2026-02-30", "%TODAY%", "2026-11-30T00:00:00Z"] {
            assert_eq!(milliseconds(date), None, "{date}");
        }
    }
}
