use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::*;
use crate::http::get;
use crate::test::{self, Host, any, status, text};

const URL: &str = "http://a.example/b";

#[test]
fn a_page_is_requested_when_it_is_asked_for() {
    let host = Host::new();
    host.given(any()).respond_with(|request| {
        let page: u32 = request.query("page").next().map_or(0, |page| page.parse().unwrap());
        text(page.to_string()).header("Link", format!("<?page={}>; rel=next", page + 1))
    });
    let texts: Vec<_> = get(URL).pages().take(3).map(|page| page.unwrap().text().unwrap()).collect();
    assert_eq!((texts, host.requests().len()), (vec!["0".into(), "1".into(), "2".into()], 3));
    let last = get(URL).pages().last().unwrap().unwrap_err().to_string();
    assert_eq!(last, "GET http://a.example/b: stopped after 1000 pages: ask for larger pages, or for less");
    assert_eq!(host.requests().len(), 1003);
}

#[test]
fn pages_end_with_the_first_error() {
    let host = Host::new();
    host.given(any().query("page", 1)).respond(status(500).header("Link", "<?page=2>; rel=next"));
    host.given(any()).respond(text("").header("Link", "<?page=1>; rel=next"));
    let statuses: Vec<_> = get(URL).pages().map(|page| page.unwrap().status().as_u16()).collect();
    assert_eq!(statuses, [200, 500]);
    let nowhere: Vec<_> = get("nowhere").pages().collect();
    assert!(nowhere.len() == 1 && nowhere[0].is_err(), "{nowhere:?}");
}

#[test]
fn a_page_of_another_origin_gets_no_credentials() {
    let host = Host::new();
    host.given(test::get("http://b.example/")).respond(text("b"));
    host.given(any()).respond(text("a").header("Link", "<http://b.example/>; rel=next"));
    assert_eq!(get(URL).bearer("x").header("Accept", "text/plain").pages().count(), 2);
    let requests = host.requests();
    assert!(requests[0].headers.contains_key(AUTHORIZATION));
    assert!(!requests[1].headers.contains_key(AUTHORIZATION) && requests[1].header("accept").is_some());
}

#[test]
fn a_page_that_names_itself_is_an_error() {
    let host = Host::new();
    host.given(any().query("after", "c")).respond(test::json(&json!({ "next": "c" })));
    host.given(any()).respond(test::json(&json!({ "next": "c" })).header("Link", "<?>; rel=next"));
    let pages: Vec<_> = get(format!("{URL}?")).pages().map(|page| page.map(drop)).collect();
    assert!(pages.len() == 1 && pages[0].is_err(), "{pages:?}");
    let next = |page: &Value| page["next"].as_str().map(str::to_owned);
    let pages: Vec<_> = get(URL).pages_by_cursor("after", next).collect();
    assert_eq!(pages.len(), 2);
    let told = pages[1].as_ref().unwrap_err().to_string();
    assert_eq!(told, "GET http://a.example/b: the page names itself as the next one");
}

#[test]
fn a_cursor_is_encoded_and_replaces_the_one_before() {
    let host = Host::new();
    host.given(any()).once().respond(test::json(&json!({ "next": "a&b" })));
    host.given(any()).once().respond(test::json(&json!({ "next": 7 })));
    host.given(any()).once().respond(status(429));
    host.given(any()).respond(test::json(&json!({ "next": "" })));
    let next = |page: &Value| Some(page["next"].to_string().trim_matches('"').to_owned());
    let pages: Vec<_> = get(URL).query("limit", 1).pages_by_cursor("after", next).collect();
    assert!(pages.len() == 3 && matches!(pages[2].as_ref().unwrap_err().cause(), Cause::Status(..)));
    let queries: Vec<_> =
        host.requests().iter().map(|request| request.url.query().unwrap().to_owned()).collect();
    assert_eq!(queries, ["limit=1", "limit=1&after=a%26b", "limit=1&after=7"]);
    assert_eq!(get(URL).pages_by_cursor("after", next).count(), 1, "an empty cursor is none");
}
