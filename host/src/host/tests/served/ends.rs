//! How calls and servers end.

use super::*;

#[tokio::test]
async fn a_call_that_waits_for_the_component_is_answered_when_the_process_ends() {
    let component = Component::from_bytes(Guest::describing("(loop (br 0))").bytes());
    let served = Served::of(component, &[("GF_PLUGIN_GPX_CPU_TIMEOUT", "1h")]).await;
    let call = served.start(Request::new(queries(context("a", ""), &[""])));
    until("it has arrived", || served.queries_counted().started == 1).await;
    served.host.drain().await;
    let status = tokio::time::timeout(Duration::from_secs(30), call).await.expect("an answer").unwrap();
    let status = status.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    assert_eq!(served.queries_counted(), Counted::of(1, &[("Canceled", 1)], &[]));
}

#[tokio::test]
async fn calls_are_answered_when_the_process_ends_whatever_they_wait_for() {
    let busy = [("GF_PLUGIN_GPX_INSTANCES_MAX", "1")];
    let served = Served::new(&busy).await;
    let mut opening = context("opening", "");
    let settings = opening.as_mut().unwrap().data_source_instance_settings.as_mut().unwrap();
    settings.json_data = MINUTE.into();
    let waiting = served.start(Request::new(queries(context("a", ""), &[MINUTE])));
    until("it has the instance", || served.began() == 1).await;
    let calls = [
        waiting,
        // They wait for the instance.
        served.start(Request::new(queries(context("a", ""), &[""]))),
        served.start(Request::new(queries(context("a", ""), &["", ""]))),
        served.start(Request::new(queries(opening, &[""]))),
        served.start(Request::new(queries(context("b", ""), &["loop"]))),
    ];
    let mut resource = served.connection.resource();
    let request = CallResourceRequest {
        plugin_context: context("c", ""),
        body: "send-on x".into(),
        ..Default::default()
    };
    // Nobody reads it.
    let stream = resource.call_resource(request).await.unwrap();
    until("all have begun", || served.began() == 6).await;
    let mut controller = served.connection.controller();
    controller.shutdown(Empty {}).await.unwrap();
    for call in calls {
        let status = call.await.unwrap().unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    }
    let expected = Counted::of(5, &[("Canceled", 5)], &[("cancelled/downstream", 5)]);
    assert_eq!(served.queries_counted(), expected);
    let resources = served.counted("CallResource", "callResource");
    assert_eq!(resources.requests, [("cancelled/downstream".to_owned(), 1)]);
    drop(stream);
    served.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_host_serves_on_two_listeners_and_both_end() {
    let served = Served::new(&[]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let other = tokio::spawn({
        let host = served.host.clone();
        async move { host.serve(listener).await }
    });
    let connection = Connection::to(address).await;
    let call = connection.data().query_data(queries(context("a", ""), &[""])).await.unwrap();
    assert_eq!(answer(call.get_ref()), "1");
    assert_eq!(served.count("a").await, "2");
    let waiting = served.start(Request::new(queries(context("a", ""), &[MINUTE])));
    until("it has begun", || served.began() == 3).await;
    connection.controller().shutdown(Empty {}).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), Code::Cancelled);
    other.await.unwrap().unwrap();
    served.serving.await.unwrap().unwrap();
}
