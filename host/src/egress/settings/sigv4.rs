//! What a data source's settings say about Signature Version 4 of AWS, under the keys that Grafana's editor for it writes.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use serde_json::{Map, Value};
use url::Url;

use crate::config::AwsEnvironment;

/// What the settings for signatures are read from.
#[derive(Clone, Copy)]
pub(crate) struct SigV4Fields<'a> {
    pub json_data: &'a [u8],
    pub secrets: &'a HashMap<String, String>,
    /// The configuration that Grafana sends with each call.
    pub grafana: &'a HashMap<String, String>,
    pub environment: &'a AwsEnvironment,
}

/// How requests to a data source are signed.
#[derive(Clone)]
pub(in crate::egress) struct SigV4 {
    pub(in crate::egress) region: String,
    pub(in crate::egress) service: String,
    pub(in crate::egress) source: CredentialsSource,
    /// The role to assume with these credentials.
    pub(in crate::egress) role: Option<Role>,
    pub(in crate::egress) environment: AwsEnvironment,
}

/// Where credentials come from.
#[derive(Clone)]
pub(in crate::egress) enum CredentialsSource {
    /// They are known.
    Keys(Credentials),
    /// A profile of the shared credentials file.
    Profile(String),
    /// What the environment names beside keys: web identity, the file, a container, the machine.
    Environment,
    /// The role of the machine.
    Machine,
}

/// A role that is assumed at the Security Token Service.
#[derive(Clone)]
pub(in crate::egress) struct Role {
    pub(in crate::egress) arn: String,
    pub(in crate::egress) external_id: Option<String>,
    /// How long its credentials are valid.
    pub(in crate::egress) duration: Duration,
}

/// Why requests to the data source cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSigV4 {
    #[error("the data source's {0} is not a text; correct it")]
    NotText(&'static str),
    #[error(
        "the data source's sigV4AuthType is `{0}`, which the host does not support; set it to keys, default, credentials or \
         ec2_iam_role"
    )]
    UnknownType(String),
    #[error(
        "Grafana does not allow the data source's sigV4AuthType, `{0}`; add it to allowed_auth_providers under [aws]"
    )]
    TypeNotAllowed(&'static str),
    #[error(
        "Grafana does not allow a data source to assume a role; remove sigV4AssumeRoleArn, or set assume_role_enabled = true \
         under [aws]"
    )]
    RoleNotAllowed,
    #[error("the data source has no sigV4AccessKey or no sigV4SecretKey; set both, or another sigV4AuthType")]
    NoKeys,
    #[error("the data source has no AWS region; set sigV4Region")]
    NoRegion,
    #[error(
        "the name of the AWS service is not known from the data source's URL; set sigV4Service, for example to `aps` or `es`"
    )]
    NoService,
}

/// What Grafana allows if it does not say so (grafana-aws-sdk, `awsds`).
const ALLOWED: [&str; 3] = ["default", "keys", "credentials"];

/// As in the Go SDK of AWS, and the shortest that the Security Token Service allows.
const DURATION: Duration = Duration::from_secs(15 * 60);

/// The longest that it allows.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

// === impl SigV4 ===

impl SigV4 {
    /// Returns `None` if requests are not signed.
    pub(super) fn parse(fields: SigV4Fields<'_>, url: Option<&Url>) -> Option<Result<Self, BadSigV4>> {
        let json: Map<_, _> = serde_json::from_slice(fields.json_data).unwrap_or_default();
        let enabled = json.get("sigV4Auth").and_then(Value::as_bool).unwrap_or_default();
        enabled.then(|| Self::of(&json, fields, url))
    }

