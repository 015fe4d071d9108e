//! The configuration of the process, read once from the environment. Nothing else reads the environment.

use std::path::PathBuf;

pub(crate) use self::aws::AwsEnvironment;
pub(crate) use self::given::{Given, Origin};
pub(crate) use self::problem::{Problem, Strings};
pub(crate) use self::proxies::ProxyVariables;
pub(crate) use self::setting::Section;
pub(crate) use self::spans::{HttpEnd, HttpNames, SpanChoices, TRACE_ID, TraceReference};
pub(crate) use self::tracing::{OTEL_TRACES_ENDPOINT, Tracing};
pub(crate) use self::value::{Expected, Transport, duration, switch};

mod aws;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod given;
mod problem;
mod proxies;
mod setting;
mod spans;
mod tracing;
mod value;

/// The settings that Grafana and its operator make for a plugin, read from environment variables as Grafana sets them.
///
/// `GF_PLUGIN_<KEY>` is a key of the plugin's section in grafana.ini. Keys that start with `gpx_` are the host's own,
/// and [`Settings::markdown`] lists them with their units and defaults. All other keys are passed to the component.
/// `GF_APP_URL` is Grafana's own URL, for calls that do not have it. `GF_INSTANCE_OTLP_…` configures tracing, and so do
/// `OTEL_EXPORTER_OTLP_…` and `OTEL_RESOURCE_ATTRIBUTES`. `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name proxies, as in Go.
/// go-plugin sets `PLUGIN_…` for the processes that it starts, so only [`launch::plugin`](crate::launch::plugin) uses those.
///
/// A setting that is unknown or invalid is not an error. The log and the health check report it, and a safe value is
/// used instead.
///
/// The executable reads its environment. A program that embeds a plugin collects them from pairs, with its own values:
///
/// ```
/// let settings: gpx_host::Settings = [("GF_PLUGIN_GPX_CALL_TIMEOUT", "30s")].into_iter().collect();
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// How go-plugin started the process.
    pub(crate) process: Process,
    /// What was said about tracing.
    pub(crate) tracing: Tracing,
    /// The plugin's version as Grafana read it from plugin.json; Grafana sends it only if tracing is on.
    pub(crate) plugin_version: Option<String>,
    /// What the process's environment says about requests to upstreams.
    pub(crate) upstreams: Upstreams,
    /// Grafana's own URL, which older versions tell the process instead of sending it with each call.
    pub(crate) app_url: Option<String>,
    /// The host's own settings in the plugin's section of grafana.ini, except the transport.
    pub(crate) section: Section,
    /// The keys of the plugin's section in grafana.ini that are not ours; they belong to the component.
    pub(crate) operator: Strings,
    /// What the environment says about AWS.
    pub(crate) aws: AwsEnvironment,
    /// Which proxies lead out.
    pub(crate) proxies: ProxyVariables,
    /// Settings that are unknown or invalid. The plugin still runs; the log and the health check report them.
    pub(crate) problems: Vec<Problem>,
}

/// go-plugin's variables: how the process was started, and where it must listen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Process {
    /// The value of `grafana_plugin_type`, by which a process knows that Grafana started it.
    pub cookie: Option<String>,
    /// The protocol versions that the client speaks, separated by commas.
    pub versions: String,
    /// Whether the client asks for mutual TLS.
    pub client_cert: bool,
    /// Whether the client asks for multiplexing.
    pub multiplex: bool,
    /// The directory for the unix socket, if the client names one.
    pub socket_dir: Option<PathBuf>,
    /// The group that may connect to the unix socket besides the process's user, by name or by number.
    pub socket_group: Option<String>,
    /// The directory for the unix socket if the client names none: `TMPDIR`, by default `/tmp`.
    pub temp_dir: PathBuf,
    /// The range of TCP ports that may be used. From 0 to 0, which is the default, the system chooses a port.
    pub min_port: u16,
    pub max_port: u16,
    /// The operator's `gpx_transport`.
    pub transport: Transport,
    /// Where processes listen that somebody holds in place of a plugin's own, by the end of the variable's name.
    pub held: Strings,
}

