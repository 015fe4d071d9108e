//! Lines in Grafana's log: JSON as hclog writes it, on stderr. Writing a line never waits for the reader.

mod duration;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod hclog;
#[cfg(test)]
pub(crate) mod memory;
pub(crate) mod origin;
mod seldom;
mod share;
mod value;
mod writer;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::SpanContext;

pub(crate) use self::duration::duration;
pub(crate) use self::hclog::{MAX_FIELDS, MAX_KEY, MAX_MESSAGE, MAX_VALUE};
pub(crate) use self::seldom::Seldom;
use self::share::Share;
use self::value::Fields;
pub(crate) use self::value::{Level, Value};
use self::writer::Writer;

/// Where log lines go, whose share of the queue they use, and the fields that are added to each. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Log {
    writer: Arc<Writer>,
    share: Arc<Share>,
    fields: Fields,
    /// What the caller of a call wants on each of its lines. It never takes the name of a field of the host's.
    params: Fields,
    /// The id of the span that lines belong to, if it is recorded.
    span: Option<Value>,
}

// === impl Log ===

impl Log {
    /// A log on the process's own stderr.
    pub(crate) fn stderr() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    /// Starts the thread that writes to `out`.
    pub(crate) fn to(out: impl io::Write + Send + 'static) -> io::Result<Self> {
        let (writer, fields) = (Arc::new(Writer::start(out)?), Fields::from([]));
        Ok(Self {
            writer,
            share: Arc::new(Share::new(fields.clone())),
            params: fields.clone(),
            fields,
            span: None,
        })
    }

    /// Returns the same log with more fields on each line. Fields that the log already has do not change.
    pub(crate) fn with<K: Into<Cow<'static, str>>, V: Into<Value>>(
        &self,
        fields: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let more = fields.into_iter().map(|(key, value)| (key.into(), value.into()));
        let fields = self.fields.iter().cloned().chain(more).collect();
        Self { fields, ..self.clone() }
    }

    /// Returns the same log, with the id of a span on each line if that is recorded.
    pub(crate) fn in_span(&self, span: &SpanContext) -> Self {
        let id = span.is_sampled().then(|| Value::from(span.span_id().to_string()));
        Self { span: id, ..self.clone() }
    }

    /// Returns the same log with the caller's fields on each line, after those of the log and of the line itself.
    pub(crate) fn with_params<'a>(&self, params: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let params = params
            .map(|(name, value)| (origin::foreign(name.to_owned()).into(), Value::from(value.to_owned())));
        Self { params: params.collect(), ..self.clone() }
    }

    /// Returns the same log with a share of the queue of its own. If lines of that share are lost, a line with this log's
    /// fields says how many.
    pub(crate) fn with_own_share(&self) -> Self {
        Self { share: Arc::new(Share::new(self.fields.clone())), ..self.clone() }
    }

    /// Returns the same log, with lines that use the share of `other`.
    pub(crate) fn in_share_of(&self, other: &Self) -> Self {
        Self { share: other.share.clone(), ..self.clone() }
    }

    /// Writes one line. If the log already has a field of that name, the new one is written as `_name`.
    pub(crate) fn log<K: AsRef<str>>(&self, level: Level, message: &str, fields: &[(K, Value)]) {
        let own = fields.iter().map(|(key, value)| (key.as_ref(), value));
        self.write(level, message, self.own().chain(own).chain(refs(&self.params)));
    }

    /// Writes one line of a component, which cannot take the names of the caller's fields either.
    pub(crate) fn relay<K: AsRef<str>>(&self, level: Level, message: &str, fields: &[(K, Value)]) {
        let own = fields.iter().map(|(key, value)| (key.as_ref(), value));
        self.write(level, message, self.own().chain(refs(&self.params)).chain(own));
    }

    /// Returns the fields that say where a line comes from.
    fn own(&self) -> impl Iterator<Item = (&str, &Value)> {
        refs(&self.fields).chain(self.span.as_ref().map(|id| (origin::SPAN_ID, id)))
    }

    fn write<'a>(&self, level: Level, message: &str, fields: impl Iterator<Item = (&'a str, &'a Value)>) {
        self.writer.push(&self.share, &hclog::line(level, message, SystemTime::now(), fields));
    }

    pub(crate) fn debug(&self, message: &str, fields: &[(&str, Value)]) {
        self.log(Level::Debug, message, fields);
    }

    pub(crate) fn info(&self, message: &str, fields: &[(&str, Value)]) {
        self.log(Level::Info, message, fields);
    }

    pub(crate) fn warn(&self, message: &str, fields: &[(&str, Value)]) {
        self.log(Level::Warn, message, fields);
    }

    pub(crate) fn error(&self, message: &str, fields: &[(&str, Value)]) {
        self.log(Level::Error, message, fields);
    }

    /// Blocks until every line is written, for at most `within`. Used when the process ends.
    pub(crate) fn flush(&self, within: Duration) {
        self.writer.flush(within);
    }

    /// Returns how many lines were dropped because the reader of stderr was too slow.
    pub(crate) fn dropped(&self) -> u64 {
        self.writer.dropped()
    }
}

fn refs(fields: &Fields) -> impl Iterator<Item = (&str, &Value)> {
    fields.iter().map(|(key, value)| (key.as_ref(), value))
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Log").field("fields", &self.fields).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_log_are_on_every_line_and_cannot_be_replaced() {
        let (log, lines) = Log::memory();
        let log = log.with([("endpoint", "queryData")]).with([("dsUid", "abc"), ("endpoint", "other")]);
        log.info("hello", &[("endpoint", "spoofed".into()), ("rows", 3.into())]);
        let [line] = lines.json().try_into().unwrap();
        assert_eq!(line["@message"], "hello");
        assert_eq!(line["endpoint"], "queryData");
        assert_eq!(line["_endpoint"], "other");
        assert_eq!(line["__endpoint"], "spoofed");
        assert_eq!(line["dsUid"], "abc");
        assert_eq!(line["rows"], 3);
    }

    #[test]
    fn a_callers_fields_never_take_the_names_of_the_hosts_nor_a_component_theirs() {
        let (log, lines) = Log::memory();
        let params = [("status", "forged"), ("dsUid", "forged"), ("@level", "forged"), ("scope", "alerting")];
        let log = log.with([("endpoint", "queryData")]).with_params(params.into_iter());
        log.info("", &[("status", "ok".into())]);
        log.relay(Level::Info, "", &[("scope", "component".into())]);
        let [host, component] = lines.json().try_into().unwrap();
        assert_eq!((&host["status"], &host["_status"]), (&"ok".into(), &"forged".into()));
        assert_eq!((&host["@level"], &host["_@level"]), (&"info".into(), &"forged".into()));
        assert_eq!(host["_dsUid"], "forged");
        assert!(host.get("dsUid").is_none());
        assert_eq!(host["scope"], "alerting");
        assert_eq!((&component["scope"], &component["_scope"]), (&"alerting".into(), &"component".into()));
    }

    #[test]
    fn levels_have_hclogs_names() {
        let (log, lines) = Log::memory();
        log.log::<&str>(Level::Trace, "", &[]);
        log.debug("", &[]);
        log.info("", &[]);
        log.warn("", &[]);
        log.error("", &[]);
        let levels: Vec<_> =
            lines.json().iter().map(|line| line["@level"].as_str().unwrap().to_owned()).collect();
        assert_eq!(levels, ["trace", "debug", "info", "warn", "error"]);
    }
}
