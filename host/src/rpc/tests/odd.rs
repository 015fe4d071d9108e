//! Requests that Grafana does not send.

use tonic::Code;

use crate::plugin::test::LIMITS;
use crate::proto::pluginv2::{
    PluginContext, PublishStreamRequest, QueryDataRequest, RunStreamRequest, SubscribeStreamRequest,
};
use crate::rpc::test::{Grafana, a_while, answer, context, queries};

#[tokio::test(start_paused = true)]
async fn two_queries_with_one_ref_id_get_the_answer_to_the_last() {
    let grafana = Grafana::new().await;
    // The second one is done first.
    let request = queries(&[("A", "wait 2000\nfail 500 0 first"), ("A", "wait 1000\nsay second")]);
    let response = grafana.query(request).await.unwrap();
    assert_eq!(response.responses.len(), 1);
    assert_eq!(answer(&response, "A"), "second");
    assert_eq!(grafana.counted("queryData", "ok", "plugin"), "1");
}

#[tokio::test]
async fn a_request_without_a_context_or_settings_is_not_one_of_grafanas() {
    let grafana = Grafana::new().await;
    for (context, text) in [
        (None, "the request has no plugin context"),
        (Some(PluginContext::default()), "the request has no settings of a data source or an app"),
    ] {
        let request = QueryDataRequest { plugin_context: context, ..queries(&[("A", "")]) };
        let status = grafana.query(request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unknown, text));
    }
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "2");
}

#[tokio::test]
async fn an_unknown_format_ends_the_call() {
    let grafana = Grafana::new().await;
    let request = QueryDataRequest { format: 7, ..queries(&[("A", "count")]) };
    let status = grafana.query(request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, "unsupported data frame format 7"));
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "1");
    assert_eq!(answer(&grafana.query(queries(&[("A", "count")])).await.unwrap(), "A"), "1", "no query ran");
}

#[tokio::test(start_paused = true)]
async fn streams_that_wait_for_the_component_end_with_the_process() {
    let grafana = Grafana::loading().await;
    let calls = tokio::spawn({
        let grafana = grafana.clone();
        async move { grafana.stream(Default::default(), Default::default(), Default::default()).await }
    });
    a_while().await;
    grafana.shutdown.trigger();
    let calls = tokio::time::timeout(LIMITS.call_timeout, calls).await.expect("they end");
    for (endpoint, status) in calls.unwrap() {
        let status = status.unwrap();
        let expected = (Code::Cancelled, "the plugin is being stopped");
        assert_eq!((status.code(), status.message()), expected, "{endpoint}");
    }
}

#[tokio::test]
async fn streams_that_are_not_served_are_recorded() {
    let grafana = Grafana::new().await;
    let plugin_context = Some(context());
    let subscribe = SubscribeStreamRequest { plugin_context: plugin_context.clone(), ..Default::default() };
    let publish = PublishStreamRequest { plugin_context: plugin_context.clone(), ..Default::default() };
    let run = RunStreamRequest { plugin_context, ..Default::default() };
    for (endpoint, status) in grafana.stream(subscribe, publish, run).await {
        let status = status.unwrap();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unimplemented, "the plugin does not export gpx:plugin/stream")
        );
        assert_eq!(grafana.counted(endpoint, "error", "plugin"), "1", "{endpoint}");
        assert!(grafana.loaded.ended.spans().iter().any(|span| span.name == format!("sdk.{endpoint}")));
    }
}
