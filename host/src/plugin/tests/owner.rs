use std::time::Duration;

use crate::budget::Limits;
use crate::call::{AppSettings, CallContext, Subject};
use crate::plugin::test::{Asker, LIMITS, Loaded, PANIC_IN_OWNER};

/// Answers with the URL, and with how many calls the instance has answered.
const URL: &str = "setting 32\nsay  \ncount";

/// Asks for each caller in turn, three times, and checks that they do not affect each other.
async fn each_has_an_instance(loaded: &Loaded, askers: &[Asker]) {
    for calls in ["1", "2", "3"] {
        for (number, asker) in askers.iter().enumerate() {
            assert_eq!(loaded.ask(asker).await.unwrap(), calls, "number {number}");
        }
    }
    assert_eq!(loaded.metric("plugins_datasource_instances_total"), askers.len().to_string());
    assert_eq!(loaded.metric("plugins_active_instances"), askers.len().to_string());
}

#[tokio::test]
async fn data_sources_that_differ_in_any_part_of_their_identity_share_no_instance() {
    let one = Asker::of("one");
    let other = |change: fn(&mut Asker)| {
        let mut other = one.clone();
        change(&mut other);
        other
    };
    let askers = [
        one.clone(),
        other(|asker| asker.context.tenant = "tenant".to_owned()),
        other(|asker| asker.context.namespace = "stacks-1".to_owned()),
        other(|asker| asker.context.org_id = 2),
        other(|asker| asker.context.plugin_id = "plugin".to_owned()),
        other(|asker| asker.settings().uid = "two".to_owned()),
        // The same values in different fields.
        other(|asker| {
            (asker.context.tenant, asker.context.namespace) = ("stacks-1".to_owned(), "tenant".to_owned())
        }),
    ];
    each_has_an_instance(&Loaded::new().await, &askers).await;
}

#[tokio::test]
async fn neither_the_user_nor_the_query_matters() {
    let loaded = Loaded::new().await;
    let mut asker = Asker::of("a");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    asker.context.user = Some(Default::default());
    asker.context.user_agent = "Grafana/12.4.0".to_owned();
    assert_eq!(loaded.ask(&asker.to("count")).await.unwrap(), "2");
}

#[tokio::test]
async fn an_app_has_instances_of_its_own() {
    let app = |updated| {
        let subject = Subject::App(AppSettings { updated, ..Default::default() });
        Asker { context: CallContext { subject, ..Default::default() }, ..Default::default() }
    };
    let (app, updated) = (app(1), app(2));
    let mut other = app.clone();
    other.context.org_id = 2;
    each_has_an_instance(&Loaded::new().await, &[app.clone(), Asker::of("a"), other]).await;

    let loaded = Loaded::new().await;
    assert_eq!(loaded.ask(&app).await.unwrap(), "1");
    assert_eq!(loaded.ask(&updated).await.unwrap(), "1");
}

#[tokio::test]
async fn an_update_makes_new_instances_with_the_new_settings() {
    let loaded = Loaded::new().await;
    let mut asker = Asker::of("a");
    for (updated, url) in [(1, "http://one"), (2, "http://two"), (1, "http://three")] {
        asker.settings().updated = updated;
        asker.settings().url = url.to_owned();
        assert_eq!(loaded.ask(&asker.to(URL)).await.unwrap(), format!("{url} 1"));
        assert_eq!(loaded.ask(&asker.to(URL)).await.unwrap(), format!("{url} 2"));
    }
    assert_eq!(loaded.metric("plugins_datasource_instances_total"), "3");
    assert_eq!(loaded.metric("plugins_active_instances"), "1");
}

#[tokio::test]
async fn a_change_of_grafanas_configuration_makes_new_instances() {
    let loaded = Loaded::new().await;
    let with = |pairs: &[(&str, &str)]| {
        let mut asker = Asker::of("a");
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        asker.context.grafana_config = pairs.collect();
        asker
    };
    for (config, same) in [
        (with(&[]), with(&[])),
        (with(&[("x", "1"), ("y", "2")]), with(&[("y", "2"), ("x", "1")])),
        (with(&[("x", "2"), ("y", "1")]), with(&[("y", "1"), ("x", "2")])),
        (with(&[("x", "2")]), with(&[("x", "2")])),
        (with(&[("x2", "")]), with(&[("x2", "")])),
    ] {
        assert_eq!(loaded.ask(&config).await.unwrap(), "1", "{:?}", config.context.grafana_config);
        assert_eq!(loaded.ask(&same).await.unwrap(), "2", "{:?}", same.context.grafana_config);
    }
}

