//! Macros in the text of a query, such as `$__interval`: Grafana's frontend replaces some, but not for alert rules and API requests.

mod format;

use std::fmt::Display;

use self::format::seconds;
use crate::{Fault, Query, Result, Time, TimeRange};

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Replaces macros in a text. Made by [`Query::macros`], which has an example; [`Query::interpolate`] is shorter if there are no
/// macros of your own.
pub struct Macros<'m> {
    range: TimeRange,
    interval_ms: i64,
    own: Vec<(String, Box<Function<'m>>)>,
}

type Function<'m> = dyn Fn(&[&str]) -> Result<String> + 'm;

/// What stands behind a dollar sign.
struct Found<'t> {
    /// Without the two underscores.
    name: &'t str,
    /// What follows the colon in `${__from:date}`.
    format: Option<&'t str>,
    /// How many bytes of the text that is.
    length: usize,
}

// === impl Query ===

impl<M> Query<M> {
    /// Replaces Grafana's macros in a text, usually the query that a user has written.
    ///
    /// ```
    /// # use gpx_sdk::{Time, Unread, test};
    /// # let to = Time::parse("2026-01-01T00:00:00Z").unwrap();
    /// # let from = Time::parse("2025-12-31T23:00:00Z").unwrap();
    /// # let query = test::query("A").range(from, to).interval(std::time::Duration::from_secs(30)).build::<Unread>()?;
    /// // An hour until 2026, with an interval of 30 s.
    /// let text = query.interpolate("rate(load[$__interval]) for $__range, since ${__from:date}")?;
    /// assert_eq!(text, "rate(load[30s]) for 3600s, since 2025-12-31T23:00:00.000Z");
    /// let text = query.interpolate("SELECT * FROM prices WHERE $__timeFilter(time)")?;
    /// assert_eq!(text, "SELECT * FROM prices WHERE time >= '2025-12-31T23:00:00Z' AND time <= '2026-01-01T00:00:00Z'");
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    ///
    /// | macro | becomes |
    /// |---|---|
    /// | `$__interval`, `$__interval_ms` | the query's interval, as `30s` with the largest unit that fits and as milliseconds |
    /// | `$__from`, `$__to` | the ends of the time range, in milliseconds since 1970; `${__from:date}` and `${__from:date:iso}` as `2026-01-01T00:00:00.000Z`, `${__from:date:seconds}` in seconds, `${__from:date:YYYY-MM-DD HH:mm}` and the like in UTC |
    /// | `$__range`, `$__range_s`, `$__range_ms` | the length of the time range: `3600s`, in seconds and in milliseconds |
    /// | `$__timeFilter(column)` | `column >= '…' AND column <= '…'`, with the ends in the format of RFC 3339 |
    /// | `$__timeFrom(column)`, `$__timeTo(column)` | one half of it |
    ///
    /// Names and values are those of Grafana's Go SDK and of its frontend; where these differ, in the zeros of a fraction of a
    /// second and in parentheses after `$__interval`, those of the frontend, which a panel has had before. Braces are allowed around
    /// each name, as in `${__interval}`. Formats have moment's `YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h A a mm m ss s SSS Z`
    /// and `[text]`.
    ///
    /// Other macros, such as `$__rate_interval`, stay as they are, and so do the dashboard's own variables. What differs from one
    /// database to the next, such as `$__timeGroup`, is for [`Query::macros`].
    ///
    /// # Errors
    ///
    /// With status 400, if a macro lacks its column or has a format that it does not know.
    pub fn interpolate(&self, text: &str) -> Result<String> {
        self.macros().interpolate(text)
    }

    /// Returns the macros of [`Query::interpolate`], to add your own.
    ///
    /// ```
    /// # use gpx_sdk::{Fault, Unread, test};
    /// # let query = test::query("A").build::<Unread>()?;
    /// let macros = query.macros().with("bucket", |arguments| match arguments {
    ///     [column, size] => Ok(format!("floor({column} / {size}) * {size}")),
    ///     _ => Err(Fault::bad_request("write $__bucket(column, size)")),
    /// });
    /// assert_eq!(macros.interpolate("GROUP BY $__bucket(time, 60)")?, "GROUP BY floor(time / 60) * 60");
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn macros<'m>(&self) -> Macros<'m> {
        Macros { range: self.time_range, interval_ms: self.interval_ms, own: Vec::new() }
    }
}

// === impl Macros ===

impl<'m> Macros<'m> {
    /// Adds a macro `$__<name>`, or puts it in the place of Grafana's. It gets what is between its parentheses, split at commas
    /// that are not within further ones, and nothing if there are none.
    #[must_use]
    pub fn with(mut self, name: &str, replace: impl Fn(&[&str]) -> Result<String> + 'm) -> Self {
        self.own.push((name.to_owned(), Box::new(replace)));
        self
    }

