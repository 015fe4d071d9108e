//! The rules of Go's `httpproxy`: what its own tests say, and more of the same.

use super::*;
use crate::config::Strings;

/// What Go decides, computed by a test of tests/peer. A line is a kind, an input and a decision.
const OF_GO: &str = include_str!("../../../../tests/peer/proxies/cases.txt");

/// Where the host takes a value otherwise than Go, though to none that Go does not mean. Go cannot read most of these, and would
/// send requests without a proxy, or to a host named `http`.
const OTHERWISE: [(&str, &str); 8] = [
    ("http://us%ZZer:word@proxy", r#"http proxy 80 "us%ZZer" "word""#),
    ("http://us er:word@proxy", r#"http proxy 80 "us er" "word""#),
    ("http://user:wö@proxy", r#"http proxy 80 "user" "wö""#),
    (" http://proxy", r#"http proxy 80 "" """#),
    ("http://proxy ", r#"http proxy 80 "" """#),
    ("http://pröxy", r#"http xn--prxy-6qa 80 "" """#),
    ("http://a,b", "refused"),
    ("http://proxy:99999", "refused"),
];

fn variables(http: &str, https: &str, none_for: &str) -> ProxyVariables {
    ProxyVariables {
        http: ("HTTP_PROXY", http.to_owned()),
        https: ("HTTPS_PROXY", https.to_owned()),
        none_for: none_for.to_owned(),
        cgi: false,
        secure_socks: Strings::new(),
    }
}

fn origin(url: &str) -> Origin {
    Origin::of_uri(&url.parse().unwrap()).unwrap()
}

/// Whether a request to `url` goes without a proxy, if `NO_PROXY` is that.
fn is_direct(none_for: &str, url: &str) -> bool {
    let (proxies, bad) = Proxies::parse(&variables("proxy:1", "proxy:2", none_for));
    assert!(bad.is_empty(), "{bad:?}");
    proxies.route(&origin(url), None).unwrap().proxies().next().is_none()
}

#[test]
fn no_proxy_is_that_of_go() {
    for (none_for, direct, through) in [
        (
            "",
            "localhost localhost:81 127.0.0.1 127.9.9.9 [::1] [::ffff:127.0.0.1]",
            "a.example 10.0.0.1 foo.localhost 128.0.0.1",
        ),
        ("*", "a.example 10.0.0.1 [fd00::1]", ""),
        ("x,*", "a.example", ""),
        ("foo.com", "foo.com FOO.com a.foo.com a.b.foo.com foo.com:81", "barfoo.com foo.com.br foo.co"),
        (".foo.com", "a.foo.com a.b.foo.com", "foo.com barfoo.com"),
        ("*.foo.com", "a.foo.com", "foo.com"),
        ("*foo.com", "", "barfoo.com foo.com"),
        ("FOO.com, bar.com:81", "a.foo.com bar.com:81 a.bar.com:81", "bar.com bar.com:82"),
        ("foo.com:", "foo.com foo.com:81", ""),
        (":80,foo.com:080", "", "foo.com a.example"),
        ("foo.com:80", "foo.com", "foo.com:8080"),
        ("10.0.0.1", "10.0.0.1 10.0.0.1:81 [::ffff:10.0.0.1]", "10.0.0.2 110.0.0.1"),
        ("10.0.0.1:81", "10.0.0.1:81", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1 10.255.1.1:81 [::ffff:10.1.1.1]", "11.0.0.1 a10.0.0.1"),
        ("10.1.2.3/8", "10.9.9.9", ""),
        ("0.0.0.0/0", "8.8.8.8", "[fd00::1] a.example"),
        ("::/0", "[fd00::1]", "8.8.8.8 [::ffff:8.8.8.8]"),
        ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
        ("fd00::/8", "[fd00::1] [fdff::1]", "[fe00::1]"),
        ("fd00::1", "[fd00::1]", "[fd00::2]"),
        ("[fd00::1]:81", "[fd00::1]:81", "[fd00::1]"),
        ("[fd00::1]", "", "[fd00::1]"),
        ("10.0.0.0/33,10.0.0.0/+8,10.0.0.0/,010.0.0.1", "", "10.0.0.1"),
        ("  foo.com ,\tbar.com", "foo.com bar.com", ""),
        (",,", "", "a.example"),
        ("foo.com.", "", "foo.com"),
        ("bücher.example", "xn--bcher-kva.example a.xn--bcher-kva.example", "bcher.example"),
    ] {
        for (hosts, expected) in [(direct, true), (through, false)] {
            for host in hosts.split(' ').filter(|host| !host.is_empty()) {
                assert_eq!(
                    is_direct(none_for, &format!("http://{host}/")),
                    expected,
                    "{host} with {none_for}"
                );
            }
        }
    }
}

fn of_go(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let cases = OF_GO.lines().filter_map(|line| line.split_once('\t'));
    let cases = cases.filter(move |(of, _)| *of == kind);
    cases.map(|(_, case)| case.split_once('\t').unwrap())
}

#[test]
fn every_host_goes_the_way_that_go_would_take() {
    let url = |host: &str| match url::Host::parse(host.rsplit_once(':').map_or(host, |(name, _)| name)) {
        // As a component's requests have them: a URL has no other signs.
        Ok(url::Host::Domain(name)) if !host.is_ascii() => format!("http://{name}/"),
        _ => format!("http://{host}/"),
    };
    let (all, always) = of_go("hosts").next().unwrap();
    let bypasses = std::iter::once(("", "")).chain(of_go("bypass"));
    let mut compared = 0;
    for (none_for, direct) in bypasses {
        for host in all.split(' ') {
            let expected = always.split(' ').chain(direct.split(' ')).any(|direct| direct == host);
            assert_eq!(is_direct(none_for, &url(host)), expected, "{host} with {none_for:?}");
            compared += 1;
        }
    }
    assert!(compared > 2000, "{compared}");
}

#[test]
fn every_value_names_the_proxy_that_it_names_for_go_or_refuses_requests() {
    for (value, of_go) in of_go("proxy") {
        let (proxies, bad) = Proxies::parse(&variables("", value, ""));
        let route = proxies.route(&origin("https://a.example/"), None);
        assert_eq!(route.is_err(), !bad.is_empty(), "{value}");
        let found = match route.map(|route| route.environment) {
            Err(_) => "refused".to_owned(),
            Ok(None) => "none".to_owned(),
            Ok(Some(proxy)) => shown(&proxy),
        };
        let otherwise = OTHERWISE.iter().find(|(other, _)| *other == value);
        let [scheme, host, ..] = *of_go.split(' ').collect::<Vec<_>>() else {
            // Go reads nothing, and means nothing only where nothing is said.
            let expected = otherwise.map_or("refused", |(_, expected)| expected);
            assert_eq!(found, if value.is_empty() { "none" } else { expected }, "{value:?}");
            continue;
        };
        let is_known = ["http", "https", "socks5", "socks5h"].contains(&scheme);
        let is_usable = is_known && !host.is_empty() && host != "http";
        // Names are compared without regard to case and to the last dot.
        let of_go = of_go.replacen(host, host.to_lowercase().trim_end_matches('.'), 1);
        let expected = otherwise.map(|(_, expected)| (*expected).to_owned());
        let expected = expected.unwrap_or_else(|| if is_usable { of_go } else { "refused".to_owned() });
        assert_eq!(
            found.replace("socks5h ", "socks5 "),
            expected.replace("socks5h ", "socks5 "),
            "{value:?}"
        );
    }
}

/// Returns a proxy as the cases of Go show it.
fn shown(proxy: &Proxy) -> String {
    let scheme = match (proxy.kind, proxy.address.scheme) {
        (ProxyKind::Http, Scheme::Http) => "http",
        (ProxyKind::Http, Scheme::Https) => "https",
        (ProxyKind::Socks, _) => "socks5",
    };
    let own = proxy.credentials.clone();
    let own = own.unwrap_or_else(|| Credentials { user: String::new(), password: String::new() });
    let Origin { host, port, .. } = &proxy.address;
    // Go quotes a line break in the same way.
    format!("{scheme} {host} {port} {:?} {:?}", own.user, own.password)
}

/// Returns the proxy of a value: whether TLS is spoken to it, its address and its credentials.
fn proxy(value: &str) -> (bool, String, Option<(String, String)>) {
    let (proxies, bad) = Proxies::parse(&variables("", value, ""));
    assert!(bad.is_empty(), "{value}: {bad:?}");
    let route = proxies.route(&origin("https://a.example/"), None).unwrap();
    let proxy = route.environment.unwrap();
    let credentials = proxy.credentials.as_ref().map(|own| (own.user.clone(), own.password.clone()));
    (proxy.address.scheme == Scheme::Https, proxy.address.authority(), credentials)
}

#[test]
fn a_proxy_is_a_url_or_a_host() {
    let none = |tls: bool, address: &str| (tls, address.to_owned(), None);
    assert_eq!(proxy("cache:3128"), none(false, "cache:3128"));
    assert_eq!(proxy("127.0.0.1"), none(false, "127.0.0.1:80"));
    assert_eq!(proxy("http://Cache.example./x"), none(false, "cache.example:80"));
    assert_eq!(proxy("https://cache"), none(true, "cache:443"));
    assert_eq!(proxy("socks5://cache"), none(false, "cache:1080"));
    assert_eq!(proxy("socks5h://[::1]:9050"), none(false, "[::1]:9050"));
    let with = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
    assert_eq!(proxy("http://al:a%3Ab%40@cache:1").2, with("al", "a:b@"));
    assert_eq!(proxy("al:b@cache:1").2, with("al", "b"));
    assert_eq!(proxy("http://token@cache:1").2, with("token", ""));
    assert_eq!(proxy("socks5://u:@cache").2, with("u", ""));
}

#[test]
fn what_cannot_be_used_refuses_what_would_go_through_it_and_shows_no_password() {
    let long = format!("socks5://{}:b@cache", "u".repeat(256));
    for value in [
        "http://",
        "://cache",
        "ftp://u:geheim@cache",
        "http://u:geheim@ca che",
        "http://u:geheim@cache:99999",
        "socks4://c",
        "http:geheim",
        &long,
    ] {
        let (proxies, bad) = Proxies::parse(&variables(value, "", "b.example"));
        let [told] = bad.as_slice() else { panic!("{value}: {bad:?}") };
        let told = told.to_string();
        assert!(
            told.contains("HTTP_PROXY cannot be used")
                && !told.contains("geheim")
                && !told.contains("ca che"),
            "{told}"
        );
        assert!(proxies.route(&origin("http://a.example/"), None).is_err(), "{value}");
        // What is reached without a proxy anyway, or through the other one, is not concerned.
        for url in ["http://b.example/", "http://localhost/", "https://a.example/"] {
            assert!(proxies.route(&origin(url), None).unwrap().proxies().next().is_none(), "{value}: {url}");
        }
    }
}

#[test]
fn a_cgi_program_trusts_no_http_proxy() {
    let (proxies, bad) = Proxies::parse(&ProxyVariables { cgi: true, ..variables("p:1", "p:2", "") });
    assert!(bad[0].to_string().contains("REQUEST_METHOD"), "{bad:?}");
    assert!(proxies.route(&origin("http://a.example/"), None).is_err());
    assert!(proxies.route(&origin("https://a.example/"), None).is_ok());
    let (_, bad) = Proxies::parse(&ProxyVariables { cgi: true, ..variables("", "p:2", "") });
    assert!(bad.is_empty());
}

#[test]
fn the_password_is_a_secret_and_debug_shows_none() {
    let (proxies, _) = Proxies::parse(&variables("http://u:geheim@p:1", "http://token@p:1", ""));
    let secrets: Vec<_> = proxies.secrets().collect();
    assert_eq!(secrets, ["geheim", "u:geheim", "token", "token:"]);
    let shown = format!("{proxies:?}");
    assert!(!shown.contains("geheim") && !shown.contains("token"), "{shown}");
}
