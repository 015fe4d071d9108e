//! Series in each format, and what is refused.

use crate::bindings::base::gpx::plugin::frames as wit;

use super::*;

fn at(seconds: i64) -> Time {
    Time::from_unix_seconds(seconds)
}

fn series() -> TimeSeries<i64> {
    TimeSeries::new("f")
        .with(Series::new("load", [(at(1), 10), (at(3), 30)]).label("host", "a"))
        .with(Series::new("load", [(at(2), 21)]).label("host", "b").label("zone", "z"))
        .with(Series::new("free", [(at(2), 22), (at(3), 32)]).label("host", "a"))
}

/// A frame's columns as texts, a null as `-`.
fn shown(frame: Frame) -> Vec<String> {
    let fields = wit::Frame::from(frame).fields;
    let shown = fields.iter().map(|field| {
        let is_null =
            |row: usize| field.validity.as_ref().is_some_and(|bits| bits[row / 8] >> (row % 8) & 1 == 0);
        let cells: Vec<String> = match &field.column {
            wit::Column::Time(times) => {
                times.iter().map(|nanos| (nanos / 1_000_000_000).to_string()).collect()
            }
            wit::Column::Int64(values) => values.iter().map(ToString::to_string).collect(),
            wit::Column::Text(texts) => {
                let bounds = texts.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize);
                bounds.map(|bounds| String::from_utf8_lossy(&texts.bytes[bounds]).into_owned()).collect()
            }
            other => panic!("{other:?}"),
        };
        let cells: Vec<_> =
            cells.iter().enumerate().map(|(row, cell)| if is_null(row) { "-" } else { cell }).collect();
        let labels: Labels = field.labels.iter().flatten().map(|label| (&*label.name, &*label.value)).into();
        format!("{}{labels}: {}", field.name, cells.join(" "))
    });
    shown.collect()
}

#[test]
fn wide_has_a_row_for_each_time() {
    assert_eq!(
        shown(series().wide().unwrap()),
        [
            "time: 1 2 3",
            r#"load {host="a"}: 10 - 30"#,
            r#"load {host="b", zone="z"}: - 21 -"#,
            r#"free {host="a"}: - 22 32"#,
        ]
    );
}

#[test]
fn multi_has_the_points_as_they_are() {
    let frames: Vec<_> = series().multi().unwrap().into_iter().map(shown).collect();
    assert_eq!(frames[0], ["time: 1 3", r#"load {host="a"}: 10 30"#]);
    assert_eq!(frames[1], ["time: 2", r#"load {host="b", zone="z"}: 21"#]);
    assert_eq!(frames.len(), 3);
}

#[test]
fn long_has_a_row_for_each_time_and_set_of_labels() {
    assert_eq!(
        shown(series().long().unwrap()),
        ["time: 1 2 2 3", "load: 10 - 21 30", "free: - 22 - 32", "host: a a b a", "zone:   z "]
    );
}

#[test]
fn rows_become_series_in_any_order_of_the_labels() {
    let rows = [("b", 1, 1_i64), ("a", 1, 2), ("b", 2, 3)];
    let rows = rows.map(|(host, time, value)| ([("host", host)], at(time), value));
    assert_eq!(
        shown(TimeSeries::from_rows("load", rows).wide().unwrap()),
        ["time: 1 2", r#"load {host="b"}: 1 3"#, r#"load {host="a"}: 2 -"#]
    );
}

#[test]
fn no_series_are_no_data() {
    let none = || TimeSeries::<f64>::new("f");
    let [wide, long] = [none().wide().unwrap(), none().long().unwrap()].map(shown);
    assert_eq!((wide.len(), long.len()), (0, 0));
    let multi = none().multi().unwrap();
    assert_eq!(multi.len(), 1);
    assert_eq!(multi.into_iter().flat_map(shown).count(), 0);
    // A series without points is an empty item, which is something else.
    let empty = none().with(Series::new("load", [] as [(Time, f64); 0])).wide().unwrap();
    assert_eq!(wit::Frame::from(empty).fields.len(), 2);
}

#[test]
fn every_format_refuses_the_same_series_by_name() {
    let refused = |points: &[(i64, i64)], host: &str, message: &str| {
        let points = points.iter().map(|&(time, value)| (at(time), value));
        let series = series().with(Series::new("load", points).label("host", host));
        let errors = [
            series.clone().wide().unwrap_err(),
            series.clone().long().unwrap_err(),
            series.multi().unwrap_err(),
        ];
        for error in errors {
            assert_eq!(
                error.to_string(),
                format!("frame \"f\", series[3] \"load\" {{host=\"{host}\"}}: {message}")
            );
        }
    };
    refused(&[(2, 1), (1, 1)], "c", "row 1 is before row 0; sort the rows by time, the oldest first");
    refused(&[(2, 1), (2, 1)], "c", "row 1 has the time of row 0; keep one row for each time");
    refused(&[(1, 1)], "a", "series[0] has the same name and labels; tell them apart by a label");
}
