//! MessageCoder to bytes and back. A large one is copied beside the threads that serve other calls: 50 MiB take 50 ms, and
//! nothing interrupts that.

use std::marker::PhantomData;

use bytes::{Buf as _, BufMut};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::budget::beside_others;

/// Bytes that are copied within about a millisecond.
const QUICKLY_COPIED: usize = 1 << 20;

/// The codec of all services.
pub(crate) struct MessageCodec<T, U>(PhantomData<(T, U)>);

/// One direction of it.
pub(crate) struct MessageCoder<T>(PhantomData<T>);

fn encode(message: impl Message, buffer: &mut impl BufMut) -> Result<(), prost::EncodeError> {
    if message.encoded_len() > QUICKLY_COPIED {
        // Freeing it takes long, too.
        return beside_others(move || message.encode(buffer));
    }
    message.encode(buffer)
}

// === impl MessageCodec ===

impl<T, U> Default for MessageCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for MessageCodec<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = MessageCoder<T>;
    type Decoder = MessageCoder<U>;

    fn encoder(&mut self) -> MessageCoder<T> {
        MessageCoder(PhantomData)
    }

    fn decoder(&mut self) -> MessageCoder<U> {
        MessageCoder(PhantomData)
    }
}

// === impl MessageCoder ===

impl<T: Message> Encoder for MessageCoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        encode(message, buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<T: Message + Default> Decoder for MessageCoder<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        let is_large = buffer.remaining() > QUICKLY_COPIED;
        let decoded = if is_large { beside_others(|| T::decode(buffer)) } else { T::decode(buffer) };
        decoded.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::Receiver;
    use std::time::Duration;

    use bytes::{Buf, BytesMut};
    use prost::DecodeError;
    use prost::encoding::{DecodeContext, WireType};

    use super::*;

    /// A large message that is not encoded before somebody says so.
    #[derive(Debug)]
    struct Held(Mutex<Receiver<()>>);

    impl Message for Held {
        fn encode_raw(&self, buffer: &mut impl BufMut) {
            self.0.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
            buffer.put_bytes(0, self.encoded_len());
        }

        fn merge_field(
            &mut self,
            _: u32,
            _: WireType,
            _: &mut impl Buf,
            _: DecodeContext,
        ) -> Result<(), DecodeError> {
            unreachable!()
        }

        fn encoded_len(&self) -> usize {
            QUICKLY_COPIED + 1
        }

        fn clear(&mut self) {}
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_large_message_leaves_its_thread_to_others() {
        let (sender, receiver) = std::sync::mpsc::channel();
        // There is one thread for tasks, and the message keeps it until the other task has run.
        let encoding = tokio::spawn(async move {
            tokio::spawn(async move { sender.send(()).unwrap() });
            let mut buffer = BytesMut::new();
            encode(Held(Mutex::new(receiver)), &mut buffer).map(|()| buffer.len())
        });
        assert_eq!(encoding.await.unwrap(), Ok(QUICKLY_COPIED + 1));
    }
}
