//! Whether a user may subscribe to a stream, or publish to it.

use bytes::Bytes;

use crate::plugin::StreamReply;
use crate::proto::pluginv2::{
    PublishStreamResponse, SubscribeStreamResponse, publish_stream_response, subscribe_stream_response,
};

pub(crate) fn subscribed(reply: StreamReply) -> SubscribeStreamResponse {
    use subscribe_stream_response::Status;
    let (status, data) = match reply {
        StreamReply::Accepted(data) => (Status::Ok, data),
        StreamReply::NotFound => (Status::NotFound, Bytes::new()),
        StreamReply::PermissionDenied => (Status::PermissionDenied, Bytes::new()),
    };
    SubscribeStreamResponse { status: status.into(), data }
}

pub(crate) fn published(reply: StreamReply) -> PublishStreamResponse {
    use publish_stream_response::Status;
    let (status, data) = match reply {
        StreamReply::Accepted(data) => (Status::Ok, data),
        StreamReply::NotFound => (Status::NotFound, Bytes::new()),
        StreamReply::PermissionDenied => (Status::PermissionDenied, Bytes::new()),
    };
    PublishStreamResponse { status: status.into(), data }
}
