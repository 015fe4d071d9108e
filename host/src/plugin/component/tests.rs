use wasmtime::Store;
use wasmtime::component::{Component as Code, Linker};

use super::*;
use crate::budget::{Machine, Needs};
use crate::log::memory::Lines;

/// A component whose core instances have two memories and two tables, and that recurses as deep as it is told, touching
/// the pages of its stack.
const DEEP: &str = r#"
    (core module $other (memory 0) (table 3 funcref))
    (core instance (instantiate $other))
    (core module $m
        (memory 1) (table 10 funcref)
        (data (i32.const 0) "image")
        (func $deep (export "deep") (param i32) (result i32)
            (i32.store (i32.const 60000) (local.get 0))
            (if (result i32) (local.get 0)
                (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                (else (i32.const 0)))))
    (core instance $i (instantiate $m))
    (func (export "deep") (param "depth" u32) (result u32) (canon lift (core func $i "deep")))"#;

/// How deep `DEEP` may recurse: most of a stack of 512 KiB.
const DEPTH: u32 = 10_000;

fn read(text: &str) -> Read {
    let bytes = Bytes::from(wat::parse_str(format!("(component {text})")).unwrap());
    let declared = Declared::read(&bytes).unwrap();
    let component = Component::from_bytes(bytes.clone());
    Read { component, bytes, interfaces: Vec::new(), built_for: String::new(), declared }
}

fn fitted(instances: usize, space: AddressSpace) -> Fitted {
    Fitted { total: 1 << 30, instances, space, told: None }
}

/// Makes the engine, and returns how code is allocated and what was logged.
fn engine(read: &Read, fitted: &Fitted) -> (Engine, AddressSpace, Lines) {
    let (log, lines) = Log::memory();
    let (engine, space) = read.engine(fitted, &Arc::default(), &log).unwrap();
    (engine, space, lines)
}

/// An instance that has recursed.
async fn recursed(engine: &Engine, code: &Code) -> wasmtime::Result<Store<()>> {
    let mut store = Store::new(engine.wasmtime(), ());
    store.set_epoch_deadline(1 << 60);
    let instance = Linker::new(engine.wasmtime()).instantiate_async(&mut store, code).await?;
    let deep = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "deep")?;
    assert_eq!(deep.call_async(&mut store, (DEPTH,)).await?, (DEPTH,));
    Ok(store)
}

#[tokio::test]
async fn as_many_instances_as_fit_have_a_place_in_the_pool() {
    let read = read(DEEP);
    let (engine, space, lines) = engine(&read, &fitted(30, AddressSpace::Plenty));
    assert_eq!((space, lines.json().len()), (AddressSpace::Plenty, 0));
    let code = Code::new(engine.wasmtime(), &read.bytes).unwrap();
    read.declared.confirm(code.resources_required()).unwrap();
    let mut stores = Vec::new();
    for _ in 0..30 {
        stores.push(recursed(&engine, &code).await.unwrap());
    }
}

#[tokio::test]
async fn instances_that_are_dropped_give_all_their_pages_back() {
    let read = read(DEEP);
    let (engine, ..) = engine(&read, &fitted(10, AddressSpace::Plenty));
    let code = Code::new(engine.wasmtime(), &read.bytes).unwrap();
    for _ in 0..5 {
        recursed(&engine, &code).await.unwrap();
    }
    let pool = engine.wasmtime().pooling_allocator_metrics().unwrap();
    assert_eq!((pool.component_instances(), pool.memories(), pool.tables(), pool.stacks()), (0, 0, 0, 0));
    let kept = (pool.unused_memory_bytes_resident(), pool.unused_table_bytes_resident());
    assert_eq!((kept, pool.unused_stack_bytes_resident()), ((0, 0), Some(0)));
}

