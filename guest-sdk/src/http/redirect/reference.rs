//! Where redirects lead, against RFC 3986's own examples and the `url` crate, which resolves as browsers do.

use http::Uri;
use url::Url;

use super::resolve;

/// The base of RFC 3986 section 5.4.
const BASE: &str = "http://a/b/c/d;p?q";

/// The parts of a URL that matter for a request.
type Target = (String, String, Option<u16>, String, Option<String>);

fn ours(base: &str, reference: &str) -> Option<Target> {
    let url = resolve(&base.parse::<Uri>().unwrap(), reference)?;
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    Some((
        url.scheme_str()?.to_owned(),
        url.host()?.to_ascii_lowercase(),
        url.port_u16().or(Some(default)),
        url.path().to_owned(),
        url.query().map(str::to_owned),
    ))
}

/// Where `url` goes. `None` if that is not an HTTP URL.
fn theirs(base: &str, reference: &str) -> Option<Target> {
    let url = Url::parse(base).unwrap().join(reference).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(())?;
    Some((
        url.scheme().to_owned(),
        url.host_str()?.to_owned(),
        url.port_or_known_default(),
        url.path().to_owned(),
        url.query().map(str::to_owned),
    ))
}

fn alike(base: &str, reference: &str) {
    assert_eq!(ours(base, reference), theirs(base, reference), "{reference} from {base}");
}

#[test]
fn the_examples_of_the_rfc() {
    for (reference, path_and_query) in [
        // 5.4.1, without what is not an HTTP URL or has another authority.
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g?y#s", "/b/c/g?y"),
        (";x", "/b/c/;x"),
        ("g;x", "/b/c/g;x"),
        ("g;x?y#s", "/b/c/g;x?y"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../", "/"),
        ("../../g", "/g"),
        // 5.4.2
        ("../../../g", "/g"),
        ("../../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        (".g", "/b/c/.g"),
        ("g..", "/b/c/g.."),
        ("..g", "/b/c/..g"),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"),
        ("g;x=1/./y", "/b/c/g;x=1/y"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/./x", "/b/c/g?y/./x"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("g#s/./x", "/b/c/g"),
        ("g#s/../x", "/b/c/g"),
    ] {
        let url = resolve(&BASE.parse().unwrap(), reference).map(|url| url.to_string());
        assert_eq!(url, Some(format!("http://a{path_and_query}")), "{reference}");
        alike(BASE, reference);
    }
    assert_eq!(ours(BASE, "//g"), Some(("http".to_owned(), "g".to_owned(), Some(80), "/".to_owned(), None)));
    alike(BASE, "//g");
    assert_eq!(ours(BASE, "g:h"), None, "another scheme");
    alike(BASE, "g:h");
}

#[test]
fn paths_of_every_shape() {
    let segments = ["", ".", "..", "g", "..g", "g.", "...", ";x=1"];
    let mut paths = segments.map(str::to_owned).to_vec();
    for _ in 0..3 {
        let longer = paths.iter().flat_map(|path| segments.map(|segment| format!("{path}/{segment}")));
        paths = segments.iter().map(|segment| (*segment).to_owned()).chain(longer).collect();
    }
    // What begins with `//` names an authority.
    let relative = paths.iter().filter(|path| !path.starts_with("//"));
    let bases = [BASE, "http://a", "http://a/", "https://a:8443/b//c/", "http://[::1]/b/c?d"];
    for path in relative {
        for base in bases {
            alike(base, path);
        }
        alike(BASE, &format!("{path}?y/../x"));
        alike(BASE, &format!("//other.example/{path}"));
        alike(BASE, &format!("https://other.example:81/{path}?y#s"));
    }
}

#[test]
fn authorities_and_schemes() {
    for reference in [
        "//g?y",
        "//g?y/../x",
        "//g#s",
        "//g:81",
        "//G.Example/x",
        "//user:word@g/x",
        "//[2001:db8::1]:81/x",
        "//g/x//y",
        "http://g",
        "http://g?y",
        "http://g#s",
        "HTTP://g/",
        "hTTps://g/../x",
        "https://g:443/x",
        "https://g:80/x",
        "http://g/a/./b/../c?d/../e",
        "mailto:a@a.example",
        "ftp://g/",
        "svn+ssh://g/x",
        "a.b-c+1:d",
        "data:,x",
        "javascript:x",
        "http://",
        "https://",
        "?y:z",
        "?y=http://g/",
        "./g:h",
        "g/h:i",
        "/g:h",
        ";x:y",
        "g?y?z",
        "g?",
        "?",
        "g%2Fh%20i",
    ] {
        alike(BASE, reference);
    }
}

#[test]
fn unlike_browsers_what_is_no_uri_is_refused() {
    for reference in [
        "http:g",
        "http:/g",
        "http:///g",
        "https:g",
        " g",
        "g ",
        "g h",
        "g\th",
        "g?a b",
        "g?\"",
        "g<h>",
        "g`h",
        "//g/ x",
        "//g\\h",
        "http://bücher.example/",
    ] {
        assert_eq!(ours(BASE, reference), None, "{reference}");
        assert!(theirs(BASE, reference).is_some(), "{reference}");
    }
}

#[test]
fn unlike_browsers_paths_and_queries_go_out_as_they_came() {
    for reference in ["g\\h", "g{h}", "g\"h", "%2e%2e/g", ".%2E/g", "g?it's"] {
        let url = resolve(&BASE.parse().unwrap(), reference).map(|url| url.to_string());
        assert_eq!(url, Some(format!("http://a/b/c/{reference}")));
        assert_ne!(ours(BASE, reference), theirs(BASE, reference), "{reference}");
    }
}
