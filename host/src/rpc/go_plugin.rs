//! The services that go-plugin itself expects on the connection. Its client stops the process through one, checks its
//! health through another, and keeps streams of two more open. Health is as on any other plugin.

use std::future::pending;
use std::pin::Pin;

use futures_util::stream::pending as never;
use futures_util::{Stream, StreamExt as _};
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::ServingStatus;

use super::reflection;
use crate::plugin::Current;
use crate::proto::plugin::grpc_broker_server::{GrpcBroker, GrpcBrokerServer};
use crate::proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use crate::proto::plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};
use crate::proto::plugin::{ConnInfo, Empty, StdioData};
use crate::shutdown::Shutdown;

/// The name under which go-plugin's client asks for the process's health.
const HEALTH_SERVICE: &str = "plugin";

/// A stream without items that ends when the process does.
type Held<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Debug)]
struct Controller(Shutdown);

#[derive(Debug)]
struct Broker(Shutdown);

#[derive(Debug)]
struct Stdio(Shutdown);

/// Adds all these services to `routes`.
pub(crate) async fn add_to(
    routes: &mut RoutesBuilder,
    current: &Current,
    shutdown: &Shutdown,
) -> Result<(), tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status(HEALTH_SERVICE, ServingStatus::Serving).await;
    routes
        .add_service(GrpcControllerServer::new(Controller(shutdown.clone())))
        .add_service(GrpcBrokerServer::new(Broker(shutdown.clone())))
        .add_service(GrpcStdioServer::new(Stdio(shutdown.clone())))
        .add_service(health)
        .add_service(reflection::of(current, |builder| builder.build_v1())?)
        .add_service(reflection::of(current, |builder| builder.build_v1alpha())?);
    Ok(())
}

// === impl Controller ===

#[tonic::async_trait]
impl GrpcController for Controller {
    /// The reply means that nothing is left to flush. The client waits for it, and then up to 2 s for the process to
    /// exit.
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.trigger();
        self.0.drained().await;
        Ok(Response::new(Empty {}))
    }
}

// === impl Broker ===

#[tonic::async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Held<ConnInfo>;

    /// Grafana offers no side channels, and we ask for none. The client only expects the stream to stay open.
    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let mut offers = request.into_inner();
        let hang_up = async move { while let Some(Ok(_)) = offers.next().await {} };
        Ok(Response::new(held(&self.0, hang_up)))
    }
}

// === impl Stdio ===

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Held<StdioData>;

    /// Nothing is ever sent: a component's output becomes log lines.
    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(held(&self.0, pending())))
    }
}

fn held<T: Send + 'static>(
    shutdown: &Shutdown,
    hang_up: impl Future<Output = ()> + Send + 'static,
) -> Held<T> {
    let shutdown = shutdown.clone();
    let end = async move {
        tokio::select! {
            () = shutdown.triggered() => {}
            () = hang_up => {}
        }
    };
    Box::pin(never().take_until(Box::pin(end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::service::Routes;
    use tonic::transport::Channel;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus as Answer};

    use crate::config::{Process, Transport};
    use crate::proto::plugin::grpc_broker_client::GrpcBrokerClient;
    use crate::proto::plugin::grpc_controller_client::GrpcControllerClient;
    use crate::proto::plugin::grpc_stdio_client::GrpcStdioClient;
    use crate::serve::{self, Listener};

    /// Serves the services on TCP. Returns a channel to them, and the server's task.
    async fn serve(
        drain: impl Future<Output = ()> + Send + 'static,
    ) -> (Channel, tokio::task::JoinHandle<()>) {
        let listener = Listener::bind(&Process { transport: Transport::Tcp, ..Process::default() }).unwrap();
        let address = format!("http://{}", listener.address().unwrap().address);
        let shutdown = Shutdown::new();
        let mut routes = Routes::builder();
        let (_loading, current) = crate::plugin::loading();
        add_to(&mut routes, &current, &shutdown).await.unwrap();
        let server = serve::run(listener, routes.routes(), serve::unattached(), shutdown, drain);
        let server = tokio::spawn(async move { server.await.unwrap() });
        (Channel::from_shared(address).unwrap().connect().await.unwrap(), server)
    }

    #[tokio::test]
    async fn is_healthy_under_the_name_that_go_plugin_asks_for() {
        let (channel, _server) = serve(async {}).await;
        for service in [HEALTH_SERVICE, ""] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = HealthClient::new(channel.clone()).check(request).await.unwrap();
            assert_eq!(answer.into_inner().status(), Answer::Serving, "{service}");
        }
    }

    #[tokio::test]
    async fn a_shutdown_ends_the_open_streams_then_drains_then_replies_then_ends_the_server() {
        let (drained, drain) = tokio::sync::oneshot::channel::<()>();
        let (channel, server) = serve(async move { drain.await.unwrap() }).await;
        let stdio = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap();
        let broker = GrpcBrokerClient::new(channel.clone()).start_stream(never()).await.unwrap();
        let mut controller = GrpcControllerClient::new(channel.clone());
        let shutdown = tokio::spawn(async move { controller.shutdown(Empty {}).await });
        assert_eq!(stdio.into_inner().message().await.unwrap(), None);
        assert_eq!(broker.into_inner().message().await.unwrap(), None);
        // A reply in flight would arrive before the answer to a later call.
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
        assert!(!shutdown.is_finished());
        drained.send(()).unwrap();
        shutdown.await.unwrap().unwrap();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_broker_stream_ends_when_its_caller_hangs_up() {
        let (channel, _server) = serve(async {}).await;
        let offers = futures_util::stream::iter([ConnInfo::default()]);
        let broker = GrpcBrokerClient::new(channel).start_stream(offers).await.unwrap();
        assert_eq!(broker.into_inner().message().await.unwrap(), None);
    }
}
