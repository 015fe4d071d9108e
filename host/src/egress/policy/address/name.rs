//! Names that lead to a special address, for requests through a proxy: there the host sees no address.

use super::metadata;

/// The names of clouds' metadata services, in the one spelling that is compared.
const METADATA: [&str; 9] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "api.metadata.cloud.ibm.com",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Says what is special about a name, which is in lower case. Many resolvers take one for an address that ends in a number,
/// such as `2852039166` or `0xa9.254.0xa9fe`, though it is not written as addresses are.
pub(in crate::egress::policy) fn special_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.');
    if METADATA.contains(&name) {
        return Some(metadata::KIND);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    (is_hexadecimal || is_decimal).then_some("an address in another spelling")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_metadata_services_and_disguised_addresses_are_special() {
        for name in ["metadata.google.internal", "metadata.google.internal..", "instance-data", "metadata"] {
            assert_eq!(special_name(name), Some(metadata::KIND), "{name}");
        }
        for name in [
            "2852039166",
            "0xa9fea9fe",
            "0xa9.0xfe.43518",
            "169.254.43518",
            "0251.0376.0251.0376",
            "1.2.3.4..",
            "0x",
        ] {
            assert!(special_name(name).is_some(), "{name}");
        }
        for name in ["metadata.example.com", "a1", "1a.example", "x.0xg", "localhost", ""] {
            assert_eq!(special_name(name), None, "{name}");
        }
    }
}
