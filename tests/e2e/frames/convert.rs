//! Long to wide, wide to long and resampling: what the SDK does, beside what the Go SDK does with the same frames.

use serde_json::{Value, json};

use super::{answers, probe};

/// How many frames are converted in each way.
const FRAMES: u64 = 400;

/// Go's errors, and what this SDK says instead.
const ERRORS: [(&str, &str); 10] = [
    ("expected long format series input but got wide", "it is wide and not long"),
    ("expected wide format series input but got long", "it is long and not wide"),
    ("series input but got not series", "it is no time series"),
    ("not timeseries frame", "it is no time series"),
    ("input has null time values", "is null; leave the row out"),
    ("time may not have nil values", "is null; leave the row out"),
    ("time point is nil", "is null; leave the row out"),
    ("not sorted in ascending order by time", "sort the rows by time"),
    ("input fields have no rows", "it has no rows"),
    ("two fields in input frame may not have the same name but different types", "has another type"),
];

/// Says itself what Go's error leaves out: the name.
const SAME_NAME: (&str, &str) = ("duplicate key", "two fields that become labels have the name");

/// How many frames were converted, refused, and what Go panics at.
#[derive(Debug, Default)]
struct Tally {
    converted: usize,
    refused: usize,
    panics: usize,
}

#[gpx_tests::test]
async fn frames_are_converted_as_the_go_sdk_converts_them() {
    let Some(mut peer) = probe().await else { return };
    let fills = [json!(null), json!("previous"), json!("null"), json!(7)];
    let with_fill = |how| fills.iter().map(move |fill| (how, fill.clone()));
    let ways = with_fill("long-to-wide").chain([("wide-to-long", json!(null))]).chain(with_fill("resample"));
    for (how, fill) in ways {
        // The series begin at 3 s, and most are shorter than 12 s.
        let way = json!({
            "count": FRAMES, "how": how, "fill": fill,
            "from_ns": 2_000_000_000_i64, "to_ns": 15_000_000_000_i64, "interval_ns": 1_500_000_000_i64,
        });
        let mut answers = answers(&mut peer, "json", &[("A".to_owned(), "convert", way.clone())]).await;
        let Value::Array(frames) = answers["A"]["frames"].take() else { panic!("{}", answers["A"]["error"]) };
        assert_eq!(frames.len() as u64, 2 * FRAMES);
        let mut asked = way.clone();
        asked["frames"] = frames.chunks(2).map(|pair| pair[0]["sent"]["json"].clone()).collect();
        let go = peer.get("convert", asked).await["frames"].take();
        let mut tally = Tally::default();
        for (pair, go) in frames.chunks(2).zip(go.as_array().unwrap()) {
            compare(&pair[0], &pair[1], go, &mut tally);
        }
        // Both ends are tried, and often.
        assert!(tally.converted > 40 && tally.refused > 40, "{how} {fill}: {tally:?}");
        assert!(tally.panics == 0 || how == "resample", "{how} {fill}: {tally:?}");
        eprintln!("{how} with fill {fill}: {tally:?}");
    }
    peer.end().await;
}

fn compare(input: &Value, ours: &Value, go: &Value, tally: &mut Tally) {
    let input = &input["sent"]["json"];
    let text = (ours["name"] == "error").then(|| ours["fields"][0]["values"][0].as_str().unwrap());
    match (text, go["error"].as_str()) {
        (Some(text), Some(error)) => {
            let known = ERRORS.iter().chain([&SAME_NAME]).find(|(theirs, _)| error.contains(theirs));
            let (_, said) = known.unwrap_or_else(|| panic!("Go says {error}"));
            assert!(text.contains(said), "{input}\nours: {text}\ntheirs: {error}");
            tally.refused += 1;
        }
        // It cannot put a null into a field that is not nullable. The SDK makes the field nullable.
        (None, None) if !go["panic"].is_null() => {
            let nulls = ours["fields"].as_array().unwrap().iter().any(|field| {
                field["nullable"] == true && field["values"].as_array().unwrap().contains(&Value::Null)
            });
            assert!(nulls, "{input}\nours: {}\nGo panics: {}", ours["sent"]["json"], go["panic"]);
            tally.panics += 1;
        }
        (None, None) => {
            assert_eq!(ours["sent"]["json"], go["json"], "{input}");
            tally.converted += 1;
        }
        // Nor does it get as far as the time that is null.
        (Some(text), None) if !go["panic"].is_null() => {
            assert!(text.contains("is null; leave the row out"), "{input}\nours: {text}");
            tally.panics += 1;
        }
        (ours, theirs) => panic!("{input}\nours: {ours:?}\ntheirs: {theirs:?}, {}", go["panic"]),
    }
}
