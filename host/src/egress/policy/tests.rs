use super::*;

fn origin(uri: &str) -> Origin {
    Origin::of_uri(&uri.parse().unwrap()).unwrap()
}

fn grants(url: &str, patterns: &str) -> Grants {
    let (patterns, bad) = Patterns::parse([patterns]);
    assert_eq!(bad, []);
    let operator = OperatorPolicy { hosts: patterns, ..OperatorPolicy::default() };
    Grants::new(&Url::parse(url).map_err(UrlFault::Malformed), operator, "my-plugin".into())
}

#[test]
fn methods_that_are_not_for_resources_are_refused_in_any_case() {
    for method in ["TRACE", "trace", "Trace", "TRACK", "track", "CONNECT", "connect", "PRI", "pri"] {
        let error = check_method(&method.parse().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the method {method} is refused, since ")), "{error}");
    }
    for method in ["GET", "get", "HEAD", "POST", "PATCH", "OPTIONS", "PROPFIND", "REPORT", "TRACER", "PRIX"] {
        assert!(check_method(&method.parse().unwrap()).is_ok(), "{method}");
    }
}

#[test]
fn the_url_grants_its_origin_and_no_other() {
    let grants = grants("https://API.example.com/v1", "");
    for granted in ["https://api.example.com/", "https://api.example.com:443/x", "https://api.example.com./"]
    {
        assert!(grants.check(&origin(granted), "/v1/x").is_ok(), "{granted}");
    }
    let other = [
        "http://api.example.com/",
        "https://api.example.com:8443/",
        "https://example.com/",
        "https://api.example.com.evil.net/",
        "https://api.example.com@evil.net/",
    ];
    for denied in other {
        assert!(grants.check(&origin(denied), "/v1/x").is_err(), "{denied}");
    }
}

#[test]
fn the_error_names_the_remedy() {
    let grants = grants("https://example.com", "");
    let error = grants.check(&origin("https://api.example.com/"), "/").unwrap_err().to_string();
    assert_eq!(
        error,
        "no grant for api.example.com:443; add gpx_allow_hosts = api.example.com under [plugin.my-plugin]"
    );
    let none = Grants::new(&Err(UrlFault::Missing), OperatorPolicy::default(), "my-plugin".into());
    let error = none.check(&origin("http://db:81/"), "/").unwrap_err().to_string();
    let remedy = "add gpx_allow_hosts = db:81 under [plugin.my-plugin]";
    assert_eq!(error, format!("no grant for db:81; the data source has no URL: set it, or {remedy}"));
}

#[test]
fn patterns_grant_what_they_say() {
    let cases = [
        ("db", "https://db/", true),
        ("db", "http://DB/", true),
        ("db", "http://db:81/", false),
        ("db:81", "http://db:81/", true),
        ("https://db:81", "http://db:81/", false),
        ("*.example.com", "https://a.b.example.com/", true),
        ("*.example.com", "https://example.com/", false),
        ("*.example.com", "https://badexample.com/", false),
        ("*.example.com:81", "http://a.example.com:81/", true),
        ("[::1]:81", "http://[0:0::1]:81/", true),
        ("a, b\n c", "http://c/", true),
    ];
    for (pattern, uri, granted) in cases {
        assert_eq!(
            grants("http://own", pattern).check(&origin(uri), "/").is_ok(),
            granted,
            "{pattern} {uri}"
        );
    }
}

#[test]
fn special_addresses_need_the_operator() {
    let names = [
        "169.254.169.254",
        "169.254.1.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "::",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "::a9fe:a9fe",
    ];
    for name in names {
        let address: IpAddr = name.parse().unwrap();
        let host = if address.is_ipv6() { format!("[{name}]") } else { name.to_owned() };
        let url = format!("http://{host}/");
        let error = grants(&url, "").check_address(&origin(&url), address).unwrap_err().to_string();
        assert!(error.contains("add gpx_allow_hosts = "), "{error}");
        assert!(grants("http://own", &host).check_address(&origin(&url), address).is_ok(), "{name}");
        assert!(
            grants("http://rebind/", "*.rebind").check_address(&origin("http://a.rebind"), address).is_err()
        );
    }
    for name in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "192.168.1.1", "::ffff:10.0.0.1"] {
        let address = name.parse().unwrap();
        assert!(grants("http://own", "").check_address(&origin("http://own/"), address).is_ok(), "{name}");
    }
}

#[test]
fn private_addresses_are_refused_if_the_operator_says_so() {
    let check = |url: &str, hosts: &str, address: &str| {
        let mut grants = grants(url, hosts);
        grants.operator.deny_private = true;
        grants.check_address(&origin(url), address.parse().unwrap())
    };
    for address in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "100.64.0.1", "64:ff9b::a00:1", "2002:a00:1::"]
    {
        let error = check("http://db:81/", "", address).unwrap_err().to_string();
        assert!(
            error.contains("of db:81 is prohibited (") && error.contains("gpx_deny_private = on)"),
            "{error}"
        );
        assert!(error.ends_with("add gpx_allow_hosts = db:81 under [plugin.my-plugin]"), "{error}");
        assert!(check("http://db:81/", "db:81", address).is_ok(), "{address}");
        assert!(check("http://a.db/", "*.db", address).is_err(), "a wildcard is not enough for {address}");
    }
    let special = check("http://db/", "", "169.254.169.254").unwrap_err().to_string();
    assert!(special.contains("(the cloud's metadata service)"), "{special}");
    for address in ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"] {
        assert!(check("http://db/", "", address).is_ok(), "{address}");
    }
}

#[test]
fn the_own_origin_is_pinned_whatever_else_is_granted() {
    let check = |url: &str, hosts: &str, paths: &str, path: &str| {
        let mut grants = grants(url, hosts);
        grants.operator.paths = AllowedPaths::parse(paths.split_whitespace()).0;
        grants.check(&origin(url), path).map_err(|error| error.to_string())
    };
    assert_eq!(check("http://h:81/api/v1/", "", "", "/api/v1/query"), Ok(()));
    assert_eq!(check("http://h:81/api/v1", "", "/admin", "/admin/x"), Ok(()));
    assert_eq!(check("http://h:81", "", "", "/anything"), Ok(()));
    for hosts in ["", "h:81", "http://h:81"] {
        let error = check("http://h:81/api/v1", hosts, "/ready", "/api/v1/..%2f..%2fflush").unwrap_err();
        let words = "the request's path on h:81 is not below /api/v1, the path of the data source's URL; \
                     set gpx_allow_paths = /ready /flush under [plugin.my-plugin]";
        assert_eq!(error, words);
    }
    let error = check("http://h:81/api/v1", "", "", "/").unwrap_err();
    assert!(
        error.ends_with("gpx_allow_paths = / under [plugin.my-plugin], which opens all of the origin"),
        "{error}"
    );
}