    fn of(json: &Map<String, Value>, fields: SigV4Fields<'_>, url: Option<&Url>) -> Result<Self, BadSigV4> {
        let source = source(text(json, "sigV4AuthType")?, text(json, "sigV4Profile")?, fields)?;
        let arn = text(json, "sigV4AssumeRoleArn")?;
        if arn.is_some() && !role_is_allowed(fields) {
            return Err(BadSigV4::RoleNotAllowed);
        }
        let role = match arn {
            None => None,
            Some(arn) => Some(Role {
                arn: arn.to_owned(),
                external_id: text(json, "sigV4ExternalId")?.map(str::to_owned),
                duration: duration(fields),
            }),
        };
        let region = text(json, "sigV4Region")?.filter(|region| *region != "default");
        let region = region.or_else(|| fields.environment.get("AWS_REGION"));
        let region = region.or_else(|| fields.environment.get("AWS_DEFAULT_REGION"));
        let service = text(json, "sigV4Service")?.map(str::to_owned);
        let service = service.or_else(|| service_of_host(url?.host_str()?).map(str::to_owned));
        Ok(Self {
            region: region.ok_or(BadSigV4::NoRegion)?.to_owned(),
            service: service.ok_or(BadSigV4::NoService)?,
            source,
            role,
            environment: fields.environment.clone(),
        })
    }

    /// Returns what nobody may see.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let keys = match &self.source {
            CredentialsSource::Keys(keys) => Some(keys),
            _ => None,
        };
        let container = self.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        let secret = keys.map(Credentials::secret_access_key);
        secret.into_iter().chain(keys.and_then(Credentials::session_token)).chain(container)
    }
}

/// Shows no keys.
impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, service, .. } = self;
        f.debug_struct("SigV4").field("region", region).field("service", service).finish_non_exhaustive()
    }
}

/// Returns a text that is set and not empty.
fn text<'a>(json: &'a Map<String, Value>, key: &'static str) -> Result<Option<&'a str>, BadSigV4> {
    match json.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(BadSigV4::NotText(key)),
    }
}

fn source(
    kind: Option<&str>,
    profile: Option<&str>,
    fields: SigV4Fields<'_>,
) -> Result<CredentialsSource, BadSigV4> {
    let allowed = |kind: &'static str| {
        let listed = setting(fields, "AWS_AUTH_AllowedAuthProviders").unwrap_or_default();
        let mut listed = listed.split(',').map(str::trim).filter(|kind| !kind.is_empty()).peekable();
        let is_allowed =
            if listed.peek().is_some() { listed.any(|other| other == kind) } else { ALLOWED.contains(&kind) };
        if is_allowed { Ok(()) } else { Err(BadSigV4::TypeNotAllowed(kind)) }
    };
    match kind.unwrap_or("default") {
        "keys" => {
            allowed("keys")?;
            let secret = |name: &str| fields.secrets.get(name).map(|value| value.trim());
            keys(secret("sigV4AccessKey"), secret("sigV4SecretKey"), secret("sigV4SessionToken"))
                .map(CredentialsSource::Keys)
                .ok_or(BadSigV4::NoKeys)
        }
        "default" => {
            allowed("default")?;
            let variable = |name: &str| fields.environment.get(name);
            let keys = keys(
                variable("AWS_ACCESS_KEY_ID"),
                variable("AWS_SECRET_ACCESS_KEY"),
                variable("AWS_SESSION_TOKEN"),
            );
            Ok(keys.map_or(CredentialsSource::Environment, CredentialsSource::Keys))
        }
        "credentials" => {
            allowed("credentials")?;
            let profile = profile.or_else(|| fields.environment.get("AWS_PROFILE"));
            Ok(CredentialsSource::Profile(profile.unwrap_or("default").to_owned()))
        }
        "ec2_iam_role" => {
            allowed("ec2_iam_role")?;
            Ok(CredentialsSource::Machine)
        }
        other => Err(BadSigV4::UnknownType(other.chars().take(64).collect())),
    }
}

fn keys(access: Option<&str>, secret: Option<&str>, token: Option<&str>) -> Option<Credentials> {
    let set = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Credentials::new(set(access)?, set(secret)?, set(token), None, "settings"))
}

