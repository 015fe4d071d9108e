//! What the machine lets the process have, which may be less than the operator's settings: a limit on its address space
//! (`LimitAS=` of a systemd unit, `ulimit -v`), and the memory limit of its container (a cgroup's).

mod cgroup;
mod heap;

pub(crate) use self::cgroup::MemoryLimit;
pub(crate) use self::heap::return_free_memory;

/// Memory that the process may use beside what instances are charged for, in bytes: 32 MiB. With a quarter of the total
/// for what the account cannot see, it is what the process promises never to exceed.
const UNCHARGED: u64 = 32 << 20;

/// Address space that is kept for the host, in bytes: at most 256 MiB, for threads, their heaps and code. If a mapping
/// of its own fails, the process ends.
const FOR_HOST: u64 = 256 << 20;

/// The stack of a guest's calls, in bytes: the engine's default. Languages have a second one in the component's memory.
pub(crate) const GUEST_STACK: usize = 512 << 10;

/// The fiber on which a call runs: 2 MiB of address space, and a guard page.
pub(crate) const STACK: u64 = (2 << 20) + 4096;

/// How much a memory's reservation may leave for growth, in bytes. A memory that outgrows its reservation is copied. In
/// steps of 4 MiB, one of 256 MiB is copied 64 times, which takes a second or two; more than 64 MiB saves little.
const GROWTH: (u64, u64) = (4 << 20, 64 << 20);

/// What a reservation of a memory that can move has beside, in bytes: a guard.
pub(crate) const SMALL_GUARD: u64 = 64 << 10;

/// The machine's limits, and what the process used when they were read, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// RLIMIT_AS.
    pub address_space: Option<u64>,
    /// The smallest of the cgroup's.
    pub memory: Option<MemoryLimit>,
    /// `None` if there is no /proc. Then nothing is lowered for the sake of memory.
    pub resident: Option<u64>,
    pub mapped: Option<u64>,
}

/// What an instance of a component needs, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// The memory that it is charged for from the start.
    pub charge: usize,
    /// The address space of its place in a pool.
    pub reserved: u64,
    /// How many memories it has.
    pub memories: u32,
    /// How many instances a pool may have at most.
    pub most: usize,
}

/// The limits that the machine allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fitted {
    /// Memory of all instances together, in bytes.
    pub total: usize,
    /// How many instances there may be at once.
    pub instances: usize,
    pub space: AddressSpace,
    /// What the operator is told if this is less than configured.
    pub told: Option<String>,
}

/// How much address space there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressSpace {
    /// Enough to reserve for each memory all that it could ever have.
    Plenty,
    /// Memories reserve so many bytes more than they have, and move when they outgrow that.
    Scarce { growth: u64 },
}

// === impl Machine ===

impl Machine {
    /// Reads the limits, and what the process uses now.
    pub(crate) fn read() -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let mut pages = statm.split(' ').map(|number| number.parse::<u64>().ok());
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let mut bytes = || Some(pages.next()??.saturating_mul(page));
        let (mapped, resident) = (bytes(), bytes());
        let address_space = rustix::process::getrlimit(rustix::process::Resource::As).current;
        Self { address_space, memory: cgroup::read(), resident, mapped }
    }

    /// Returns how much memory the process may have, in bytes, if its container has a limit.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        self.memory.as_ref().map(|limit| limit.bytes)
    }

    /// Lowers the configured total to what fits. A component of which not even one instance fits may have one: its own
    /// limits then say what is missing.
    pub(crate) fn fit(&self, configured: usize, needs: Needs) -> Fitted {
        let charge = needs.charge.max(1);
        let (mut total, mut space, mut causes) = (configured, AddressSpace::Plenty, Vec::new());
        if let Some((limit, room)) = self.room() {
            let fits = usize::try_from(room).unwrap_or(usize::MAX).max(needs.charge);
            if fits < total {
                total = fits;
                causes.push(format!("{limit}"));
            }
        }
        let mut instances = (total / charge).clamp(1, needs.most.max(1));
        let pool = needs.reserved.saturating_mul(instances as u64);
        // A second pool is reserved while one component takes the place of another.
        if let Some(limit) = self.address_space
            && pool.saturating_mul(2) > self.mappable(limit)
        {
            let scarce = Scarce::new(self.mappable(limit), instances, needs);
            space = AddressSpace::Scarce { growth: scarce.growth };
            let fits = scarce.total.max(needs.charge);
            if fits < total || scarce.instances < instances {
                total = total.min(fits);
                instances = instances.min(scarce.instances).min((total / charge).max(1));
                causes.push(format!("RLIMIT_AS = {}", mebibytes(limit)));
            }
        }
        let told = (!causes.is_empty()).then(|| {
            let causes = causes.join(" and ");
            let setting = format!("gpx_memory_total = {}", mebibytes(configured as u64));
            let lowered = if total < configured {
                let total = mebibytes(total as u64);
                format!("less than {setting} is available: the instances together may use {total}, and at most {instances}")
            } else {
                format!("there is less room than {setting} needs: at most {instances} instances")
            };
            format!("Because of {causes}, {lowered} exist at once; raise that limit if the plugin needs more")
        });
        Fitted { total, instances, space, told }
    }

    /// Returns the limit on the process's memory, and what it leaves for instances.
    fn room(&self) -> Option<(&MemoryLimit, u64)> {
        let (limit, resident) = (self.memory.as_ref()?, self.resident?);
        let left = limit.bytes.saturating_sub(resident).saturating_sub(UNCHARGED);
        Some((limit, left / 5 * 4))
    }

    fn mappable(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.mapped.unwrap_or_default()).saturating_sub(FOR_HOST.min(limit / 4))
    }
}

/// What fits in little address space.
struct Scarce {
    total: usize,
    instances: usize,
    growth: u64,
}

// === impl Scarce ===

impl Scarce {
    /// Half of the space is for what memories have, and for the copy while one moves. The other half is for what they
    /// reserve beyond that, and for stacks.
    fn new(mappable: u64, wanted: usize, needs: Needs) -> Self {
        let (half, memories) = (mappable / 2, u64::from(needs.memories.max(1)));
        let total = mappable / 4;
        // Enough instances come before much room for each to grow. Memory has pages of 64 KiB.
        let wanted = (wanted as u64).min(total / (needs.charge.max(1) as u64)).max(1);
        let growth = ((half / wanted).saturating_sub(STACK) / memories).saturating_sub(SMALL_GUARD);
        let growth = growth.clamp(GROWTH.0, GROWTH.1) & !0xffff;
        let slack = (growth + SMALL_GUARD).saturating_mul(memories).saturating_add(STACK);
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self { total: bytes(total), instances: bytes(half / slack).max(1), growth }
    }
}

// === impl AddressSpace ===

impl AddressSpace {
    /// For a machine that has too little space for a pool, though no limit says how much.
    pub(crate) const LARGEST_GROWTH: u64 = GROWTH.1;
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests;
