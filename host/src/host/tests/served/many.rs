//! Many calls at once, and calls that fail beside others.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_calls_that_are_cancelled_at_once_nothing_is_left() {
    let served = Served::new(&[("GF_PLUGIN_GPX_MEMORY_TOTAL", "2048")]).await;
    let calls: Vec<_> = (0..1000)
        .map(|number| {
            let scripts = if number % 2 == 0 { &[MINUTE][..] } else { &[MINUTE, MINUTE] };
            served.start(Request::new(queries(context(&(number % 10).to_string(), ""), scripts)))
        })
        .collect();
    until("all have begun", || served.began() == 1000).await;
    calls.iter().for_each(JoinHandle::abort);
    until("all are handled", || served.queries_counted().is_over()).await;
    let expected = Counted::of(1000, &[("Canceled", 1000)], &[("cancelled/downstream", 1000)]);
    assert_eq!(served.queries_counted(), expected);
    until("no memory is used", || served.host.0.platform.memory.taken() == 0).await;
    for uid in 0..10 {
        assert_eq!(served.count(&uid.to_string()).await, "1");
    }
    served.drained().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_calls_with_one_deadline_nothing_is_left() {
    let served = Served::new(&[("GF_PLUGIN_GPX_MEMORY_TOTAL", "2048")]).await;
    let calls: Vec<_> = (0..1000)
        .map(|number| {
            let scripts = if number % 2 == 0 { &[MINUTE][..] } else { &[MINUTE, MINUTE] };
            let request = queries(context(&(number % 10).to_string(), ""), scripts);
            let mut request = Request::new(request);
            request.metadata_mut().insert("grpc-timeout", "3S".parse().unwrap());
            served.start(request)
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    }
    until("all are handled", || served.queries_counted().is_over()).await;
    let began = served.began() as u64;
    let expected = Counted::of(1000, &[("DeadlineExceeded", 1000)], &[("error/plugin", began)]);
    assert_eq!(served.queries_counted(), expected);
    until("no memory is used", || served.host.0.platform.memory.taken() == 0).await;
    for uid in 0..10 {
        assert_eq!(served.count(&uid.to_string()).await, "1");
    }
    assert!(!served.lines.text().contains("gpx_call_timeout"));
    served.drained().await;
}

#[tokio::test]
async fn the_shortest_and_the_longest_deadlines() {
    let served = Served::new(&[]).await;
    for (timeout, code) in [
        ("0n", Some(Code::DeadlineExceeded)),
        ("1n", Some(Code::DeadlineExceeded)),
        ("0H", Some(Code::DeadlineExceeded)),
        ("1m", Some(Code::DeadlineExceeded)),
        ("4m", Some(Code::DeadlineExceeded)),
        ("99999999H", None),
        ("99999999S", None),
    ] {
        for scripts in [&[""][..], &["", ""]] {
            let mut request = Request::new(queries(context("a", ""), scripts));
            request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
            let answer = served.start(request).await.unwrap();
            assert_eq!(answer.err().map(|status| status.code()), code, "{timeout}");
        }
    }
    until("all are handled", || served.queries_counted().is_over()).await;
    // A call whose time is over before it is read is none of the plugin's.
    let (counted, late) = (served.queries_counted(), served.began() as u64 - 4);
    assert_eq!(counted.handled, [("DeadlineExceeded".to_owned(), 10), ("OK".to_owned(), 4)]);
    let mut expected = vec![("error/plugin".to_owned(), late), ("ok/plugin".to_owned(), 4)];
    expected.retain(|(_, count)| *count > 0);
    assert_eq!(counted.requests, expected);
    assert!(!served.lines.text().contains("gpx_call_timeout"));
    served.drained().await;
}

#[tokio::test]
async fn a_panic_in_the_host_is_an_error_of_its_call_and_of_no_other() {
    for name in [PANIC_IN_OWNER, PANIC_IN_CALL] {
        let served = Served::new(&[]).await;
        let is_panic = |status: &Status| {
            assert_eq!(status.code(), Code::Unknown);
            assert!(status.message().starts_with("panic triggered: "), "{status}");
        };
        let one = served.start(Request::new(queries(context("a", name), &[""]))).await.unwrap();
        is_panic(&one.unwrap_err());
        let two = served.start(Request::new(queries(context("a", name), &["", ""]))).await.unwrap();
        match two {
            Ok(response) => {
                for answer in response.responses.values() {
                    assert_eq!(answer.error, "the host failed: a query's task ended early");
                    assert_eq!((answer.status, answer.error_source.as_str()), (500, "plugin"));
                }
            }
            Err(status) => is_panic(&status),
        }
        assert_eq!(served.queries_counted().requests, [("error/plugin".to_owned(), 2)]);

        let request = CheckHealthRequest { plugin_context: context("a", name), ..Default::default() };
        let health = served.connection.diagnostics().check_health(request).await;
        is_panic(&health.unwrap_err());
        let expected = Counted::of(1, &[("Unknown", 1)], &[("error/plugin", 1)]);
        assert_eq!(served.counted("CheckHealth", "checkHealth"), expected);

        let request = CallResourceRequest { plugin_context: context("a", name), ..Default::default() };
        let resource = served.connection.resource().call_resource(request).await;
        match resource {
            Ok(stream) => is_panic(&stream.into_inner().message().await.unwrap_err()),
            Err(status) => is_panic(&status),
        }
        assert_eq!(served.counted("CallResource", "callResource"), expected);
        assert_eq!(served.count("b").await, "1");
        served.drained().await;
    }
}

#[tokio::test]
async fn while_large_answers_are_encoded_and_given_up_others_are_answered() {
    let settings = [("GF_PLUGIN_GPX_INSTANCES_MAX", "1"), ("GF_PLUGIN_GPX_MEMORY_TOTAL", "1280")];
    let served = Served::new(&settings).await;
    // Fifty megabytes of JSON each.
    let large = "need 20\nrows 8388608";
    for round in 1..=2 {
        let calls: Vec<_> = (0..10)
            .map(|number| served.start(Request::new(queries(context(&number.to_string(), ""), &[large]))))
            .collect();
        until("all have begun", || served.began() as u64 >= served.queries_counted().started).await;
        let mut answered = 0;
        while answered < 20 && calls.iter().all(|call| !call.is_finished()) {
            served.count("other").await;
            answered += 1;
        }
        assert_eq!(answered, 20, "large answers went first");
        calls.iter().for_each(JoinHandle::abort);
        until("all are handled", || served.queries_counted().is_over()).await;
        let requests = served.queries_counted().requests;
        assert_eq!(requests[0], ("cancelled/downstream".to_owned(), 10 * round));
    }
    served.drained().await;
}