/// What applies to requests to upstreams beside the host's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Upstreams {
    /// Grafana's `response_limit` of `[dataproxy]`, as text.
    pub response_limit: String,
}

/// The prefix that Grafana adds to each key of the plugin's section.
const SECTION: &str = "GF_PLUGIN_";

/// Grafana's own URL, among its configuration and in the environment.
pub(crate) const APP_URL: &str = "GF_APP_URL";

/// How the variable begins that says where a process listens that somebody holds in place of a plugin's own. The plugin's id
/// follows, in upper case and with `_` instead of `-`.
const HELD: &str = "GF_PLUGIN_GRPC_ADDRESS_";

/// What looks like keys of the section and is Grafana's own, in lower case. The last two are secrets of the plugin's service
/// account, which must not reach a component in any spelling.
const NOT_OF_THE_SECTION: [&str; 4] = ["version", "app_client_id", "app_client_secret", "app_private_key"];

// === impl Settings ===

impl Settings {
    /// Reads the environment of the process. docs/settings.md describes the operator's part of it.
    ///
    /// The executable uses it. An embedding program can, to take the operator's settings from its own environment.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_env() -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        std::env::vars_os().map(|(key, value)| (text(key), text(value))).collect()
    }

    /// Reads the environment like [`Settings::from_env`], and removes OpenTelemetry's variables from it: libraries that read
    /// them on their own would put them before what the operator has set for the plugin.
    ///
    /// For the beginning of `main` only.
    #[expect(unsafe_code, reason = "the process has no other thread yet that could read the environment")]
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub(crate) fn take_env() -> Self {
        let settings = Self::from_env();
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"OTEL_"))
        {
            // SAFETY: nothing reads or writes the environment meanwhile, since this is the only thread.
            unsafe { std::env::remove_var(name) };
        }
        settings
    }

    /// Returns the reference of the operator's settings as a Markdown page, with units, defaults and meanings.
    ///
    /// The executable's command `settings` prints it; it is docs/settings.md.
    pub fn markdown() -> String {
        setting::markdown()
    }

    fn read(strings: &Strings) -> Self {
        let section = strings
            .iter()
            .filter(|(key, _)| !key.starts_with(HELD))
            .filter_map(|(key, value)| Some((key.strip_prefix(SECTION)?.to_lowercase(), value.clone())))
            .filter(|(key, _)| !NOT_OF_THE_SECTION.contains(&key.as_str()));
        let (ours, operator) = section.partition(|(key, _)| key.starts_with(setting::PREFIX));
        let mut problems = Vec::new();
        let (section, transport) = Section::read(&ours, &mut problems);
        Self {
            process: Process::read(strings, transport, &mut problems),
            tracing: Tracing::read(strings, &ours, &operator),
            upstreams: Upstreams::read(strings),
            plugin_version: non_empty(strings, "GF_PLUGIN_VERSION"),
            app_url: non_empty(strings, APP_URL),
            section,
            operator,
            aws: AwsEnvironment::read(strings),
            proxies: ProxyVariables::read(strings),
            problems,
        }
    }
}

/// The settings of an empty environment: every setting has its default.
impl Default for Settings {
    fn default() -> Self {
        Self::read(&Strings::new())
    }
}

