//! Which certificates are accepted. Those in `net/test/` are for localhost and its key, unless their names say otherwise, and end
//! in 2120 or ended in 2021. `self` is one with CA:TRUE, as `openssl req -x509` makes it, and `twin` has its name and its key.

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::net::test::{KEY, pem};

macro_rules! certificate {
    ($name:literal) => {
        include_bytes!(concat!("../../net/test/", $name, ".der"))
    };
}

const SELF: &[u8] = certificate!("self");
const TWIN: &[u8] = certificate!("twin");
const ROOT: &[u8] = certificate!("root");
const ROOT_EXPIRED: &[u8] = certificate!("root-expired");
const MIDDLE: &[u8] = certificate!("middle");
const OF_MIDDLE: &[u8] = certificate!("of-middle");
const OF_ROOT: &[u8] = certificate!("of-root");

async fn server(chain: &[&'static [u8]]) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let chain = chain.iter().map(|certificate| CertificateDer::from(*certificate)).collect();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    Server::start_with(Some(Arc::new(config).into()), |_| Scripted::Text(answer.to_owned())).await
}

/// The answer of a server with this chain to a data source that gives these authorities, or the error.
async fn answer(chain: &[&'static [u8]], given: &[&[u8]], server_name: &str) -> String {
    let server = server(chain).await;
    let url = format!("https://localhost:{}", server.address.port());
    let given: String = given.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect();
    let json = format!(r#"{{"tlsAuthWithCACert":true,"serverName":"{server_name}"}}"#);
    let client = Fixture::new("").client_with(&url, &json, &[("tlsCACert", &given)]);
    match send(&client, get(&url)).await {
        Ok(response) => text(response).await.unwrap(),
        Err(error) => {
            assert_eq!(error.kind(), RequestErrorKind::Certificate, "{}", error.chain());
            error.to_string()
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_given_itself_is_accepted_as_in_go() {
    assert_eq!(answer(&[SELF], &[SELF], "").await, "ok");
    assert_eq!(answer(&[SELF], &[ROOT, SELF], "127.0.0.1").await, "ok");
    // It may be one of a chain, too.
    assert_eq!(answer(&[OF_ROOT], &[OF_ROOT], "").await, "ok");
}

#[tokio::test]
async fn but_only_itself_and_only_for_what_it_says() {
    for (chain, server_name, words) in [
        (TWIN, "", "is one of an authority (CA:TRUE), and not trusted itself"),
        (certificate!("self-expired"), "", "has expired: renew it"),
        (certificate!("self-client"), "", "is not for servers"),
        (certificate!("self-nameless"), "", "has no name but the one in its subject"),
        (SELF, "other.example.com", "is for localhost, not for other.example.com"),
    ] {
        // The certificate is given itself, except for the twin, whose other half is.
        let given = if chain == TWIN { SELF } else { chain };
        let error = answer(&[chain], &[given], server_name).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_chain_needs_its_middle_and_a_root_that_is_valid() {
    assert_eq!(answer(&[OF_MIDDLE, MIDDLE], &[ROOT], "").await, "ok");
    assert_eq!(answer(&[OF_ROOT], &[ROOT_EXPIRED, ROOT], "").await, "ok");
    for (chain, given, words) in [
        (&[OF_MIDDLE][..], ROOT, "let the server send those in between"),
        (&[OF_MIDDLE, MIDDLE], SELF, "is not from the data source's CA certificate (tlsCACert)"),
        (&[OF_ROOT], ROOT_EXPIRED, "an authority whose own certificate is not valid now"),
        (&[certificate!("leaf-expired")], ROOT, "has expired on 2021-01-01: renew it"),
        (&[certificate!("authority-of-root")], ROOT, "is one of an authority (CA:TRUE)"),
    ] {
        let error = answer(chain, &[given], "").await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_each_have_a_sentence() {
    let server = server(&[SELF]).await;
    let url = format!("https://{}", server.address);
    let (certificate, key) = (pem("CERTIFICATE", SELF), pem("PRIVATE KEY", KEY));
    let encrypted = pem("ENCRYPTED PRIVATE KEY", KEY);
    for (json, certificate, key, words) in [
        ("", "garbage", &*key, "client certificate (tlsClientCert) is not PEM"),
        ("", &*certificate, "garbage", "client key (tlsClientKey) is not PEM"),
        ("", &*certificate, &*encrypted, "client key (tlsClientKey) is encrypted"),
        ("", &*pem("CERTIFICATE", ROOT), &*key, "do not belong together"),
        (r#","serverName":"a b""#, "", "", "serverName is neither a name nor an address"),
    ] {
        let json = format!(r#"{{"tlsAuth":true{json}}}"#);
        let secrets =
            [("tlsCACert", &*certificate_of_self()), ("tlsClientCert", certificate), ("tlsClientKey", key)];
        let client = Fixture::new("").client_with(&url, &json, &secrets);
        let error = send(&client, get(&url)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.kind(), RequestErrorKind::Settings);
    }
}

fn certificate_of_self() -> String {
    pem("CERTIFICATE", SELF)
}

#[tokio::test]
async fn the_operators_file_is_trusted_besides_the_systems() {
    let server = server(&[SELF]).await;
    let url = format!("https://{}", server.address);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let mut fixture = Fixture::new("");
    let more = RootPaths { more: Some(file.clone()), ..RootPaths::default() };
    fixture.egress.roots = Arc::new(TrustedRoots::new(more));
    let client = fixture.client(&url);
    let error = send(&client, get(&url)).await.unwrap_err();
    assert!(error.to_string().contains("(gpx_ca_file) cannot be read"), "{error}");
    std::fs::write(&file, certificate_of_self()).unwrap();
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");

    // So are those that the environment names.
    for (file, directories) in [(Some(file), vec![]), (None, vec![directory.path().to_owned()])] {
        let mut fixture = Fixture::new("");
        fixture.egress.roots = Arc::new(TrustedRoots::new(RootPaths { file, directories, more: None }));
        let response = send(&fixture.client(&url), get(&url)).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn grafanas_toggle_leaves_only_tls_13() {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let old = &[&rustls::version::TLS12];
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(old).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let config =
        builder.with_no_client_auth().with_single_cert(vec![CertificateDer::from(SELF)], key).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let tls = Some(Arc::new(config).into());
    let server = Server::start_with(tls, |_| Scripted::Text(answer.to_owned())).await;
    let url = format!("https://{}", server.address);
    let fixture = Fixture::new("");
    for (toggles, works) in [("", true), ("a,pluginsForceTls13", false)] {
        let config = [("GF_INSTANCE_FEATURE_TOGGLES_ENABLE".to_owned(), toggles.to_owned())];
        let client = fixture.client_in(
            &AwsEnvironment::default(),
            config.into(),
            &url,
            r#"{"tlsSkipVerify":true}"#,
            &[],
        );
        let result = send(&client, get(&url)).await;
        assert_eq!(result.is_ok(), works, "{result:?}");
    }
}
