//! Logs and heatmaps, whose fields the contract names.

use super::super::super::Json;
use super::*;

#[test]
fn a_log_has_a_time_and_a_text() {
    let at = || Frame::new("f").time("timestamp", [Time::from_unix_seconds(1)]);
    let line = || at().field("body", ["a"]);
    let promised = |frame: Frame| frame.promise(FrameType::LogLines);
    assert!(promised(line().field("labels", [Json(r#"{"a":1}"#.to_owned())]).field("other", [1])).is_ok());
    for (frame, message) in [
        (Frame::new("f").field("body", ["a"]), ": it has no field \"timestamp\"; add it, with times"),
        (at(), ": it has no field \"body\"; add it, with texts"),
        (
            line().field("severity", [1]),
            ", fields[2] \"severity\": it must hold texts; convert the values or rename it",
        ),
        (
            line().field("labels", ["{}"]),
            ", fields[2] \"labels\": it must hold JSON; convert the values or rename it",
        ),
        (
            line().field("labels", [Json("[]".to_owned())]),
            ", fields[2] \"labels\": row 0 is not a JSON object; write `{}` where there is nothing",
        ),
        (
            at().field("body", [Some("a")]),
            ", fields[1] \"body\": it must not be nullable; leave out the lines without it",
        ),
        (
            line().field("body", ["b"]),
            ", fields[2] \"body\": fields[1] has the same name; rename one of them",
        ),
    ] {
        refused(frame, FrameType::LogLines, message);
    }
}

#[test]
fn a_heatmap_has_axes_and_counts() {
    let le = |bound: &str| Field::new("", [1]).label("le", bound);
    let rows = || times([1]).with(le("0.5"));
    assert!(rows().with(le("+Inf")).promise(FrameType::HeatmapRows).is_ok());
    assert!(Frame::new("f").field("x", [1]).field("row", [2]).promise(FrameType::HeatmapRows).is_ok());
    for (frame, message) in [
        (
            Frame::new("f").field("x", ["a"]),
            ", fields[0] \"x\": an axis must hold times or numbers; convert the values",
        ),
        (times([1]), ": it has no values; add a field of numbers or booleans"),
        (
            rows().field("n", ["a"]),
            ", fields[2] \"n\": it must hold numbers; convert the values or rename it",
        ),
        (
            rows().field("n", [1]),
            ", fields[2] \"n\": it has no label \"le\", and others have one; give it to all rows or to none",
        ),
        (
            rows().with(le("many")),
            ", fields[2] \"\" {le=\"many\"}: its label \"le\" is \"many\"; it must be a number or \"+Inf\"",
        ),
        (
            rows().with(le("0.5")),
            ", fields[2] \"\" {le=\"0.5\"}: its label \"le\" is not greater than that of the field before; sort the \
             fields by it",
        ),
    ] {
        refused(frame, FrameType::HeatmapRows, message);
    }
    let cells = || Frame::new("f").time("xMax", [Time::from_unix_seconds(1)]);
    assert!(
        cells()
            .field("yMin", [1])
            .field("yMax", [2])
            .field("count", [3])
            .promise(FrameType::HeatmapCells)
            .is_ok()
    );
    for (frame, message) in [
        (cells(), ": it has no y axis; name a field \"y\", \"yMin\" or \"yMax\""),
        (Frame::new("f").field("y", [1]), ": it has no x axis; name a field \"x\", \"xMin\" or \"xMax\""),
        (cells().field("y", [1]), ": it has no values; add a field of numbers or booleans"),
        (
            cells().field("y", ["a"]),
            ", fields[1] \"y\": it must hold numbers; convert the values or rename it",
        ),
        (cells().field("xMax", [1]), ", fields[1] \"xMax\": fields[0] has the same name; rename one of them"),
    ] {
        refused(frame, FrameType::HeatmapCells, message);
    }
}