/// Reads settings from the names and values of environment variables. Other variables are ignored.
impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self::read(&variables.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

// === impl Process ===

impl Process {
    fn read(strings: &Strings, transport: Transport, problems: &mut Vec<Problem>) -> Self {
        let mut port = |key: &str| match non_empty(strings, key).map(|port| port.parse()) {
            None => 0,
            Some(Ok(port)) => port,
            Some(Err(_)) => {
                let text = "must be a port number; a free port is used instead".to_owned();
                problems.push(Problem { key: key.to_owned(), text });
                0
            }
        };
        Self {
            cookie: strings.get("grafana_plugin_type").cloned(),
            versions: text(strings, "PLUGIN_PROTOCOL_VERSIONS"),
            client_cert: non_empty(strings, "PLUGIN_CLIENT_CERT").is_some(),
            multiplex: non_empty(strings, "PLUGIN_MULTIPLEX_GRPC").is_some(),
            socket_dir: non_empty(strings, "PLUGIN_UNIX_SOCKET_DIR").map(Into::into),
            socket_group: non_empty(strings, "PLUGIN_UNIX_SOCKET_GROUP"),
            temp_dir: non_empty(strings, "TMPDIR").unwrap_or_else(|| "/tmp".to_owned()).into(),
            min_port: port("PLUGIN_MIN_PORT"),
            max_port: port("PLUGIN_MAX_PORT"),
            transport,
            held: strings
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.strip_prefix(HELD)?.to_owned(), value.trim().to_owned()))
                })
                .collect(),
        }
    }

    /// Returns where a process listens, or is to listen, that somebody holds in place of the plugin's own.
    pub(crate) fn held_at(&self, id: &str) -> Option<&str> {
        self.held.get(&id.to_uppercase().replace('-', "_")).map(String::as_str)
    }
}

// === impl Upstreams ===

impl Upstreams {
    fn read(strings: &Strings) -> Self {
        Self { response_limit: strings.get("GF_DATAPROXY_RESPONSE_LIMIT").cloned().unwrap_or_default() }
    }
}

fn text(strings: &Strings, key: &str) -> String {
    strings.get(key).map(|value| value.trim().to_owned()).unwrap_or_default()
}

fn non_empty(strings: &Strings, key: &str) -> Option<String> {
    Some(text(strings, key)).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Settings {
        Settings::read(&pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
    }

    #[test]
    fn an_empty_environment_gives_the_defaults_and_no_problems() {
        let config = read(&[]);
        assert_eq!(config.problems, []);
        assert_eq!(config.process.temp_dir, PathBuf::from("/tmp"));
        assert_eq!(config.process.transport, Transport::Unix);
        assert_eq!(config.tracing, Tracing::default());
    }

    #[test]
    fn reads_the_variables_of_go_plugin_and_grafana() {
        let config = read(&[
            ("grafana_plugin_type", "datasource"),
            ("PLUGIN_PROTOCOL_VERSIONS", "2"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/sockets"),
            ("PLUGIN_UNIX_SOCKET_GROUP", ""),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "x"),
            ("GF_INSTANCE_OTLP_ADDRESS", "localhost:4317"),
            ("GF_PLUGIN_VERSION", "1.2.3"),
            ("GF_APP_URL", "http://grafana/"),
        ]);
        assert_eq!(config.process.cookie.as_deref(), Some("datasource"));
        assert_eq!(config.process.socket_dir, Some(PathBuf::from("/run/sockets")));
        assert_eq!(config.process.socket_group, None);
        assert_eq!((config.process.min_port, config.process.max_port), (10000, 0));
        assert_eq!(config.problems.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(), ["PLUGIN_MAX_PORT"]);
        assert_eq!(config.tracing.endpoint.unwrap().value, "localhost:4317");
        assert_eq!(config.plugin_version.as_deref(), Some("1.2.3"));
        assert_eq!(config.app_url.as_deref(), Some("http://grafana/"));
    }

    #[test]
    fn other_keys_of_the_section_belong_to_the_component() {
        let config = read(&[
            ("GF_PLUGIN_MAX_ROWS", "10"),
            ("GF_PLUGIN_GPX_INSTANCES_MAX", "4"),
            ("GF_PLUGIN_VERSION", "1.0.0"),
            ("GF_PLUGIN_APP_CLIENT_SECRET", "hidden"),
            ("GF_PLUGIN_app_private_key", "hidden"),
            ("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST", "localhost:3005"),
            ("GF_VERSION", "13.0.0"),
        ]);
        assert_eq!(config.operator, Strings::from([("max_rows".into(), "10".into())]));
        assert_eq!(config.section.instances_max, Some(4));
        assert_eq!(config.problems, []);
    }
}
