//! What of a call's headers may be passed on to the data source. A component never sees it.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers for requests to the data source. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct ForwardedHeaders {
    headers: Arc<HeaderMap>,
    /// The header by which an upstream knows that an alert rule asks.
    from_alert: Option<HeaderValue>,
}

// === impl ForwardedHeaders ===

impl ForwardedHeaders {
    /// What cannot be sent is left out. Values are marked as sensitive.
    pub(crate) fn new<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        from_alert: Option<&str>,
    ) -> Self {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                value.set_sensitive(true);
                // A map has room for 32,768: no request with so many would be answered.
                let _ = all.try_append(name, value);
            }
        }
        let from_alert = from_alert.filter(|value| !value.is_empty());
        let from_alert = from_alert.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        Self { headers: Arc::new(all), from_alert }
    }

    pub(crate) fn headers(&self) -> &Arc<HeaderMap> {
        &self.headers
    }

    pub(crate) fn alert(&self) -> Option<&HeaderValue> {
        self.from_alert.as_ref()
    }
}

/// Without values, which prove who somebody is.
impl fmt::Debug for ForwardedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.headers.keys()).finish()
    }
}
