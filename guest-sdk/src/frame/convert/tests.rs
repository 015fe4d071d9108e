//! What is refused, and what Go would not do or not say. That all else is as in Go is tested against the Go SDK.

use std::time::Duration;

use super::*;
use crate::{Field, FieldConfig};

fn times<const ROWS: usize>(seconds: [i64; ROWS]) -> Frame {
    Frame::new("f").time("time", seconds.map(Time::from_unix_seconds))
}

fn seconds(start: i64, end: i64) -> RangeInclusive<Time> {
    Time::from_unix_seconds(start)..=Time::from_unix_seconds(end)
}

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn refused(result: Result<Frame, ConvertError>, message: &str) {
    assert_eq!(result.unwrap_err().to_string(), format!("frame \"f\" cannot be converted: {message}"));
}

#[test]
fn errors_say_what_to_do() {
    let long = || times([2, 1]).field("v", [1, 2]).field("host", ["a", "b"]);
    refused(long().long_to_wide(None), "row 1 is before row 0; sort the rows by time, the oldest first");
    refused(long().wide_to_long(), "it is long and not wide; make labels of its texts and booleans");
    let wide = || times([1]).field("v", [1]);
    refused(
        wide().long_to_wide(None),
        "it is wide and not long; add a field of texts that tells the series apart",
    );
    let no_series = "it is no time series; give it a field of times and one of numbers";
    for frame in [times([1]), Frame::new("f"), Frame::new("f").field("v", [1])] {
        refused(frame.clone().long_to_wide(None), no_series);
        refused(frame.clone().wide_to_long(), no_series);
        refused(frame.resample(seconds(0, 1), SECOND, None), no_series);
    }
    let lengths = "its fields differ in length; give all fields as many values";
    refused(long().field("w", [1]).long_to_wide(None), lengths);
    refused(wide().field("w", [1, 2]).wide_to_long(), lengths);
    let no_rows = "it has no rows; answer with the frame as it is, or without one";
    refused(times([]).field("v", [0; 0]).wide_to_long(), no_rows);
    refused(times([]).field("v", [0; 0]).field("host", [true; 0]).long_to_wide(None), no_rows);
    let null = Frame::new("f").field("time", [None::<Time>]).field("v", [1]);
    let null_time = "the time of row 0 is null; leave the row out";
    refused(null.clone().wide_to_long(), null_time);
    refused(null.clone().resample(seconds(0, 1), SECOND, None), null_time);
    refused(null.field("host", ["a"]).long_to_wide(None), null_time);
    refused(
        wide().field("a", ["x"]).field("a", [true]).long_to_wide(None),
        "two fields that become labels have the name \"a\"; rename one of them",
    );
    refused(
        wide().field("v", [1.0]).wide_to_long(),
        "fields[2] \"v\" has another type than the field of that name before it; convert its values or rename it",
    );
    refused(
        wide().field("v", [Some(1)]).wide_to_long(),
        "fields[2] \"v\" has another type than the field of that name before it; convert its values or rename it",
    );
    refused(
        wide().resample(seconds(0, 1), Duration::from_nanos(1), None),
        "it would have 1000000001 rows, of which there can be 4194304; choose a longer interval",
    );
}

#[test]
fn a_long_frame_of_many_series_is_refused_before_it_uses_up_the_memory() {
    let rows = 5000;
    let hosts: Vec<_> = (0..rows).map(|row| row.to_string()).collect();
    let long = Frame::new("f")
        .time("time", (0..rows).map(Time::from_unix_seconds).collect::<Vec<_>>())
        .field("host", hosts)
        .field("load", vec![0.5; 5000]);
    refused(
        long.long_to_wide(Fill::Null),
        "it would have 25000000 values, of which there can be 16777216; give it fewer rows, or fewer texts that tell \
         series apart",
    );
}

#[test]
fn many_fields_become_long_in_time() {
    // A search of all fields for each cell would compare names four billion times.
    let mut wide = times([0; 2000]);
    for number in 0..1000 {
        wide = wide.field(format!("field {number}"), vec![1.0; 2000]);
    }
    assert_eq!(wide.wide_to_long().unwrap().rows(), Some(2000));
}

#[test]
fn the_field_keeps_its_config() {
    let load = || Field::new("load", [0.5]).config(FieldConfig::new().unit("percentunit"));
    let config = |frame: Frame, field: usize| frame.table.fields[field].config.clone();
    let unit = Some(r#"{"unit":"percentunit"}"#.to_owned());
    let long = times([1]).field("host", ["a"]).with(load());
    assert_eq!(config(long.long_to_wide(None).unwrap(), 1), unit);
    assert_eq!(config(times([1]).with(load()).wide_to_long().unwrap(), 1), unit);
    let resampled = times([1]).with(load()).resample(seconds(0, 2), SECOND, None).unwrap();
    assert_eq!(config(resampled, 1), unit);
}

#[test]
fn where_go_panics_a_field_becomes_nullable() {
    let frame = || times([1]).field("v", [7]);
    let of = |fill: Option<Fill>| {
        let mut frame = frame().resample(seconds(0, 2), SECOND, fill).unwrap();
        frame.table.fields.remove(1)
    };
    let field = of(Some(Fill::Previous));
    let wit::Column::Int32(values) = &field.column else { panic!("{field:?}") };
    assert_eq!((values, &field.validity), (&vec![0, 7, 7], &Some(vec![0b110])));
    assert_eq!(of(Some(Fill::Value(1.0))).validity, None);
    assert_eq!(of(None).validity, Some(vec![0b010]));
}

#[test]
fn a_number_that_the_type_does_not_have_becomes_the_nearest() {
    let long = times([1, 2]).field("host", ["a", "b"]).field("v", [1_u8, 2]);
    let wide = long.long_to_wide(Fill::Value(-1.0)).unwrap();
    let wit::Column::Uint8(values) = &wide.table.fields[1].column else { panic!("{wide:?}") };
    assert_eq!(values, &[1, 0]);
}

#[test]
fn a_range_that_ends_before_it_begins_has_no_points_and_an_interval_of_0_changes_nothing() {
    let frame = || times([1, 2]).field("v", [7, 8]);
    assert_eq!(frame().resample(seconds(2, 1), SECOND, None).unwrap().rows(), Some(0));
    assert_eq!(frame().resample(seconds(0, 9), Duration::ZERO, None).unwrap().rows(), Some(2));
}
