//! Signatures that AWS has published, and what makes requests ambiguous.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// The credentials of AWS's examples.
fn example() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test")
}

/// 2015-08-30T12:36:00Z.
const TIME: Duration = Duration::from_secs(1_440_938_160);

fn signed(request: &mut Request<()>, service: &str, credentials: &Credentials, time: Duration) -> String {
    let scope = Scope { region: "us-east-1", service };
    sign(request, credentials, scope, SignableBody::Bytes(b""), UNIX_EPOCH + time).unwrap();
    request.headers()["authorization"].to_str().unwrap().to_owned()
}

fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn signature(url: &str) -> String {
    let mut request = request("GET", url, &[("host", "example.amazonaws.com")]);
    let authorization = signed(&mut request, "service", &example(), TIME);
    authorization.rsplit('=').next().unwrap().to_owned()
}

#[test]
fn signatures_are_those_that_aws_has_published() {
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
    let headers = [("content-type", FORM), ("host", "iam.amazonaws.com")];
    let mut users = request("GET", "/?Action=ListUsers&Version=2010-05-08", &headers);
    assert_eq!(
        signed(&mut users, "iam", &example(), TIME),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
    assert_eq!(users.headers()["x-amz-date"], "20150830T123600Z");

    // The example of S3, whose path and payload are treated differently.
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let keys = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "test");
    let headers = [("host", "examplebucket.s3.amazonaws.com"), ("range", "bytes=0-9")];
    let mut object = request("GET", "/test.txt", &headers);
    assert_eq!(
        signed(&mut object, "s3", &keys, Duration::from_secs(1_369_353_600)),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );

    assert_eq!(signature("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    assert_eq!(
        signature("/?Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    );
}

#[test]
fn what_the_component_says_of_a_signature_is_replaced_and_headers_of_the_way_are_left_out() {
    let headers = [
        ("host", "h"),
        ("authorization", "mine"),
        ("x_amz_date", "20000101T000000Z"),
        ("x-amz-security-token", "mine"),
        ("x-amz-content-sha256", "mine"),
        ("user-agent", "a"),
        ("traceparent", "t"),
        ("accept-encoding", "gzip"),
        ("x-own", "  a   b "),
        ("x-latin", "\u{e4}"),
    ];
    let mut request = request("GET", "/", &headers);
    let keys = Credentials::new("AKID", "hunter2", Some("session".to_owned()), None, "test");
    let authorization = signed(&mut request, "aps", &keys, TIME);
    let headers = request.headers();
    assert!(
        authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token;x-own,"),
        "{authorization}"
    );
    assert_eq!(headers["x-amz-security-token"], "session");
    assert!(headers["authorization"].is_sensitive() && headers["x-amz-security-token"].is_sensitive());
    assert!(!headers.contains_key("x-amz-content-sha256") && !headers.contains_key("x_amz_date"));
}

#[test]
fn what_can_be_read_in_two_ways_is_encoded_before_it_is_signed() {
    for (service, url, sent) in [
        ("aps", "/a+b?c+d=e+f&g=%20", "/a+b?c%20d=e%20f&g=%20"),
        ("aps", "/a(b)=;%zz?a=%zz&b=%4", "/a(b)=;%zz?a=%25zz&b=%254"),
        ("aps", "http://h:81/a?b", "http://h:81/a?b"),
        ("s3", "/a+b(c)/%zz%2F~", "/a%2Bb%28c%29/%25zz%2F~"),
        ("s3", "/a//b/../c", "/a//b/../c"),
        ("s3", "/%+%4/?%+1=%2+&%", "/%25%2B%254/?%25%201=%252%20&%25"),
    ] {
        let mut request = request("GET", url, &[("host", "h")]);
        signed(&mut request, service, &example(), TIME);
        assert_eq!(request.uri().to_string(), sent);
    }
    assert_eq!(encoded("ä/%c3%a4%", |letter| letter == '/'), "%C3%A4/%c3%a4%25");
    let mut request = request("GET", "/?a=%ff", &[]);
    let scope = Scope { region: "r", service: "aps" };
    let error = sign(&mut request, &example(), scope, SignableBody::UnsignedPayload, UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, Unsignable::Query), "{error}");
}

#[test]
fn a_url_that_becomes_too_long_is_refused() {
    let mut request = request("GET", &format!("/a?b={}", "+".repeat(30_000)), &[("host", "h")]);
    let scope = Scope { region: "r", service: "aps" };
    let error = sign(&mut request, &example(), scope, SignableBody::Bytes(b""), UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, Unsignable::Url(_)), "{error}");
}

#[test]
fn an_unsigned_payload_says_so() {
    let mut request = request("POST", "/", &[("host", "h")]);
    let scope = Scope { region: "r", service: "aps" };
    sign(&mut request, &example(), scope, SignableBody::UnsignedPayload, UNIX_EPOCH + TIME).unwrap();
    assert_eq!(request.headers()["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
}
