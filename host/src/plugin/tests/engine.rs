use wasmtime::{Instance, Module, Store, UpdateDeadline};

use crate::plugin::component::engine::{Engine, configuration};
use crate::plugin::test::{Asker, Loaded};

/// So many iterations that a loop takes seconds: a test sees what it waits for long before.
const LONG: i64 = 1 << 31;

/// So many iterations that a loop takes many ticks of the clock.
const SHORT: i64 = 1 << 23;

/// Returns how often a computing guest is interrupted, up to `enough`.
fn interrupted(engine: &wasmtime::Engine, turns: i64, enough: usize) -> usize {
    let module = r#"(module (func (export "compute") (param $turns i64)
        (loop $next
            (local.set $turns (i64.sub (local.get $turns) (i64.const 1)))
            (br_if $next (i64.ne (local.get $turns) (i64.const 0))))))"#;
    let module = Module::new(engine, wat::parse_str(module).unwrap()).unwrap();
    let mut store = Store::new(engine, 0);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut store| {
        *store.data_mut() += 1;
        if *store.data() == enough {
            Err(wasmtime::Error::msg("enough"))
        } else {
            Ok(UpdateDeadline::Continue(1))
        }
    });
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let compute = instance.get_typed_func::<i64, ()>(&mut store, "compute").unwrap();
    // Fails once the guest was interrupted often enough.
    let _ = compute.call(&mut store, turns);
    *store.data()
}

/// Returns whether the clock eventually stops.
fn stops(engine: &Engine) -> bool {
    (0..200).any(|_| interrupted(engine.wasmtime(), SHORT, usize::MAX) == 0)
}

#[test]
fn the_clock_runs_during_a_call_and_then_stops() {
    let engine = Engine::new(&configuration()).unwrap();
    for call in ["the first", "the next"] {
        let ticking = engine.tick();
        assert_eq!(interrupted(engine.wasmtime(), LONG, 3), 3, "the clock does not run during {call} call");
        drop(ticking);
        assert!(stops(&engine), "the clock still runs after {call} call");
        // Takes long enough for the clock's thread to sleep until the next call wakes it.
        assert_eq!(interrupted(engine.wasmtime(), 16 * SHORT, usize::MAX), 0);
    }
}

#[test]
fn calls_share_the_clock_and_the_last_one_stops_it() {
    let engine = Engine::new(&configuration()).unwrap();
    let (one, other) = (engine.tick(), engine.clone().tick());
    drop(one);
    assert_eq!(interrupted(engine.wasmtime(), LONG, 100), 100);
    drop(other);
    assert!(stops(&engine));
}

#[test]
fn the_clock_ends_with_its_engine() {
    for used in [false, true] {
        let engine = Engine::new(&configuration()).unwrap();
        let clock = engine.clock();
        if used {
            drop(engine.tick());
            assert!(stops(&engine));
        }
        drop(engine.clone());
        assert!(clock.upgrade().is_some(), "another one has the engine");
        drop(engine);
        // Only its thread holds the clock now.
        while clock.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_guest_that_computes_is_interrupted_when_its_engine_is_needed_for_nothing_else() {
    let engine = Engine::new(&configuration()).unwrap();
    let (ticking, of_guest) = (engine.tick(), engine.wasmtime().clone());
    drop(engine);
    assert_eq!(interrupted(&of_guest, LONG, 100), 100);
    drop(ticking);
}

#[tokio::test]
async fn a_guest_that_computes_leaves_the_thread_to_others() {
    let loaded = Loaded::new().await;
    let computing = loaded.start(&Asker::of("a").to(&format!("out here I am\ncompute {LONG}")));
    while loaded.logged("here I am").is_empty() {
        tokio::task::yield_now().await;
    }
    loaded.ask(&Asker::of("b")).await.unwrap();
    assert!(!computing.is_finished(), "the other call was answered only after this one");
    computing.abort();
}
