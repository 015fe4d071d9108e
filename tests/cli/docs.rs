//! docs/gpx.md says what the commands take.

use gpx_tests::artifacts::repository;

use crate::terminal::{gpx, printed};

#[test]
fn every_option_is_documented() {
    let page = std::fs::read_to_string(repository().join("docs/gpx.md")).expect("the page");
    for command in ["health", "resource", "run", "stream"] {
        let help = printed(&mut gpx([command, "--help"]));
        let option =
            |line: &str| line.split_whitespace().find(|word| word.starts_with("--")).map(str::to_owned);
        let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
        let options: Vec<_> = lines.filter_map(option).filter(|option| option != "--help").collect();
        assert!(options.len() > 5, "{help}");
        for option in options {
            assert!(
                page.contains(&format!("`{option}")),
                "docs/gpx.md does not have `{option}` of `gpx {command}`"
            );
        }
    }
}
