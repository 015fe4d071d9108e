use prometheus::TextEncoder;

use super::*;

fn requests() -> (UpstreamRequests, impl Fn() -> String) {
    let registry = Registry::new();
    let requests = UpstreamRequests::new(&registry).unwrap();
    (requests, move || TextEncoder::new().encode_to_string(&registry.gather()).unwrap())
}

fn kind() -> Option<DataSourceType> {
    DataSourceType::new("my-datasource")
}

#[test]
fn a_type_is_what_go_makes_of_it() {
    let cases = [
        ("gpx-prices-datasource", Some("gpxpricesdatasource")),
        ("7 up_2", Some("_up_2")),
        ("é9", Some("9")),
        ("", None),
        ("7-", None),
    ];
    for (kind, expected) in cases {
        let made = DataSourceType::new(kind);
        assert_eq!(made.as_ref().map(|kind| &*kind.0), expected, "{kind}");
    }
}

#[test]
fn a_request_is_counted_with_its_response() {
    let (requests, text) = requests();
    let mut request = requests.begin(kind(), false, "queryData", &Method::GET);
    let target =
        r#"datasource_type="mydatasource",endpoint="queryData",secure_socks_ds_proxy_enabled="false""#;
    assert!(text().contains(&format!("plugins_datasource_request_in_flight{{{target}}} 1")));
    request.answered(StatusCode::IM_A_TEAPOT);
    request.received(100);
    request.received(100);
    drop(request);
    let text = text();
    let whole = r#"code="418",datasource_type="mydatasource",endpoint="queryData",method="get",secure_socks_ds_proxy_enabled="false""#;
    for line in [
        format!("plugins_datasource_request_in_flight{{{target}}} 0"),
        format!("plugins_datasource_request_total{{{whole}}} 1"),
        format!("plugins_datasource_request_duration_seconds_count{{{whole}}} 1"),
        format!("plugins_datasource_response_size_bytes_bucket{{{target},le=\"128\"}} 0"),
        format!("plugins_datasource_response_size_bytes_bucket{{{target},le=\"256\"}} 1"),
        format!("plugins_datasource_response_size_bytes_bucket{{{target},le=\"8589934592\"}} 1"),
        format!("plugins_datasource_response_size{{{target}}} 200"),
        r#"gpx_http_requests_total{outcome="response"} 1"#.to_owned(),
    ] {
        assert!(text.lines().any(|text| text == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_secure_socks_proxy_is_a_label() {
    let (requests, text) = requests();
    requests.begin(kind(), true, "queryData", &Method::GET).answered(StatusCode::OK);
    requests.begin(kind(), false, "queryData", &Method::GET).answered(StatusCode::OK);
    for socks in ["true", "false"] {
        let labels = format!(
            r#"code="200",datasource_type="mydatasource",endpoint="queryData",method="get",secure_socks_ds_proxy_enabled="{socks}""#
        );
        let line = format!("plugins_datasource_request_total{{{labels}}} 1");
        assert!(text().lines().any(|text| text == line), "{line} is not in\n{}", text());
    }
}

#[test]
fn a_request_without_a_response_has_only_an_end() {
    let (requests, text) = requests();
    drop(requests.begin(kind(), false, "queryData", &Method::GET));
    requests.begin(None, false, "", &Method::GET).failed("denied");
    let text = text();
    for line in ["cancelled", "denied"] {
        assert!(text.contains(&format!("gpx_http_requests_total{{outcome=\"{line}\"}} 1")), "{text}");
    }
    assert!(text.contains("plugins_datasource_request_in_flight") && text.contains("} 0\n"));
    assert!(!text.contains("request_total{code") && !text.contains("response_size"), "{text}");
}

#[test]
fn upstreams_and_components_cannot_make_many_series() {
    let (requests, text) = requests();
    for code in 100..1000 {
        let code = StatusCode::from_u16(code).unwrap();
        for method in [Method::GET, Method::POST, Method::from_bytes(b"ODD").unwrap()] {
            requests.begin(kind(), false, "queryData", &method).answered(code);
        }
    }
    let text = text();
    let series: Vec<_> =
        text.lines().filter(|line| line.starts_with("plugins_datasource_request_total{")).collect();
    assert_eq!(series.len(), MAX_SETS + 1);
    let rest = series.iter().find(|line| line.contains(r#"code="unknown""#)).unwrap();
    assert!(rest.ends_with(&format!(" {}", 3 * 900 - MAX_SETS)), "{rest}");
}
