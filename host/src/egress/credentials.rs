//! What the host adds to a request, and what it does not let the guest decide.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    RANGE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use super::caller::Caller;
use super::error::RequestError;
use super::framing::{frames_the_message, is_same, remove};
use super::identity::PassedOn;
use super::origin::Origin;
use super::proxy::Proxy;
use super::settings::{self, DataSourceHttp};

/// Prepares a request for sending. `own` holds the data source's settings if the request goes to its own origin. Returns
/// whether the host has asked for gzip; if the guest did, the guest decodes it.
pub(super) fn prepare<B>(
    request: &mut Request<B>,
    origin: &Origin,
    own: Option<&DataSourceHttp>,
    caller: &Caller,
) -> Result<bool, RequestError> {
    remove_framing(request);
    // The guest must not claim to talk to another host than the one that was granted.
    if let Ok(host) = HeaderValue::try_from(origin.host_header()) {
        request.headers_mut().insert(HOST, host);
    }
    if let Some(value) = userinfo(request.uri()).and_then(settings::basic_from_userinfo) {
        request.headers_mut().entry(AUTHORIZATION).or_insert(value);
    }
    if let Ok(agent) = HeaderValue::try_from(&*caller.user_agent) {
        request.headers_mut().entry(USER_AGENT).or_insert(agent);
    }
    if let Some(settings) = own {
        authorize(request, settings, &caller.passed_on)?;
    }
    caller.passed_on.mark_alert(request.headers_mut());
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Ok(ask_for_gzip(request))
}

/// Makes a request one that a proxy takes: in absolute form (RFC 9112, section 3.2.2), with what the proxy knows the host by.
pub(super) fn address_to_proxy<B>(request: &mut Request<B>, origin: &Origin, proxy: &Proxy) {
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    if let Ok(uri) =
        Uri::builder().scheme("http").authority(origin.host_header()).path_and_query(path).build()
    {
        *request.uri_mut() = uri;
    }
    if let Some(value) = proxy.credentials.as_ref().and_then(|own| settings::basic(&own.user, &own.password))
    {
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
}

/// Adds the data source's credentials, and what a call brings for it. Only for requests to its own origin.
///
/// As with the Go SDK, the data source's own headers go before all, then what the component would set, which here is a header
/// with a secret, then basic authentication and what came with the call, in either order.
fn authorize<B>(
    request: &mut Request<B>,
    settings: &DataSourceHttp,
    passed_on: &PassedOn,
) -> Result<(), RequestError> {
    let own = settings.headers.as_ref().map_err(|bad| RequestError::HeaderSettings(*bad))?;
    let secret = settings.secret_headers.as_ref().map_err(|bad| RequestError::SecretHeader(bad.clone()))?;
    // A server that takes another name for the same must not see the guest's value.
    let ours = || own.iter().chain(secret);
    let same = |name: &HeaderName| ours().any(|(own, _)| is_same(own.as_str(), name.as_str()));
    remove(request, same);
    let headers = request.headers_mut();
    for (name, value) in secret {
        headers.insert(name, value.clone());
    }
    // The data source's own go before.
    for (name, _) in own.iter().filter(|(name, _)| *name != HOST) {
        headers.remove(name);
    }
    for (name, value) in own {
        // As in Go, all of one name are sent, but only one host.
        if *name != HOST {
            headers.append(name, value.clone());
        }
    }
    if let Some((_, host)) = own.iter().find(|(name, _)| *name == HOST) {
        headers.insert(HOST, host.clone());
    }
    let basic =
        settings.authorization.as_ref().filter(|_| !passed_on.goes_before_basic_auth(&settings.forwarded));
    if let Some(value) = basic {
        headers.entry(AUTHORIZATION).or_insert_with(|| value.clone());
    }
    passed_on.forward(&settings.forwarded, headers);
    Ok(())
}

fn remove_framing<B>(request: &mut Request<B>) {
    remove(request, |name| frames_the_message(name) && *name != CONTENT_LENGTH);
}

fn userinfo(uri: &Uri) -> Option<&str> {
    Some(uri.authority()?.as_str().rsplit_once('@')?.0)
}

/// As in Go's client: not with ranges, which count encoded bytes, and not with HEAD, which has no body.
fn ask_for_gzip<B>(request: &mut Request<B>) -> bool {
    let headers = request.headers();
    if headers.contains_key(ACCEPT_ENCODING)
        || headers.contains_key(RANGE)
        || request.method() == Method::HEAD
    {
        return false;
    }
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    true
}
