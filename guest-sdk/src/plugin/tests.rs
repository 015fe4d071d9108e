use super::export::Component as _;
use super::*;

struct Anything;

plugin!(Anything; headers: ["X-Tenant"]; origins: []; attributes: { "a": 1, "b": "c" }; secrets: ["d", "e",]);

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
}
