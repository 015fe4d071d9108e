//! Server reflection. As on the Go SDK, it lists the services that the plugin has: which of the optional ones these are depends
//! on the component.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_reflection::server::{Builder, Error};
use tower_service::Service;

use crate::plugin::{Current, Loaded};
use crate::proto::{ALL_DESCRIPTORS, OPTIONAL, SERVED};

/// One version of reflection, with an answer for each set of optional services.
#[derive(Clone)]
pub(super) struct Reflection<S> {
    current: Current,
    answers: Vec<(Vec<&'static str>, S)>,
}

/// Makes one version of reflection, which `build` builds.
pub(super) fn of<S>(
    current: &Current,
    build: impl Fn(Builder<'static>) -> Result<S, Error>,
) -> Result<Reflection<S>, Error> {
    let mut answers = Vec::new();
    for set in 0..1_u32 << OPTIONAL.len() {
        let chosen = OPTIONAL.into_iter().enumerate().filter(|(number, _)| set >> number & 1 == 1);
        let optional: Vec<_> = chosen.map(|(_, service)| service).collect();
        let builder = Builder::configure().include_reflection_service(false);
        let builder =
            ALL_DESCRIPTORS.into_iter().fold(builder, Builder::register_encoded_file_descriptor_set);
        // Only these are listed.
        let listed = SERVED.into_iter().chain(optional.iter().copied());
        let answer = build(listed.fold(builder, Builder::with_service_name))?;
        answers.push((optional, answer));
    }
    Ok(Reflection { current: current.clone(), answers })
}

// === impl Reflection ===

impl<S: NamedService> NamedService for Reflection<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Reflection<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The services that it consists of are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let loaded = this.current.wait().await;
            let answer = this.answers.iter().find(|(optional, _)| is_served(&loaded, optional));
            match answer {
                Some((_, answer)) => answer.clone().call(request).await,
                None => Ok(tonic::Status::unimplemented("").into_http()),
            }
        })
    }
}

/// Returns whether these are the optional services that are served.
fn is_served(loaded: &Loaded, optional: &[&str]) -> bool {
    OPTIONAL.iter().all(|service| optional.contains(service) == loaded.serves(service))
}
