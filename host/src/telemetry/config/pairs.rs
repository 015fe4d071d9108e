//! Lists of `key=value`, as OpenTelemetry's variables have them.

use percent_encoding::percent_decode_str;

/// Values are percent-decoded, and spaces around keys and values do not count. Returns `None` if any part of the list is
/// malformed, as the specification of `OTEL_RESOURCE_ATTRIBUTES` asks for.
pub(super) fn parse(list: &str) -> Option<Vec<(String, String)>> {
    let members = list.split(',').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = decoded(key.trim())?;
            (!key.is_empty()).then_some((key, decoded(value.trim())?))
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let pairs = |list| {
            let pairs: Option<Vec<(String, String)>> = parse(list);
            pairs.map(|pairs| pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>())
        };
        assert_eq!(
            pairs("a=1, b.c = x%2Cy%3D ,,d=e=f"),
            Some(vec!["a: 1".into(), "b.c: x,y=".into(), "d: e=f".into()])
        );
        assert_eq!(pairs("a="), Some(vec!["a: ".into()]));
        assert_eq!(pairs("a=%2541+"), Some(vec!["a: %41+".into()]));
        for bad in ["a", "a=1,b", "=1", "a=%ff"] {
            assert_eq!(pairs(bad), None, "{bad}");
        }
    }
}
