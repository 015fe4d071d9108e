//! `gpx inspect`: what a component is, and what an update newly asks for.

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use serde_json::{Value, json};

use crate::terminal::{failing, gpx, printed};

fn guest(name: &str) -> String {
    artifacts::component(name).to_str().expect("a text").to_owned()
}

#[test]
fn a_component_is_described() {
    let told = printed(&mut gpx(["inspect", &guest("gpx_http_backend")]));
    for line in
        ["contract             gpx:plugin 0.2.0\n", "services             data, diagnostics, ", "  code "]
    {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let inspected: Value =
        serde_json::from_str(&printed(&mut gpx(["inspect", "--json", &guest("probe")]))).expect("JSON");
    let parts: u64 = inspected["parts"].as_object().expect("parts").values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(parts), inspected["bytes"].as_u64(), "{inspected}");
    assert!(inspected["imports"].as_array().expect("a list").contains(&json!("gpx:plugin/tracer@0.2.0")));
    assert!(inspected["secrets"].as_array().is_some_and(|secrets| !secrets.is_empty()), "{inspected}");
}

#[test]
fn what_an_update_newly_asks_for_is_told() {
    let (small, large) = (guest("minimal"), guest("probe"));
    assert_eq!(printed(&mut gpx(["inspect", &small, "--diff", &small])), "nothing new\n");
    let output = gpx(["inspect", &large, "--diff", &small]).output().expect("gpx starts");
    let told = String::from_utf8(output.stdout).expect("a text");
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("new service: data\n") && told.contains("new secret: "), "{told}");
}

#[test]
fn what_is_no_component_is_refused_in_a_sentence() {
    let directory = Directory::new().expect("a directory");
    let file = directory.join("x.wasm");
    let whole = std::fs::read(artifacts::component("minimal")).expect("a guest");
    for (bytes, expected) in [
        (&b"\0asm\x01\0\0\0"[..], "is a core module, not a component"),
        (b"hello", "is not a WebAssembly component"),
        (&whole[..whole.len() / 2], "x.wasm is damaged"),
    ] {
        std::fs::write(&file, bytes).expect("a file");
        let told = failing(&mut gpx(["inspect", file.to_str().expect("a text")]));
        assert!(told.lines().count() == 1 && told.contains(expected), "{expected}\n{told}");
    }
    let large = std::fs::File::create(&file).expect("a file");
    large.set_len(100 << 20).expect("a sparse file");
    let told = failing(&mut gpx(["inspect", file.to_str().expect("a text")]));
    assert!(told.contains("has more than 64 MiB"), "{told}");
    let told = failing(&mut gpx(["inspect", "/nowhere.wasm"]));
    assert!(told.contains("cannot read /nowhere.wasm"), "{told}");
}
