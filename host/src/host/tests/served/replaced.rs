//! A component that takes the place of another.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_component_may_be_replaced_a_hundred_times_while_calls_run() {
    let served = Served::new(&[]).await;
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (client, uid) = (served.connection.data(), (number % 5).to_string());
            tokio::spawn(async move {
                for _ in 0..20 {
                    let request = queries(context(&uid, ""), &["wait 5\nsay done"]);
                    let response = client.clone().query_data(request).await.unwrap();
                    assert_eq!(answer(response.get_ref()), "done");
                }
            })
        })
        .collect();
    let replacing: Vec<_> = (0..4)
        .map(|_| {
            let (host, component) = (served.host.clone(), served.component());
            tokio::spawn(async move {
                for _ in 0..25 {
                    host.replace(component.clone()).await.unwrap();
                }
            })
        })
        .collect();
    for task in calls.into_iter().chain(replacing) {
        task.await.unwrap();
    }
    let counted = served.queries_counted();
    assert_eq!(counted, Counted::of(2000, &[("OK", 2000)], &[("ok/plugin", 2000)]));
    served.drained().await;
}

#[tokio::test]
async fn a_component_that_replaces_another_has_no_instances_yet() {
    let served = Served::new(&[]).await;
    let active = || {
        let text = served.host.0.platform.metrics.text().unwrap();
        text.lines().find_map(|line| line.strip_prefix("plugins_active_instances ")).unwrap().to_owned()
    };
    served.count("a").await;
    served.count("b").await;
    assert_eq!(active(), "2");
    assert!(served.host.replace(Component::from_bytes("")).await.is_err());
    assert_eq!(active(), "2");
    served.host.replace(served.component()).await.unwrap();
    assert_eq!(active(), "0");
    assert_eq!(served.count("a").await, "1");
    assert_eq!(active(), "1");
}
