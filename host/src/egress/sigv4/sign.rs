//! The signature over a request as it is sent. The algorithm is that of the crate `aws-sigv4`; here is what is signed, and
//! what is made unambiguous first, so that every receiver reads the same.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign as signature,
};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::Unsignable;
use crate::egress::framing::{is_same, remove};

/// What a signature is valid for.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// Headers that only the signature sets.
const OF_THE_SIGNATURE: [&str; 4] =
    ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// Headers that are not signed, since what is on the way may change them: those that AWS's own clients leave out, those of
/// the connection, and those of the trace.
const UNSIGNED: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "baggage",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "uber-trace-id",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Signs a request. Its URL may be without an authority if it has a `Host` header.
pub(super) fn sign<B>(
    request: &mut Request<B>,
    credentials: &Credentials,
    scope: Scope<'_>,
    body: SignableBody<'_>,
    time: SystemTime,
) -> Result<(), Unsignable> {
    remove(request, |name| OF_THE_SIGNATURE.iter().any(|own| is_same(own, name.as_str())));
    // S3 decodes a path before it encodes it; all others encode it as it came.
    let decodes = scope.service.starts_with("s3");
    make_unambiguous(request.uri_mut(), decodes)?;

    let mut settings = SigningSettings::default();
    settings.excluded_headers = Some(UNSIGNED.map(Cow::Borrowed).to_vec());
    if decodes {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    if decodes || scope.service == "aoss" || matches!(body, SignableBody::UnsignedPayload) {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| Unsignable::Parameters(error.to_string()))?
        .into();
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body)?;
    let (instructions, _) = signature(signable, &parameters)?.into_parts();
    let (added, _) = instructions.into_parts();
    for header in added {
        let value = HeaderValue::from_str(header.value());
        let mut value = value.map_err(|_| Unsignable::Parameters(header.name().to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(header.name()), value);
    }
    Ok(())
}

/// Encodes what receivers may read in two ways: `+` in a query, which some take for a space, as the signature does, and a `%`
/// that encodes nothing. In a path that is decoded, everything that is not itself.
fn make_unambiguous(uri: &mut Uri, decodes_path: bool) -> Result<(), Unsignable> {
    let query = uri.query().map(|query| encoded(&query.replace('+', "%20"), |_| true));
    if query.as_ref().is_some_and(|query| percent_decode_str(query).decode_utf8().is_err()) {
        return Err(Unsignable::Query);
    }
    let stays = |letter: char| letter.is_ascii_alphanumeric() || "-._~/".contains(letter);
    let path = if decodes_path { encoded(uri.path(), stays) } else { uri.path().to_owned() };
    let text = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text)?);
    *uri = Uri::from_parts(parts).map_err(|error| Unsignable::Parameters(error.to_string()))?;
    Ok(())
}

/// Percent-encodes what does not stay, and each `%` that is not followed by two digits.
fn encoded(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let digits = text.as_bytes().get(at + 1..at + 3);
        let is_encoding = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let stays = if letter == '%' { is_encoding } else { stays(letter) };
        if stays {
            encoded.push(letter);
        } else {
            encoded.extend(utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
