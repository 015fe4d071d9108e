//! The origins that a component's manifest asks for. They grant nothing, but the operator learns of them.

use url::Url;

use super::error::RequestError;
use super::origin::Origin;
use super::policy::Patterns;

/// The origins that a component asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    wishes: Vec<(String, Patterns)>,
}

/// What a manifest asks for in vain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct VainWishes {
    /// What the operator would have to grant, as it is written in `gpx_allow_hosts`.
    pub ungranted: Vec<String>,
    /// What nothing can grant, since it is not an origin.
    pub unreadable: Vec<String>,
}

// === impl Wishes ===

impl Wishes {
    pub(super) fn new(texts: &[String]) -> Self {
        let wish = |text: &String| pattern(text).unwrap_or_else(|| (text.clone(), Patterns::default()));
        Self { wishes: texts.iter().map(wish).collect() }
    }

    /// Returns which wishes the operator has not granted.
    pub(super) fn vain(&self, granted: &Patterns) -> VainWishes {
        let mut vain = VainWishes::default();
        for (text, wish) in &self.wishes {
            if *wish == Patterns::default() {
                vain.unreadable.push(text.clone());
            } else if !granted.cover(wish) {
                vain.ungranted.push(text.clone());
            }
        }
        vain
    }

    /// Adds to a refusal that the component's manifest asks for the origin, if it does.
    pub(super) fn mention_in(&self, mut error: RequestError, origin: &Origin) -> RequestError {
        if let RequestError::Denied { fault, .. } = &mut error
            && self.wishes.iter().any(|(_, wish)| wish.admit(origin))
        {
            fault.push_str("the plugin's manifest asks for it: ");
        }
        error
    }
}

/// Returns a wish as the operator writes a grant. Authors tend to write URLs with a path.
fn pattern(text: &str) -> Option<(String, Patterns)> {
    let read = |text: &str| {
        let (patterns, bad) = Patterns::parse([text]);
        bad.is_empty().then_some(patterns).filter(|patterns| *patterns != Patterns::default())
    };
    let text = text.trim();
    if let Some(wish) = read(text) {
        return Some((text.to_owned(), wish));
    }
    let origin = Url::parse(text).ok()?.origin().ascii_serialization();
    read(&origin).map(|wish| (origin, wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vain(wishes: &[&str], granted: &str) -> (Vec<String>, Vec<String>) {
        let wishes: Vec<_> = wishes.iter().map(|wish| (*wish).to_owned()).collect();
        let VainWishes { ungranted, unreadable } = Wishes::new(&wishes).vain(&Patterns::parse([granted]).0);
        (ungranted, unreadable)
    }

    #[test]
    fn a_wish_is_granted_by_what_grants_all_of_it() {
        for (wish, granted, is_granted) in [
            ("https://login.example.com", "", false),
            ("https://login.example.com", "login.example.com", true),
            ("https://login.example.com/", "https://LOGIN.example.com", true),
            ("https://login.example.com", "*.example.com", true),
            ("https://login.example.com:8443", "login.example.com", false),
            ("https://login.example.com:8443", "login.example.com:8443", true),
            ("login.example.com", "https://login.example.com", false),
            ("login.example.com", "https://login.example.com http://login.example.com", true),
            ("*.example.com", "a.example.com", false),
            ("*.example.com", "*.example.com", true),
            ("https://*.example.com", "*.example.com", true),
            ("*.a.example.com", "*.example.com", true),
            ("https://login.example.com/oauth?a=b", "login.example.com", true),
        ] {
            assert_eq!(vain(&[wish], granted).0.is_empty(), is_granted, "{wish} by {granted}");
        }
    }

    #[test]
    fn a_wish_is_told_as_the_operator_writes_it() {
        let wishes = ["https://user:pw@login.example.com/oauth?a=b", "db:81", "*", "", "ftp://x"];
        let (ungranted, unreadable) = vain(&wishes, "");
        assert_eq!(ungranted, ["https://login.example.com", "db:81"]);
        assert_eq!(unreadable, ["*", "", "ftp://x"]);
    }
}
