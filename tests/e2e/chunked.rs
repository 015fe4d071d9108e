//! QueryChunkedData: an answer that is sent while it is made.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Peer};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::{DataFrameFormat, QueryChunkedDataResponse};
use serde_json::{Value, json};
use tonic::{Code, Status, Streaming};

/// How many bytes more the process may have in memory for an answer of any size than when it is idle.
const MOST: u64 = 64 << 20;

/// Reads to the end.
async fn all(
    mut chunks: Streaming<QueryChunkedDataResponse>,
) -> (Vec<QueryChunkedDataResponse>, Option<Status>) {
    let mut read = Vec::new();
    loop {
        match chunks.message().await {
            Ok(Some(chunk)) => read.push(chunk),
            Ok(None) => return (read, None),
            Err(status) => return (read, Some(status)),
        }
    }
}

#[gpx_tests::test]
async fn five_million_rows_need_little_memory() {
    const ROWS: usize = 5_000_000;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    for format in [DataFrameFormat::Arrow, DataFrameFormat::Json] {
        let model = |rows| query("A").kind("rows").json(json!({ "rows": rows }));
        // The first call makes the instance that the second one uses.
        let (chunks, status) = all(plugin.chunks(&source, [model(10)]).format(format).await.unwrap()).await;
        assert!(status.is_none() && chunks.len() == 1, "{status:?}");
        let process = plugin.process();
        let idle = process.resident();
        process.forget_peak();
        let mut chunks = plugin.chunks(&source, [model(ROWS)]).format(format).await.unwrap();
        let (mut bytes, mut rows) = (0, 0);
        while let Some(chunk) = chunks.message().await.unwrap() {
            assert_eq!((chunk.error.as_str(), chunk.frame_id.as_str()), ("", "rows"));
            bytes += chunk.frame.len();
            rows += 50_000;
        }
        assert_eq!(rows, ROWS);
        assert!(bytes > 16 * ROWS, "{bytes} bytes");
        let more = process.peak().saturating_sub(idle);
        println!(
            "{format:?}: {bytes} bytes were sent, and {more} more were in memory than the {idle} when idle"
        );
        assert!(more <= MOST, "{format:?}: {more} bytes");
    }
    // What was sent is paid back as soon as the connection has taken it.
    while !plugin.metrics().await.unwrap().contains("gpx_memory_bytes{kind=\"answers\"} 0\n") {}
}

