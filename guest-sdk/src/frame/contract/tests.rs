//! What each type refuses, and that the message says what to do.

use serde_json::json;

use super::super::{Enumeration, Json, Meta, Visualization};
use super::*;
use crate::{Field, Time};

mod logs_and_heatmaps;

fn times<const ROWS: usize>(seconds: [i64; ROWS]) -> Frame {
    Frame::new("f").time("time", seconds.map(Time::from_unix_seconds))
}

fn host(name: &str, values: impl Into<Vec<f64>>) -> Field {
    Field::new("load", values).label("host", name)
}

#[track_caller]
fn refused(frame: Frame, frame_type: FrameType, message: &str) {
    let error = frame.promise(frame_type).unwrap_err().to_string();
    assert_eq!(error, format!("frame \"f\"{message}"));
}

const SERIES: [FrameType; 3] =
    [FrameType::TimeSeriesWide, FrameType::TimeSeriesMulti, FrameType::TimeSeriesLong];
const NUMERIC: [FrameType; 3] = [FrameType::NumericWide, FrameType::NumericMulti, FrameType::NumericLong];

#[test]
fn a_promise_is_in_the_meta_with_its_version() {
    let promised = |frame: Frame, frame_type| {
        let frame = frame.promise(frame_type).unwrap();
        let meta: serde_json::Value = serde_json::from_str(&wit::Frame::from(frame).meta.unwrap()).unwrap();
        meta
    };
    let frame = || times([1, 2]).with(host("a", [1.0, 2.0])).with(host("b", [1.0, 2.0]));
    assert_eq!(
        promised(frame(), FrameType::TimeSeriesWide),
        json!({ "type": "timeseries-wide", "typeVersion": [0, 1] })
    );
    assert_eq!(
        promised(frame().meta(Meta::new().visualization(Visualization::Graph)), FrameType::HeatmapRows),
        json!({ "type": "heatmap-rows", "preferredVisualisationType": "graph" })
    );
    for frame_type in SERIES.into_iter().chain(NUMERIC) {
        assert_eq!(promised(Frame::new(""), frame_type)["typeVersion"], json!([0, 1]), "no data");
    }
    for frame_type in [FrameType::LogLines, FrameType::HeatmapCells, FrameType::Table, FrameType::Histogram] {
        assert_eq!(promised(Frame::new(""), frame_type), json!({ "type": frame_type.name() }));
    }
}

#[test]
fn fields_have_the_same_length() {
    let message = ", fields[1] \"v\": it has 1 rows, and fields[0] has 2; give all fields as many values";
    for frame_type in SERIES.into_iter().chain([FrameType::Table, FrameType::HeatmapRows]) {
        refused(times([1, 2]).field("v", [1.0]), frame_type, message);
    }
}

#[test]
fn a_series_has_one_time_in_order() {
    let values = Frame::new("f").field("v", [1.0]);
    let labelled = Field::new("time", [Time::from_unix_seconds(1)]).label("a", "b");
    for frame_type in SERIES {
        refused(values.clone(), frame_type, ": it has no time; add a field of times with `Frame::time`");
        refused(
            times([1]).field("v", [1.0]).time("end", [Time::from_unix_seconds(2)]),
            frame_type,
            ", fields[2] \"end\": it is a second time beside fields[0], and would be ignored; leave it out",
        );
        refused(
            values.clone().field("t", [Some(Time::from_unix_seconds(1))]),
            frame_type,
            ", fields[1] \"t\": times must not be nullable; leave out the rows without one, and give `Time`s without \
             `Option`",
        );
        refused(
            values.clone().with(labelled.clone()),
            frame_type,
            ", fields[1] \"time\" {a=\"b\"}: times have no labels; give the labels to the values",
        );
        refused(
            times([1, 3, 2]).field("v", [1.0, 2.0, 3.0]),
            frame_type,
            ", fields[0] \"time\": row 2 is before row 1; sort the rows by time, the oldest first",
        );
    }
    let repeated = || times([1, 1]).field("v", [1.0, 2.0]).field("host", ["a", "b"]);
    assert!(repeated().promise(FrameType::TimeSeriesLong).is_ok());
    for frame_type in [FrameType::TimeSeriesWide, FrameType::TimeSeriesMulti] {
        refused(
            times([1, 1]).field("v", [1.0, 2.0]),
            frame_type,
            ", fields[0] \"time\": row 1 has the time of row 0; keep one row for each time",
        );
    }
}

