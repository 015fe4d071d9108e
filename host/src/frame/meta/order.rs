//! The keys of an object in order.

use std::cmp::Ordering;

use super::super::pace::{Pace, drop_buffer};
use super::document::Document;
use super::string::compare;

/// Returns the keys of an object, sorted. Of keys that mean the same, only the last is left.
///
/// This is a merge sort, so that it can pause anywhere.
pub(super) async fn sorted_keys(document: &Document<'_>, object: usize, pace: &mut Pace) -> Vec<u32> {
    let mut keys = Vec::new();
    let end = document.next(object);
    let mut key = object + 1;
    while key < end {
        keys.push(key as u32);
        key = document.next(key + 1);
        pace.spend(size_of::<u32>()).await;
    }
    let mut width = 1;
    while width < keys.len() {
        let merged = merge(document, &keys, width, pace).await;
        drop_buffer(std::mem::replace(&mut keys, merged));
        width = width.saturating_mul(2);
    }
    let last = last_of_each(document, &keys, pace).await;
    drop_buffer(keys);
    last
}

/// Merges each two runs of so many sorted keys. Keys that mean the same keep their order.
async fn merge(document: &Document<'_>, keys: &[u32], width: usize, pace: &mut Pace) -> Vec<u32> {
    let mut merged = Vec::with_capacity(keys.len());
    for pair in keys.chunks(width.saturating_mul(2)) {
        let (mut left, mut right) = pair.split_at_checked(width).unwrap_or((pair, &[]));
        while let ([one, ones @ ..], [other, others @ ..]) = (left, right) {
            if order(document, *one, *other, pace).await == Ordering::Greater {
                merged.push(*other);
                right = others;
            } else {
                merged.push(*one);
                left = ones;
            }
        }
        for keys in [left, right] {
            merged.extend_from_slice(keys);
            pace.spend(size_of_val(keys)).await;
        }
    }
    merged
}

async fn last_of_each(document: &Document<'_>, keys: &[u32], pace: &mut Pace) -> Vec<u32> {
    let mut last: Vec<u32> = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(before) = last.last()
            && order(document, *before, *key, pace).await == Ordering::Equal
        {
            last.pop();
        }
        last.push(*key);
    }
    last
}

async fn order(document: &Document<'_>, one: u32, other: u32, pace: &mut Pace) -> Ordering {
    let (order, bytes) = compare(document.raw(one as usize), document.raw(other as usize));
    pace.spend(size_of::<u32>() + bytes).await;
    order
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{Random, polls};
    use super::super::document::ROOT;
    use super::super::string::decoded;
    use super::*;

    fn sorted(text: &str) -> (Vec<String>, usize) {
        let mut pace = Pace::new();
        polls(async {
            let document = Document::read(text, &mut pace).await.ok().unwrap();
            let keys = sorted_keys(&document, ROOT, &mut pace).await;
            let text =
                |key: &u32| String::from_utf8(decoded(document.raw(*key as usize)).into_owned()).unwrap();
            keys.iter().map(text).collect()
        })
    }

    #[test]
    fn keys_are_sorted_by_what_they_mean() {
        assert_eq!(sorted("{}").0, Vec::<String>::new());
        assert_eq!(sorted(r#"{"b":{"z":[1]},"a":2,"\u0061b":3}"#).0, ["a", "ab", "b"]);
        assert_eq!(sorted(r#"{"b":1,"a":2,"b":3,"\u0062":4}"#).0, ["a", "b"]);
    }

    #[test]
    fn any_keys_are_sorted_as_a_map_sorts_them() {
        let mut random = Random::new();
        for len in [1, 2, 3, 4, 5, 31, 32, 33, 1000] {
            let keys: Vec<String> = (0..len).map(|_| random.below(len).to_string()).collect();
            let members: Vec<String> = keys.iter().map(|key| format!("\"{key}\":[{key}]")).collect();
            let expected: std::collections::BTreeSet<_> = keys.iter().cloned().collect();
            assert_eq!(sorted(&format!("{{{}}}", members.join(","))).0, Vec::from_iter(expected));
        }
    }

    #[test]
    fn many_keys_take_many_steps() {
        let members: Vec<String> = (0..50_000).map(|key| format!("\"{key}\":0")).collect();
        let (keys, count) = sorted(&format!("{{{}}}", members.join(",")));
        assert!(keys.len() == 50_000 && count > 50, "{count} polls");
    }
}
