//! What is kept of a component's manifest: each trace repeats its attributes, and each owner looks for its secrets.

use crate::capability::bindings::exports::gpx::plugin::plugin::{Manifest, SecretHeader};
use crate::capability::bindings::gpx::plugin::types::{Attribute, Value};
use crate::text::cut;

/// How many attributes are kept, and how many items of one that is a list. It is OpenTelemetry's own limit.
const MAX_LIST: usize = 128;

/// How many bytes the attributes may take together. Every batch of spans contains them.
const MAX_ATTRIBUTES: usize = 64 << 10;

/// How many bytes of an attribute's text are kept, as of a span's.
const MAX_TEXT: usize = 4096;

/// How long a name may be, in bytes: an attribute's key, a secret's, a header's, or the SDK's.
const MAX_NAME: usize = 256;

/// How many secrets, origins and headers are kept. A person has to look at each of them.
const MAX_NAMES: usize = 256;

/// How long an origin may be, in bytes: a host's name has at most 253.
const MAX_ORIGIN: usize = 1024;

/// Cuts a manifest to what is kept. Returns the names of the parts that lost something.
pub(super) fn bounded(manifest: Manifest) -> (Manifest, Vec<&'static str>) {
    let whole = extent(&manifest);
    let manifest = Manifest {
        sdk: cut(manifest.sdk, MAX_NAME),
        attributes: attributes(manifest.attributes),
        // A part of a name would be another name.
        secrets: names(manifest.secrets, MAX_NAME),
        origins: names(manifest.origins, MAX_ORIGIN),
        headers: names(manifest.headers, MAX_NAME),
        secret_headers: secret_headers(manifest.secret_headers),
        forwarding: manifest.forwarding,
    };
    let kept = extent(&manifest);
    let parts = ["sdk", "attributes", "secrets", "origins", "headers", "secret-headers"];
    let lost = parts.into_iter().zip(whole.iter().zip(kept)).filter(|(_, (whole, kept))| *whole != kept);
    let lost = lost.map(|(part, _)| part).collect();
    (manifest, lost)
}

/// How much there is of each part. Attributes may take no bytes, and there may be fewer of them that take as many.
fn extent(manifest: &Manifest) -> [(usize, usize); 6] {
    let Manifest { sdk, attributes, secrets, origins, headers, secret_headers, forwarding: _ } = manifest;
    let attributes = (attributes.len(), size(attributes));
    [
        (sdk.len(), 0),
        attributes,
        (secrets.len(), 0),
        (origins.len(), 0),
        (headers.len(), 0),
        (secret_headers.len(), 0),
    ]
}

fn names(mut names: Vec<String>, bytes: usize) -> Vec<String> {
    names.retain(|name| name.len() <= bytes);
    names.truncate(MAX_NAMES);
    names.shrink_to_fit();
    names
}

fn secret_headers(mut headers: Vec<SecretHeader>) -> Vec<SecretHeader> {
    headers.retain(|SecretHeader { secret, header, value }| {
        secret.len() <= MAX_NAME && header.len() <= MAX_NAME && value.len() <= MAX_TEXT
    });
    headers.truncate(MAX_NAMES);
    headers.shrink_to_fit();
    headers
}

fn attributes(attributes: Vec<Attribute>) -> Vec<Attribute> {
    let mut room = MAX_ATTRIBUTES;
    let fits = |attribute: &Attribute| {
        let left = room.checked_sub(attribute_size(attribute));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let cut = |Attribute { key, value }| Attribute { key: cut(key, MAX_NAME), value: self::value(value) };
    attributes.into_iter().take(MAX_LIST).map(cut).take_while(fits).collect()
}

fn value(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(cut(text, MAX_TEXT)),
        Value::Texts(list) => Value::Texts(items(list).into_iter().map(|text| cut(text, MAX_TEXT)).collect()),
        Value::Booleans(list) => Value::Booleans(items(list)),
        Value::Integers(list) => Value::Integers(items(list)),
        Value::Floats(list) => Value::Floats(items(list)),
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => value,
    }
}

