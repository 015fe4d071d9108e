//! `gpx check` and `gpx package`: what is found in a project, and what is packed of it.

use std::path::Path;

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use serde_json::Value;

use crate::project;
use crate::terminal::{failing, gpx, printed};

/// What `gpx check` finds, one finding a line.
fn found(project: &Path) -> String {
    let output = gpx(["check"]).current_dir(project).output().expect("gpx starts");
    String::from_utf8(output.stdout).expect("a text")
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).expect("a file");
}

#[test]
fn a_new_project_has_no_mistakes() {
    assert_eq!(printed(gpx(["check"]).current_dir(project::built())), "nothing is wrong\n");
}

#[test]
fn each_mistake_is_found_with_the_remedy() {
    let copy = project::copy();
    let project = copy.join("prices");
    let plugin = project.join("plugin.json");
    edit(&plugin, "\"alerting\": true", "\"alerting\": \"yes\", \"streaming\": true");
    edit(&project.join("module.js"), "apiToken", "otherToken");
    std::fs::write(project.join("dist/gpx_prices_linux_amd64"), "another").expect("a file");
    let found = found(&project);
    for expected in [
        "error: plugin.json: `alerting` is \"yes\"; write true or false, without quotes\n",
        "error: `streaming` is true, and the component has no streams; name `stream` in `plugin!`, or remove the key\n",
        "error: the front end saves the secret `otherToken`, and the component does not get it; add it to `secrets`",
        "warning: the component asks for the secret `apiToken`, and no editor saves it; only provisioning can\n",
        "is not the gpx-host that is beside gpx; type `gpx build`\n",
        "error: dist/plugin.json is not the project's; type `gpx build`\n",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    let told = failing(gpx(["check", "--json"]).current_dir(&project));
    assert!(told.contains("error: there are 5 errors"), "{told}");
    let told = failing(gpx(["package"]).current_dir(&project));
    assert!(told.contains("the plugin was not packed; mend it, or type `gpx package --unchecked`"), "{told}");
}

#[test]
fn a_component_that_is_none_or_does_less_is_found() {
    let copy = project::copy();
    let project = copy.join("prices");
    let component = project.join("dist/gpx_prices.wasm");
    std::fs::remove_file(project.join("dist/gpx_prices.cwasm")).expect("a file");
    for (bytes, expected) in [
        (b"\0asm\x01\0\0\0".to_vec(), "is a core module, not a component; build it for wasm32-wasip2"),
        (b"#!/bin/sh".to_vec(), "is not a WebAssembly component"),
        (
            std::fs::read(artifacts::component("minimal")).expect("a guest"),
            "the component answers no queries",
        ),
    ] {
        std::fs::write(&component, bytes).expect("a file");
        let found = found(&project);
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    std::fs::remove_file(&component).expect("a file");
    let found = found(&project);
    assert!(found.contains("there is no ") && found.contains("gpx_prices.wasm; type `gpx build`"), "{found}");
}

#[test]
fn the_archive_has_what_was_built_and_is_the_same_each_time() {
    let (first, second) = (Directory::new().expect("a directory"), Directory::new().expect("a directory"));
    let name = "example-prices-datasource-0.1.0.zip";
    let pack = |to: &Directory| {
        let words = ["package", "--json", "--output", to.path().to_str().expect("a text")];
        let printed = printed(gpx(words).current_dir(project::built()));
        let made: Value = serde_json::from_str(&printed).expect("JSON");
        (made, std::fs::read(to.join(name)).expect("the archive"))
    };
    let ((made, archive), (_, again)) = (pack(&first), pack(&second));
    assert!(archive == again, "two archives of the same files differ");
    let sum = std::fs::read_to_string(first.join(format!("{name}.sha256"))).expect("its sum");
    assert_eq!(sum, format!("{}  {name}\n", made["sha256"].as_str().expect("a text")));
    // Another program's opinion.
    let listed = std::process::Command::new("python3")
        .args(["-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\nfor i in z.infolist(): print(i.filename, oct(i.external_attr >> 16))"])
        .arg(first.join(name))
        .output();
    let Ok(listed) = listed else { return };
    let listed = String::from_utf8(listed.stdout).expect("a text");
    let folder = "example-prices-datasource";
    for line in [
        format!("{folder}/gpx_prices.cwasm 0o100644\n"),
        format!("{folder}/gpx_prices.wasm 0o100644\n"),
        format!("{folder}/gpx_prices_linux_amd64 0o100755\n"),
        format!("{folder}/img/logo.svg 0o100644\n"),
        format!("{folder}/module.js 0o100644\n"),
        format!("{folder}/plugin.json 0o100644\n"),
    ] {
        assert!(listed.contains(&line), "{line}{listed}");
    }
}

#[test]
fn no_secret_and_no_link_is_packed() {
    let copy = project::copy();
    let project = copy.join("prices");
    for name in [".env", ".env.local", "server.pem"] {
        std::fs::write(project.join("dist").join(name), "secret").expect("a file");
        let told = failing(gpx(["package"]).current_dir(&project));
        assert!(
            told.contains(&format!("{name} looks like a secret, and the archive is published")),
            "{told}"
        );
        std::fs::remove_file(project.join("dist").join(name)).expect("a file");
    }
    std::os::unix::fs::symlink("/etc/passwd", project.join("dist/link")).expect("a link");
    let told = failing(gpx(["package"]).current_dir(&project));
    assert!(told.contains("link is not a file"), "{told}");
    assert!(!project.join("example-prices-datasource-0.1.0.zip").exists());
}
