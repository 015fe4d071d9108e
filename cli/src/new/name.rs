//! What a project may be called.

use std::fmt;
use std::str::FromStr;

/// Names a project, its folder, its crate and its plugin.
#[derive(Clone)]
pub(crate) struct Name(String);

/// The first part of a plugin's id.
#[derive(Clone)]
pub(crate) struct Org(String);

/// A plugin's id has all of it in a folder's name, and Grafana makes variables of it.
const LONGEST: usize = 40;

// === impl Name ===

impl Name {
    /// The crate's name, and the beginning of the executable's.
    pub(crate) fn to_crate(&self) -> String {
        format!("gpx_{}", self.0.replace('-', "_"))
    }

    /// The middle of the plugin's id, where no hyphen may be.
    pub(crate) fn to_part(&self) -> String {
        self.0.replace('-', "")
    }

    /// For people.
    pub(crate) fn to_title(&self) -> String {
        let words = self.0.replace('-', " ");
        let (first, rest) = words.split_at(1);
        first.to_uppercase() + rest
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
        };
        if !name.split('-').all(is_word) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err("a name is lower-case letters, digits and single hyphens between them, and begins \
                        with a letter"
                .to_owned());
        }
        if name.len() > LONGEST {
            return Err(format!("a name has at most {LONGEST} characters"));
        }
        if name == "sdk" {
            return Err("the crate would be gpx_sdk, which is the SDK's own name".to_owned());
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Org ===

impl FromStr for Org {
    type Err = String;

    fn from_str(org: &str) -> Result<Self, String> {
        let is_part = org.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        if org.is_empty() || !is_part || org.len() > LONGEST {
            return Err(format!(
                "the first part of an id is lower-case letters and digits, at most {LONGEST}"
            ));
        }
        Ok(Self(org.to_owned()))
    }
}

impl fmt::Display for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_a_folder_a_crate_and_part_of_an_id() {
        let name: Name = "share-prices2".parse().ok().unwrap();
        assert_eq!(
            (name.to_crate(), name.to_part(), name.to_title()),
            ("gpx_share_prices2".into(), "shareprices2".into(), "Share prices2".into())
        );
    }

    #[test]
    fn other_names_are_refused_with_the_rule() {
        for name in
            ["", "A", "two words", "../x", "/x", "x/y", ".", "-x", "x-", "a--b", "x_y", "2x", "é", "x\n"]
        {
            assert!(name.parse::<Name>().is_err_and(|rule| rule.starts_with("a name is")), "{name:?}");
        }
        assert!("x".repeat(41).parse::<Name>().is_err_and(|rule| rule.contains("at most 40")));
        assert!("sdk".parse::<Name>().is_err_and(|rule| rule.contains("gpx_sdk")));
        for word in ["fn", "test", "std", "core", "con"] {
            assert!(word.parse::<Name>().is_ok(), "{word}: the crate's name begins with gpx_");
        }
        for org in ["", "my-org", "Me", "a b"] {
            assert!(org.parse::<Org>().is_err(), "{org:?}");
        }
    }
}
