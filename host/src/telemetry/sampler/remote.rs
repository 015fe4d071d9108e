//! The sampler that asks a server, by Jaeger's remote sampling protocol.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingResult, ShouldSample};
use tokio::time::{MissedTickBehavior, interval, timeout};
use url::form_urlencoded;

use super::decision::result;
use super::ratio::Ratio;
use super::strategy::{AnswerError, Strategy};
use crate::log::{Log, Value};
use crate::telemetry::config::TlsFiles;
use crate::telemetry::connect::{Connector, chain};

/// How often the server is asked, and how long it may take. Both are those of Jaeger's clients.
const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);

/// A server that names some thousand operations stays below.
const MAX_ANSWER: usize = 1024 * 1024;

/// Decides by what the server has said last.
#[derive(Clone, Debug)]
pub(super) struct Remote(Arc<Mutex<Strategy>>);

/// Asks the server.
struct Asking {
    connector: Connector,
    /// With the name of the service.
    url: Uri,
    log: Log,
    /// The last question failed, and the log says so.
    failing: bool,
}

/// Why there is no new strategy.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("cannot connect to the server")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server hung up")]
    Http(#[from] hyper::Error),
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("the answer is longer than {MAX_ANSWER} bytes, or broken off")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server did not answer within 10s")]
    Timeout,
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("the server's address cannot be used")]
    Url(#[from] http::Error),
}

// === impl Remote ===

impl Remote {
    /// Asks at once and then each minute, as long as the sampler is used. Until the first answer, and without a server,
    /// `initial` decides.
    pub(super) fn start(server: Option<&Uri>, service: &str, initial: Ratio, log: &Log) -> Self {
        let sampler = Self(Arc::new(Mutex::new(Strategy::Initial(initial))));
        if let Some(url) = server.and_then(|server| question(server, service)) {
            let authority = url.authority().map(ToString::to_string).unwrap_or_default();
            let log = log.with([("samplingServer", Value::from(authority))]);
            let connector = connector();
            let asking = Asking { connector, url, log, failing: false };
            tokio::spawn(asking.each_minute(Arc::downgrade(&sampler.0)));
        }
        sampler
    }
}

impl ShouldSample for Remote {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let admission = self.0.lock().unwrap_or_else(PoisonError::into_inner).admit(name, trace_id);
        result(admission.is_some(), admission.map(|admission| admission.attributes()).unwrap_or_default())
    }
}

/// The system's roots are trusted, if the address is `https`.
fn connector() -> Connector {
    Connector::new(TlsFiles::default(), b"http/1.1")
}

/// Returns the server's URL with the name of the service.
fn question(server: &Uri, service: &str) -> Option<Uri> {
    let service = form_urlencoded::Serializer::new(String::new()).append_pair("service", service).finish();
    let query = server.query().map(|query| format!("{query}&")).unwrap_or_default();
    let mut parts = server.clone().into_parts();
    parts.path_and_query = format!("{}?{query}{service}", server.path()).parse().ok();
    Uri::from_parts(parts).ok()
}

// === impl Asking ===

impl Asking {
    async fn each_minute(mut self, strategy: Weak<Mutex<Strategy>>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(strategy) = strategy.upgrade() else { return };
            self.once(&strategy).await;
        }
    }

    async fn once(&mut self, strategy: &Mutex<Strategy>) {
        let answer = timeout(TIMEOUT, self.ask()).await.unwrap_or(Err(AskError::Timeout));
        let followed = answer.and_then(|body| {
            let mut strategy = strategy.lock().unwrap_or_else(PoisonError::into_inner);
            strategy.follow(&body).map_err(AskError::from)
        });
        self.tell(followed);
    }

    async fn ask(&self) -> Result<Bytes, AskError> {
        let stream = self.connector.connect(&self.url).await;
        let stream = stream.map_err(|error| AskError::Connect(error.into()))?;
        let (mut sender, connection) = http1::handshake(stream).await?;
        let target = self.url.path_and_query().map_or("/", |target| target.as_str());
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::get(target).body(Empty::<Bytes>::new())?;
        request.headers_mut().insert(HOST, HeaderValue::try_from(authority).map_err(http::Error::from)?);
        let exchange = async move {
            let response = sender.send_request(request).await?;
            if response.status().as_u16() >= 300 {
                return Err(AskError::Status(response.status().as_u16()));
            }
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            Ok(body.map_err(AskError::Body)?.to_bytes())
        };
        tokio::select! {
            answer = exchange => answer,
            // Ends only if the exchange has.
            Err(error) = connection => Err(error.into()),
        }
    }

    /// Says once per outage that the server is not followed: it is asked again and again.
    fn tell(&mut self, followed: Result<(), AskError>) {
        match followed {
            Ok(()) if std::mem::take(&mut self.failing) => {
                self.log.info("The sampling server is followed again", &[]);
            }
            Err(error) if !std::mem::replace(&mut self.failing, true) => {
                let message = "The sampling server is not followed, so what it said last applies, or sampler_param if it never \
                               answered: check that it runs and speaks Jaeger's remote sampling protocol";
                self.log.warn(message, &[("error", Value::from(chain(&error)))]);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
