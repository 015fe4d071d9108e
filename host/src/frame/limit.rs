//! How large an answer may be: what Grafana can read, and more than it can show.

/// How many bytes all encoded frames of a call's answers may take. A component can pass 128 MiB at once: times and floats of
/// that size take about 300 MiB as JSON, and a browser can show less than that. Grafana reads at most 2 GiB of reply,
/// which holds the answers to all queries of a request.
pub(super) const ANSWER: usize = 512 << 20;

/// How many frames a call's answers may have together. Most answers have a frame per series, and a browser can show fewer than this.
/// The reply is written, and freed, in one go: ten thousand frames take about a tick.
pub(crate) const FRAMES: usize = 100_000;

/// The largest body of a message that Grafana's reader (arrow-go) accepts, in bytes.
pub(super) const ARROW_BODY: u64 = 256 << 20;

/// The same for a message's metadata.
pub(super) const ARROW_SCHEMA: usize = 64 << 20;

/// How many labels a field may have. Databases of series allow some tens. This many can be sorted in one go.
pub(super) const LABELS: usize = 1000;

/// How many bytes the names of a field's labels may take.
pub(super) const LABEL_NAMES: usize = 64 << 10;

/// How many lists and objects of a JSON text may be nested. Go's decoders refuse more than 10,000, and those around the text
/// count.
pub(super) const NESTING: usize = 9_900;
