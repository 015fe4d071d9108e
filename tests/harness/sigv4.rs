//! A verifier of AWS's Signature Version 4, written from AWS's description of it. It shares no code with the host.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::trace::hex;
use crate::upstream::Request;

/// What the `Authorization` header of a signed request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub access_key: String,
    /// `region/service`.
    pub scope: String,
    pub headers: Vec<String>,
    pub signature: String,
    /// Whether the body is signed, too.
    pub body: bool,
}

/// Computes the signature of a request once more, and says what is wrong with it.
pub fn verify(request: &Request, secret: &str) -> Result<Signed, String> {
    let authorization = request.header("authorization").ok_or("it is not signed")?;
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("it has another algorithm")?;
    let parts: BTreeMap<_, _> = rest.split(", ").filter_map(|part| part.split_once('=')).collect();
    let part = |name: &str| parts.get(name).copied().ok_or(format!("no {name} in {authorization}"));
    let credential: Vec<_> = part("Credential")?.split('/').collect();
    let [access_key, day, region, service, "aws4_request"] = credential[..] else {
        return Err(format!("its scope is {credential:?}"));
    };
    let time = request.header("x-amz-date").ok_or("it has no date")?;
    if time.len() != 16 || !time.starts_with(day) || !time.ends_with('Z') {
        return Err(format!("its date is {time}, and its day {day}"));
    }
    let headers: Vec<String> = part("SignedHeaders")?.split(';').map(str::to_owned).collect();
    let must = |name: &&String| *name == "host" || *name == "content-type" || name.starts_with("x-amz-");
    if let Some(name) = request.headers.keys().filter(must).find(|name| !headers.contains(name)) {
        return Err(format!("{name} is not signed"));
    }
    if !headers.is_sorted() {
        return Err(format!("{headers:?} are not sorted"));
    }
    let hashed = hex(&Sha256::digest(&request.body));
    let hash = request.header("x-amz-content-sha256").unwrap_or(&hashed);
    let body = hash != "UNSIGNED-PAYLOAD";
    if body && hash != hashed {
        return Err("its body is not the one that is signed".to_owned());
    }

    let mut lines = vec![request.method.clone(), path(&request.path, service), query(&request.query)];
    for name in &headers {
        let value = request.header(name).ok_or(format!("{name} is signed and was not sent"))?;
        let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
        lines.push(format!("{name}:{}", words.join(" ")));
    }
    lines.extend([String::new(), headers.join(";"), hash.to_owned()]);
    let canonical = hex(&Sha256::digest(lines.join("\n")));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{day}/{region}/{service}/aws4_request\n{canonical}");
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    let expected = hex(&hmac(&key, text.as_bytes()));
    let signature = part("Signature")?.to_owned();
    if signature != expected {
        return Err(format!("its signature is {signature}, and not {expected}, for:\n{}", lines.join("\n")));
    }
    let scope = format!("{region}/{service}");
    Ok(Signed { access_key: access_key.to_owned(), scope, headers, signature, body })
}

/// All services but S3 remove what is redundant in a path, and encode it as it came.
fn path(path: &str, service: &str) -> String {
    if service == "s3" {
        return encoded(&decoded(path), true);
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(encoded(part.as_bytes(), true)),
        }
    }
    let end = if !parts.is_empty() && path.ends_with('/') { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

fn query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{}={}", encoded(&decoded(name), false), encoded(&decoded(value), false))
    };
    let mut pairs: Vec<_> = pairs.map(pair).collect();
    pairs.sort_by(|one, other| one.split_once('=').cmp(&other.split_once('=')));
    pairs.join("&")
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *byte == b'%');
        let number = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(number.unwrap_or(*byte));
        rest = if number.is_some() { &after[2..] } else { after };
    }
    bytes
}

fn encoded(bytes: &[u8], is_path: bool) -> String {
    let letter = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        b'/' if is_path => "/".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(letter).collect()
}

/// RFC 2104, for keys of up to 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::digest([&pad(0x36), text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}
