//! Signature Version 4 of AWS: the host signs requests to the data source, so that no key enters the component.
//!
//! `sign` covers a request as it is sent, `payload` reads its body, and `credentials` keeps what `source` finds: in the
//! environment, in a file, at the Security Token Service (`sts`), or at an endpoint of the machine (`endpoint`).

mod credentials;
mod endpoint;
mod errands;
mod error;
mod payload;
mod sign;
mod source;
mod sts;

use std::time::SystemTime;

use aws_sigv4::http_request::SignableBody;
use http::Request;
use wasmtime_wasi_http::WasiBody;

use self::credentials::CredentialsCache;
pub(super) use self::errands::Errands;
pub(super) use self::error::{CredentialsError, Unsignable};
use self::sign::Scope;
use super::error::RequestError;
use super::settings::SigV4;
use crate::budget::{OwnerMemory, Priority};

/// Signs the requests of one version of a data source.
pub(super) struct Signer {
    settings: SigV4,
    credentials: CredentialsCache,
    /// Pays for bodies while they are hashed and sent.
    memory: OwnerMemory,
}

// === impl Signer ===

impl Signer {
    pub(super) fn new(settings: SigV4, memory: OwnerMemory) -> Self {
        Self { settings, credentials: CredentialsCache::default(), memory }
    }

    /// Signs a request that has all of its headers. Waits for its body if that is not too long to be hashed.
    pub(super) async fn sign(
        &self,
        request: Request<WasiBody>,
        priority: Priority,
        errands: &impl Errands,
    ) -> Result<Request<WasiBody>, RequestError> {
        let credentials = self.credentials.get(|| source::load(&self.settings, errands)).await?;
        let (parts, body) = request.into_parts();
        let (body, whole) = payload::read(body, &self.memory.with(priority)).await?;
        let signed = whole.as_deref().map_or(SignableBody::UnsignedPayload, SignableBody::Bytes);
        let mut request = Request::from_parts(parts, body);
        let scope = Scope { region: &self.settings.region, service: &self.settings.service };
        sign::sign(&mut request, &credentials, scope, signed, SystemTime::now())?;
        Ok(request)
    }
}