#[tokio::test]
async fn a_pool_is_given_back_with_its_last_instance() {
    let read = read(DEEP);
    let (engine, ..) = engine(&read, &fitted(10, AddressSpace::Plenty));
    let code = Code::new(engine.wasmtime(), &read.bytes).unwrap();
    let store = recursed(&engine, &code).await.unwrap();
    let weak = engine.wasmtime().weak();
    drop((engine, code));
    assert!(weak.upgrade().is_some(), "an instance needs it");
    drop(store);
    // The clock's thread may have it for a moment.
    while weak.upgrade().is_some() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn without_a_pool_instances_are_allocated_on_demand() {
    let read = read(DEEP);
    // That is more than 47 bits address.
    let (engine, space, lines) = engine(&read, &fitted(100_000, AddressSpace::Plenty));
    assert_eq!(space, AddressSpace::Scarce { growth: AddressSpace::LARGEST_GROWTH });
    let [line] = lines.json().try_into().unwrap();
    assert_eq!(
        line["@message"],
        "No pool of instances can be reserved, so each is allocated when it is needed"
    );
    assert_eq!(line["@level"], "warn");
    assert!(engine.wasmtime().pooling_allocator_metrics().is_none());
    let code = Code::new(engine.wasmtime(), &read.bytes).unwrap();
    recursed(&engine, &code).await.unwrap();
}

#[test]
fn pools_are_few_and_come_back() {
    let (read, pools, (log, lines)) = (read(DEEP), Arc::default(), Log::memory());
    let make = || read.engine(&fitted(1, AddressSpace::Plenty), &pools, &log).unwrap();
    // The caller of `load` has a clone, too.
    let _loading = pools.clone();
    let engines: Vec<_> = (0..MAX_POOLS).map(|_| make()).collect();
    assert!(engines.iter().all(|(_, space)| *space == AddressSpace::Plenty));
    assert_ne!(make().1, AddressSpace::Plenty);
    drop(engines);
    assert_eq!(make().1, AddressSpace::Plenty);
    let [line] = lines.json().try_into().unwrap();
    assert_eq!(line["reason"], "4 components that were replaced still answer calls");
}

#[tokio::test]
async fn any_component_within_the_limits_fits_in_its_pool() {
    let module = |items: &str| format!("(core module $m {items}) (core instance (instantiate $m))");
    for text in [
        "(core module $m)".to_owned(),
        module(&"(memory 0)".repeat(64)),
        module("(memory 65536)"),
        format!(
            "{} (core instance (instantiate $m)) (core instance (instantiate $m))",
            module(&"(table 0 funcref)".repeat(80))
        ),
        module("(table 3000000 funcref)"),
        module(&"(global i64 (i64.const 0))".repeat(100_000)),
        format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(900)),
    ] {
        let read = read(&text);
        let fitted = Machine::default().fit(1 << 30, read.declared.needs());
        let (engine, space, _) = engine(&read, &fitted);
        assert_eq!(space, AddressSpace::Plenty, "{:?}", read.declared);
        let code = Code::new(engine.wasmtime(), &read.bytes).unwrap();
        let mut store = Store::new(engine.wasmtime(), ());
        store.set_epoch_deadline(1 << 60);
        Linker::new(engine.wasmtime()).instantiate_async(&mut store, &code).await.unwrap();
    }
}

#[test]
fn the_pool_is_as_large_as_the_memory_of_all_instances() {
    let needs = |text: &str| read(text).declared.needs();
    let usual = "(core module $m (memory 17) (table 100 funcref)) (core instance (instantiate $m))";
    let fits = |needs: Needs| Machine::default().fit(1 << 30, needs).instances;
    assert_eq!(fits(needs(usual)), (1 << 30) / read(usual).declared.prepaid().sum());
    assert!((600..640).contains(&fits(needs(usual))));
    assert_eq!(Machine::default().fit(4 << 30, needs("(core module $m)")).instances, 2000);
    let many = format!("(core module $m {}) (core instance (instantiate $m))", "(memory 0)".repeat(50));
    assert_eq!(fits(needs(&many)), 40);
}

#[test]
fn what_no_plugin_needs_is_off() {
    let engine = Engine::new(&engine::configuration()).unwrap();
    for (what, module) in [
        ("shared memory", "(memory 1 2 shared)"),
        ("64-bit memory", "(memory i64 1)"),
        ("exceptions", "(tag) (func (throw 0))"),
        ("garbage collection", "(type (struct (field i32)))"),
        ("stack switching", "(type $f (func)) (type (cont $f))"),
    ] {
        let bytes = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        assert!(Code::new(engine.wasmtime(), &bytes).is_err(), "{what} is on");
    }
}
