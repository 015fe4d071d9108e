//! The port of a URL: the `http` crate takes any text after the host for one, and then says that there is none.

use http::Uri;

/// Whether the port is absent, empty or a number up to 65535 (RFC 3986, section 3.2.3).
pub(super) fn is_valid(url: &Uri) -> bool {
    let Some(authority) = url.authority() else { return true };
    let authority = authority.as_str();
    let after_userinfo = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    match after_userinfo.strip_prefix(url.host().unwrap_or_default()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(is_empty_or_number),
        None => false,
    }
}

fn is_empty_or_number(port: &str) -> bool {
    port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_up_to_65535() {
        for authority in
            ["a", "a:", "a:0", "a:080", "a:65535", "[::1]", "[::1]:81", "u:99999@a", "u:p@[::1]:81"]
        {
            assert!(is_valid(&format!("http://{authority}/").parse().unwrap()), "{authority}");
        }
        for authority in ["a:65536", "a:99999", "a:x", "a:+80", "a:-1", "[::1]:99999", "u:81@a:99999"] {
            assert!(!is_valid(&format!("http://{authority}/").parse().unwrap()), "{authority}");
        }
        assert!(is_valid(&Uri::from_static("/path")));
    }
}
