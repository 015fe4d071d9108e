use super::export::Component as _;
use super::*;

struct Anything;

plugin!(Anything; headers: ["X-Tenant"]; origins: []; attributes: { "a": 1, "b": "c" }; secrets: ["d", "f" as header "X-F: <{}>", E,]; forwarding: over_basic_auth);

const E: &str = "e";

impl Plugin for Anything {
    fn open(_: Settings) -> Result<Self> {
        Ok(Self)
    }
}

#[test]
fn the_parts_come_in_any_order() {
    let manifest = Anything::manifest();
    assert_eq!((manifest.headers, manifest.secrets), (vec!["X-Tenant".into()], vec!["d".into(), "e".into()]));
    assert_eq!((manifest.origins.len(), manifest.attributes.len()), (0, 2));
    let additions = Anything::additions();
    let [header] = additions.secret_headers.as_slice() else { panic!() };
    assert_eq!((&*header.secret, &*header.header, &*header.value), ("f", "X-F", "<{}>"));
    assert_eq!(additions.forwarding, Some(super::export::Forwarding::OverBasicAuth));
}

#[test]
fn a_header_has_one_place_for_a_secret() {
    use super::export::is_header;
    for text in ["Authorization: Bearer {}", "X_A-1:{}", "a: {{}"] {
        assert!(is_header(text), "{text}");
    }
    for text in ["", "{}", ": {}", "A B: {}", "A: ", "A: {} {}", "A: {x}", "{}: x", "A", "A: {"] {
        assert!(!is_header(text), "{text}");
    }
}
