//! How credentials are asked for: by the data source's own client.

use bytes::Bytes;
use http::{Request, Response};

use crate::egress::error::RequestError;

/// Sends what is needed to get credentials, where the operator allows it.
pub(in crate::egress) trait Errands: Sync {
    fn run(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, RequestError>> + Send;
}
