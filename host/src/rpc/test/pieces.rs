//! An answer that comes in messages.

use tonic::Status;
use tonic::codegen::BoxStream;

use crate::plugin::test::LIMITS;
use crate::proto::pluginv2::CallResourceResponse;

/// An answer, message by message.
pub(in crate::rpc) struct Pieces<M>(pub(super) BoxStream<M>);

// === impl Pieces ===

impl<M> Pieces<M> {
    pub(in crate::rpc) async fn next(&mut self) -> Option<Result<M, Status>> {
        let next = tokio_stream::StreamExt::next(&mut self.0);
        tokio::time::timeout(LIMITS.call_timeout, next).await.expect("the answer ends")
    }

    /// Reads everything that is left, and the status at the end if there is one.
    pub(in crate::rpc) async fn all(mut self) -> (Vec<M>, Option<Status>) {
        let mut pieces = Vec::new();
        while let Some(piece) = self.next().await {
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(status) => return (pieces, Some(status)),
            }
        }
        (pieces, None)
    }
}

impl Pieces<CallResourceResponse> {
    /// Reads the codes and the bodies that are left, and the status at the end if there is one.
    pub(in crate::rpc) async fn rest(self) -> (Vec<(i32, String)>, Option<Status>) {
        let (pieces, status) = self.all().await;
        let read = |piece: CallResourceResponse| (piece.code, String::from_utf8(piece.body.into()).unwrap());
        (pieces.into_iter().map(read).collect(), status)
    }
}