#[gpx_tests::test]
async fn a_frame_of_any_size_is_passed_on_in_parts() {
    let plugin = Plugin::guest("probe").start().await;
    let model = query("A").kind("whole").json(json!({ "rows": 300_000 }));
    let (chunks, status) = all(plugin.chunks(&DataSource::new(""), [model]).await.unwrap()).await;
    assert!(status.is_none() && chunks.len() > 3, "{status:?}, {} chunks", chunks.len());
    let rows = |chunk: &QueryChunkedDataResponse| {
        let frame: Value = serde_json::from_slice(&chunk.frame).unwrap();
        frame["data"]["values"][1]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = chunks.iter().flat_map(rows).collect();
    assert!(rows.len() == 300_000 && rows.iter().enumerate().all(|(row, value)| *value == row as f64 / 4.0));
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_stops_the_component() {
    let plugin = Plugin::guest("probe").start().await;
    let mut chunks = plugin.chunks(&DataSource::new(""), [query("A").kind("endless")]).await.unwrap();
    chunks.message().await.unwrap().unwrap();
    drop(chunks);
    let line = plugin.logs.wait_for_message("chunks ended").await;
    assert_eq!(line.text("error"), "the caller of the query is gone");
    assert_eq!(line.fields.get("cancelled"), Some(&json!(true)), "{line}");
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((line.text("endpoint"), line.text("status")), ("queryChunkedData", "cancelled"));
}

#[gpx_tests::test]
async fn a_caller_that_does_not_read_stops_the_component_from_sending() {
    let plugin = Plugin::guest("probe").setting("gpx_call_timeout", "1s").start().await;
    let source = DataSource::new("");
    let mut chunks = plugin.chunks(&source, [query("A").kind("endless")]).await.unwrap();
    // The call's own time ends what the connection's window and the host's buffers have not taken.
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert!(line.text("error").contains("gpx_call_timeout"), "{line}");
    let mut sent = 0;
    let status = loop {
        match chunks.message().await {
            Ok(chunk) => sent += chunk.map_or(0, |chunk| chunk.frame.len()),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unknown);
    assert!(sent < 8 << 20, "{sent} bytes were sent though nobody had read them");
}

#[gpx_tests::test]
async fn what_a_sender_must_not_send_is_refused_or_is_the_error_of_its_ref_id() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let (chunks, status) = all(plugin.chunks(&source, [query("A").kind("hostile")]).await.unwrap()).await;
    assert!(status.is_none(), "{status:?}");
    let refused: Vec<_> = chunks.iter().map(|chunk| (chunk.ref_id.as_str(), chunk.status)).collect();
    let [ok, error] = [200, 500].map(|status| ("A", status));
    assert_eq!(refused, [("other", 200), error, error, ok, error, error, ok]);
    for (at, text) in [
        (1, "frame \"bad\" of query \"A\": its meta is not JSON"),
        (2, "frame \"uneven\" of query \"A\", fields[1] \"two\": it has 2 rows and the first field has 1"),
        (4, "frame \"other\" of query \"A\": its fields are not of the same types as in its first chunk"),
        (5, "frame \"null\" of query \"A\": its fields are not of the same types as in its first chunk"),
    ] {
        assert!(chunks[at].error.starts_with(text), "{}", chunks[at].error);
        assert_eq!((chunks[at].error_source.as_str(), chunks[at].frame.len()), ("plugin", 0));
    }
    assert!(chunks[3].frame.starts_with(b"{\"schema\"") && chunks[6].frame.starts_with(b"{\"data\""));
    let line = plugin.logs.wait_for_message("refused").await;
    assert_eq!(
        line.text("error"),
        "the refId or the frame's id is empty or longer than 1 KiB; give both, and short ones"
    );
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((line.text("status"), line.text("statusSource")), ("error", "plugin"));
}

#[gpx_tests::test]
async fn an_answer_has_a_limited_number_of_frames() {
    // A host that is not optimized works on so many frames for some seconds.
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "60s").start().await;
    let mut chunks = plugin.chunks(&DataSource::new(""), [query("A").kind("many")]).await.unwrap();
    let (mut frames, mut errors) = (0, Vec::new());
    while let Some(chunk) = chunks.message().await.unwrap() {
        if chunk.error.is_empty() { frames += 1 } else { errors.push(chunk.error) }
    }
    assert_eq!((frames, errors.len()), (100_000, 2));
    assert_eq!(errors[0], "query \"A\": its answer has 100001 frames; return at most 100000");
}

#[gpx_tests::test]
async fn a_panic_ends_the_answer() {
    let plugin = Plugin::guest("probe").start().await;
    let (chunks, status) =
        all(plugin.chunks(&DataSource::new(""), [query("A").kind("panic")]).await.unwrap()).await;
    let status = status.unwrap();
    assert!(chunks.is_empty() && status.code() == Code::Unknown, "{status:?}");
    assert!(
        status.message().starts_with("the plugin panicked: the chunks panicked on purpose"),
        "{status:?}"
    );
}

/// Returns what the SDK reads of an answer to these queries.
async fn read(peer: &mut Peer, format: &str, queries: &[Value]) -> Value {
    let mut source = DataSource::new("http://localhost:9");
    source.settings.database = "chunked".to_owned();
    let asked = json!({ "plugin_context": peer::context(&source), "queries": queries, "format": format });
    peer.get("chunked", asked).await
}

#[gpx_tests::test]
async fn chunks_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let probe = Plugin::guest("probe");
    let mut ours = tools.run(probe.executable(), json!({})).await;
    let mut theirs = tools.run(&tools.twin, json!({})).await;
    let of = |ref_id: &str, model: Value| peer::query(&query(ref_id).json(model));
    let cases = [
        vec![of("A", json!({ "frames": 2, "chunks": 3 })), of("B", json!({ "rows": 1000 }))],
        vec![
            of("A", json!({ "chunks": 2, "fault": "half of it is missing" })),
            of("B", json!({ "rows": 0 })),
        ],
        vec![of("A", json!({ "chunks": 2, "end": "no more" })), of("B", json!({}))],
        vec![of("A", json!({ "frames": 0 }))],
        vec![of("A", json!({ "chunks": 2 })), of("A", json!({}))],
        vec![],
    ];
    for format in ["arrow", "json"] {
        for queries in &cases {
            let (mut ours, theirs) =
                (read(&mut ours, format, queries).await, read(&mut theirs, format, queries).await);
            for chunk in ours["chunks"].as_array_mut().unwrap() {
                // The twin's SDK does not say who is to blame.
                if chunk["error"] != "" {
                    assert_eq!(chunk["error_source"].take(), "downstream");
                    chunk["error_source"] = "".into();
                }
            }
            assert_eq!(ours, theirs, "{format}: {queries:?}");
        }
    }
    ours.end().await;
    theirs.end().await;
}
