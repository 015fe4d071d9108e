//! `pluginv2.ResourceConversion`: objects, or saved queries, in another version. As on the Go SDK, the service is there only if
//! the plugin serves it.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, Target, convert, fail, paid_by};
use crate::budget::{MAX_REQUEST, beside_others};
use crate::call::{Call, Endpoint, Outcome};
use crate::plugin::{CallError, Conversion, ConversionRequest, Export};
use crate::proto::pluginv2;
use crate::proto::pluginv2::resource_conversion_server::{ResourceConversion, ResourceConversionServer};

const CONVERT: Endpoint = Endpoint { name: "convertObjects", span: "sdk.convertObjects" };

/// Either is enough.
const EXPORTS: [Export; 2] = [Export::Conversion, Export::QueryConversion];

pub(super) struct ConversionService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> ResourceConversionServer<ConversionService> {
    let server = ResourceConversionServer::new(ConversionService(backend));
    server.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX)
}

// === impl ConversionService ===

impl ConversionService {
    async fn convert(
        &self,
        door: Door,
        message: pluginv2::ConversionRequest,
    ) -> Result<Response<pluginv2::ConversionResponse>, Status> {
        self.0.serves(&EXPORTS).await?;
        let (context, uid, request) = convert::conversion_request(message);
        let context = convert::context(context, &door.metadata, []);
        let Begun { unanswered, target } = self.0.begin(&EXPORTS, CONVERT, door, context).await?;
        let target = match target {
            Ok(target) => target,
            Err(error) => return Err(fail(unanswered, &error)),
        };
        match converted(&target, unanswered.call(), request).await {
            Ok(conversion) => {
                unanswered.answered(Outcome::OK);
                let message = convert::converted(uid, conversion);
                Ok(paid_by(Some(target.owner.memory.clone()), message))
            }
            Err(error) => Err(fail(unanswered, &error)),
        }
    }
}

#[tonic::async_trait]
impl ResourceConversion for ConversionService {
    async fn convert_objects(
        &self,
        request: Request<pluginv2::ConversionRequest>,
    ) -> Result<Response<pluginv2::ConversionResponse>, Status> {
        let (door, message) = Door::enter(request);
        self.0.until_shutdown(self.convert(door, message)).await
    }
}

/// As the Go SDK does, takes objects for requests with queries if all of them are such requests.
async fn converted(
    target: &Target,
    call: &Arc<Call>,
    request: ConversionRequest,
) -> Result<Conversion, CallError> {
    let (plugin, owner) = (&target.plugin, &target.owner);
    if plugin.exports(Export::QueryConversion) {
        match beside_others(|| convert::stored_queries(&request.objects)) {
            Ok(requests) => {
                let mut objects = Vec::new();
                for queries in requests {
                    objects.extend(plugin.convert_queries(call, owner, queries).await?);
                }
                return Ok(Ok(objects));
            }
            Err(why) if !plugin.exports(Export::Conversion) => return Err(CallError::Malformed(why)),
            Err(_) => {}
        }
    }
    plugin.convert_objects(call, owner, request).await
}
