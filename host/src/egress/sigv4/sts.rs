//! The Security Token Service: short-lived credentials for a role.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::SignableBody;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

use super::errands::Errands;
use super::error::CredentialsError;
use super::sign::{Scope, sign};
use crate::config::AwsEnvironment;
use crate::egress::origin::Origin;
use crate::egress::settings::Role;

/// The service, as messages call it.
const STS: &str = "AWS's Security Token Service";

/// The version of its interface.
const VERSION: &str = "2011-06-15";

/// Under which name the sessions appear in AWS's log.
const SESSION: &str = "gpx-host";

/// How much of an answer's message is shown.
const SHOWN: usize = 300;

/// Assumes a role with these credentials.
pub(super) async fn assume_role(
    role: &Role,
    with: &Credentials,
    region: &str,
    environment: &AwsEnvironment,
    errands: &impl Errands,
) -> Result<Credentials, CredentialsError> {
    let duration = role.duration.as_secs().to_string();
    let mut fields = vec![
        ("Action", "AssumeRole"),
        ("Version", VERSION),
        ("RoleArn", &role.arn),
        ("RoleSessionName", SESSION),
        ("DurationSeconds", &duration),
    ];
    fields.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    let mut request = request(region, environment, &fields)?;
    let body = request.body().clone();
    let scope = Scope { region, service: "sts" };
    sign(&mut request, with, scope, SignableBody::Bytes(&body), SystemTime::now())
        .map_err(|_| CredentialsError::Url { name: "AWS_ENDPOINT_URL_STS" })?;
    answer(errands.run(request).await)
}

/// Exchanges a token of another identity provider, such as that of a Kubernetes service account, for credentials of a role.
pub(super) async fn assume_role_with_web_identity(
    arn: &str,
    token: &str,
    region: &str,
    environment: &AwsEnvironment,
    errands: &impl Errands,
) -> Result<Credentials, CredentialsError> {
    let session = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION);
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", VERSION),
        ("RoleArn", arn),
        ("RoleSessionName", session),
        ("WebIdentityToken", token),
    ];
    answer(errands.run(request(region, environment, &fields)?).await)
}

fn request(
    region: &str,
    environment: &AwsEnvironment,
    fields: &[(&str, &str)],
) -> Result<Request<Bytes>, CredentialsError> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let bad = || CredentialsError::Url { name: "AWS_ENDPOINT_URL_STS" };
    let mut request =
        Request::post(endpoint(region, environment)).body(Bytes::from(body)).map_err(|_| bad())?;
    let host = Origin::of_uri(request.uri()).map_err(|_| bad())?.host_header();
    let headers = request.headers_mut();
    headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"));
    headers.insert(HOST, HeaderValue::try_from(host).map_err(|_| bad())?);
    Ok(request)
}

/// Returns the service's URL in a region, or the one that is set as for AWS's own clients.
fn endpoint(region: &str, environment: &AwsEnvironment) -> String {
    let named = environment.get("AWS_ENDPOINT_URL_STS").map(str::to_owned);
    named.unwrap_or_else(|| {
        let country = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://sts.{region}.amazonaws.com{country}/")
    })
}

fn answer(
    answer: Result<Response<Bytes>, crate::egress::error::RequestError>,
) -> Result<Credentials, CredentialsError> {
    let answer =
        answer.map_err(|source| CredentialsError::Request { what: STS, source: Box::new(source) })?;
    let text = String::from_utf8_lossy(answer.body());
    if !answer.status().is_success() {
        let code = element(&text, "Code").unwrap_or(answer.status().as_str()).to_owned();
        let message = element(&text, "Message").unwrap_or_default();
        let message: String = message.chars().take(SHOWN).collect();
        return Err(CredentialsError::Refused {
            what: STS,
            answer: format!("{code} {message}").trim().to_owned(),
        });
    }
    let bad = || CredentialsError::Answer { what: STS };
    let text =
        |name| element(&text, name).filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(bad);
    let expiry = expiry(&text("Expiration")?).ok_or_else(bad)?;
    let (access, secret) = (text("AccessKeyId")?, text("SecretAccessKey")?);
    Ok(Credentials::new(access, secret, Some(text("SessionToken")?), Some(expiry), "sts"))
}

/// Returns the text of an XML element. What is read of the service's answers needs no more: their values are without
/// markup.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim())
}

/// Reads a time such as `2026-01-01T00:00:00Z`.
pub(super) fn expiry(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(SystemTime::from)
}