/// Returns what Grafana's section `[aws]` says: newer versions send it with each call, older ones set the environment.
fn setting<'a>(fields: SigV4Fields<'a>, key: &str) -> Option<&'a str> {
    let sent = fields.grafana.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    sent.or_else(|| fields.environment.get(key))
}

/// Go's `strconv.ParseBool`; what is neither counts as allowed, as in Go.
fn role_is_allowed(fields: SigV4Fields<'_>) -> bool {
    let no = ["0", "f", "F", "false", "FALSE", "False"];
    !setting(fields, "AWS_AUTH_AssumeRoleEnabled").is_some_and(|value| no.contains(&value))
}

/// Returns how long the credentials of a role are to be valid, such as `90m` or `1h30m`.
fn duration(fields: SigV4Fields<'_>) -> Duration {
    let given = setting(fields, "AWS_AUTH_SESSION_DURATION").and_then(|text| {
        let mut parts = text.split_inclusive(|letter: char| letter.is_ascii_alphabetic());
        let seconds = parts.try_fold(0_u64, |sum, part| {
            let (number, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 60 * 60,
                _ => return None,
            };
            sum.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)
        });
        seconds.map(Duration::from_secs)
    });
    given.unwrap_or(DURATION).clamp(DURATION, LONGEST)
}

