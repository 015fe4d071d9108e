//! How large an answer may be: what Grafana can read, and more than it can show.

/// Bytes of all encoded frames of an answer. A component can hand over 128 MiB at once: times and floats of that size
/// take about 300 MiB as JSON, and a browser shows less. Grafana reads at most 2 GiB of reply, which holds the answers of
/// all queries of a request.
pub(super) const ANSWER: usize = 512 << 20;

/// Frames of an answer. Most answers have a frame per series, and a browser shows fewer. The reply is written, and
/// freed, in one go, which takes a tick for some ten thousand frames.
pub(super) const FRAMES: usize = 100_000;

/// What Grafana's reader (arrow-go) takes at most as the body of one message.
pub(super) const ARROW_BODY: u64 = 256 << 20;

/// The same for a message's metadata.
pub(super) const ARROW_SCHEMA: usize = 64 << 20;

/// Labels of one field. Databases of series allow some tens; these can be sorted in one go.
pub(super) const LABELS: usize = 1000;

/// Bytes of the names of a field's labels.
pub(super) const LABEL_NAMES: usize = 64 << 10;
