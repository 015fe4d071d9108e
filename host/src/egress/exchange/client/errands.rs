//! The requests that the client makes for itself, to get credentials: short both ways.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::Context;
use wasmtime_wasi_http::WasiBody;

use super::super::body::Streamed;
use super::super::time_limits::TimeLimits;
use super::SharedClient;
use crate::budget::Priority;
use crate::egress::caller::Caller;
use crate::egress::credentials;
use crate::egress::error::RequestError;
use crate::egress::identity::PassedOn;
use crate::egress::origin::Origin;
use crate::egress::sigv4::Errands;
use crate::egress::trace::RequestDescription;

/// The longest answer, in bytes. Credentials take two or three thousand.
const MAX_ANSWER: usize = 64 << 10;

/// Sends the requests that get credentials for a request of the data source: within its limits, granted like any other and
/// with a span of their own, but without the data source's settings.
struct ClientErrands<'a> {
    client: &'a SharedClient,
    limits: TimeLimits,
    caller: &'a Caller,
    parent: &'a Context,
}

// === impl SharedClient ===

impl SharedClient {
    /// Returns what sends them for a request of this call, whose span is a child of `parent`.
    pub(super) fn errands<'a>(
        &'a self,
        limits: TimeLimits,
        caller: &'a Caller,
        parent: &'a Context,
    ) -> impl Errands + use<'a> {
        ClientErrands { client: self, limits, caller, parent }
    }
}

// === impl ClientErrands ===

impl Errands for ClientErrands<'_> {
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>, RequestError> {
        let Self { client, limits, caller, parent } = *self;
        let mut request = request.map(body);
        // The answer is not decoded.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let origin = Origin::of_uri(request.uri())?;
        let span = client.tracing.start(
            &mut request,
            &client.settings.labels,
            parent,
            RequestDescription::default(),
        );
        let events = span.events();
        // Who asks is nothing to them.
        let alone = Caller { passed_on: PassedOn::default(), ..caller.clone() };
        // Within the limit of the request that it is for, so that the error names what did not answer.
        let response = limits.within(&origin, async {
            client.granted(&origin, request.uri().path())?;
            credentials::prepare(&mut request, &origin, None, &alone)?;
            // A health check may wait for it, whoever began it.
            client.answered(&origin, request, limits, Priority::Ahead, &events).await
        });
        let response = response.await.map(|(response, exchange)| {
            response.map(|incoming| Streamed::new(incoming, exchange, limits.body_timers()))
        });
        // Its answer is small, and nobody waits for it alone.
        drop(span.finish(&response));
        read(response?, origin.authority()).await
    }
}

fn body(bytes: Bytes) -> WasiBody {
    Full::from(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Reads an answer to its end.
async fn read(response: Response<Streamed>, authority: String) -> Result<Response<Bytes>, RequestError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|error| match error.downcast::<RequestError>() {
        Ok(error) => *error,
        Err(_) => RequestError::DecodedTooLarge { authority, limit: MAX_ANSWER as u64 },
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
