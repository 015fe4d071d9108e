//! What scripts read: JSON, CSV and Arrow.

use gpx_client::frame::{Cell, Frame};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};

use super::example;
use crate::terminal::{ended, gpx};

const TWO_FRAMES: &str = r#"{"queryType":"types","rows":[2,0]}"#;

#[gpx_tests::test]
async fn csv_has_every_type() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let run = ended(["run", folder, "--query", TWO_FRAMES, "--format", "csv"]).await.ok();
    let lines: Vec<_> = run.stdout.split("\r\n").collect();
    assert!(lines[0].starts_with(r#"time,"time?{type=""time""}",text,"#), "{}", lines[0]);
    assert_eq!(
        lines[1],
        "2023-11-14T22:13:20.123456789Z,2023-11-14T22:13:20.123456789Z,plain,plain,true,true,-128,-128,-32768,-32768,\
         -2147483648,-2147483648,-9223372036854775808,-9223372036854775808,0,0,0,0,0,0,0,0,-3.4028235e38,-3.4028235e38,\
         NaN,NaN,\"{\"\"a\"\":[1,null]}\",\"{\"\"a\"\":[1,null]}\",0,0"
    );
    assert_eq!(lines[2], "1970-01-01T00:00:00Z,,,,false,,0,,0,,0,,0,,1,,1,,1,,1,,0.1,,0.1,,null,,1,");
    // An empty line, and the frame without rows.
    assert_eq!(lines[3..], ["", lines[0], ""]);
}

#[gpx_tests::test]
async fn json_is_what_grafana_gives_its_frontend() {
    let upstream = Upstream::points(2).await;
    let words = ["run", &example(), "--url", &upstream.url(), "--query", "[{},{}]", "--format", "json"];
    let run = ended(words).await;
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let refused = "query 2 is refused on purpose, to show a status per query";
    let expected = json!({ "status": 400, "error": refused, "errorSource": "plugin", "frames": [] });
    assert_eq!(document["results"]["B"], expected);
    let frame = &document["results"]["A"]["frames"][0];
    assert_eq!(
        (&frame["schema"]["name"], frame["data"]["values"][0].as_array().unwrap().len()),
        (&json!("response"), 2)
    );
    assert!(run.stderr.contains("\nquery B  400  query 2 is refused on purpose"), "{}", run.stderr);
    run.failed("1 of 2 queries failed");
}

#[gpx_tests::test]
async fn one_document_has_everything() {
    let upstream = Upstream::points(2).await;
    let words = ["run", &example(), "--url", &upstream.url(), "--json", "--repeat", "2"];
    let document: Value = serde_json::from_str(&ended(words).await.ok().stdout).unwrap();
    assert_eq!(document["health"]["status"], "ok");
    assert_eq!(document["results"]["A"]["status"], 200);
    assert_eq!(document["milliseconds"].as_array().unwrap().len(), 2);
    let spans: Vec<_> = document["spans"].as_array().unwrap().iter().map(|span| &span["name"]).collect();
    assert!(
        spans.contains(&&json!("gpx: QueryData")) && spans.contains(&&json!("query processing")),
        "{spans:?}"
    );
}

#[gpx_tests::test]
async fn arrow_is_the_file_of_one_frame() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let words = ["run", folder, "--query", TWO_FRAMES, "--format", "arrow"];
    ended(words).await.failed("and there are 2; choose with --frame N");
    ended(words.into_iter().chain(["--frame", "3"]))
        .await
        .failed("there is no frame 3; the answers have 2 frames");
    let output = gpx(words.into_iter().chain(["--frame", "1"])).output().unwrap();
    let frame = Frame::from_arrow(output.stdout.into()).unwrap();
    assert_eq!((frame.name.as_str(), frame.rows(), frame.fields.len()), ("types", 2, 30));
    let (kinds, second): (Vec<_>, Vec<Vec<_>>) = (
        frame.fields.iter().map(|field| field.kind.as_str()).collect(),
        frame.cells().map(Iterator::collect).collect(),
    );
    assert_eq!((kinds[0], kinds[2], kinds[26], kinds[28]), ("time", "string", "json", "enum"));
    assert_eq!(second[1][..4], [Cell::Time(0), Cell::Null, Cell::Text(""), Cell::Null]);
    assert_eq!((frame.fields[1].unit(), frame.fields[1].labels["type"].as_str()), (Some("short"), "time"));
    assert!(Frame::from_arrow(b"ARROW1\0\0garbage".as_slice().into()).is_err());
}

#[gpx_tests::test]
async fn a_table_has_types_units_and_labels_above_its_rows() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let query = r#"{"queryType":"types","rows":[2]}"#;
    let run = ended(["run", folder, "--query", query, "--rows", "0", "--trace", "off"]).await.ok();
    let lines: Vec<_> = run.stdout.lines().skip(3).collect();
    let words = |line: &str| line.split_whitespace().take(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0])[..5], ["frame", "1", "types", "2", "rows,"]);
    assert_eq!(words(lines[1]), ["time", "time?", "text", "text?", "bool"]);
    assert_eq!(words(lines[2]), ["time", "time", "(short)", "string", "string"]);
    assert_eq!(words(lines[3])[..3], ["type=time", "type=text", "type=bool"]);
    assert_eq!(words(lines[5]), ["1970-01-01T00:00:00Z", "null", "null", "false", "null"]);
    assert!(lines[6].contains("more fields; --format csv prints all"), "{}", lines[6]);
    assert!(lines[1..6].iter().all(|line| line.chars().count() <= 200), "{}", run.stdout);
}
