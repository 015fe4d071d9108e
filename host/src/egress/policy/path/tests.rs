use super::*;

fn check(pin: &str, operator: &str, path: &str) -> Result<(), PathFault> {
    let (operator, bad) = AllowedPaths::parse(operator.split_whitespace());
    assert_eq!(bad, []);
    PathPin::new(pin).unwrap().check(path, &operator)
}

fn line(pin: &str, operator: &str, path: &str) -> String {
    match check(pin, operator, path) {
        Err(PathFault::Outside { line: Some(line) }) => line,
        other => panic!("{path} below {pin}: {other:?}"),
    }
}

#[test]
fn a_url_without_a_path_pins_nothing() {
    for path in ["", "/", "//"] {
        assert!(PathPin::new(path).is_none(), "{path}");
    }
    assert_eq!(PathPin::new("/api/").unwrap().text(), "/api");
}

#[test]
fn what_is_below_passes() {
    for path in [
        "/api/v1",
        "/api/v1/",
        "/api/v1/x",
        "/api/v1//x",
        "/api/v1/x/../y",
        "/api/v1/./x",
        "/api/v1/a%2Fb",
        "/api/v1/a%20b%3Fc%23d%3Be%5Cf%25g%00h",
        "/api/v1/rate(http_requests%7Bcode%3D%22500%22%7D[5m])%20%2F%20100",
        "/api/v1/..x/...",
        "/api/v1/50%",
        "/api/v1/ü/%C3%BC",
        "/%61pi/v%31/x",
        "/api/v1/%2e%2e%2fv1/x",
        "/api/x/../v1/y",
    ] {
        assert_eq!(check("/api/v1", "", path), Ok(()), "{path}");
    }
}

#[test]
fn what_a_server_may_take_for_another_path_is_refused() {
    for path in [
        "",
        "/",
        "*",
        "/admin",
        "/api",
        "/api/v1x",
        "/api/v1.json",
        "/API/v1/x",
        "/api//v1/../../admin",
        "//api/v1/x",
        "/api/v1/..",
        "/api/v1/../admin",
        "/api/v1/x/../../admin",
        "/api/v1/%2e%2e/admin",
        "/api/v1/%2E./admin",
        "/api/v1/.%2e/admin",
        "/api/v1/..%2fadmin",
        "/api/v1%2f..%2fadmin",
        "/api/v1/%2e%2e%2fadmin",
        "/api/v1/%252e%252e/admin",
        "/api/v1/%252e%252e%252fadmin",
        "/api/v1/..%252f..%252fadmin",
        "/api/v1/%25252e%25252e/admin",
        "/api/v1/..%5cadmin",
        "/api/v1/..\\admin",
        "/api/v1/%2e%2e%5c%2e%2e%5cadmin",
        "/api/v1/..%255cadmin",
        "/api/v1/..;/admin",
        "/api/v1/..;x=1/admin",
        "/api/v1/..%3bx/admin",
        "/api/v1/%2e%2e%3b/admin",
        "/api/v1/.;/..;/admin",
        "/api/v1/.%00./admin",
        "/api/v1/.%09./admin",
        "/api/v1/..%0a/admin",
        "/api/v1/..%0d%0a/admin",
        "/api/v1/..%20/admin",
        "/api/v1/..%7f/admin",
        "/api/v1/../../admin%00/../api/v1/x",
        "/api/v1/../../admin%3f/../api/v1/x",
        "/api/v1/../../admin%0a/../api/v1/x",
        "/api/v1/../../admin%0d/../api/v1/x",
        "/api/v1/../../admin%23/../api/v1/x",
        "/api/v1/a%2Fb/../../../admin",
        "/api/v1/a%2fb/%2e%2e/%2e%2e/admin",
        "/api/v1/x%2fy/../%2e%2e/admin",
        "/api/v1//../../admin",
        "/api/v1//../x",
        "/api/v1/%u002e%u002e/admin",
        "/api/v1/%u002e%u002e%u2215admin/../../admin",
        "/api/v1/%c0%ae%c0%ae/admin",
        "/api/v1/..%c0%afadmin",
        "/api/v1/..%c1%9cadmin",
        "/api/v1/%e0%80%ae./admin",
        "/api/v1/．．/admin",
        "/api/v1/%ef%bc%8e%ef%bc%8e/admin",
        "/api/v1/%ef%bc%8e%ef%bc%8e%ef%bc%8fadmin",
        "/api/v1/‥/admin",
        "/x/..%2fapi/v1/y",
        "/api%2fv1/x",
        "/api\\v1\\x",
    ] {
        assert!(matches!(check("/api/v1", "", path), Err(PathFault::Outside { .. })), "{path}");
    }
}

#[test]
fn the_line_is_the_least_that_is_enough() {
    for (path, entry) in [
        ("/admin", "/admin"),
        ("/", "/"),
        ("", "/"),
        ("/admin/", "/admin"),
        ("/api/v2/query", "/api/v2/query"),
        ("/api/v1/../admin", "/api/admin"),
        ("/api/v1/..%2f..%2fadmin", "/admin"),
        ("/api/v1/%252e%252e/%252e%252e/flush", "/flush"),
        ("/my%20admin", "/my%20admin"),
        ("/my;admin", "/my%3Badmin"),
        ("/a,b", "/a%2Cb"),
        ("/$__env{X}", "/%24__env%7BX%7D"),
        ("/ü", "/%C3%BC"),
    ] {
        let line = line("/api/v1", "", path);
        assert_eq!(line.trim_end_matches('/'), entry.trim_end_matches('/'), "{path}");
    }
    assert_eq!(line("/api/v1", "/ready /a%20b", "/admin"), "/ready /a%20b /admin");
}

