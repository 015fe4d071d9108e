//! The one table of our settings: the parser uses it, and docs/settings.md is generated from it.

mod reader;
mod row;
mod spans;
pub(super) mod tracing;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use self::reader::{Reader, shown};
use self::row::DURATION;
pub(super) use self::row::Setting;
use super::problem::{Problem, Strings};
use super::spans::SpanChoices;
use super::value::{self, Transport};

/// The prefix of all our keys; all other keys of the section belong to the component.
pub(super) const PREFIX: &str = "gpx_";

/// The values of all settings except the transport, which is part of [`Process`](super::Process).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub allow_hosts: Vec<String>,
    pub allow_paths: Vec<String>,
    pub deny_private: bool,
    pub call_timeout: Duration,
    pub cpu_timeout: Duration,
    /// Bytes.
    pub memory_max: u64,
    /// Bytes.
    pub memory_total: u64,
    pub instances_max: Option<usize>,
    pub streams_max: usize,
    pub connections_max: usize,
    pub deny_secrets: Vec<String>,
    pub allow_headers: Vec<String>,
    pub precompiled: bool,
    pub cache_dir: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
    pub watch: bool,
    pub record: Option<PathBuf>,
    pub replay: Option<PathBuf>,
    pub spans: SpanChoices,
}

const LIST: &str = "list, separated by commas or spaces";
const MEBIBYTES: &str = "MiB";

const ALLOW_HOSTS: Setting = Setting {
    name: "gpx_allow_hosts",
    kind: LIST,
    default: "",
    when_bad: "",
    meaning: "What the plugin may reach besides the origin of the data source's own URL. An invalid entry allows \
              nothing.",
};
const ALLOW_PATHS: Setting = Setting {
    name: "gpx_allow_paths",
    kind: "list of paths, separated by commas or spaces",
    default: "",
    when_bad: "",
    meaning: "What the plugin may reach at the origin of a data source besides what is below the path of the data source's \
              URL, such as `/ready /api/v2`, with the data source's credentials. Each includes all below it, and must be \
              percent-encoded. Without a path in its URL, a data source may reach all of its origin; with one, it may not, even if \
              `gpx_allow_hosts` names that origin.",
};
const DENY_PRIVATE: Setting = Setting {
    name: "gpx_deny_private",
    kind: "`on` or `off`",
    default: "off",
    when_bad: "on",
    meaning: "Whether to refuse all addresses that are not public: private, loopback and reserved ones (RFC 6890), also \
              within IPv6 addresses, for the data source's own URL too. `gpx_allow_hosts` opens single hosts or addresses; \
              a wildcard does not.",
};
const CALL_TIMEOUT: Setting = Setting {
    name: "gpx_call_timeout",
    kind: DURATION,
    default: "5m",
    when_bad: "5m",
    meaning: "How long a call may take in total. If Grafana's own deadline is shorter, it ends the call earlier.",
};
const CPU_TIMEOUT: Setting = Setting {
    name: "gpx_cpu_timeout",
    kind: DURATION,
    default: "10s",
    when_bad: "10s",
    meaning: "How much processor time a call may use inside the component. Waiting for an upstream does not count.",
};
const MEMORY_MAX: Setting = Setting {
    name: "gpx_memory_max",
    kind: MEBIBYTES,
    default: "256",
    when_bad: "256",
    meaning: "How much memory one instance of the component may use. A call that needs more fails.",
};
const MEMORY_TOTAL: Setting = Setting {
    name: "gpx_memory_total",
    kind: MEBIBYTES,
    default: "1280",
    when_bad: "1280",
    meaning: "How much memory all instances of the component together may use, with what the host keeps for them. Calls \
              that find none wait for it. Health checks may use a sixteenth more.",
};
const INSTANCES_MAX: Setting = Setting {
    name: "gpx_instances_max",
    kind: "number",
    default: "",
    when_bad: "32",
    meaning: "How many instances of the component a data source may have. Each runs one query at a time; further \
              queries wait. Health checks may use four more. If empty, only memory limits them.",
};
const STREAMS_MAX: Setting = Setting {
    name: "gpx_streams_max",
    kind: "number",
    default: "1000",
    when_bad: "100",
    meaning: "How many streams of Grafana Live a data source may run at once. Each has an instance of its own, which does not \
              count for `gpx_instances_max`. Further ones fail. All streams together use at most three quarters of \
              `gpx_memory_total`.",
};
const CONNECTIONS_MAX: Setting = Setting {
    name: "gpx_connections_max",
    kind: "number",
    default: "1000",
    when_bad: "1000",
    meaning: "How many connections a data source may have to what it sends requests to, and how many requests at a time: with \
              HTTP/2, several share a connection. Further requests wait. Health checks may use four more. All data sources together have what the \
              process's limit of open files allows.",
};
const CA_FILE: Setting = Setting {
    name: "gpx_ca_file",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "A file with certificates of authorities (PEM) that are trusted besides those of the system, by all data sources that have \
              no CA certificate of their own. The system's are those in `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else where \
              distributions keep them, or else Mozilla's. If the file cannot be read, requests that need it fail.",
};
const DENY_SECRETS: Setting = Setting {
    name: "gpx_deny_secrets",
    kind: LIST,
    default: "",
    when_bad: "",
    meaning: "Names of the data source's secrets that the component does not get even if it asks for them, as they \
              are written in `secureJsonData`.",
};
const ALLOW_HEADERS: Setting = Setting {
    name: "gpx_allow_headers",
    kind: LIST,
    default: "",
    when_bad: "",
    meaning: "Names of headers of Grafana's calls that the component sees besides those that every component sees (SECURITY.md \
              lists them) and those that its manifest names. Headers that bear credentials are never passed on.",
};
const PRECOMPILED: Setting = Setting {
    name: "gpx_precompiled",
    kind: "`on` or `off`",
    default: "on",
    when_bad: "off",
    meaning: "Whether to use machine code that was compiled ahead of time (the `.cwasm` beside the executable). With \
              `off`, or if it does not fit the component, the component is compiled at the start.",
};
const CACHE_DIR: Setting = Setting {
    name: "gpx_cache_dir",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "A directory for machine code that was compiled at a start, so that the next start finds it. It is made if it \
              does not exist. It is used only if it belongs to the plugin's own user and nobody else may read or write \
              it (mode 700), and several plugins may share it. If empty, nothing is kept.",
};
const WATCH: Setting = Setting {
    name: "gpx_watch",
    kind: "`on` or `off`",
    default: "off",
    when_bad: "off",
    meaning: "For development only: whether a component that was built again takes the place of the one that runs, without a \
              restart of Grafana, as soon as its file beside the executable was replaced. Calls that run finish on the old one; \
              streams end, and Grafana runs them again. If the new one cannot be loaded, the old one stays, and the log and the \
              health check's details say why. Linux only.",
};
const RECORD: Setting = Setting {
    name: "gpx_record",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "For development only: a file into which everything is recorded that a component learns from outside: the answers to \
              its requests, without secrets, the time, and what random numbers are made of. It takes the place of what the file \
              had. Meanwhile each call of one of the component's functions has an instance and a cache of its own. If empty, \
              nothing is recorded.",
};
const REPLAY: Setting = Setting {
    name: "gpx_replay",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "For development only: a recording, or a HAR document, that answers the component's requests, which do not reach the \
              network. Requests without a recorded answer fail. Nothing is recorded meanwhile.",
};
const TRANSPORT: Setting = Setting {
    name: "gpx_transport",
    kind: "`unix` or `tcp`",
    default: "unix",
    when_bad: "unix",
    meaning: "How Grafana connects to the plugin. Every user on the machine can connect to a TCP port on 127.0.0.1; \
              only Grafana's user can connect to a unix socket. Windows always uses TCP.",
};

