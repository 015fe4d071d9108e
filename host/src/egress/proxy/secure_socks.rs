//! Grafana's secure SOCKS proxy: a SOCKS proxy behind TLS, which a data source asks for by `enableSecureSocksProxy`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::address::{Choice, Credentials, Proxy, ProxyKind};
use super::failure::BadProxy;
use crate::config::Strings;
use crate::egress::origin::{Origin, Scheme, normal};
use crate::egress::settings::{ProxyPem, TlsSettings};

/// The beginning of the names of Grafana's settings for it, in a call's configuration and in the environment.
const PREFIX: &str = "GF_SECURE_SOCKS_DATASOURCE_PROXY_";

/// How long a file with certificates may be, in bytes.
const MAX_FILE: u64 = 1 << 20;

const SETTING: &str = "the secure SOCKS proxy";

/// Where it is said which proxy a data source uses.
#[derive(Clone, Copy)]
pub(in crate::egress) struct SecureSocks<'a> {
    /// The data source's jsonData.
    pub(in crate::egress) json: &'a Map<String, Value>,
    pub(in crate::egress) secrets: &'a HashMap<String, String>,
    pub(in crate::egress) uid: &'a str,
    /// Grafana's configuration, as it comes with the call.
    pub(in crate::egress) config: &'a HashMap<String, String>,
    /// The process's environment, where older versions of Grafana say it. It counts only if the configuration says nothing.
    pub(in crate::egress) environment: &'a Strings,
}

// === impl SecureSocks ===

impl SecureSocks<'_> {
    /// Returns the proxy if the data source asks for it. Unlike in Go, it is an error if Grafana has none: what was meant to
    /// go through the proxy must not go another way.
    pub(in crate::egress) fn proxy(self) -> Choice {
        match self.json.get("enableSecureSocksProxy") {
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(Value::Bool(true)) => {}
            Some(_) => return Err(bad("enableSecureSocksProxy is not a boolean", "write true or false")),
        }
        if self.value("SERVER_ENABLED") != "true" {
            return Err(bad(
                "the data source asks for it, and Grafana has none",
                "set enabled = true under [secure_socks_datasource_proxy] in grafana.ini, or switch the proxy off in the data \
                 source",
            ));
        }
        let address = self.address()?;
        let (scheme, tls) =
            if self.allows_insecure()? { (Scheme::Http, None) } else { (Scheme::Https, Some(self.tls()?)) };
        let address = Origin { scheme, ..address };
        let credentials = Some(self.credentials()?);
        Ok(Some(Arc::new(Proxy { setting: SETTING, kind: ProxyKind::Socks, address, tls, credentials })))
    }

    fn value(&self, key: &str) -> &str {
        let key = format!("{PREFIX}{key}");
        let configured = self.config.keys().any(|key| key.starts_with(PREFIX));
        let value = if configured { self.config.get(&key) } else { self.environment.get(&key) };
        value.map_or("", String::as_str)
    }

    fn address(&self) -> Result<Origin, BadProxy> {
        let bad = || {
            bad(
                "its proxy_address is not host:port",
                "correct it under [secure_socks_datasource_proxy] in grafana.ini",
            )
        };
        let url =
            Url::parse(&format!("socks5://{}", self.value("PROXY_ADDRESS").trim())).map_err(|_| bad())?;
        let plain = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        let host = url.host_str().filter(|host| plain && !host.is_empty()).and_then(normal);
        let (host, port) = host.zip(url.port()).ok_or_else(bad)?;
        Ok(Origin { scheme: Scheme::Https, host: host.into(), port })
    }

    fn allows_insecure(&self) -> Result<bool, BadProxy> {
        // As Go's `strconv.ParseBool`.
        match self.value("ALLOW_INSECURE") {
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            _ => Err(bad("its allow_insecure is not a boolean", "write true or false in grafana.ini")),
        }
    }

    /// Texts go before files, which are Grafana's older way.
    fn tls(&self) -> Result<TlsSettings, BadProxy> {
        let texts = self.value("ROOT_CA_CERT_VALS");
        let files = self.value("ROOT_CA_CERT").split(' ').filter(|path| !path.is_empty());
        if texts.is_empty() && files.clone().next().is_none() {
            return Err(bad(
                "it has no root_ca_cert",
                "set it under [secure_socks_datasource_proxy] in grafana.ini",
            ));
        }
        let (authorities, certificate, key) = if texts.is_empty() {
            let authorities = files.map(read).collect::<Result<_, _>>()?;
            (authorities, read(self.value("CLIENT_CERT"))?, read(self.value("CLIENT_KEY"))?)
        } else {
            let authorities = texts.split(',').map(str::to_owned).collect::<Vec<_>>();
            (authorities, self.value("CLIENT_CERT_VAL").to_owned(), self.value("CLIENT_KEY_VAL").to_owned())
        };
        let pem = ProxyPem { authorities: &authorities, certificate: &certificate, key: &key };
        let remedy = "correct it under [secure_socks_datasource_proxy] in grafana.ini";
        TlsSettings::of_proxy(pem, self.value("SERVER_NAME")).map_err(|error| bad(&error.to_string(), remedy))
    }

    fn credentials(&self) -> Result<Credentials, BadProxy> {
        let user = match self.json.get("secureSocksProxyUsername") {
            None => self.uid,
            Some(Value::String(user)) => user,
            Some(_) => {
                return Err(bad("the data source's secureSocksProxyUsername is not a text", "correct it"));
            }
        };
        let password = self.secrets.get("secureSocksProxyPassword").cloned().unwrap_or_default();
        let credentials = Credentials { user: user.to_owned(), password };
        let fault = "the data source's user for it has not 1 to 255 bytes, or the password has more than 255";
        if credentials.fit_socks() { Ok(credentials) } else { Err(bad(fault, "change them")) }
    }
}

fn bad(fault: &str, remedy: &str) -> BadProxy {
    BadProxy { setting: SETTING, fault: fault.to_owned(), remedy: remedy.to_owned() }
}

/// Reads a file that the operator names.
fn read(path: &str) -> Result<String, BadProxy> {
    let failed = |error: std::io::Error| {
        bad(&format!("`{path}` cannot be read ({error})"), "correct the path in grafana.ini")
    };
    let mut text = String::new();
    let mut file = File::open(path).map_err(failed)?.take(MAX_FILE);
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
