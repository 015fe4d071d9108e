//! What holds for any manifest.

use super::manifest::bounded;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::capability::bindings::gpx::plugin::types::{Attribute, Value};

/// Only so much is kept of a manifest, all of which was there, and a manifest that has been cut loses nothing more.
pub(crate) fn manifest<'a>(names: impl Iterator<Item = &'a str> + Clone) {
    let all = || names.clone().map(str::to_owned).collect::<Vec<_>>();
    let manifest = || Manifest {
        sdk: all().concat(),
        attributes: names.clone().enumerate().map(attribute).collect(),
        secrets: all(),
        origins: all(),
        headers: all(),
        secret_headers: Vec::new(),
        forwarding: None,
    };
    let (kept, lost) = bounded(manifest());
    assert!(manifest().sdk.starts_with(&kept.sdk) && kept.sdk.len() <= 256, "{}", kept.sdk);
    for (list, longest) in [(&kept.secrets, 256), (&kept.origins, 1024), (&kept.headers, 256)] {
        assert!(list.len() <= 256 && list.iter().all(|name| name.len() <= longest));
        assert!(list.iter().all(|name| names.clone().any(|known| known == name)), "a name was made up");
    }
    assert!(kept.attributes.len() <= 128);
    let same = lost.is_empty();
    assert_eq!(format!("{kept:?}") == format!("{:?}", manifest()), same, "{lost:?}");
    let before = format!("{kept:?}");
    let (again, lost) = bounded(kept);
    assert_eq!((format!("{again:?}"), lost), (before, Vec::new()));
}

fn attribute((index, text): (usize, &str)) -> Attribute {
    let value = match index % 4 {
        0 => Value::Text(text.to_owned()),
        1 => Value::Texts(text.split(' ').map(str::to_owned).collect()),
        2 => Value::Integers(text.bytes().map(i64::from).collect()),
        _ => Value::Boolean(text.is_empty()),
    };
    Attribute { key: text.to_owned(), value }
}
