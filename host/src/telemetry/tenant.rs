//! Whose call it is, on every span that the plugin's tracer starts, as in the Go SDK.

use std::sync::Arc;

use opentelemetry::KeyValue;

/// Grafana Cloud's tenant, in the context of a call.
#[derive(Clone, Debug)]
pub(super) struct Tenant(Arc<str>);

// === impl Tenant ===

impl Tenant {
    pub(super) fn new(tenant: &str) -> Self {
        Self(tenant.into())
    }

    pub(super) fn attribute(&self) -> KeyValue {
        KeyValue::new("tenant_id", Arc::clone(&self.0))
    }
}
