//! The paths that servers may take one path for. They differ in how often they decode it, in whether they know `\`, `;`,
//! empty segments and characters that look like others, and in the order in which they do all that.

use std::collections::BTreeSet;

/// How many readings of a path are looked at. A name with every special character there is has some dozens; more come
/// only from encoding again and again what is encoded.
const MAX_READINGS: usize = 256;

/// How many bytes all readings may have. To look at more would hold up other calls.
const MAX_BYTES: usize = 1 << 20;

/// What a server may do to a path. Each returns `None` if that changes nothing. Each makes the path shorter, or leaves
/// fewer characters for the others, so every order of steps comes to an end.
const STEPS: [Step; 13] = [
    decoded,
    decoded_but_slashes,
    without_dots,
    without_parameters,
    without_empty_segments,
    without_spaces,
    with_slashes_only,
    with_plain_characters,
    up_to::<b'\0'>,
    up_to::<b'\n'>,
    up_to::<b'\r'>,
    up_to::<b'?'>,
    up_to::<b'#'>,
];

/// Returns what a path becomes.
type Step = fn(&[u8]) -> Option<Vec<u8>>;

/// What Unicode's compatibility forms, or Windows, make of some characters; and UTF-8 that is longer than it may be, which
/// old decoders take.
const PLAIN: [(&[u8], &[u8]); 13] = [
    ("\u{2024}".as_bytes(), b"."),
    ("\u{2025}".as_bytes(), b".."),
    ("\u{fe52}".as_bytes(), b"."),
    ("\u{ff0e}".as_bytes(), b"."),
    ("\u{ff0f}".as_bytes(), b"/"),
    ("\u{ff3c}".as_bytes(), b"\\"),
    ("\u{fe68}".as_bytes(), b"\\"),
    ("\u{ff05}".as_bytes(), b"%"),
    ("\u{ff1b}".as_bytes(), b";"),
    (b"\xc0\xae", b"."),
    (b"\xc0\xaf", b"/"),
    (b"\xc1\x9c", b"\\"),
    (b"\xe0\x80\xae", b"."),
];

/// Returns all that the path may be taken for in the end. `None` if that is too much to look at.
pub(super) fn readings(path: &[u8]) -> Option<Vec<Vec<u8>>> {
    // Where dots remain, a server that knows them removes them, which is a reading of its own; and what need not be encoded
    // means the same decoded (RFC 3986, section 6.2.2.2).
    let is_final = |path: &Vec<u8>| !has_dots(path) && !has_needless_escapes(path);
    Some(all(path)?.into_iter().filter(is_final).collect())
}

/// Whether the path, or something that it may be taken for, has a segment `.` or `..`.
pub(super) fn may_have_dots(path: &[u8]) -> bool {
    all(path).is_none_or(|all| all.iter().any(|path| has_dots(path)))
}

/// Returns what any steps in any order make of the path.
fn all(path: &[u8]) -> Option<BTreeSet<Vec<u8>>> {
    let mut known = BTreeSet::from([path.to_vec()]);
    let (mut next, mut bytes) = (vec![path.to_vec()], path.len());
    while let Some(path) = next.pop() {
        for reading in STEPS.iter().filter_map(|step| step(&path)) {
            if known.contains(&reading) {
                continue;
            }
            bytes += reading.len();
            if known.len() >= MAX_READINGS || bytes > MAX_BYTES {
                return None;
            }
            known.insert(reading.clone());
            next.push(reading);
        }
    }
    Some(known)
}

/// Whether a segment is `.` or `..`.
pub(super) fn has_dots(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

fn has_needless_escapes(path: &[u8]) -> bool {
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let escape = |rest: &[u8]| matches!(escaped(rest), Some((3, bytes)) if bytes.iter().all(unreserved));
    path.windows(3).any(escape)
}

/// Decodes percent-encoding once, also in the form `%u002e`, which some servers know.
pub(super) fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, escaped)
}

/// The same, but an encoded slash or backslash stays as it is.
fn decoded_but_slashes(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, |rest| escaped(rest).filter(|(_, bytes)| !matches!(bytes.as_slice(), b"/" | b"\\")))
}

/// RFC 3986, section 5.2.4.
fn without_dots(path: &[u8]) -> Option<Vec<u8>> {
    if !has_dots(path) {
        return None;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_with_dots = false;
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        ends_with_dots = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut path: Vec<u8> = kept.iter().flat_map(|segment| [b"/", *segment].concat()).collect();
    if ends_with_dots || path.is_empty() {
        path.push(b'/');
    }
    Some(path)
}

/// What comes after a `;` in a segment is a parameter for some servers (RFC 3986, section 3.3).
fn without_parameters(path: &[u8]) -> Option<Vec<u8>> {
    let name = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap_or_default().to_vec();
    let names = || path.split(|byte| *byte == b'/').map(name).collect::<Vec<_>>().join(&b'/');
    path.contains(&b';').then(names)
}

fn without_empty_segments(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, |rest| rest.starts_with(b"//").then(|| (1, Vec::new())))
}

/// Also without all control characters.
fn without_spaces(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, |rest| matches!(rest, [0..=b' ' | 0x7f, ..]).then(|| (1, Vec::new())))
}

fn with_slashes_only(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, |rest| rest.starts_with(b"\\").then(|| (1, vec![b'/'])))
}

fn with_plain_characters(path: &[u8]) -> Option<Vec<u8>> {
    replaced(path, |rest| {
        let (from, to) = PLAIN.iter().find(|(from, _)| rest.starts_with(from))?;
        Some((from.len(), to.to_vec()))
    })
}

/// A server that decodes a path and parses it again ends it at the first of some characters.
fn up_to<const END: u8>(path: &[u8]) -> Option<Vec<u8>> {
    let end = path.iter().position(|byte| *byte == END)?;
    path.get(..end).map(<[u8]>::to_vec)
}

/// Decodes what the rest of a path begins with. Returns how long that is, and what it stands for.
fn escaped(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    let number = |digits: &[u8]| {
        let all = digits.iter().all(u8::is_ascii_hexdigit);
        u32::from_str_radix(str::from_utf8(digits).ok().filter(|_| all)?, 16).ok()
    };
    match rest {
        [b'%', b'u' | b'U', digits @ ..] => {
            let character = char::from_u32(number(digits.first_chunk::<4>()?)?)?;
            Some((6, character.to_string().into_bytes()))
        }
        [b'%', digits @ ..] => Some((3, vec![u8::try_from(number(digits.first_chunk::<2>()?)?).ok()?])),
        _ => None,
    }
}

/// Replaces all that `find` knows at the beginning of a rest of the path: so many bytes, by these.
fn replaced(path: &[u8], find: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(path.len());
    let mut changed = false;
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        if let Some((length, bytes)) = find(rest) {
            changed = true;
            kept.extend(bytes);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            kept.push(*byte);
            rest = after;
        }
    }
    changed.then_some(kept)
}
