//! `gpx:plugin/response`, function by function.

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::sender::{MAX_HEAD, MAX_HEADERS, ResponseSender, SenderError};
use crate::budget::OwnerMemory;
use crate::capability::bindings::gpx::plugin::response::{Host, HostResponseSender, SendError};
use crate::capability::bindings::gpx::plugin::types::Header;

/// The part of a store that this interface works on.
pub(crate) struct ResponseView<'a> {
    pub table: &'a mut ResourceTable,
    /// What chunks are charged to until they have been sent.
    pub memory: &'a OwnerMemory,
}

/// Names [`ResponseView`] for the linker.
pub(crate) struct HasResponse;

impl HasData for HasResponse {
    type Data<'a> = ResponseView<'a>;
}

impl Host for ResponseView<'_> {}

impl HostResponseSender for ResponseView<'_> {
    fn start(
        &mut self,
        sender: Resource<ResponseSender>,
        status: u16,
        headers: Vec<Header>,
    ) -> Result<Result<(), SendError>> {
        let headers = headers.into_iter().map(|Header { name, value }| (name, value)).collect();
        let started = self.table.get_mut(&sender)?.start(status, headers);
        if let Err(SenderError::LongHead { headers, bytes }) = started {
            // The contract has no name for it.
            return Err(wasmtime::Error::msg(format!(
                "its answer has {headers} headers with {bytes} bytes, and at most {MAX_HEADERS} with {MAX_HEAD} bytes \
                 are passed on"
            )));
        }
        Ok(started.map_err(SendError::from))
    }

    async fn send(
        &mut self,
        sender: Resource<ResponseSender>,
        body: Vec<u8>,
    ) -> Result<Result<(), SendError>> {
        let sender = self.table.get_mut(&sender)?;
        match sender.send(body, self.memory).await {
            // The contract has no name for it.
            Err(SenderError::Memory(refused)) => Err(refused.into()),
            sent => Ok(sent.map_err(SendError::from)),
        }
    }

    fn drop(&mut self, sender: Resource<ResponseSender>) -> Result<()> {
        self.table.delete(sender)?.finish();
        Ok(())
    }
}

impl From<SenderError> for SendError {
    fn from(refusal: SenderError) -> Self {
        match refusal {
            SenderError::Misuse | SenderError::LongHead { .. } => Self::Misuse,
            SenderError::Closed | SenderError::Memory(_) => Self::Closed,
        }
    }
}
