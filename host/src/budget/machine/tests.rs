use std::path::PathBuf;

use super::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// An instance with one memory of 1 MiB.
const NEEDS: Needs = Needs { charge: 1 << 20, reserved: (4 << 30) + (34 << 20), memories: 1, most: 2000 };

fn machine(address_space: Option<u64>, memory: Option<u64>) -> Machine {
    let limit = |bytes| MemoryLimit { bytes, file: PathBuf::from("/sys/fs/cgroup/memory.max") };
    Machine { address_space, memory: memory.map(limit), resident: Some(40 * MIB), mapped: Some(400 * MIB) }
}

fn mib(bytes: usize) -> usize {
    bytes >> 20
}

#[test]
fn a_machine_without_limits_lowers_nothing() {
    let fitted = machine(None, None).fit(1 << 30, NEEDS);
    let plenty = Fitted { total: 1 << 30, instances: 1024, space: AddressSpace::Plenty, told: None };
    assert_eq!(fitted, plenty);
    assert_eq!(machine(None, Some(64 * GIB)).fit(1 << 30, NEEDS), plenty);
    assert_eq!(machine(Some(64 << 40), None).fit(1 << 30, NEEDS), plenty);
}

#[test]
fn the_total_fits_in_the_containers_memory() {
    let fitted = machine(None, Some(512 * MIB)).fit(1 << 30, NEEDS);
    assert_eq!((mib(fitted.total), fitted.instances), (352, 352));
    assert_eq!(
        fitted.told.unwrap(),
        "Because of memory.max = 512 MiB in /sys/fs/cgroup, less than gpx_memory_total = 1024 MiB is available: the \
         instances together may use 352 MiB, and at most 352 exist at once; raise that limit if the plugin needs more"
    );
    // What the process may use in the end is the limit.
    assert!(40 * MIB + fitted.total as u64 * 5 / 4 + 32 * MIB <= 512 * MIB);
    assert_eq!(fitted.space, AddressSpace::Plenty);
}

#[test]
fn without_proc_memory_lowers_nothing() {
    let machine = Machine { resident: None, mapped: None, ..machine(None, Some(512 * MIB)) };
    assert_eq!(machine.fit(1 << 30, NEEDS).told, None);
}

#[test]
fn memories_move_where_address_space_is_scarce() {
    for limit in [GIB, 2 * GIB, 4 * GIB, 100 * GIB] {
        let fitted = machine(Some(limit), None).fit(1 << 30, NEEDS);
        let AddressSpace::Scarce { growth } = fitted.space else { panic!("{limit}: {fitted:?}") };
        let slack = (growth + SMALL_GUARD + STACK) * fitted.instances as u64;
        // All that instances have, a copy of all of it, and what they reserve beside.
        let mapped = 400 * MIB + 2 * fitted.total as u64 + slack;
        assert!(mapped + FOR_HOST.min(limit / 4) <= limit, "{limit}: {fitted:?}");
        assert!(fitted.instances >= 8 && fitted.total >= 80 << 20, "{limit}: {fitted:?}");
        let lowered = fitted.total < 1 << 30 || fitted.instances < 1024;
        assert_eq!(fitted.told.is_some(), lowered, "{limit}: {fitted:?}");
    }
}

#[test]
fn where_only_the_number_of_instances_is_lowered_the_total_stays() {
    let fitted = machine(Some(6 * GIB), None).fit(1 << 30, NEEDS);
    assert_eq!(fitted.total, 1 << 30);
    let told = "Because of RLIMIT_AS = 6144 MiB, there is less room than gpx_memory_total = 1024 MiB needs: at most ";
    assert!(fitted.told.as_ref().is_some_and(|text| text.starts_with(told)), "{fitted:?}");
}

#[test]
fn one_line_names_all_limits() {
    let fitted = machine(Some(2 * GIB), Some(512 * MIB)).fit(1 << 30, NEEDS);
    let told = fitted.told.unwrap();
    let both = "Because of memory.max = 512 MiB in /sys/fs/cgroup and RLIMIT_AS = 2048 MiB, less than gpx_memory_total";
    assert!(told.starts_with(both), "{told}");
}

#[test]
fn one_instance_is_always_allowed() {
    let needs = Needs { charge: 300 << 20, ..NEEDS };
    for machine in [machine(Some(64 * MIB), None), machine(None, Some(64 * MIB))] {
        let fitted = machine.fit(1 << 30, needs);
        assert_eq!((mib(fitted.total), fitted.instances), (300, 1));
        assert!(fitted.told.is_some());
    }
}

#[test]
fn the_machine_is_read() {
    let machine = Machine::read();
    assert!(machine.resident > Some(MIB) && machine.mapped > machine.resident, "{machine:?}");
}