fn items<T>(mut list: Vec<T>) -> Vec<T> {
    list.truncate(MAX_LIST);
    list.shrink_to_fit();
    list
}

fn size(attributes: &[Attribute]) -> usize {
    attributes.iter().map(attribute_size).sum()
}

/// What an attribute takes in a message, about.
fn attribute_size(Attribute { key, value }: &Attribute) -> usize {
    let number = size_of::<u64>();
    key.len()
        + match value {
            Value::Text(text) => text.len(),
            Value::Texts(list) => list.iter().map(|text| number + text.len()).sum(),
            Value::Booleans(list) => number * list.len(),
            Value::Integers(list) => number * list.len(),
            Value::Floats(list) => number * list.len(),
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => number,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: Value) -> Attribute {
        Attribute { key: key.to_owned(), value }
    }

    fn secret_header(header: &str) -> SecretHeader {
        SecretHeader { secret: "token".to_owned(), header: header.to_owned(), value: "{}".to_owned() }
    }

    fn manifest() -> Manifest {
        Manifest {
            sdk: "gpx-sdk 0.1.0".to_owned(),
            attributes: vec![attribute("team", Value::Text("markets".to_owned()))],
            secrets: vec!["token".to_owned()],
            origins: vec!["https://login.example.com".to_owned()],
            headers: vec!["X-Tenant".to_owned()],
            secret_headers: vec![secret_header("X-Key")],
            forwarding: None,
        }
    }

    #[test]
    fn an_ordinary_manifest_is_kept() {
        let (kept, lost) = bounded(manifest());
        assert_eq!(format!("{kept:?}"), format!("{:?}", manifest()));
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn texts_and_lists_are_cut() {
        let long = |bytes: usize| "é".repeat(bytes);
        let list = Value::Texts(vec![long(10); 1000]);
        let (kept, lost) = bounded(Manifest {
            sdk: long(1000),
            attributes: vec![
                attribute(&long(1000), Value::Text(long(10_000))),
                attribute("list", list),
                attribute("numbers", Value::Integers(vec![1; 1000])),
            ],
            secrets: [vec![long(1000)], vec!["a".to_owned(); 1000]].concat(),
            origins: [vec![long(1000)], vec!["a".to_owned(); 1000]].concat(),
            headers: [vec![long(1000)], vec!["a".to_owned(); 1000]].concat(),
            secret_headers: [vec![secret_header(&long(1000))], vec![secret_header("a"); 1000]].concat(),
            forwarding: None,
        });
        assert_eq!(lost, ["sdk", "attributes", "secrets", "origins", "headers", "secret-headers"]);
        let placed = &kept.secret_headers;
        assert!(placed.len() == MAX_NAMES && placed.iter().all(|placed| placed.header == "a"));
        assert_eq!(kept.sdk, long(MAX_NAME / 2));
        let [text, list, numbers] = kept.attributes.as_slice() else { panic!() };
        assert_eq!(text.key.len(), MAX_NAME);
        assert!(matches!(&text.value, Value::Text(text) if text.len() == MAX_TEXT));
        assert!(matches!(&list.value, Value::Texts(list) if list.len() == MAX_LIST));
        assert!(matches!(&numbers.value, Value::Integers(list) if list.len() == MAX_LIST));
        for names in [kept.secrets, kept.origins, kept.headers] {
            assert!(names.len() == MAX_NAMES && names.iter().all(|name| name == "a"));
        }
    }

    #[test]
    fn all_attributes_together_are_bounded() {
        let many = |value: Value| Manifest { attributes: vec![attribute("a", value); 1000], ..manifest() };
        let (kept, _) = bounded(many(Value::Boolean(true)));
        assert_eq!(kept.attributes.len(), MAX_LIST);
        let (kept, lost) = bounded(many(Value::Texts(vec!["x".repeat(MAX_TEXT); MAX_LIST])));
        assert!(kept.attributes.is_empty() && lost == ["attributes"]);
        let (kept, _) = bounded(many(Value::Text("x".repeat(MAX_TEXT))));
        assert!(size(&kept.attributes) <= MAX_ATTRIBUTES && kept.attributes.len() == 15);
    }
}
