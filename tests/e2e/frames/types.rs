//! Columns of every type, with and without nulls, of many lengths: as the Go SDK makes, writes and reads them.

use serde_json::json;

use super::{FORMATS, answers, probe};

/// Around the ends of bytes, words and paddings of a bitmap and of a column.
const ROWS: [usize; 14] = [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 513, 1000];

#[gpx_tests::test]
async fn a_column_of_every_type_and_length_is_as_the_go_sdk_makes_it() {
    let Some(mut peer) = probe().await else { return };
    let go = peer.get("types", json!({ "rows": ROWS })).await["frames"].take();
    for format in FORMATS {
        let asked = [("A".to_owned(), "types", json!({ "rows": ROWS }))];
        let answers = answers(&mut peer, format, &asked).await;
        let ours = answers["A"]["frames"].as_array().unwrap();
        assert_eq!(ours.len(), ROWS.len(), "{}", answers["A"]["error"]);
        for (rows, (ours, go)) in ROWS.iter().zip(ours.iter().zip(go.as_array().unwrap())) {
            let go = &go[format];
            assert_eq!(ours["fields"].as_array().map(Vec::len), Some(30));
            for (ours, go) in ours["fields"].as_array().unwrap().iter().zip(go["fields"].as_array().unwrap())
            {
                assert_eq!(ours["values"].as_array().map(Vec::len), Some(*rows));
                assert_eq!(ours, go, "{format}, {rows} rows");
            }
            for part in ["name", "ref_id", "meta"] {
                assert_eq!(ours[part], go[part], "{format}, {rows} rows");
            }
            assert_eq!(ours["sent"], go["sent"], "{format}, {rows} rows");
        }
    }
    peer.end().await;
}