#[test]
fn the_line_opens_what_it_was_printed_for() {
    let paths = [
        "/admin",
        "/a%2Fb/c",
        "/a%252Fb",
        "/api%2fv1/x",
        "/a;b=1/c",
        "/50%/x",
        "/a%ffb",
        "/%20/..%20/x",
        "/api/v1/..;/x%3fy",
    ];
    let generated = generated(2000);
    for path in paths.into_iter().chain(generated.iter().map(String::as_str)) {
        match check("/api/v1", "", path) {
            Ok(()) => {}
            Err(PathFault::Outside { line: Some(line) }) => {
                assert_eq!(check("/api/v1", &line, path), Ok(()), "{path} with {line}");
                assert!(!line.contains([',', ';', '#', '"', '`', '\'', '$', '\\']), "{line}");
            }
            Err(other) => panic!("{path}: {other:?}"),
        }
    }
}

/// Whatever one more server on the way does, a path that passes is taken for one that passes.
#[test]
fn no_step_leads_out() {
    let mut passed = 0;
    for path in generated(20_000).iter().filter(|path| check("/api/v1", "", path).is_ok()) {
        passed += 1;
        for reading in readings(path.as_bytes()).unwrap() {
            let below = reading.strip_prefix(b"/api/v1".as_slice()).expect(path);
            assert!(below.is_empty() || below.starts_with(b"/"), "{path}");
        }
    }
    assert!(passed > 100, "{passed}");
}

#[test]
fn a_path_in_an_unusual_spelling_is_below_itself() {
    for pin in ["/my%20app", "/a%2Fb", "/a;v=1/b", "//x", "/a//b", "/%61pi", "/50%25", "/bücher", "/a%3Fb"] {
        for rest in ["", "/", "/x", "/x%2Fy", "/x%20y;z", "/x/../y"] {
            assert_eq!(check(pin, "", &format!("{pin}{rest}")), Ok(()), "{rest}");
        }
        for rest in ["/..", "/../x", "/%2e%2e/x", "/..%2fx", "x", "/x/..;/..;/y"] {
            assert_ne!(check(pin, "", &format!("{pin}{rest}")), Ok(()), "{pin}{rest}");
        }
    }
}

#[test]
fn what_the_operator_opens_passes_with_all_below() {
    for (operator, path, passes) in [
        ("/ready", "/ready", true),
        ("/ready", "/ready/x", true),
        ("/ready", "/readyz", false),
        ("/ready", "/api/v1/../../ready", true),
        ("/ready", "/ready/../admin", false),
        ("/ready/", "/ready", true),
        ("/a%20b", "/a%20b/c", true),
        ("/", "/anything", true),
        ("/", "/api/v1/..%2f..%2fadmin", true),
    ] {
        assert_eq!(check("/api/v1", operator, path).is_ok(), passes, "{operator}: {path}");
    }
}

#[test]
fn bad_entries_are_reported_and_grant_nothing() {
    for text in ["admin", "http://h/admin", "/a/../b", "/a/%2e%2e/b", "/a?b", "/a#b", "*"] {
        let (paths, bad) = AllowedPaths::parse([text]);
        assert_eq!((paths.iter().count(), bad.len()), (0, 1), "{text}");
        assert!(
            bad[0].to_string().starts_with(&format!("gpx_allow_paths: `{text}` grants nothing: ")),
            "{}",
            bad[0]
        );
    }
}

#[test]
fn a_path_that_is_encoded_again_and_again_is_unclear() {
    let mut path = "a\\b/c;d/e?f/g#h/i\0j/k l//m\nn/../o".to_owned();
    for _ in 0..16 {
        path = path.replace('%', "%25").replace('/', "%2f").replace('.', "%2e").replace(';', "%3b");
    }
    assert_eq!(check("/api/v1", "", &format!("/api/v1/{path}")), Err(PathFault::Unclear));
    let long = format!("/api/v1/{}", format!("%{}", "25".repeat(100)).repeat(300));
    assert_eq!(check("/api/v1", "", &long), Err(PathFault::Unclear));
}

#[test]
fn a_long_path_gets_a_short_line() {
    let path = format!("/admin/{}/{}", "x".repeat(200), "y".repeat(60_000));
    assert_eq!(line("/api/v1", "", &path), format!("/admin/{}", "x".repeat(200)));
    assert_eq!(
        check("/api/v1", "", &format!("/{}", "y".repeat(5000))),
        Err(PathFault::Outside { line: None })
    );
}

/// Paths of pieces that matter.
fn generated(count: usize) -> Vec<String> {
    let pieces = [
        "/", "/", "/", "//", "..", "..", ".", "api", "v1", "x", "admin", "%2f", "%2e", "%2e%2e", "%252e",
        "%5c", "\\", ";", ";a=b", "%3b", "%00", "%0a", "%20", "%3f", "%23", "%25", "%", "%u002e", "．",
        "%c0%ae",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).unwrap()).unwrap()
    };
    let mut path = || {
        let start = ["/api/v1", "/api/v1/", "/", "/api/"][below(4)];
        (0..below(7)).fold(start.to_owned(), |path, _| path + pieces[below(pieces.len())])
    };
    (0..count).map(|_| path()).collect()
}
