//! Numbers as Go's encoders write them, so that a frame looks the same no matter which encoder wrote it.

use itoa::Integer;

use super::escape::Style;

/// The floats of a frame.
pub(super) trait Float: Copy + Into<f64> + zmij::Float {
    /// Where Go no longer writes plain decimals: below 1e-6 and from 1e21 on, compared in the type's own precision.
    fn needs_exponent(self) -> bool;
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, value: impl Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends the shortest text that reads back as `value`. Returns false if there is none.
pub(super) fn float<T: Float>(out: &mut Vec<u8>, value: T) -> bool {
    if !value.into().is_finite() {
        return false;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    match text.split_once('e') {
        None => out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes()),
        Some((mantissa, exponent)) => {
            let exponent = exponent.parse().unwrap_or_default();
            if value.needs_exponent() {
                scientific(out, mantissa, exponent);
            } else {
                plain(out, mantissa, exponent);
            }
        }
    }
    true
}

/// Appends a finite float of a frame's meta or a field's config.
pub(super) fn float_in(out: &mut Vec<u8>, value: f64, style: Style) {
    let start = out.len();
    float(out, value);
    // `encoding/json` writes 1e-7 where jsoniter writes 1e-07.
    let zero = out.len().saturating_sub(2);
    let is_short =
        out.get(start..zero).is_some_and(|text| text.ends_with(b"e-")) && out.get(zero) == Some(&b'0');
    if style == Style::Standard && is_short {
        out.remove(zero);
    }
}

/// Appends a finite float as Go's verb `%v` writes it: with an exponent below 1e-4 and from 1e6 on.
pub(super) fn float_by_verb(out: &mut Vec<u8>, value: f64) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse() {
        Ok(-4..=5) | Err(_) => {
            float(out, value);
        }
        Ok(exponent) => scientific(out, mantissa, exponent),
    }
}

// === impl Float ===

impl Float for f32 {
    fn needs_exponent(self) -> bool {
        self != 0.0 && !(1e-6..1e21).contains(&self.abs())
    }
}

impl Float for f64 {
    fn needs_exponent(self) -> bool {
        self != 0.0 && !(1e-6..1e21).contains(&self.abs())
    }
}

/// Go writes an exponent with its sign and at least two digits.
fn scientific(out: &mut Vec<u8>, mantissa: &str, exponent: i32) {
    out.extend_from_slice(mantissa.strip_suffix(".0").unwrap_or(mantissa).as_bytes());
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    if exponent.unsigned_abs() < 10 {
        out.push(b'0');
    }
    integer(out, exponent.unsigned_abs());
}

/// Moves the decimal point of a mantissa that has one digit before it.
fn plain(out: &mut Vec<u8>, mantissa: &str, exponent: i32) {
    let digits = match mantissa.strip_prefix('-') {
        Some(digits) => {
            out.push(b'-');
            digits
        }
        None => mantissa,
    };
    let mut digits = digits.bytes().filter(|byte| *byte != b'.');
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend((exponent..-1).map(|_| b'0'));
    } else {
        // Such a float is at least 1e16 (f32: 1e13): none of its shortest digits is after the point.
        out.extend((0..=exponent).map(|_| digits.next().unwrap_or(b'0')));
    }
    out.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Float>(value: T) -> String {
        let mut out = Vec::new();
        assert!(float(&mut out, value));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_as_go_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e-5, "0.00001"),
            (-1.25e-6, "-0.00000125"),
            (1e-6, "0.000001"),
            (9.5e-7, "9.5e-07"),
            (1e-10, "1e-10"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e16, "10000000000000000"),
            (-123_456_789_012_345_680_000.0, "-123456789012345680000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn singles_in_their_own_precision() {
        for (value, expected) in [
            (0.1_f32, "0.1"),
            (1e-6, "0.000001"),
            (1e-7, "1e-07"),
            (1e-45, "1e-45"),
            (16_777_216.0, "16777216"),
            (1.5e13, "15000000000000"),
            (f32::MAX, "3.4028235e+38"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn doubles_as_the_other_encoders_write_them() {
        for (value, standard, verb) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (-2.5, "-2.5", "-2.5"),
            (100_000.0, "100000", "100000"),
            (999_999.5, "999999.5", "999999.5"),
            (1_000_000.0, "1000000", "1e+06"),
            (123_456_789.0, "123456789", "1.23456789e+08"),
            (1e20, "100000000000000000000", "1e+20"),
            (-1e21, "-1e+21", "-1e+21"),
            (0.0001234, "0.0001234", "0.0001234"),
            (0.00001, "0.00001", "1e-05"),
            (2.5e-7, "2.5e-7", "2.5e-07"),
            (1e-10, "1e-10", "1e-10"),
            (1e-100, "1e-100", "1e-100"),
            (5e-324, "5e-324", "5e-324"),
        ] {
            let mut out = Vec::new();
            float_in(&mut out, value, Style::Standard);
            assert_eq!(std::str::from_utf8(&out), Ok(standard));
            out.clear();
            float_by_verb(&mut out, value);
            assert_eq!(std::str::from_utf8(&out), Ok(verb));
            out.clear();
            float_in(&mut out, value, Style::Html);
            assert_eq!(std::str::from_utf8(&out), Ok(text(value).as_str()));
        }
    }

    #[test]
    fn a_float_that_is_not_finite_has_no_text() {
        let mut out = Vec::new();
        assert!(!float(&mut out, f64::NAN) && !float(&mut out, f32::NEG_INFINITY));
        assert!(out.is_empty());
    }
}
