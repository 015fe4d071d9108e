//! The rows for what spans say.

use super::reader::Reader;
use super::row::Setting;
use crate::config::spans::{self, SpanChoices};
use crate::config::value;

const TRACE_HOST: Setting = Setting {
    name: "gpx_trace_host",
    kind: "`on` or `off`",
    default: "off",
    when_bad: "off",
    meaning: "Whether a trace also shows what the host does for a call: waiting for memory or an instance, making and opening an \
              instance, each function of the component with its processor time and memory, and encoding.",
};
const HTTP_SEMCONV: Setting = Setting {
    name: "gpx_http_semconv",
    kind: "`old` or `new`",
    default: "old",
    when_bad: "old",
    meaning: "How the attributes of spans of requests are named: as in Go plugins (`http.url`, `http.status_code`), or by \
              OpenTelemetry's stable semantic conventions (`url.full`, `http.response.status_code`).",
};
const HTTP_SPAN_END: Setting = Setting {
    name: "gpx_http_span_end",
    kind: "`head` or `body`",
    default: "head",
    when_bad: "head",
    meaning: "When the span of a request ends: when the head of the response has come, as in Go plugins, or when its body has \
              been read.",
};
const TRACE_IN_ERRORS: Setting = Setting {
    name: "gpx_trace_in_errors",
    kind: "`off`, `id`, or a URL or path with `{traceId}`",
    default: "off",
    when_bad: "off",
    meaning: "What the text of a query's error says of its trace, if that is recorded: nothing, its id, or a link, such as \
              `https://tempo.example.com/trace/{traceId}`. A path is below Grafana's own URL.",
};

pub(super) const ALL: [&Setting; 4] = [&TRACE_HOST, &HTTP_SEMCONV, &HTTP_SPAN_END, &TRACE_IN_ERRORS];

pub(super) fn read(reader: &mut Reader<'_>) -> SpanChoices {
    SpanChoices {
        host: reader.value(&TRACE_HOST, value::switch),
        http_end: reader.value(&HTTP_SPAN_END, spans::http_end),
        http_names: reader.value(&HTTP_SEMCONV, spans::http_names),
        in_errors: reader.value(&TRACE_IN_ERRORS, spans::trace_reference),
    }
}
