//! A connection to the collector, with or without TLS, that notes why it breaks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault::Faults;

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(in crate::telemetry) struct CollectorStream {
    stream: Box<dyn Duplex>,
    faults: Faults,
    /// The first fault is the cause of the others.
    is_broken: bool,
}

// === impl CollectorStream ===

impl CollectorStream {
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, faults: Faults) -> Self {
        Self { stream: Box::new(stream), faults, is_broken: false }
    }

    fn noted<T>(&mut self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            self.broken(error);
        }
        result
    }

    fn broken(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_broken, true) {
            self.faults.broken(error);
        }
    }

    /// Whoever closes a connection has often said why, by an alert of TLS. What is written afterwards fails before that
    /// is read.
    fn noted_write<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if matches!(result, Poll::Ready(Err(_))) && !self.is_broken {
            let mut unread = [0; 1024];
            match Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut unread)) {
                // A socket that cannot be written any more can soon be read, if only to its end.
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(why)) => self.broken(&why),
                Poll::Ready(Ok(())) => {}
            }
        }
        self.noted(result)
    }
}

impl AsyncRead for CollectorStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.noted(result)
    }
}

impl AsyncWrite for CollectorStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.noted_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.noted_write(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
