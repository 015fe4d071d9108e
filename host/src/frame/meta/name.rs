//! Names that are known: how Go finds them, and which one somebody meant.

use super::schema::{Property, Struct};

/// How many characters of a name are compared with those that are known.
const COMPARED: usize = 48;

// === impl Struct ===

impl Struct {
    /// Returns the property of a key, and its number.
    pub(super) fn find(&self, key: &[u8]) -> Option<(usize, &'static Property)> {
        let is_exact = |(_, property): &(usize, &Property)| property.name.as_bytes() == key;
        let is_alike = |(_, property): &(usize, &Property)| !self.exact && is_fold(key, property.name);
        let mut properties = self.properties().enumerate();
        properties.find(is_exact).or_else(|| self.properties().enumerate().find(is_alike))
    }
}

/// Returns the known name that is most like `name`, if one is like it: a name with a typo, in another case, or with other
/// separators.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = letters(name);
    known
        .map(|known| (distance(&name, &letters(known)), known))
        .filter(|(distance, known)| *distance <= 1.max(known.len() / 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Whether Go's `encoding/json` takes a key for a known name: in any case, where two characters beyond ASCII have an
/// ASCII letter as another case.
fn is_fold(key: &[u8], known: &str) -> bool {
    let Ok(key) = std::str::from_utf8(key) else { return false };
    let folded = key.chars().map(|character| match character {
        'ſ' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(known.chars().map(|character| character.to_ascii_lowercase()))
}

fn letters(name: &str) -> Vec<char> {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.take(COMPARED).map(|character| character.to_ascii_lowercase()).collect()
}

/// How many characters have to be added, removed or replaced to make one name of the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        let mut next = vec![left];
        for (b, above) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::schema::FIELD_CONFIG;
    use super::*;

    #[test]
    fn a_key_is_found_in_any_case() {
        let found = |key: &str| FIELD_CONFIG.object.find(key.as_bytes()).map(|(_, property)| property.name);
        assert_eq!(found("unit"), Some("unit"));
        assert_eq!(found("UNIT"), Some("unit"));
        assert_eq!(found("displaynamefromds"), Some("displayNameFromDS"));
        assert_eq!(found("lin\u{212A}ſ"), Some("links"));
        assert_eq!(found("units"), None);
        assert_eq!(found(""), None);
        assert_eq!(found("ünit"), None);
    }

    #[test]
    fn the_nearest_name_is_proposed() {
        let near = |name| nearest(name, FIELD_CONFIG.object.properties().map(|property| property.name));
        assert_eq!(near("units"), Some("unit"));
        assert_eq!(near("decimal"), Some("decimals"));
        assert_eq!(near("display_name"), Some("displayName"));
        assert_eq!(near("colour"), Some("color"));
        assert_eq!(near("tresholds"), Some("thresholds"));
        assert_eq!(near("linke"), Some("links"));
        assert_eq!(near("fieldMinMax"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"unit".repeat(10_000)), None);
    }

    #[test]
    fn distances() {
        let of = |one: &str, other: &str| distance(&letters(one), &letters(other));
        assert_eq!(of("", ""), 0);
        assert_eq!(of("abc", ""), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("time-series", "timeseries"), 0);
    }
}
