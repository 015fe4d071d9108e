use super::*;

/// A core module with one memory of two pages, a table of 1000 elements, and one of a fixed size.
const MODULE: &str = r#"(core module $m (memory 2) (table 1000 funcref) (table 10 20 funcref))"#;

fn read(text: &str) -> Result<Declared, ContractError> {
    Declared::read(&wat::parse_str(format!("(component {text})")).unwrap())
}

/// Returns the memories, tables and core instances of an instance.
fn counted(text: &str) -> (u32, u32, u32) {
    let declared = read(text).unwrap();
    (declared.memories, declared.tables, declared.core_instances)
}

/// Checks the count against what the engine makes of the component.
fn agrees(text: &str) -> bool {
    let bytes = wat::parse_str(format!("(component {text})")).unwrap();
    let engine = wasmtime::Engine::new(&super::super::engine::configuration()).unwrap();
    let code = wasmtime::component::Component::new(&engine, &bytes).unwrap();
    Declared::read(&bytes).unwrap().confirm(code.resources_required()).is_ok()
}

/// Returns a component that is nested in itself: at each of `levels` it is instantiated `times` times.
fn nested(levels: usize, times: usize) -> String {
    let mut text = format!("{MODULE} {}", "(core instance (instantiate $m))".repeat(times));
    for _ in 0..levels {
        text = format!("(component $c {text}) {}", "(instance (instantiate $c))".repeat(times));
    }
    text
}

#[test]
fn each_core_instance_counts() {
    assert_eq!(counted(""), (0, 0, 0));
    assert_eq!(counted(MODULE), (0, 0, 0), "it is not instantiated");
    let declared = read(&nested(0, 3)).unwrap();
    assert_eq!((declared.memories, declared.memory_bytes), (3, 6 * 65536));
    // A table has pages of its own: 1000 pointers need two.
    assert_eq!((declared.tables, declared.table_bytes), (6, 3 * (8192 + 4096)));
    assert_eq!((declared.largest_table, declared.largest_table_maximum), (1000, u64::MAX));
    assert_eq!(declared.core_instances, 3);
}

#[test]
fn nested_components_multiply() {
    assert_eq!(counted(&nested(2, 3)), (27, 54, 27));
    assert!(agrees(&nested(2, 3)));
}

#[test]
fn what_is_nested_a_billion_times_is_refused_at_once() {
    let bytes = wat::parse_str(format!("(component {})", nested(9, 10))).unwrap();
    assert!(bytes.len() < 1000, "{}", bytes.len());
    let refused = Declared::read(&bytes).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "each of its instances would instantiate more than 1000 modules and components; compose it of fewer"
    );
    // Nor does it help to instantiate nothing in the end.
    let mut text = String::new();
    for _ in 0..30 {
        text = format!("(component $c {text}) {}", "(instance (instantiate $c))".repeat(2));
    }
    assert_eq!(read(&text).unwrap_err(), Excess::Instantiations.into());
}

#[test]
fn components_that_are_passed_and_aliased_are_followed() {
    // The module is defined outside, the component is exported by an instance, and another imports it.
    let text = format!(
        r#"{MODULE}
           (component $outer
               (component $twice
                   (alias outer 2 $m (core module $mine))
                   (core instance (instantiate $mine))
                   (core instance (instantiate $mine)))
               (export "twice" (component $twice)))
           (instance $holder (instantiate $outer))
           (alias export $holder "twice" (component $aliased))
           (component $generic
               (import "what" (component $what))
               (instance (instantiate $what))
               (instance (instantiate $what))
               (export $again "again" (component $what))
               (instance (instantiate $again)))
           (instance (instantiate $generic (with "what" (component $aliased))))
           (instance $bag (export "module" (core module $m)))
           (alias export $bag "module" (core module $back))
           (core instance (instantiate $back))"#
    );
    assert_eq!(counted(&text), (7, 14, 7));
    assert!(agrees(&text));
}

#[test]
fn too_many_memories_or_tables_are_refused() {
    let of = |item: &str, count: usize| {
        format!("(core module $m {}) (core instance (instantiate $m))", item.repeat(count))
    };
    assert_eq!(counted(&of("(memory 0)", 64)), (64, 0, 1));
    assert_eq!(
        read(&of("(memory 0)", 65)).unwrap_err().to_string(),
        "each of its instances would have 65 linear memories, but at most 64 are allowed; compose it of fewer components"
    );
    let tables =
        |count: usize| format!("{} (core instance (instantiate $m))", of("(table 0 funcref)", count));
    assert_eq!(counted(&tables(100)), (0, 200, 2));
    assert_eq!(
        read(&nested(7, 2).replace("(memory 2)", "")).unwrap_err().to_string(),
        "each of its instances would have 512 tables, but at most 256 are allowed; compose it of fewer components"
    );
}

#[test]
fn too_many_levels_and_items_are_refused() {
    assert_eq!(read(&nested(60, 1)).unwrap_err(), Excess::Depth.into());
    assert_eq!(counted(&nested(45, 1)), (1, 2, 1));
    // Each of 600 instances gathers 2000 items.
    let items: String = (0..2000).map(|item| format!(r#"(export "a{item}" (core module $m))"#)).collect();
    let text = format!(
        "(component $c (core module $m) (instance {items})) {}",
        "(instance (instantiate $c))".repeat(600)
    );
    assert_eq!(read(&text).unwrap_err(), Excess::Items.into());
}

#[test]
fn what_is_imported_is_not_counted_and_not_confirmed() {
    let text = r#"(import "m" (core module $m)) (core instance (instantiate $m))"#;
    assert_eq!(counted(text), (0, 0, 0));
    assert!(!agrees(text));
}

#[test]
fn what_the_host_keeps_is_counted() {
    let own = |text: &str| read(text).unwrap().own_bytes;
    let globals = "(global i64 (i64.const 0))".repeat(10_000);
    let module = format!("(core module $m {globals}) {}", "(core instance (instantiate $m))".repeat(10));
    let least = 10 * 10_000 * 16;
    assert!(own(&module) >= least && own(&module) < 5 * least, "{}", own(&module));
    let elements = format!("(elem func {})", "$f ".repeat(5000));
    let module = format!("(core module $m (func $f) {elements}) (core instance (instantiate $m))");
    assert!(own(&module) >= 5000 * 16, "{}", own(&module));
    assert!(own("") > 0);
}

#[test]
fn no_size_overflows() {
    let huge = "(core module $m (memory 65536) (memory 65536) (table 4294967295 funcref)) (core instance (instantiate $m))";
    let declared = read(huge).unwrap();
    assert_eq!(declared.memory_bytes, 2 << 32);
    assert!(declared.prepaid().sum() > 40 << 30);
}

#[test]
fn nothing_in_a_damaged_file_ends_the_host() {
    let whole = wat::parse_str(format!("(component {})", nested(2, 3))).unwrap();
    for end in 8..whole.len() {
        let _ = Declared::read(&whole[..end]);
        let mut damaged = whole.clone();
        damaged[end] ^= 0x15;
        let _ = Declared::read(&damaged);
    }
}