#[tokio::test(start_paused = true)]
async fn running_calls_finish_on_the_settings_that_they_began_with() {
    let loaded = Loaded::new().await;
    let mut asker = Asker::of("a");
    asker.settings().url = "http://old".to_owned();
    let running = loaded.start(&asker.to(&format!("wait 60000\n{URL}")));
    tokio::time::sleep(Duration::from_secs(1)).await;
    asker.settings().url = "http://new".to_owned();
    asker.settings().updated = 1;
    assert_eq!(loaded.ask(&asker.to(URL)).await.unwrap(), "http://new 1");
    assert!(!running.is_finished());
    assert_eq!(running.await.unwrap().unwrap(), "http://old 1");
    assert_eq!(
        loaded.ask(&asker.to(URL)).await.unwrap(),
        "http://new 2",
        "an instance with the old settings does not answer it"
    );
}

#[tokio::test(start_paused = true)]
async fn data_sources_without_a_call_are_forgotten_if_there_are_very_many() {
    let loaded = Loaded::new().await;
    let busy = loaded.start(&Asker::of("busy").to("wait 60000\ncount"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    for number in 1..1000 {
        loaded.ask(&Asker::of(&number.to_string())).await.unwrap();
    }
    assert_eq!(loaded.metric("plugins_active_instances"), "1000");
    loaded.ask(&Asker::of("one more")).await.unwrap();
    assert_eq!(loaded.metric("plugins_active_instances"), "2");
    assert_eq!(busy.await.unwrap().unwrap(), "1");
    assert_eq!(loaded.ask(&Asker::of("busy")).await.unwrap(), "2", "the one with a call is not forgotten");
    assert_eq!(loaded.ask(&Asker::of("1")).await.unwrap(), "1", "a forgotten one is made again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_first_calls_make_one_owner() {
    let loaded = Loaded::with(&Limits { instances_max: Some(1), ..LIMITS }).await;
    let asker = Asker::of("a");
    let calls: Vec<_> = (0..1000).map(|_| loaded.start(&asker)).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap().parse::<usize>().unwrap());
    }
    answers.sort_unstable();
    assert!(answers.into_iter().eq(1..=1000), "one instance answered all");
    assert_eq!(loaded.metric("plugins_datasource_instances_total"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_version_that_changes_back_and_forth_gives_each_call_its_own_settings() {
    let loaded = Loaded::new().await;
    let calls = (0..1000).map(|number| {
        let mut asker = Asker::of("a").to("setting 32");
        asker.settings().updated = number % 2;
        asker.settings().url = format!("http://{}", number % 2);
        let expected = asker.settings().url.clone();
        (loaded.start(&asker), expected)
    });
    for (call, expected) in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap(), expected);
    }
    assert_eq!(loaded.metric("plugins_active_instances"), "1");
}

#[tokio::test(start_paused = true)]
async fn more_data_sources_than_are_kept_may_have_calls_at_once() {
    let loaded = Loaded::with(&Limits { memory_total: 2 << 30, ..LIMITS }).await;
    let calls = (0..1500).map(|number| loaded.start(&Asker::of(&number.to_string()).to("wait 60000\ncount")));
    let calls: Vec<_> = calls.collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(loaded.metric("plugins_active_instances"), "1500");
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "1");
    }
    assert_eq!(loaded.ask(&Asker::of("one more")).await.unwrap(), "1");
    assert_eq!(loaded.metric("plugins_active_instances"), "1");
}

#[tokio::test]
async fn an_owner_whose_making_panics_holds_up_no_other_and_is_made_by_the_next_call() {
    let loaded = Loaded::new().await;
    let mut asker = Asker::of("a");
    asker.settings().name = PANIC_IN_OWNER.to_owned();
    for _ in 0..2 {
        assert!(loaded.start(&asker).await.unwrap_err().is_panic());
    }
    asker.settings().name.clear();
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    assert_eq!(loaded.ask(&Asker::of("b")).await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_owner_that_takes_long_to_make_leaves_its_thread_to_others() {
    let loaded = Loaded::new().await;
    let (sender, receiver) = std::sync::mpsc::channel();
    let receiver = std::sync::Mutex::new(receiver);
    // There is one thread for tasks, and the making keeps it until another owner's call is answered.
    let making = tokio::spawn(async move {
        let other = loaded.clone();
        tokio::spawn(async move { sender.send(other.ask(&Asker::of("b")).await) });
        let context = Asker::of("a").context;
        let mut answer = None;
        let make = || {
            answer = receiver.lock().unwrap().recv_timeout(Duration::from_secs(30)).ok();
            loaded.plugin.make_owner(&context)
        };
        loaded.plugin.owners.get(&context, make).await;
        answer
    });
    assert_eq!(making.await.unwrap().unwrap().unwrap(), "1");
}
