//! The endpoints at which a container and a machine of AWS get credentials. They are reached only if the operator grants
//! them: whoever reaches them acts as the machine.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::{Method, Request};
use serde::Deserialize;

use super::errands::Errands;
use super::error::CredentialsError;
use super::sts::expiry;
use crate::config::AwsEnvironment;

const CONTAINER: &str = "the container's endpoint for credentials";
const MACHINE: &str = "the machine's endpoint for metadata";

/// Where a container of ECS asks.
const CONTAINER_HOST: &str = "http://169.254.170.2";
/// Where a machine of EC2 asks.
const MACHINE_HOST: &str = "http://169.254.169.254";

/// How long the token for the machine's endpoint is valid, in seconds.
const TOKEN_TTL: &str = "300";

/// What both endpoints answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// Returns the URL of the container's endpoint if the environment names one.
pub(super) fn of_container(environment: &AwsEnvironment) -> Option<String> {
    let relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let relative = relative.map(|path| format!("{CONTAINER_HOST}/{}", path.trim_start_matches('/')));
    relative.or_else(|| environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(str::to_owned))
}

/// Asks the container's endpoint. `token` says who asks, if the endpoint wants to know.
pub(super) async fn ask_container(
    url: &str,
    token: Option<&str>,
    errands: &impl Errands,
) -> Result<Credentials, CredentialsError> {
    let headers = token.map(|token| ("authorization", token));
    let text = ask(CONTAINER, Method::GET, url, headers, errands).await?;
    credentials(CONTAINER, &text)
}

/// Asks the machine's endpoint, in its second version, for the credentials of the machine's role.
pub(super) async fn ask_machine(
    environment: &AwsEnvironment,
    errands: &impl Errands,
) -> Result<Credentials, CredentialsError> {
    let host = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(MACHINE_HOST);
    let host = host.trim_end_matches('/');
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL);
    let token = ask(MACHINE, Method::PUT, &format!("{host}/latest/api/token"), Some(ttl), errands).await?;
    let token = Some(("x-aws-ec2-metadata-token", token.trim()));
    let roles = format!("{host}/latest/meta-data/iam/security-credentials/");
    let names = ask(MACHINE, Method::GET, &roles, token, errands).await?;
    let name = names.lines().next().unwrap_or_default().trim();
    // The characters of a role's name.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte))
    {
        return Err(CredentialsError::Answer { what: MACHINE });
    }
    let text = ask(MACHINE, Method::GET, &format!("{roles}{name}"), token, errands).await?;
    credentials(MACHINE, &text)
}

async fn ask(
    what: &'static str,
    method: Method,
    url: &str,
    header: Option<(&str, &str)>,
    errands: &impl Errands,
) -> Result<String, CredentialsError> {
    let mut request = Request::builder().method(method).uri(url);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Bytes::new()).map_err(|_| CredentialsError::Url { name: what })?;
    let answer = errands.run(request).await;
    let answer = answer.map_err(|source| CredentialsError::Request { what, source: Box::new(source) })?;
    if !answer.status().is_success() {
        let answer = format!("its status is {}", answer.status().as_u16());
        return Err(CredentialsError::Refused { what, answer });
    }
    String::from_utf8(answer.into_body().to_vec()).map_err(|_| CredentialsError::Answer { what })
}

fn credentials(what: &'static str, text: &str) -> Result<Credentials, CredentialsError> {
    let bad = || CredentialsError::Answer { what };
    let Answered { access_key_id, secret_access_key, token, expiration } =
        serde_json::from_str(text).map_err(|_| bad())?;
    let expiry = expiry(&expiration).ok_or_else(bad)?;
    Ok(Credentials::new(access_key_id, secret_access_key, Some(token), Some(expiry), "endpoint"))
}
