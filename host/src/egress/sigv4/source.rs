//! Where credentials are looked for, in the order of AWS's own clients.

use aws_credential_types::Credentials;
use tokio::io::AsyncReadExt as _;

use super::errands::Errands;
use super::error::CredentialsError;
use super::{endpoint, sts};
use crate::config::AwsEnvironment;
use crate::egress::settings::{CredentialsSource, SigV4};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// The profile that is used if none is named.
const DEFAULT_PROFILE: &str = "default";

const FILE: &str = "the shared credentials file";
const WEB_IDENTITY: &str = "the file that AWS_WEB_IDENTITY_TOKEN_FILE names";
const CONTAINER_TOKEN: &str = "the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names";

/// Returns credentials as the data source's settings say.
pub(super) async fn load(settings: &SigV4, errands: &impl Errands) -> Result<Credentials, CredentialsError> {
    let SigV4 { region, source, role, environment, .. } = settings;
    let found = match source {
        CredentialsSource::Keys(keys) => keys.clone(),
        CredentialsSource::Profile(profile) => profile_of_file(profile, environment).await?,
        CredentialsSource::Machine => endpoint::ask_machine(environment, errands).await?,
        CredentialsSource::Environment => in_environment(region, environment, errands).await?,
    };
    match role {
        None => Ok(found),
        Some(role) => sts::assume_role(role, &found, region, environment, errands).await,
    }
}

/// Keys in the environment were found before.
async fn in_environment(
    region: &str,
    environment: &AwsEnvironment,
    errands: &impl Errands,
) -> Result<Credentials, CredentialsError> {
    let identity = (environment.get("AWS_ROLE_ARN"), environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"));
    if let (Some(arn), Some(file)) = identity {
        let token = read(WEB_IDENTITY, file).await?;
        return sts::assume_role_with_web_identity(arn, token.trim(), region, environment, errands).await;
    }
    let profile = environment.get("AWS_PROFILE");
    match profile_of_file(profile.unwrap_or(DEFAULT_PROFILE), environment).await {
        Ok(found) => return Ok(found),
        // It was asked for by name.
        Err(error) if profile.is_some() => return Err(error),
        Err(_) => {}
    }
    if let Some(url) = endpoint::of_container(environment) {
        let token = match environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Some(read(CONTAINER_TOKEN, file).await?),
            None => environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
        };
        return endpoint::ask_container(&url, token.as_deref().map(str::trim), errands).await;
    }
    endpoint::ask_machine(environment, errands).await.map_err(|error| match error {
        CredentialsError::Request { source, .. } => CredentialsError::Nowhere { source },
        other => other,
    })
}

async fn profile_of_file(
    profile: &str,
    environment: &AwsEnvironment,
) -> Result<Credentials, CredentialsError> {
    let file = environment.credentials_file().ok_or(CredentialsError::NoFile)?;
    let text = read(FILE, &file).await?;
    keys_of(profile, &text).ok_or_else(|| CredentialsError::NoProfile { profile: profile.to_owned() })
}

/// Reads the keys of a profile from a file in the format INI.
fn keys_of(profile: &str, text: &str) -> Option<Credentials> {
    let (mut is_wanted, mut access, mut secret, mut token) = (false, None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_wanted = name.trim() == profile;
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_wanted) else { continue };
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match key.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => access = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" => token = value,
            _ => {}
        }
    }
    Some(Credentials::new(access?, secret?, token, None, "file"))
}

async fn read(what: &'static str, path: &str) -> Result<String, CredentialsError> {
    let failed = |source| CredentialsError::File { what, source };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).await.map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_profile_are_found() {
        let text = "# aws_access_key_id = no\n[default]\naws_access_key_id=A\n aws_secret_access_key = S=1/+ \n\
                    [ other ]\nAWS_ACCESS_KEY_ID = B\naws_secret_access_key = T\naws_session_token = U\nregion = x\n\
                    [half]\naws_access_key_id = C\n";
        let keys = keys_of("default", text).unwrap();
        assert_eq!(
            (keys.access_key_id(), keys.secret_access_key(), keys.session_token()),
            ("A", "S=1/+", None)
        );
        let keys = keys_of("other", text).unwrap();
        assert_eq!((keys.access_key_id(), keys.session_token()), ("B", Some("U")));
        assert!(keys_of("half", text).is_none() && keys_of("absent", text).is_none());
    }
}
