//! What holds for any owner, and for anything that a component prints.

use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::Url;
use wasmtime_wasi::p2::OutputStream as _;

pub(crate) use super::component::fuzz::manifest;
use super::instance::output::Output;
use super::owner::{http_settings, scrub, settings};
use super::platform::OperatorSettings;
use crate::call::{CallContext, DataSourceSettings, Subject};
use crate::egress::WantedHeaders;
use crate::log::Log;
use crate::text::Scrub;

/// A component gets no secret that it does not name, nor what is secret in the URL; and nothing that is printed shows one.
pub(crate) fn owner(url: &str, secret: &str, json: &[u8]) {
    let secrets = [("token", secret), ("httpHeaderValue1", secret), ("denied", secret)];
    let source = DataSourceSettings {
        url: url.to_owned(),
        json_data: Bytes::copy_from_slice(json),
        secrets: HashMap::from(secrets.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        ..DataSourceSettings::default()
    };
    let context = CallContext { subject: Subject::DataSource(source), ..CallContext::default() };
    let operator =
        OperatorSettings { deny_secrets: vec!["denied".to_owned()], ..OperatorSettings::default() };
    let wanted = ["token", "denied"].map(str::to_owned);
    let seen = settings(&context.subject, &wanted, &operator);
    let names: Vec<_> = seen.secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["token"]);
    without_userinfo(url, &seen.url);
    let scrub = scrub(
        &context.subject,
        &http_settings(&context, &operator, &WantedHeaders::default()),
        &operator,
        std::iter::empty(),
    );
    let parsed = Url::parse(url.trim()).ok();
    let password = parsed
        .as_ref()
        .and_then(Url::password)
        .map(|password| percent_decode_str(password).decode_utf8_lossy());
    for secret in password.iter().map(|password| password.trim()).chain([secret.trim()]) {
        // Of a key, only the lines are looked for; and what is shorter is part of too many words.
        if secret.len() >= 4 && !secret.contains("-----") {
            assert!(scrub.is_in(secret), "{secret:?} of {url:?} is not known");
        }
    }
}

/// In pieces of any size, the same lines are printed, and no secret.
pub(crate) fn output(printed: &[u8], size: usize, secret: &str) {
    static LOG: OnceLock<Option<Log>> = OnceLock::new();
    let Some(log) = LOG.get_or_init(|| Log::to(io::sink()).ok()) else { return };
    let scrub = Scrub::new([secret]);
    let print = |size: usize| {
        let mut output = Output::stderr(log.clone(), scrub.clone());
        for piece in printed.chunks(size.max(1)) {
            assert!(output.write(Bytes::copy_from_slice(piece)).is_ok());
        }
        output.finish()
    };
    let lines = print(usize::MAX);
    assert_eq!(print(size), lines, "in pieces of {size}");
    assert!(lines.len() <= 16 && lines.iter().map(String::len).sum::<usize>() <= 16 * 1024 + 8 * 1024);
    let secret = secret.trim();
    let is_line = secret.len() >= 4 && !secret.contains("-----") && !secret.contains(char::is_control);
    for line in lines {
        assert!(!line.is_empty() && line.len() <= 8 * 1024 && !line.contains('\n'));
        assert!(!is_line || !line.replace("[secret]", "\n").contains(secret), "{secret:?} is in {line:?}");
    }
}

/// Whoever reads the URL sees the same place, and nobody who is there.
fn without_userinfo(url: &str, seen: &str) {
    let (Ok(mut expected), Ok(found)) = (Url::parse(url.trim()), Url::parse(seen.trim())) else { return };
    assert!(found.username().is_empty() && found.password().is_none(), "{url:?} becomes {seen:?}");
    // Where the text has what looks like a user, and who reads URLs sees none, it is lost all the same.
    let has_user = !expected.username().is_empty() || expected.password().is_some();
    if has_user && expected.set_username("").is_ok() && expected.set_password(None).is_ok() {
        assert_eq!(found, expected, "{url:?} becomes {seen:?}");
    }
}
