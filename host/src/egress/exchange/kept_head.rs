//! What is kept of a head once it is read. Its values are parts of the connection's buffer, and a component may keep a single
//! one of them: here they get memory of their own. A long head is charged for as long as any part of it is kept.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::budget::{MemoryKind, OwnerMemory, Refused};
use crate::egress::limits::USUAL_HEAD;

/// A place in a map of headers, in bytes.
const PLACE: usize = 112;

/// Gives the values of a head memory of their own. Fails if it is long, and there is too little.
pub(super) fn keep(headers: &mut HeaderMap, memory: &OwnerMemory) -> Result<(), Refused> {
    let names: usize = headers.keys().map(|name| name.as_str().len()).sum();
    let values: usize = headers.values().map(HeaderValue::len).sum();
    let weight = names + values + headers.capacity() * PLACE;
    if weight <= USUAL_HEAD {
        copy_values(headers);
        return Ok(());
    }
    let mut charge = memory.nothing(MemoryKind::Handles);
    charge.try_grow(weight)?;
    let all: Vec<u8> = headers.values().flat_map(HeaderValue::as_bytes).copied().collect();
    let mut rest = charge.keep(all);
    for value in headers.values_mut() {
        let bytes = rest.split_to(value.len().min(rest.len()));
        replace(value, bytes);
    }
    Ok(())
}

/// Gives each value memory of its own.
pub(super) fn copy_values(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        let bytes = Bytes::copy_from_slice(value.as_bytes());
        replace(value, bytes);
    }
}

fn replace(value: &mut HeaderValue, bytes: Bytes) {
    // The same bytes are as good a value as before.
    if let Ok(mut own) = HeaderValue::from_maybe_shared(bytes) {
        own.set_sensitive(value.is_sensitive());
        *value = own;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderName;

    use super::*;
    use crate::budget::MemoryAccount;

    struct Shared(Arc<[u8; 1000]>);

    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &*self.0
        }
    }

    /// A head as it is parsed: all values are parts of one buffer.
    fn head(fields: usize, bytes: usize) -> HeaderMap {
        let buffer = Bytes::from(vec![b'x'; fields * bytes]);
        let field = |number: usize| {
            let value = HeaderValue::from_maybe_shared(buffer.slice(number * bytes..(number + 1) * bytes));
            (HeaderName::try_from(format!("x-{number}")).unwrap(), value.unwrap())
        };
        (0..fields).map(field).collect()
    }

    #[test]
    fn a_long_head_is_charged_while_any_of_it_is_kept() {
        let account = MemoryAccount::new(1 << 20);
        let mut headers = head(100, 1000);
        let before = headers.clone();
        keep(&mut headers, &account.owner()).unwrap();
        assert_eq!(headers, before);
        let charged = account.used(MemoryKind::Handles);
        assert!((100_000..150_000).contains(&charged), "{charged}");
        let one = headers.remove("x-7");
        drop(headers);
        assert_eq!(account.used(MemoryKind::Handles), charged);
        drop(one);
        assert_eq!(account.used(MemoryKind::Handles), 0);
        assert!(keep(&mut head(2000, 1000), &account.owner()).is_err());
    }

    #[test]
    fn a_usual_head_is_not_charged_and_leaves_the_buffer() {
        let (account, buffer) = (MemoryAccount::new(1 << 20), Arc::new([b'x'; 1000]));
        let shared = Bytes::from_owner(Shared(buffer.clone()));
        let mut value = HeaderValue::from_maybe_shared(shared.slice(..7)).unwrap();
        value.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static("a"), value)]);
        drop(shared);
        assert_eq!(Arc::strong_count(&buffer), 2);
        keep(&mut headers, &account.owner()).unwrap();
        assert_eq!((Arc::strong_count(&buffer), account.used(MemoryKind::Handles)), (1, 0));
        assert!(headers["a"] == "xxxxxxx" && headers["a"].is_sensitive());
    }
}
