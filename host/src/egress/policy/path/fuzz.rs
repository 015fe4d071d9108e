//! What holds for any path of a request.

use percent_encoding::percent_decode;
use url::Url;

use super::{AllowedPaths, PathFault, PathPin};

/// A server, as far as it matters here: what it makes of a path.
type Server = fn(&[u8]) -> Vec<u8>;

const SERVERS: [Server; 6] = [
    resolved,
    |path| resolved(&decoded(path)),
    |path| resolved(&decoded(&decoded(path))),
    |path| resolved(&decoded(&resolved(path))),
    |path| resolved(&merged(&slashes(&decoded(path)))),
    |path| resolved(&merged(&without_parameters(&decoded(path)))),
];

/// What passes is below what was granted for every server; a refusal prints a line that lets the path pass.
pub(crate) fn path(pin: &str, allowed: &str, request: &str) {
    let Ok(url) = Url::parse(&format!("http://h/{pin}")) else { return };
    let Some(pin) = PathPin::new(url.path()) else { return };
    let request: http::uri::PathAndQuery = match request.parse() {
        Ok(path) => path,
        Err(_) => return,
    };
    let (operator, _) = AllowedPaths::parse(allowed.split(' ').filter(|path| !path.is_empty()));
    match pin.check(request.path(), &operator) {
        Ok(()) => {
            let granted: Vec<_> = operator.iter().map(|path| path.text()).chain([pin.text()]).collect();
            // Servers may take any other spelling of a grant for another path, too.
            if granted.iter().all(|path| is_plain(path)) {
                stays_below(request.path(), &granted);
            }
        }
        Err(PathFault::Outside { line: Some(line) }) => {
            let (opened, bad) = AllowedPaths::parse(line.split(' '));
            assert!(bad.is_empty(), "{line} has {bad:?}");
            assert_eq!(pin.check(request.path(), &opened), Ok(()), "{request} with {line}");
        }
        Err(PathFault::Outside { line: None } | PathFault::Unclear) => {}
    }
}

fn stays_below(request: &str, granted: &[&str]) {
    // A URL's path, as the WHATWG reads it.
    let whatwg = Url::parse(&format!("http://h{request}")).map(|url| url.path().as_bytes().to_vec());
    let taken = SERVERS.iter().map(|server| server(request.as_bytes())).chain(whatwg);
    for taken in taken.map(|path| resolved(&without_needless_escapes(&path))) {
        let is_below = granted.iter().any(|path| {
            let rest = taken.strip_prefix(path.trim_end_matches('/').as_bytes());
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        });
        let shown = taken.escape_ascii();
        assert!(is_below, "{request:?}, which some server takes for {shown}, passes with {granted:?}");
    }
}

fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte);
    path == "/" || path.bytes().all(plain) && !path.contains("//")
}

/// RFC 3986, section 5.2.4, on whole segments.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    [b"/".as_slice(), &kept.join(&b'/')].concat()
}

fn decoded(path: &[u8]) -> Vec<u8> {
    percent_decode(path).collect()
}

/// What need not be encoded means the same decoded (RFC 3986, section 6.2.2.2).
fn without_needless_escapes(path: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::new(), path);
    while let Some((first, after)) = rest.split_first() {
        let escape = rest.get(..3).map(decoded).filter(|decoded| {
            matches!(decoded.as_slice(), [byte] if byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
        });
        kept.extend(escape.as_deref().unwrap_or(&[*first]));
        rest = if escape.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    kept
}

fn slashes(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

fn merged(path: &[u8]) -> Vec<u8> {
    let mut kept = path.to_vec();
    kept.dedup_by(|one, before| (*one, *before) == (b'/', b'/'));
    kept
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let name = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap_or_default().to_vec();
    path.split(|byte| *byte == b'/').map(name).collect::<Vec<_>>().join(&b'/')
}
