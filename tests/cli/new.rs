//! `gpx new` and `gpx add-backend`: what they make, and what they refuse.

use std::process::Command;

use gpx_tests::directory::Directory;

use crate::project;
use crate::terminal::{failing, gpx, printed};

fn json(path: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn a_new_project_passes_its_tests() {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--quiet"]).current_dir(project::built());
    let told = printed(project::offline(&mut cargo));
    assert!(told.contains("5 passed"), "{told}");
}

#[test]
fn an_app_and_a_front_end_in_typescript_build() {
    let directory = Directory::new().expect("a directory");
    let words = ["new", "river-notes", "--type", "app", "--org", "acme", "--with-frontend"];
    printed(gpx(words).current_dir(directory.path()));
    let project = directory.join("river-notes");
    let plugin = json(&project.join("src/plugin.json"));
    assert_eq!(
        (&plugin["id"], &plugin["executable"]),
        (&"acme-rivernotes-app".into(), &"gpx_river_notes".into())
    );
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--quiet"]).current_dir(project.join("backend"));
    printed(project::offline(&mut cargo));
    let built = printed(project::building(&mut gpx(["build", "--json"])).current_dir(&project));
    let built: serde_json::Value = serde_json::from_str(&built).expect("JSON");
    assert!(built["bytes"].as_u64().is_some_and(|bytes| bytes < 500_000), "{built}");
    assert!(project.join("dist/gpx_river_notes.cwasm").is_file());
}

#[test]
fn a_name_that_cannot_be_one_is_refused_with_the_rule() {
    let directory = Directory::new().expect("a directory");
    for name in ["two words", "../x", "Prices", "x_y"] {
        let told = failing(gpx(["new", name]).current_dir(directory.path()));
        assert!(told.contains("a name is lower-case letters, digits and single hyphens"), "{told}");
    }
    let told = failing(gpx(["new", "sdk"]).current_dir(directory.path()));
    assert!(told.contains("gpx_sdk"), "{told}");
    assert_eq!(directory.entries(), Vec::<String>::new());
}

#[test]
fn nothing_is_overwritten() {
    let directory = Directory::new().expect("a directory");
    std::fs::create_dir(directory.join("prices")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", directory.join("link")).expect("a link");
    std::fs::write(directory.join("file"), "mine").expect("a file");
    for name in ["prices", "link", "file"] {
        let told = failing(gpx(["new", name]).current_dir(directory.path()));
        assert!(told.contains(&format!("{name} exists, and gpx overwrites nothing")), "{told}");
    }
    assert_eq!(std::fs::read_to_string(directory.join("file")).expect("it is there"), "mine");
    assert!(!directory.join("nowhere").exists());
}

#[test]
fn a_project_of_create_plugin_gets_a_back_end() {
    let directory = Directory::new().expect("a directory");
    let project = directory.path();
    for folder in ["src", ".config/webpack"] {
        std::fs::create_dir_all(directory.join(folder)).expect("a folder");
    }
    let script =
        r#"{ "scripts": { "build": "webpack -c ./.config/webpack/webpack.config.ts --env production" } }"#;
    let plugin =
        r#"{ "id": "acme-prices-datasource", "type": "datasource", "info": { "version": "%VERSION%" } }"#;
    for (name, text) in
        [("package.json", script), ("src/plugin.json", plugin), (".config/webpack/webpack.config.ts", "")]
    {
        std::fs::write(directory.join(name), text).expect("a file");
    }

    printed(gpx(["add-backend"]).current_dir(project));

    let plugin = json(&directory.join("src/plugin.json"));
    assert_eq!((&plugin["backend"], &plugin["executable"]), (&true.into(), &"gpx_prices".into()));
    let script = json(&directory.join("package.json"));
    assert_eq!(script["scripts"]["build"], "webpack -c ./webpack.config.ts --env production");
    let webpack = std::fs::read_to_string(directory.join("webpack.config.ts")).expect("there is one");
    assert!(webpack.contains("clean: { keep: /^gpx_/ }"), "{webpack}");
    assert!(directory.join("backend/gpx-sdk/Cargo.toml").is_file());

    let told = failing(gpx(["add-backend"]).current_dir(project));
    assert!(told.contains("backend exists, and gpx overwrites nothing"), "{told}");
    std::fs::remove_dir_all(directory.join("backend")).expect("a folder");
    let told = failing(gpx(["add-backend"]).current_dir(project));
    assert!(told.contains(r#"has the back end "gpx_prices"; remove the keys"#), "{told}");
    assert!(!directory.join("backend").exists());
}