    /// Replaces the macros in a text. What takes their place is not searched again.
    ///
    /// # Errors
    ///
    /// Those of [`Query::interpolate`], and of your own macros.
    pub fn interpolate(&self, text: &str) -> Result<String> {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            done.push_str(before);
            let replaced = match Found::at_start(after) {
                Some(found) => self.replace(&found, after.get(found.length..).unwrap_or_default())?,
                None => None,
            };
            match replaced {
                Some((value, left)) => {
                    done.push_str(&value);
                    rest = left;
                }
                None => {
                    done.push('$');
                    rest = after;
                }
            }
        }
        done.push_str(rest);
        Ok(done)
    }

    /// Returns what takes the place of a macro, and the text after it and its arguments. `None` if it is not known.
    fn replace<'t>(&self, found: &Found<'_>, after: &'t str) -> Result<Option<(String, &'t str)>> {
        let Found { name, format, .. } = *found;
        let (arguments, left) = arguments(after).unwrap_or((Vec::new(), after));
        if let Some((_, replace)) = self.own.iter().rev().find(|(own, _)| own == name) {
            return Ok(Some((replace(&arguments)?, left)));
        }
        if let Some(value) = self.value(name, format)? {
            return Ok(Some((value, after)));
        }
        let (start, end) = (seconds(self.range.start()), seconds(self.range.end()));
        let column = || match arguments.as_slice() {
            [column] if !column.is_empty() => Ok(*column),
            _ => Err(Fault::bad_request(format_args!("write $__{name}(column), with one column"))),
        };
        Ok(match name {
            "timeFilter" => {
                let column = column()?;
                Some((format!("{column} >= '{start}' AND {column} <= '{end}'"), left))
            }
            "timeFrom" => Some((format!("{} >= '{start}'", column()?), left)),
            "timeTo" => Some((format!("{} <= '{end}'", column()?), left)),
            _ => None,
        })
    }

    /// Returns the value of a macro that has no arguments.
    fn value(&self, name: &str, format: Option<&str>) -> Result<Option<String>> {
        let millis = self.range.end().unix_millis().saturating_sub(self.range.start().unix_millis());
        let seconds = millis.saturating_add(500).div_euclid(1000);
        let value: &dyn Display = match name {
            "from" => return time(name, self.range.start(), format).map(Some),
            "to" => return time(name, self.range.end(), format).map(Some),
            "interval" => &interval(self.interval_ms),
            "interval_ms" => &self.interval_ms,
            "range" => &format_args!("{seconds}s"),
            "range_s" => &seconds,
            "range_ms" => &millis,
            _ => return Ok(None),
        };
        match format {
            None => Ok(Some(value.to_string())),
            Some(format) => Err(unknown(name, format, "it has none")),
        }
    }
}

impl std::fmt::Debug for Macros<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own: Vec<_> = self.own.iter().map(|(name, _)| name).collect();
        f.debug_struct("Macros").field("own", &own).finish_non_exhaustive()
    }
}

// === impl Found ===

impl<'t> Found<'t> {
    /// Reads `__name`, `{__name}` or `{__name:format}`.
    fn at_start(text: &'t str) -> Option<Self> {
        let word = |text: &str| {
            text.find(|character: char| character != '_' && !character.is_ascii_alphanumeric())
                .unwrap_or(text.len())
        };
        let Some(inner) = text.strip_prefix('{') else {
            let name = text.strip_prefix("__")?;
            let name = name.get(..word(name))?;
            return (!name.is_empty()).then_some(Self { name, format: None, length: name.len() + 2 });
        };
        let (inner, _) = inner.split_once('}')?;
        let (name, format) =
            inner.split_once(':').map_or((inner, None), |(name, format)| (name, Some(format)));
        let name = name.strip_prefix("__").filter(|name| !name.is_empty() && word(name) == name.len())?;
        Some(Self { name, format, length: inner.len() + 2 })
    }
}

/// Reads `(a, b)` at the beginning of a text. Returns the arguments, and the text after them.
fn arguments(text: &str) -> Option<(Vec<&str>, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, character) in inner.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => {
                let last = inner.get(from..at)?.trim();
                if !(found.is_empty() && last.is_empty()) {
                    found.push(last);
                }
                return Some((found, inner.get(at + 1..)?));
            }
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(inner.get(from..at)?.trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn time(name: &str, time: Time, format: Option<&str>) -> Result<String> {
    match format {
        None | Some("") => Ok(time.unix_millis().to_string()),
        Some("date" | "date:iso") => Ok(iso(time)),
        Some("date:seconds") => Ok(time.unix_seconds().to_string()),
        Some(format) => {
            let written = format.strip_prefix("date:").and_then(|format| self::format::write(time, format));
            let has = "it has `date`, `date:seconds`, and formats such as `date:YYYY-MM-DD`";
            written.ok_or_else(|| unknown(name, format, has))
        }
    }
}

fn unknown(name: &str, format: &str, has: &str) -> Fault {
    Fault::bad_request(format_args!(
        "the macro `${{__{name}:{format}}}` has a format that it does not know; {has}"
    ))
}

/// As JavaScript writes a date: always with three digits of a second.
fn iso(time: Time) -> String {
    let whole = seconds(time);
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), time.unix_millis().rem_euclid(1000))
}

/// As `gtime.FormatInterval` of the Go SDK: in the largest unit that fits, rounded down.
fn interval(millis: i64) -> String {
    let units = [(YEAR, "y"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (1000, "s"), (1, "ms")];
    let fits = units.into_iter().find(|(size, _)| millis >= *size);
    fits.map_or_else(|| "1ms".to_owned(), |(size, unit)| format!("{}{unit}", millis / size))
}

#[cfg(test)]
mod tests;
