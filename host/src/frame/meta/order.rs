//! The keys of an object in order.

use std::cmp::Ordering;

use super::super::pace::Pace;
use super::document::Document;
use super::string::decoded;

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
    let mut runs: Vec<usize> = vec![1; keys.len()];
    while runs.len() > 1 {
        (keys, runs) = merge(document, &keys, &runs, pace).await;
    }
    keys
}

/// Merges each two runs of sorted keys. `runs` is how many keys each has.
async fn merge(
    document: &Document<'_>,
    keys: &[u32],
    runs: &[usize],
    pace: &mut Pace,
) -> (Vec<u32>, Vec<usize>) {
    let (mut merged, mut lengths) =
        (Vec::with_capacity(keys.len()), Vec::with_capacity(runs.len().div_ceil(2)));
    let mut rest = keys;
    for pair in runs.chunks(2) {
        let before = merged.len();
        let mut left = split(&mut rest, pair.first());
        let mut right = split(&mut rest, pair.get(1));
        while let ([one, ones @ ..], [other, others @ ..]) = (left, right) {
            let (one_key, other_key) = (document.raw(*one as usize), document.raw(*other as usize));
            match decoded(one_key).cmp(&decoded(other_key)) {
                Ordering::Less => {
                    merged.push(*one);
                    left = ones;
                }
                // The other is the later one.
                Ordering::Equal => left = ones,
                Ordering::Greater => {
                    merged.push(*other);
                    right = others;
                }
            }
            pace.spend(size_of::<u32>() + one_key.len().min(other_key.len())).await;
        }
        for keys in [left, right] {
            merged.extend_from_slice(keys);
            pace.spend(size_of_val(keys)).await;
        }
        lengths.push(merged.len() - before);
    }
    (merged, lengths)
}

fn split<'a>(rest: &mut &'a [u32], count: Option<&usize>) -> &'a [u32] {
    let (run, tail) = rest.split_at_checked(count.copied().unwrap_or_default()).unwrap_or((rest, &[]));
    *rest = tail;
    run
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{Random, polls};
    use super::super::document::ROOT;
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
