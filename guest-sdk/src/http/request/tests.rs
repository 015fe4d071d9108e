use super::*;

fn url(request: Request) -> String {
    request.parts.unwrap().url.to_string()
}

#[test]
fn a_query_is_added_to_what_is_there() {
    assert_eq!(url(get("http://a.example").query("n", 2)), "http://a.example/?n=2");
    assert_eq!(
        url(get("http://a.example/p?x=1").query("a b", "c&d=ü")),
        "http://a.example/p?x=1&a%20b=c%26d%3D%C3%BC"
    );
}

#[test]
fn a_space_is_escaped_as_in_go() {
    assert_eq!(url(get("http://a.example/a b/%20?q=c d")), "http://a.example/a%20b/%20?q=c%20d");
    assert_eq!(url(get("http://a.example/ü<>").query("n", 2)), "http://a.example/%C3%BC%3C%3E?n=2");
    assert_eq!(url(get("http://a.example?x y")), "http://a.example/?x%20y");
}

#[test]
fn segments_come_after_the_path_and_before_the_query() {
    assert_eq!(url(get("http://a.example").path(["b", "c d"])), "http://a.example/b/c%20d");
    assert_eq!(
        url(get("http://a.example/p/?x=1").path(["b"]).path([7]).query("y", 2)),
        "http://a.example/p/b/7?x=1&y=2"
    );
    let error = get("http://a.example/p").path(["b", "../../c"]).start().unwrap_err();
    assert!(matches!(error.cause(), Cause::Invalid(_)), "{error}");
    assert!(error.to_string().starts_with("request: `../../c` cannot be a segment of the path"), "{error}");
}

#[test]
fn all_but_unreserved_characters_are_escaped() {
    for character in (0..=0x7F).chain([0x80, 0xFF, 0x20AC, 0x1F980]).filter_map(char::from_u32) {
        let mut bytes = [0; 4];
        let text = character.encode_utf8(&mut bytes);
        let expected = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => text.to_owned(),
            _ => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        };
        let url = url(get("http://a.example").query(text, &*text));
        assert_eq!(url, format!("http://a.example/?{expected}={expected}"), "{character:?}");
    }
}

#[test]
fn the_first_mistake_is_the_error() {
    let request = get("http://a.example").header("a b", "c").header("d", "\n").body("e");
    assert_eq!(request.start().unwrap_err().to_string(), "request: `a b` is not a valid header name");
    let error = get("http://a.example").header("x-token", "geheim\n").start().unwrap_err().to_string();
    assert!(!error.contains("geheim"), "{error}");
}

#[test]
fn a_url_that_leads_nowhere_is_refused() {
    let urls = ["", "a.example", "/path", "ftp://a.example/", "http://", "http://a b/", "http://[::1"];
    for url in urls.into_iter().chain(["http://a.example:99999/"]) {
        let error = get(url).start().unwrap_err();
        assert!(matches!(error.cause(), Cause::Invalid(_)), "{url}: {error}");
        assert!(error.to_string().contains("the URL is "), "{url}: {error}");
    }
}
