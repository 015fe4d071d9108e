//! What a shell completes, and the manual pages.

use crate::terminal::{gpx, printed};

#[test]
fn a_shell_completes_the_commands() {
    for shell in ["bash", "fish", "zsh"] {
        let script = printed(&mut gpx(["completions", shell]));
        assert!(script.contains("completions"), "{shell}: {script}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = gpx_tests::directory::Directory::new().expect("a directory");
    let path = folder.path().to_str().expect("a path is text");
    printed(&mut gpx(["man", path]));
    let page = std::fs::read_to_string(folder.path().join("gpx-completions.1")).expect("there is a page");
    assert!(page.contains(".TH gpx-completions 1"), "{page}");
}
