//! `pluginv2.AdmissionControl`: whether an object may be stored, and in which form. As on the Go SDK, the service is there only
//! if the plugin serves it.

use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, Target, convert, fail, paid_by};
use crate::budget::{MAX_REQUEST, beside_others};
use crate::call::{Endpoint, Outcome, Unanswered};
use crate::plugin::{AdmissionRequest, CallError, Export};
use crate::proto::pluginv2;
use crate::proto::pluginv2::admission_control_server::{AdmissionControl, AdmissionControlServer};
use crate::proto::pluginv2::{MutationResponse, ValidationResponse};

const VALIDATE: Endpoint = Endpoint { name: "validateAdmission", span: "sdk.validateAdmission" };
const MUTATE: Endpoint = Endpoint { name: "mutateAdmission", span: "sdk.mutateAdmission" };

pub(super) struct AdmissionService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> AdmissionControlServer<AdmissionService> {
    let server = AdmissionControlServer::new(AdmissionService(backend));
    server.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX)
}

// === impl AdmissionService ===

impl AdmissionService {
    async fn begin(
        &self,
        endpoint: Endpoint,
        door: Door,
        message: pluginv2::AdmissionRequest,
    ) -> Result<(Unanswered, Target, AdmissionRequest), Status> {
        self.0.serves(&[Export::Admission]).await?;
        let (context, message) = convert::split_admission(message);
        let context = convert::context(context, &door.metadata, []);
        let begun = self.0.begin(&[Export::Admission], endpoint, door, context).await?;
        let Begun { unanswered, target } = begun;
        // Settings may have a million secrets.
        let decoded = || convert::admission_request(message);
        let ready = target.and_then(|target| Ok((target, beside_others(decoded)?)));
        match ready {
            Ok((target, request)) => Ok((unanswered, target, request)),
            Err(error) => Err(fail(unanswered, &error)),
        }
    }

    async fn validate(
        &self,
        door: Door,
        message: pluginv2::AdmissionRequest,
    ) -> Result<Response<ValidationResponse>, Status> {
        let (unanswered, target, request) = self.begin(VALIDATE, door, message).await?;
        let verdict = target.plugin.validate_admission(unanswered.call(), &target.owner, request).await;
        answered(unanswered, &target, verdict.map(convert::validated))
    }

    async fn mutate(
        &self,
        door: Door,
        message: pluginv2::AdmissionRequest,
    ) -> Result<Response<MutationResponse>, Status> {
        let sent = message.object_bytes.clone();
        let (unanswered, target, request) = self.begin(MUTATE, door, message).await?;
        let mutation = target.plugin.mutate_admission(unanswered.call(), &target.owner, request).await;
        let message = mutation.map(|mutation| beside_others(|| convert::mutated(mutation, sent)));
        answered(unanswered, &target, message)
    }
}

#[tonic::async_trait]
impl AdmissionControl for AdmissionService {
    async fn validate_admission(
        &self,
        request: Request<pluginv2::AdmissionRequest>,
    ) -> Result<Response<ValidationResponse>, Status> {
        let (door, message) = Door::enter(request);
        self.0.until_shutdown(self.validate(door, message)).await
    }

    async fn mutate_admission(
        &self,
        request: Request<pluginv2::AdmissionRequest>,
    ) -> Result<Response<MutationResponse>, Status> {
        let (door, message) = Door::enter(request);
        self.0.until_shutdown(self.mutate(door, message)).await
    }
}

fn answered<M>(
    unanswered: Unanswered,
    target: &Target,
    message: Result<M, CallError>,
) -> Result<Response<M>, Status> {
    match message {
        Ok(message) => {
            unanswered.answered(Outcome::OK);
            Ok(paid_by(Some(target.owner.memory.clone()), message))
        }
        Err(error) => Err(fail(unanswered, &error)),
    }
}
