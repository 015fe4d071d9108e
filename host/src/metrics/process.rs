//! The process's own figures, with the names and texts of Prometheus's Go library. A figure that cannot be read, for example
//! because there is no /proc, is absent.

use std::fs;

use prometheus::Registry;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::scrape::AtScrape;

type Read = fn() -> Option<f64>;

const COUNTERS: [(&str, &str, Read); 3] = [
    ("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu_seconds),
    (
        "process_network_receive_bytes_total",
        "Number of bytes received by the process over the network.",
        received_bytes,
    ),
    (
        "process_network_transmit_bytes_total",
        "Number of bytes sent by the process over the network.",
        sent_bytes,
    ),
];

const GAUGES: [(&str, &str, Read); 6] = [
    ("process_open_fds", "Number of open file descriptors.", open_files),
    ("process_max_fds", "Maximum number of open file descriptors.", max_files),
    ("process_virtual_memory_bytes", "Virtual memory size in bytes.", virtual_bytes),
    (
        "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.",
        max_virtual_bytes,
    ),
    ("process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes),
    ("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", start_seconds),
];

/// Adds all of them.
pub(super) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    for (name, help, read) in COUNTERS {
        registry.register(Box::new(AtScrape::counter(name, help, read)?))?;
    }
    for (name, help, read) in GAUGES {
        registry.register(Box::new(AtScrape::gauge(name, help, read)?))?;
    }
    Ok(())
}

fn cpu_seconds() -> Option<f64> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Like all processes of one network namespace: the kernel counts no finer.
fn received_bytes() -> Option<f64> {
    octets("InOctets")
}

fn sent_bytes() -> Option<f64> {
    octets("OutOctets")
}

fn octets(name: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/net/netstat").ok()?;
    // A line of names, and then one of values.
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("IpExt: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split(' ').position(|found| found == name)?;
    values.split(' ').nth(place)?.parse().ok()
}

fn open_files() -> Option<f64> {
    // One of them is the directory itself.
    let files = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(files as f64)
}

fn max_files() -> Option<f64> {
    Some(limit(Resource::Nofile))
}

fn max_virtual_bytes() -> Option<f64> {
    Some(limit(Resource::As))
}

/// As in Go, no limit is the largest number.
fn limit(resource: Resource) -> f64 {
    getrlimit(resource).current.unwrap_or(u64::MAX) as f64
}

fn virtual_bytes() -> Option<f64> {
    pages(0)
}

fn resident_bytes() -> Option<f64> {
    pages(1)
}

fn pages(place: usize) -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(place)?.parse().ok()?;
    Some(pages * page_size() as f64)
}

fn start_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): the name of the executable is in parentheses, and may contain any character. The start is the 22nd field.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: f64 = fields.split(' ').nth(19)?.parse().ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()?;
    Some(boot + ticks / clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_running_process_has_plausible_figures() {
        assert!(cpu_seconds().unwrap() > 0.0);
        if !cfg!(target_os = "linux") {
            return;
        }
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let age = now - start_seconds().unwrap();
        assert!((-1.0..86_400.0).contains(&age), "{age}");
        let (resident, size) = (resident_bytes().unwrap(), virtual_bytes().unwrap());
        assert!(65_536.0 < resident && resident < size && size <= max_virtual_bytes().unwrap());
        assert!(open_files().unwrap() < max_files().unwrap());
        let _one_more = fs::File::open("/proc/self/stat").unwrap();
        assert!(open_files().unwrap() >= 4.0, "three of them are the standard streams");
        assert!(received_bytes().unwrap() >= 0.0 && sent_bytes().unwrap() >= 0.0);
    }
}
