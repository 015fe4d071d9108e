//! Requests, answered by what a test has scripted. Time passes while somebody waits, and not otherwise.

use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;

use super::fake::{Fake, nanos, needed};
use super::tracer;
use crate::http::Cause;
use crate::http::redirect::Parts;
use crate::test::mock::{ResponseTemplate, SentRequest};

/// A request whose response is there at a certain time.
#[derive(Debug)]
pub(crate) struct Exchange {
    fake: Rc<Fake>,
    ready: u64,
    /// When the data source's own limit is reached.
    until: Option<u64>,
    answer: ResponseTemplate,
}

/// The head of a response, and its body.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

pub(crate) struct Body {
    fake: Rc<Fake>,
    ready: u64,
    until: Option<u64>,
    rest: Vec<u8>,
    /// The connection ends before the body does.
    is_cut: bool,
}

#[expect(clippy::panic, reason = "it fails the test that has scripted no answer, and no other one")]
pub(crate) fn send(parts: &Parts, traceparent: Option<String>) -> Result<Exchange, Cause> {
    let fake = needed("a request");
    let span =
        fake.open.borrow().last().and_then(|index| Some(fake.spans.borrow().get(*index)?.name.clone()));
    let own_span = traceparent.and_then(|traceparent| tracer::described(&fake, &traceparent));
    let Parts { method, url, headers, body, .. } = parts.clone();
    let request = SentRequest { method, url, headers, body, span, own_span };
    fake.requests.borrow_mut().push(request.clone());
    // The mock may use the host itself, so it is not borrowed meanwhile.
    let respond = fake.mocks.borrow_mut().iter_mut().find_map(|mock| mock.take(&request));
    let Some(respond) = respond else {
        let scripted: String = fake.mocks.borrow().iter().map(|mock| format!("\n  {mock}")).collect();
        let scripted = if scripted.is_empty() { "\n  nothing".to_owned() } else { scripted };
        panic!(
            "no answer is scripted for `{} {}`: write `host.given(…).respond(…)` before the call. Scripted is:{scripted}",
            request.method, request.url,
        );
    };
    let answer = respond(&request);
    eprintln!("request: {} {}, answered with {answer}", request.method, request.url);
    let ready = fake.later(answer.delay);
    let until = fake.patience.get().map(|patience| fake.later(patience));
    Ok(Exchange { fake, ready, until, answer })
}

/// Waits until something is ready, or for as long as the request may take.
fn wait(fake: &Fake, ready: u64, own: Option<Duration>, until: Option<u64>) -> Result<(), Cause> {
    let until = own.map(nanos).into_iter().chain(until).min().filter(|until| *until < ready);
    fake.wait_until(until.unwrap_or(ready));
    if until.is_some() { Err(Cause::Timeout) } else { Ok(()) }
}

// === impl Exchange ===

impl Exchange {
    /// Waits for the head of the response.
    pub(crate) fn wait(&self, deadline: Option<Duration>) -> Result<Incoming, Cause> {
        wait(&self.fake, self.ready, deadline, self.until)?;
        let ResponseTemplate { status, headers, body, delay: _, body_delay, failure, is_cut } =
            self.answer.clone();
        if let Some(cause) = failure {
            return Err(cause);
        }
        let ready = self.ready.saturating_add(nanos(body_delay));
        let body = Body { fake: Rc::clone(&self.fake), ready, until: self.until, rest: body, is_cut };
        Ok(Incoming { status, headers, body })
    }
}

// === impl Body ===

impl Body {
    /// Returns the next piece of at most `size` bytes, or `None` at the end.
    pub(crate) fn piece(
        &mut self,
        size: usize,
        deadline: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, Cause> {
        wait(&self.fake, self.ready, deadline, self.until)?;
        if self.rest.is_empty() {
            // The words of the host.
            return if self.is_cut {
                Err(Cause::in_body("connection terminated".to_owned()))
            } else {
                Ok(None)
            };
        }
        let later = self.rest.split_off(size.min(self.rest.len()));
        Ok(Some(std::mem::replace(&mut self.rest, later)))
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake").finish_non_exhaustive()
    }
}