#[test]
fn what_would_be_ignored_is_refused() {
    let json = Frame::new("f").field("v", [1.0]).field("json", [Json("1".to_owned())]);
    let enumeration = Frame::new("f").field("v", [1.0]).field("e", [Enumeration(0)]);
    for frame_type in NUMERIC {
        let name = frame_type.name();
        let rest = "would be ignored; convert it to numbers or texts, or leave it out";
        refused(json.clone(), frame_type, &format!(", fields[1] \"json\": {name} JSON {rest}"));
        refused(enumeration.clone(), frame_type, &format!(", fields[1] \"e\": {name} enumerations {rest}"));
        refused(
            times([1]).field("v", [1.0]),
            frame_type,
            &format!(
                ", fields[0] \"time\": {name} times would be ignored; leave it out, or choose a time series"
            ),
        );
    }
    let flag = Frame::new("f").with(Field::new("up", [true]).label("host", "a"));
    for frame_type in [FrameType::NumericWide, FrameType::NumericLong] {
        let message = format!(
            ", fields[0] \"up\" {{host=\"a\"}}: {} booleans would be ignored; convert them to 0 and 1, or choose numeric-multi",
            frame_type.name()
        );
        refused(flag.clone(), frame_type, &message);
    }
    assert!(flag.promise(FrameType::NumericMulti).is_ok());
    for (frame, frame_type, long) in [
        (times([1]), FrameType::TimeSeriesWide, "timeseries-long"),
        (times([1]), FrameType::TimeSeriesMulti, "timeseries-long"),
        (Frame::new("f"), FrameType::NumericWide, "numeric-long"),
        (Frame::new("f"), FrameType::NumericMulti, "numeric-long"),
    ] {
        let number = frame.table.fields.len() + 1;
        let name = frame_type.name();
        refused(
            frame.field("v", [1.0]).field("host", ["a"]),
            frame_type,
            &format!(
                ", fields[{number}] \"host\": {name} texts would be ignored; make a label of it, or choose {long}"
            ),
        );
    }
    refused(
        times([1]).field("v", [1]).field("w", [2]),
        FrameType::TimeSeriesMulti,
        ", fields[2] \"w\": it is a second value beside fields[1], and would be ignored; make a frame of its own of it",
    );
    refused(
        times([1, 1]).with(host("a", [1.0, 2.0])),
        FrameType::TimeSeriesLong,
        ", fields[1] \"load\" {host=\"a\"}: labels would be ignored; make a field of texts of each, with a value for \
         each row",
    );
}

#[test]
fn there_is_a_value() {
    for frame_type in SERIES {
        let message = ": it has no values; add a field of numbers or booleans";
        refused(times([1]), frame_type, message);
    }
    refused(
        Frame::new("f").field("host", ["a"]),
        FrameType::NumericLong,
        ": it has no values; add a field of numbers or booleans",
    );
}

#[test]
fn items_are_told_apart() {
    let same = ", fields[2] \"load\" {host=\"a\"}: fields[1] has the same name and labels; tell them apart by a label";
    refused(times([1]).with(host("a", [1.0])).with(host("a", [2.0])), FrameType::TimeSeriesWide, same);
    let twice = || host("a", [1.0]).label("zone", "b").label("host", "c");
    let message = "\"load\" {host=\"c\", zone=\"b\"}: it has the label \"host\" twice; give each label once";
    refused(times([1]).with(twice()), FrameType::TimeSeriesWide, &format!(", fields[1] {message}"));
    refused(Frame::new("f").with(twice()), FrameType::NumericMulti, &format!(", fields[0] {message}"));
    // Empty labels are none.
    let bare = || Frame::new("f").field("v", [1.0]).with(Field::new("v", [2.0]).no_labels());
    refused(
        bare(),
        FrameType::NumericWide,
        ", fields[1] \"v\": fields[0] has the same name and labels; tell them apart by a label",
    );
    refused(
        times([1, 2, 2, 2]).field("v", [1.0; 4]).field("host", [Some("a"), Some("a"), Some(""), None]),
        FrameType::TimeSeriesLong,
        ": row 3 has the same time and texts as an earlier one; aggregate them, or add a field of texts that tells them \
         apart",
    );
    refused(
        Frame::new("f").field("v", [1.0; 2]).field("host", ["a"; 2]),
        FrameType::NumericLong,
        ": row 1 has the same texts as an earlier one; aggregate them, or add a field of texts that tells them apart",
    );
    refused(
        Frame::new("f").field("v", [1.0; 2]),
        FrameType::NumericLong,
        ": it has 2 rows and no texts that tell them apart; add a field of texts",
    );
    refused(
        Frame::new("f").field("v", [1.0]).field("v", ["a"]),
        FrameType::NumericLong,
        ", fields[1] \"v\": fields[0] has the same name; rename one of them",
    );
}

#[test]
fn a_number_is_one_row() {
    for frame_type in [FrameType::NumericWide, FrameType::NumericMulti] {
        refused(
            Frame::new("f").field("v", [1.0, 2.0]),
            frame_type,
            ": it has 2 rows, and each number is a field of one row; give it one row, or choose numeric-long",
        );
        assert!(Frame::new("f").field("v", [0.0; 0]).promise(frame_type).is_ok(), "an empty value");
    }
}

#[test]
fn frames_of_a_set_are_told_apart_and_none_is_empty() {
    let frame = |name: &str| times([1]).with(host(name, [1.0]));
    let refused = |frames, frame_type| promise(frames, frame_type).unwrap_err().to_string();
    assert_eq!(
        refused(vec![frame("a"), Frame::new("g")], FrameType::TimeSeriesMulti),
        "frames[1] \"g\": it has no fields, and there are other frames; leave it out"
    );
    assert_eq!(
        refused(vec![frame("a"), frame("b")], FrameType::TimeSeriesWide),
        "frames[1] \"f\": timeseries-wide is the type of a single frame; put all of it into one, or choose \
         timeseries-multi"
    );
    assert_eq!(promise(vec![], FrameType::TimeSeriesWide).unwrap().len(), 0);
    assert_eq!(promise(vec![frame("a"), frame("b")], FrameType::TimeSeriesMulti).unwrap().len(), 2);
}
