//! Times in a format of the dashboard's, such as `YYYY-MM-DD HH:mm`, in UTC.

use crate::Time;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From the day of 1970-01-01.
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

const DAY: i64 = 24 * 60 * 60;

/// Writes a time by the letters of moment.js, which the frontend uses. Returns `None` if there are letters without a meaning here.
pub(super) fn write(time: Time, format: &str) -> Option<String> {
    let whole = seconds(time);
    let part = |from: usize| whole.get(from..from + 2)?.parse::<usize>().ok();
    let (century, year, month, day) = (part(0)?, part(2)?, part(5)?, part(8)?);
    let (hour, minute, second) = (part(11)?, part(14)?, part(17)?);
    let millis = time.unix_millis().rem_euclid(1000);
    let half = (hour + 11) % 12 + 1;
    let name = *MONTHS.get(month - 1)?;
    let weekday = *DAYS.get(usize::try_from(time.unix_seconds().div_euclid(DAY).rem_euclid(7)).ok()?)?;

    let (mut written, mut rest) = (String::new(), format);
    while let Some(first) = rest.chars().next() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            written += literal;
            rest = after;
            continue;
        }
        let end = rest.find(|character| character != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        written += &match run {
            "YYYY" => format!("{century:02}{year:02}"),
            "YY" => format!("{year:02}"),
            "MMMM" => name.to_owned(),
            "MMM" => name.get(..3)?.to_owned(),
            "MM" => format!("{month:02}"),
            "M" => month.to_string(),
            "DD" => format!("{day:02}"),
            "D" => day.to_string(),
            "dddd" => weekday.to_owned(),
            "ddd" => weekday.get(..3)?.to_owned(),
            "HH" => format!("{hour:02}"),
            "H" => hour.to_string(),
            "hh" => format!("{half:02}"),
            "h" => half.to_string(),
            "A" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            "a" => if hour < 12 { "am" } else { "pm" }.to_owned(),
            "mm" => format!("{minute:02}"),
            "m" => minute.to_string(),
            "ss" => format!("{second:02}"),
            "s" => second.to_string(),
            "SSS" => format!("{millis:03}"),
            "Z" => "+00:00".to_owned(),
            _ if first.is_ascii_alphabetic() && run != "T" => return None,
            literal => literal.to_owned(),
        };
    }
    Some(written)
}

/// RFC 3339 without fractions of a second.
pub(super) fn seconds(time: Time) -> String {
    Time::from_unix_seconds(time.unix_seconds()).to_string()
}
