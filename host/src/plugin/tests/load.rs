use std::path::PathBuf;
use std::time::Duration;

use crate::budget::{Limits, Machine, MemoryLimit};
use crate::plugin::test::{Asker, Guest, LIMITS, Loaded, PAGE, compiled, directory};

/// Returns why the guest cannot be loaded.
async fn refused(guest: Guest, limits: &Limits) -> String {
    let (_directory, file) = directory(&guest.bytes());
    let (loaded, _) = Loaded::from_file(&file, true, limits).await;
    let Err(error) = loaded else { panic!("it was loaded") };
    error.to_string().replace(file.to_str().unwrap(), "IT")
}

#[tokio::test]
async fn a_component_that_cannot_describe_itself_is_refused() {
    let why = refused(Guest::describing("unreachable"), &LIMITS).await;
    assert!(why.starts_with("the component IT cannot describe itself: the plugin failed: "), "{why}");
}

#[tokio::test]
async fn a_component_whose_description_never_ends_is_refused() {
    for (limits, told) in [
        (
            Limits { call_timeout: Duration::from_millis(30), ..LIMITS },
            "did not answer within 30ms; raise gpx_call_timeout",
        ),
        (
            Limits { cpu_timeout: Duration::from_millis(30), ..LIMITS },
            "computed for more than 30ms; raise gpx_cpu_timeout",
        ),
    ] {
        let why = refused(Guest::describing("(loop (br 0))"), &limits).await;
        assert_eq!(
            why,
            format!("the component IT cannot describe itself: the plugin {told} if it needs more")
        );
    }
}

#[tokio::test]
async fn a_component_that_does_not_fit_in_its_memory_is_refused() {
    let why = refused(Guest::new(), &Limits { memory_max: PAGE - 1, ..LIMITS }).await;
    assert!(
        why.starts_with("the component IT cannot describe itself: ") && why.contains("gpx_memory_max"),
        "{why}"
    );
}

#[tokio::test]
async fn a_component_that_declares_a_billion_instances_is_refused_before_it_is_compiled() {
    let mut text = "(core module $m) (core instance (instantiate $m))".to_owned();
    for _ in 0..9 {
        text = format!("(component $c {text}) {}", "(instance (instantiate $c))".repeat(10));
    }
    let exports = r#"(instance $i) (export "gpx:plugin/plugin@0.2.0" (instance $i))"#;
    let bytes = wat::parse_str(format!("(component {text} {exports})")).unwrap();
    let (_directory, file) = directory(&bytes);
    let (loaded, lines) = Loaded::from_file(&file, true, &LIMITS).await;
    let Err(error) = loaded else { panic!("it was loaded") };
    let reason = "would instantiate more than 1000 modules and components; compose it of fewer";
    assert!(error.to_string().ends_with(reason), "{error}");
    assert!(lines.json().iter().all(|line| line["@message"] != "Compiling the component"));
}

#[tokio::test]
async fn a_component_answers_on_a_machine_with_little_address_space() {
    let (_directory, file) = compiled();
    let machine = Machine { address_space: Some(2 << 30), mapped: Some(300 << 20), ..Machine::default() };
    let (loaded, lines) =
        Loaded::on_machine(&file, true, &Limits { memory_total: 1 << 30, ..LIMITS }, machine).await;
    let loaded = loaded.unwrap();
    // The memory grows beyond what it has reserved, and keeps its content.
    let asker = Asker::of("a").to("say before\nneed 500\nneed 100\nsay  and after");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "before and after");
    let lines = lines.json();
    let warnings: Vec<_> = lines.iter().filter(|line| line["@level"] == "warn").collect();
    let [lowered, precompiled] = warnings.try_into().unwrap();
    let text = lowered["@message"].as_str().unwrap();
    assert!(
        text.starts_with(
            "Because of RLIMIT_AS = 2048 MiB, less than gpx_memory_total = 1024 MiB is available: "
        ),
        "{text}"
    );
    assert_eq!(precompiled["reason"], "the machine has too little address space for it");
    let used = "Precompiled code is not used, and the component is compiled at each start";
    assert_eq!(precompiled["@message"], used);
}

#[tokio::test]
async fn the_memory_of_all_instances_fits_in_the_containers() {
    let (_directory, file) = compiled();
    let memory = Some(MemoryLimit { bytes: 128 << 20, file: PathBuf::from("/sys/fs/cgroup/memory.max") });
    let machine = Machine { memory, resident: Some(32 << 20), ..Machine::default() };
    let limits = Limits { memory_max: 1 << 30, ..LIMITS };
    let (loaded, lines) = Loaded::on_machine(&file, true, &limits, machine).await;
    let loaded = loaded.unwrap();
    // Four fifths of 64 MiB are 819 pages of 64 KiB.
    let (fits, exceeds) = (Asker::of("a").to("need 800"), Asker::of("b").to("need 820"));
    assert!(loaded.ask(&exceeds).await.is_err());
    loaded.ask(&fits).await.unwrap();
    let lines = lines.json();
    let warnings: Vec<_> = lines.iter().filter(|line| line["@level"] == "warn").collect();
    let [lowered] = warnings.try_into().unwrap();
    let text = lowered["@message"].as_str().unwrap();
    let start = "Because of memory.max = 128 MiB in /sys/fs/cgroup, less than gpx_memory_total = 256 MiB is ";
    assert!(text.starts_with(start) && text.contains("may use 51 MiB"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_memory_is_told_the_total_that_fits() {
    let (_directory, file) = compiled();
    let memory = Some(MemoryLimit { bytes: 128 << 20, file: PathBuf::from("/sys/fs/cgroup/memory.max") });
    let machine = Machine { memory, resident: Some(32 << 20), ..Machine::default() };
    let limits = Limits { memory_max: 1 << 30, ..LIMITS };
    let loaded = Loaded::on_machine(&file, true, &limits, machine).await.0.unwrap();
    // Of 51 MiB, a few are left: enough for another instance, and too little for it to grow.
    let running = loaded.start(&Asker::of("a").to("need 750\nwait 60000"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let grows = Asker::of("b").to("need 60").within(Duration::from_secs(5));
    let error = loaded.ask(&grows).await.unwrap_err().to_string();
    assert!(error.contains("because all instances together used 51 MiB; raise gpx_memory_total"), "{error}");
    running.abort();
}

#[tokio::test]
async fn a_manifest_is_cut_to_what_is_kept_of_it() {
    // A page of zeros is the SDK's name, and a list of attributes without keys and texts.
    let lists = "(drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 128) (i32.const 65536)) (i32.store (i32.const 132) (i32.const 1000))
        (i32.store (i32.const 136) (i32.const 65536)) (i32.store (i32.const 140) (i32.const 1000))";
    let loaded = Loaded::of(Guest::describing(lists)).await;
    let manifest = &loaded.plugin.component.manifest;
    assert_eq!((manifest.sdk.len(), manifest.attributes.len(), manifest.secrets.len()), (256, 128, 1));
    let [line] = loaded
        .logged("The component's manifest is too long; parts of it are ignored")
        .try_into()
        .expect("one line");
    assert_eq!(line["parts"], serde_json::json!(["sdk", "attributes"]), "{line}");
}