/// Those that are read here. [`tracing`] and [`spans`] have the others.
const ALL: [&Setting; 19] = [
    &ALLOW_HOSTS,
    &ALLOW_PATHS,
    &DENY_PRIVATE,
    &CALL_TIMEOUT,
    &CPU_TIMEOUT,
    &MEMORY_MAX,
    &MEMORY_TOTAL,
    &INSTANCES_MAX,
    &STREAMS_MAX,
    &CONNECTIONS_MAX,
    &CA_FILE,
    &DENY_SECRETS,
    &ALLOW_HEADERS,
    &PRECOMPILED,
    &CACHE_DIR,
    &WATCH,
    &RECORD,
    &REPLAY,
    &TRANSPORT,
];

// === impl Section ===

impl Section {
    /// `given` holds the keys of the section that are ours, in lower case.
    pub(super) fn read(given: &Strings, problems: &mut Vec<Problem>) -> (Self, Transport) {
        let mut reader = Reader::new(given, problems);
        reader.refuse_unknown(&all().map(|setting| setting.name).collect());
        let settings = Self {
            allow_hosts: reader.value(&ALLOW_HOSTS, value::list),
            allow_paths: reader.value(&ALLOW_PATHS, value::list),
            deny_private: reader.value(&DENY_PRIVATE, value::switch),
            call_timeout: reader.value(&CALL_TIMEOUT, value::duration),
            cpu_timeout: reader.value(&CPU_TIMEOUT, value::duration),
            memory_max: reader.value(&MEMORY_MAX, value::mebibytes),
            memory_total: reader.value(&MEMORY_TOTAL, value::mebibytes),
            instances_max: reader.value(&INSTANCES_MAX, value::optional_count),
            streams_max: reader.value(&STREAMS_MAX, value::count),
            connections_max: reader.value(&CONNECTIONS_MAX, value::count),
            deny_secrets: reader.value(&DENY_SECRETS, value::list),
            allow_headers: reader.value(&ALLOW_HEADERS, value::list),
            precompiled: reader.value(&PRECOMPILED, value::switch),
            cache_dir: reader.value(&CACHE_DIR, value::optional_path),
            ca_file: reader.value(&CA_FILE, value::optional_path),
            watch: reader.value(&WATCH, value::switch),
            record: reader.value(&RECORD, value::optional_path),
            replay: reader.value(&REPLAY, value::optional_path),
            spans: spans::read(&mut reader),
        };
        (settings, reader.value(&TRANSPORT, value::transport))
    }
}

