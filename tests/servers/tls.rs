//! TLS with nginx: which certificates and versions are accepted, and which client nginx sees.

use gpx_tests::both::Both;
use gpx_tests::grafana::DataSource;
use gpx_tests::servers::certificates::{chain, key};
use gpx_tests::servers::nginx::{Nginx, Site};
use serde_json::json;

/// Whom a data source trusts, and by which name.
struct Case {
    what: &'static str,
    site: usize,
    /// What is given as `tlsCACert`.
    given: &'static [&'static str],
    server_name: &'static str,
    /// What our error says. Empty if there is none.
    words: &'static str,
}

#[gpx_tests::test]
async fn a_certificate_is_accepted_or_refused_as_in_go() {
    let sites = [
        Site::secure(&["self"]).says("own"),
        Site::secure(&["self-expired"]).says("expired"),
        Site::secure(&["of-middle", "middle"]).says("chain"),
        Site::secure(&["of-middle"]).says("no middle"),
        Site::secure(&["self-client"]).says("for clients"),
    ];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let case = |what, site, given, server_name, words| Case { what, site, given, server_name, words };
    for Case { what, site, given, server_name, words } in [
        case("its own, with CA:TRUE", 0, &["self"], "", ""),
        case("its own among others", 0, &["root", "self"], "", ""),
        case("its own by another of its names", 0, &["self"], "127.0.0.1", ""),
        case("another's", 0, &["root"], "", "is one of an authority (CA:TRUE), and not trusted itself"),
        case(
            "the system's authorities",
            0,
            &[],
            "",
            "is one of an authority (CA:TRUE), and not trusted itself",
        ),
        case(
            "a wrong name",
            0,
            &["self"],
            "other.example.com",
            "is for localhost, not for other.example.com",
        ),
        case("expired", 1, &["self-expired"], "", "has expired"),
        case("a chain", 2, &["root"], "", ""),
        case("its middle alone", 2, &["middle"], "", ""),
        case("a chain without its middle", 3, &["root"], "", "let the server send those in between"),
        case("a chain whose middle is given", 3, &["root", "middle"], "", ""),
        case("for clients", 4, &["self-client"], "", "is not for servers"),
    ] {
        let mut source = DataSource::new(&nginx.url(site));
        let json = if given.is_empty() {
            json!({})
        } else {
            json!({ "tlsAuthWithCACert": true, "serverName": server_name })
        };
        source = source.json(json).secret("tlsCACert", &chain(given));
        let outcome = both.fetch_alike(what, &source, json!({ "url": nginx.url(site) })).await;
        assert!(outcome.error.contains(words), "{what}: {}", outcome.error);
        assert_eq!(outcome.error.is_empty(), words.is_empty(), "{what}: {}", outcome.error);
        // Without any check, each is accepted.
        let careless = DataSource::new(&nginx.url(site)).json(json!({ "tlsSkipVerify": true }));
        let outcome = both.fetch_alike(what, &careless, json!({ "url": nginx.url(site) })).await;
        assert_eq!(outcome.of_first("status"), "200", "{what}");
    }
    both.end().await;
}

#[gpx_tests::test]
async fn nginx_sees_the_client_certificate() {
    let wants = "ssl_client_certificate clients.pem; ssl_verify_client";
    let sites = [
        Site::secure(&["self"]).with(&format!("{wants} on;")).says("known"),
        Site::secure(&["self"]).with(&format!("{wants} on; ssl_protocols TLSv1.2;")).says("known"),
        Site::secure(&["self"]).with(&format!("{wants} on;")).says("known").http2(),
    ];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let mut count = 0;
    for site in 0..sites.len() {
        for (certificate, status) in [("localhost", "200"), ("self", "400"), ("", "400")] {
            let source =
                DataSource::new(&nginx.url(site)).json(json!({ "tlsAuth": true, "tlsAuthWithCACert": true }));
            let mut source = source.secret("tlsCACert", &chain(&["self"]));
            if !certificate.is_empty() {
                source =
                    source.secret("tlsClientCert", &chain(&[certificate])).secret("tlsClientKey", &key());
            }
            let what = format!("{certificate:?} on {site}");
            let [ours, theirs] = both.fetch(&source, json!({ "url": nginx.url(site) })).await;
            assert_eq!([ours.of_first("status"), theirs.of_first("status")], [status; 2], "{what}");
            count += 2;
            let served = nginx.served(count).await;
            let [.., ours, theirs] = served.as_slice() else { panic!("{served:?}") };
            // Go shows no certificate of an authority that the server does not name.
            let twins = if certificate == "self" { &String::new() } else { &ours.client };
            assert_eq!((&theirs.client, &theirs.tls), (twins, &ours.tls), "{what}");
            assert_eq!(ours.client.is_empty(), certificate.is_empty(), "{what}: {ours:?}");
        }
    }
    both.end().await;
}

#[gpx_tests::test]
async fn the_version_is_the_newest_that_both_speak_and_grafana_may_insist_on_it() {
    let sites = [
        Site::secure(&["self"]).with("ssl_protocols TLSv1.2 TLSv1.3;").says("any"),
        Site::secure(&["self"]).with("ssl_protocols TLSv1.3;").says("new"),
        Site::secure(&["self"]).with("ssl_protocols TLSv1.2;").says("old"),
    ];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let mut count = 0;
    for (site, toggle, version) in [
        (0, "", "TLSv1.3"),
        (1, "", "TLSv1.3"),
        (2, "", "TLSv1.2"),
        (0, "pluginsForceTls13", "TLSv1.3"),
        (1, "other,pluginsForceTls13", "TLSv1.3"),
        (2, "pluginsForceTls13", ""),
    ] {
        let source = DataSource::new(&nginx.url(site)).json(json!({ "tlsSkipVerify": true }));
        let source = source.grafana("GF_INSTANCE_FEATURE_TOGGLES_ENABLE", toggle);
        let what = format!("{toggle:?} on {site}");
        let outcome = both.fetch_alike(&what, &source, json!({ "url": nginx.url(site) })).await;
        if version.is_empty() {
            assert!(outcome.error.contains("no secure connection"), "{what}: {}", outcome.error);
            continue;
        }
        assert_eq!(outcome.of_first("status"), "200", "{what}");
        count += 2;
        let served = nginx.served(count).await;
        let versions: Vec<_> = served[count - 2..].iter().map(|served| served.tls.as_str()).collect();
        assert_eq!(versions, [version; 2], "{what}");
    }
    both.end().await;
}
