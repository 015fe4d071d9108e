//! Answers a request from a recording. Nothing reaches the network.

use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use wasmtime_wasi_http::WasiBody;

use super::body::ResponseBody;
use crate::egress::error::RequestError;
use crate::har::Answer;
use crate::tape::Ticket;

/// Returns what was recorded, be it an answer or an error.
pub(super) async fn answer(
    ticket: Ticket,
    request: Request<WasiBody>,
) -> Result<Response<ResponseBody>, RequestError> {
    let (head, body) = request.into_parts();
    let recorded = ticket.answer(&head.method, body).await?;
    let Answer { response, cut } = recorded.map_err(RequestError::of_recorded)?;
    Ok(response.map(|bytes| {
        let data = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
        let end = cut.map(|cut| Err(RequestError::of_recorded(cut)));
        StreamBody::new(futures_util::stream::iter(data.into_iter().chain(end))).boxed_unsync()
    }))
}
