//! The bill of materials of a package: that it is CycloneDX, and names what the package contains and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use gpx_tests::artifacts;
use serde_json::Value;

fn text() -> String {
    std::fs::read_to_string(artifacts::packaged("http-backend").join("sbom.cdx.json")).unwrap()
}

fn bill() -> Value {
    serde_json::from_str(&text()).unwrap()
}

/// All components, also those within others.
fn components(of: &Value) -> Vec<&Value> {
    let inner = of["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    inner.iter().flat_map(|component| [vec![component], components(component)].concat()).collect()
}

/// The libraries in a file, by name and version.
fn libraries<'a>(bill: &'a Value, file: &str) -> BTreeMap<(&'a str, &'a str), &'a Value> {
    let files = bill["components"].as_array().unwrap();
    let file = files.iter().find(|component| component["name"] == file).unwrap();
    let named = |library: &'a Value| {
        ((library["name"].as_str().unwrap(), library["version"].as_str().unwrap()), library)
    };
    components(file).into_iter().map(named).collect()
}

#[test]
fn it_is_cyclonedx() {
    let bill = bill();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    assert_eq!(bill["version"], 1);
    let serial = bill["serialNumber"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    let groups: Vec<_> = serial.split('-').map(str::len).collect();
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(groups == [8, 4, 4, 4, 12] && hex(&serial.replace('-', "")), "{serial}");

    let plugin = &bill["metadata"]["component"];
    let description = artifacts::packaged("http-backend").join("plugin.json");
    let description: Value = serde_json::from_slice(&std::fs::read(description).unwrap()).unwrap();
    assert_eq!(
        (&plugin["name"], &plugin["version"], &plugin["type"]),
        (&description["id"], &description["info"]["version"], &"application".into())
    );

    let mut references = BTreeSet::from([plugin["bom-ref"].as_str().unwrap()]);
    for component in components(&bill) {
        let string = |key| component[key].as_str().filter(|text| !text.is_empty());
        assert!(references.insert(string("bom-ref").unwrap()), "two are {}", component["bom-ref"]);
        assert!(string("name").is_some(), "{component}");
        if string("type").unwrap() == "application" {
            continue;
        }
        assert_eq!(component["type"], "library");
        let url = string("purl").unwrap();
        assert!(url.starts_with("pkg:cargo/") || url.starts_with("pkg:generic/"), "{url}");
        assert!(url.contains('@') && !url.contains(['+', ' ']), "{url}");
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(!licence.is_empty() && !licence.contains('/'), "{component}");
        for hash in component["hashes"].as_array().into_iter().flatten() {
            let content = hash["content"].as_str().unwrap();
            assert!(hash["alg"] == "SHA-256" && content.len() == 64 && hex(content), "{component}");
        }
    }
    for dependency in bill["dependencies"].as_array().unwrap() {
        let needs = dependency["dependsOn"].as_array().unwrap();
        for reference in needs.iter().chain([&dependency["ref"]]) {
            assert!(references.contains(reference.as_str().unwrap()), "{reference} is no component");
        }
    }
}

#[test]
fn it_names_what_the_files_consist_of_with_the_lock_files_checksums() {
    let bill = bill();
    for (file, lock, own, others) in [
        (
            "gpx_http_backend_linux_amd64",
            "Cargo.lock",
            "gpx-host",
            &["wasmtime", "cranelift-codegen", "rustls", "aws-lc-sys", "tonic", "hickory-resolver"][..],
        ),
        (
            "gpx_http_backend.wasm",
            "examples/Cargo.lock",
            "gpx_http_backend",
            &["serde", "serde_json", "wasip2"],
        ),
    ] {
        let lock = std::fs::read_to_string(artifacts::repository().join(lock)).unwrap();
        let listed = libraries(&bill, file);
        let names: BTreeSet<_> = listed.keys().map(|(name, _)| *name).collect();
        for name in others.iter().chain(&[own, "rust-std"]) {
            assert!(names.contains(name), "{file} has no {name}");
        }
        for ((name, version), library) in &listed {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            let Some((_, entry)) = lock.split_once(&entry) else {
                assert!(["rust-std", "glibc"].contains(name), "{name} {version} is not in the lock file");
                continue;
            };
            let entry = entry.split("\n\n").next().unwrap();
            let checksum = entry.lines().find_map(|line| line.strip_prefix("checksum = "));
            let hash = library["hashes"][0]["content"].as_str();
            assert_eq!(hash, checksum.map(|text| text.trim_matches('"')), "{name} {version}");
            assert_eq!(hash.is_some(), entry.contains("source = "), "{name} {version}");
        }
    }
}

/// Where a crate may panic, the file names its source.
#[test]
fn it_names_every_crate_whose_sources_the_files_name() {
    let bill = bill();
    for (file, at_least) in [("gpx_http_backend_linux_amd64", 50), ("gpx_http_backend.wasm", 2)] {
        let listed = libraries(&bill, file);
        let listed: BTreeSet<_> = listed.keys().map(|(name, version)| format!("{name}-{version}")).collect();
        let bytes = std::fs::read(artifacts::packaged("http-backend").join(file)).unwrap();
        let content = String::from_utf8_lossy(&bytes);
        let sources = content.split("registry/index.crates.io-").skip(1);
        let named: BTreeSet<_> = sources.filter_map(|source| source.split('/').nth(1)).collect();
        assert!(named.len() >= at_least, "{named:?}");
        let missing: Vec<_> = named.into_iter().filter(|name| !listed.contains(*name)).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
}

#[test]
fn it_names_nothing_that_only_builds_or_tests_the_host() {
    let bill = bill();
    let listed = libraries(&bill, "gpx_http_backend_linux_amd64");
    let listed: BTreeSet<_> = listed.keys().map(|(name, _)| *name).collect();
    let manifest = std::fs::read_to_string(artifacts::repository().join("host/Cargo.toml")).unwrap();
    let section = |name: &str| -> BTreeSet<_> {
        let (_, section) = manifest.split_once(&format!("\n[{name}]\n")).unwrap();
        let lines = section.lines().take_while(|line| !line.starts_with('['));
        lines
            .filter_map(|line| line.split_once(['.', ' ']).filter(|_| !line.starts_with('#')))
            .map(|(name, _)| name)
            .collect()
    };
    let linked = section("dependencies");
    let others: Vec<_> = ["dev-dependencies", "build-dependencies"].into_iter().flat_map(section).collect();
    let others: Vec<_> = others.into_iter().filter(|name| !linked.contains(name)).collect();
    assert!(others.contains(&"tempfile") && others.contains(&"protox"), "{others:?}");
    for name in others.into_iter().chain(["syn", "prost-build", "serde_derive", "gpx-tests", "xtask"]) {
        assert!(!listed.contains(name), "{name} is not in the executable");
    }
}

/// Another machine makes the same.
#[test]
fn it_says_nothing_of_where_and_when_it_was_made() {
    let text = text();
    for place in [artifacts::repository(), std::env::home_dir().unwrap()] {
        assert!(!text.contains(&format!("{}/", place.display())), "{}", place.display());
    }
    assert!(!text.contains("timestamp"));
}