/// Returns the name under which a service of AWS is signed for: that of its host, before the region.
fn service_of_host(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let mut labels = name.rsplit('.');
    let (last, before) = (labels.next()?, labels.next());
    let service = match last {
        // The service comes after the region: `search-x.eu-west-1.es.amazonaws.com`.
        "es" | "aoss" | "s3" => last,
        // A name without a service: `x.eu-west-1.elb.amazonaws.com`.
        _ => before.filter(|name| !(name.contains('-') && name.ends_with(|c: char| c.is_ascii_digit())))?,
    };
    Some(match service {
        "aps-workspaces" => "aps",
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str, secrets: &[(&str, &str)], grafana: &[(&str, &str)]) -> Result<SigV4, BadSigV4> {
        parse_in(json, secrets, grafana, &AwsEnvironment::default())
    }

    fn parse_in(
        json: &str,
        secrets: &[(&str, &str)],
        grafana: &[(&str, &str)],
        environment: &AwsEnvironment,
    ) -> Result<SigV4, BadSigV4> {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let mut json: Map<String, Value> = serde_json::from_str(json).unwrap();
        json.insert("sigV4Auth".to_owned(), true.into());
        json.entry("sigV4Region").or_insert_with(|| "eu-west-1".into());
        json.entry("sigV4Service").or_insert_with(|| "aps".into());
        let fields = SigV4Fields {
            json_data: &serde_json::to_vec(&json).unwrap(),
            secrets: &map(secrets),
            grafana: &map(grafana),
            environment,
        };
        SigV4::parse(fields, None).unwrap()
    }

    const KEYS: [(&str, &str); 2] = [("sigV4AccessKey", "AKID"), ("sigV4SecretKey", "hunter2")];

    #[test]
    fn keys_need_both_and_never_show() {
        let keys = r#"{"sigV4AuthType":"keys"}"#;
        let parsed = parse(keys, &KEYS, &[]).unwrap();
        assert_eq!(parsed.secrets().collect::<Vec<_>>(), ["hunter2"]);
        assert!(!format!("{parsed:?}").contains("hunter2") && !format!("{parsed:?}").contains("AKID"));
        assert_eq!(parse(keys, &KEYS[..1], &[]).unwrap_err(), BadSigV4::NoKeys);
        assert_eq!(parse(keys, &[KEYS[0], ("sigV4SecretKey", " ")], &[]).unwrap_err(), BadSigV4::NoKeys);
    }

    #[test]
    fn other_types_are_refused_by_name_and_so_is_what_grafana_does_not_allow() {
        for kind in ["grafana_assume_role", "arn", "Keys", "azure"] {
            let error = parse(&format!(r#"{{"sigV4AuthType":"{kind}"}}"#), &KEYS, &[]).unwrap_err();
            assert_eq!(error, BadSigV4::UnknownType(kind.to_owned()));
            assert!(error.to_string().contains(&format!("`{kind}`")), "{error}");
        }
        let machine = r#"{"sigV4AuthType":"ec2_iam_role"}"#;
        assert_eq!(parse(machine, &[], &[]).unwrap_err(), BadSigV4::TypeNotAllowed("ec2_iam_role"));
        let allowed = [("AWS_AUTH_AllowedAuthProviders", "keys, ec2_iam_role")];
        assert!(parse(machine, &[], &allowed).is_ok());
        assert_eq!(parse("{}", &[], &allowed).unwrap_err(), BadSigV4::TypeNotAllowed("default"));
        assert!(parse("{}", &[], &[("AWS_AUTH_AllowedAuthProviders", " , ")]).is_ok());
        assert_eq!(parse(r#"{"sigV4Region":5}"#, &[], &[]).unwrap_err(), BadSigV4::NotText("sigV4Region"));
    }

    #[test]
    fn a_role_has_the_duration_that_grafana_says() {
        let role = r#"{"sigV4AssumeRoleArn":"arn:aws:iam::1:role/r","sigV4ExternalId":"x"}"#;
        let parsed = parse(role, &[], &[("AWS_AUTH_SESSION_DURATION", "1h")]).unwrap().role.unwrap();
        assert_eq!((parsed.external_id.as_deref(), parsed.duration.as_secs()), (Some("x"), 3600));
        let long = [("1h30m", 90 * 60), ("900s15m", 30 * 60), ("30h", 12 * 60 * 60)];
        let short = ["", "1", "h", "1y", "-5m", "1h30", "1h 30m", "99999999999999999999h", "5s", "é"];
        for (text, seconds) in long.into_iter().chain(short.map(|text| (text, 15 * 60))) {
            let parsed = parse(role, &[], &[("AWS_AUTH_SESSION_DURATION", text)]).unwrap();
            assert_eq!(parsed.role.unwrap().duration.as_secs(), seconds, "{text}");
        }
        for (value, allowed) in [("false", false), ("0", false), ("true", true), ("no", true)] {
            let parsed = parse(role, &[], &[("AWS_AUTH_AssumeRoleEnabled", value)]);
            assert_eq!(parsed.is_ok(), allowed, "{value}");
        }
    }

    #[test]
    fn the_region_and_the_service_are_found() {
        for (host, service) in [
            ("aps-workspaces.eu-west-1.amazonaws.com", Some("aps")),
            ("search-mine-abc.eu-west-1.es.amazonaws.com", Some("es")),
            ("abc.us-east-1.aoss.amazonaws.com", Some("aoss")),
            ("monitoring.eu-west-1.amazonaws.com", Some("monitoring")),
            ("bucket.s3.eu-west-1.amazonaws.com", Some("s3")),
            ("s3.amazonaws.com", Some("s3")),
            ("abc.execute-api.cn-north-1.amazonaws.com.cn", Some("execute-api")),
            ("mine-1.eu-west-1.elb.amazonaws.com", None),
            ("amazonaws.com", None),
            ("x.amazonaws.com", None),
            ("example.com", None),
            ("aps-workspaces.eu-west-1.amazonaws.com.example.com", None),
        ] {
            assert_eq!(service_of_host(host), service, "{host}");
        }
        assert_eq!(parse(r#"{"sigV4Region":""}"#, &[], &[]).unwrap_err(), BadSigV4::NoRegion);
        assert_eq!(parse(r#"{"sigV4Service":""}"#, &[], &[]).unwrap_err(), BadSigV4::NoService);
        let variables = [("AWS_DEFAULT_REGION".to_owned(), "us-west-2".to_owned())];
        let environment = AwsEnvironment::of(variables);
        let parsed = parse_in(r#"{"sigV4Region":"default"}"#, &[], &[], &environment).unwrap();
        assert_eq!(parsed.region, "us-west-2");
    }
}