/// Returns the text of docs/settings.md.
pub(super) fn markdown() -> String {
    let mut page = String::from(
        "# Settings\n\
         \n\
         <!-- Printed by `gpx-host settings`. Change host/src/config/setting.rs, then print it again. -->\n\
         \n\
         Operators set these in the plugin's section of grafana.ini:\n\
         \n\
         ```ini\n\
         [plugin.my-plugin-id]\n\
         gpx_call_timeout = 1m\n\
         ```\n\
         \n\
         Each can also be set as an environment variable of Grafana, `GF_PLUGIN_` followed by the key in capitals \
         (`GF_PLUGIN_GPX_CALL_TIMEOUT`); it then applies to all plugins. All other keys of the section are passed to \
         the component as its operator settings. Changes take effect when Grafana is restarted.\n\
         \n\
         Unknown keys and invalid values are reported in Grafana's log and by the data source's health check. The \
         plugin still runs, with the value in the last column.\n\
         \n\
         | key | value | default | meaning | if invalid |\n\
         |---|---|---|---|---|\n",
    );
    for Setting { name, kind, default, when_bad, meaning } in all() {
        let (default, when_bad) = (shown(default), shown(when_bad));
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{name}` | {kind} | {default} | {meaning} | {when_bad} |");
    }
    page
}

fn all() -> impl Iterator<Item = &'static Setting> {
    ALL.into_iter().chain(tracing::ALL).chain(spans::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Section, Transport, Vec<Problem>) {
        let mut problems = Vec::new();
        let given = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let (settings, transport) = Section::read(&given, &mut problems);
        (settings, transport, problems)
    }

    #[test]
    fn every_default_in_the_table_is_valid() {
        let defaults: Vec<_> = ALL.iter().map(|setting| (setting.name, setting.default)).collect();
        let (settings, transport, problems) = read(&defaults);
        assert_eq!(problems, []);
        assert_eq!((settings.clone(), transport, problems), read(&[]));
        assert_eq!(settings.call_timeout, Duration::from_secs(300));
        assert_eq!(settings.cpu_timeout, Duration::from_secs(10));
        assert_eq!((settings.memory_max, settings.memory_total), (256 << 20, 1280 << 20));
        assert_eq!((settings.instances_max, settings.streams_max), (None, 1000));
        assert_eq!(settings.connections_max, 1000);
        assert_eq!((settings.precompiled, settings.cache_dir, settings.watch), (true, None, false));
    }

    #[test]
    fn every_replacement_for_a_bad_value_is_valid() {
        let texts: Vec<_> = ALL.iter().map(|setting| (setting.name, setting.when_bad)).collect();
        assert_eq!(read(&texts).2, []);
    }

    #[test]
    fn a_bad_value_is_a_problem_with_a_remedy_and_does_not_allow_more() {
        let bad = [("gpx_call_timeout", "5"), ("gpx_precompiled", "maybe"), ("gpx_deny_private", "yes")];
        let (settings, _, problems) = read(&bad);
        assert_eq!(settings.call_timeout, Duration::from_secs(300));
        assert!(!settings.precompiled && settings.deny_private);
        let [_, timeout, precompiled] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(timeout.key, "gpx_call_timeout");
        assert!(timeout.text.contains("`5` must be a time with its unit"), "{}", timeout.text);
        assert!(precompiled.text.ends_with("until it is corrected, `off` is used"), "{}", precompiled.text);
    }

    #[test]
    fn an_unknown_key_is_a_problem_that_lists_the_known_ones() {
        let (_, _, problems) = read(&[("gpx_call_timout", "5m")]);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.key, "gpx_call_timout");
        assert!(problem.text.contains("gpx_call_timeout"), "{}", problem.text);
    }

    #[test]
    fn a_key_without_a_value_counts_as_absent() {
        assert_eq!(read(&[("gpx_memory_max", " ")]), read(&[]));
    }

    #[test]
    fn the_page_for_operators_is_up_to_date() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        let page = std::fs::read_to_string(page).unwrap_or_default();
        assert!(page == markdown(), "run `gpx-host settings > docs/settings.md`");
    }
}
