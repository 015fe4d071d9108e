//! What a process holds, as the kernel counts it.

use std::path::PathBuf;

pub struct Process(PathBuf);

// === impl Process ===

impl Process {
    pub fn of(id: u32) -> Self {
        Self(format!("/proc/{id}").into())
    }

    /// Bytes that are in memory now.
    pub fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most bytes that were in memory at once.
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// From now on, the peak is that of what follows.
    pub fn forget_peak(&self) {
        // proc(5): 5 resets the peak of the resident set.
        std::fs::write(self.0.join("clear_refs"), "5").expect("the peak can be reset");
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(self.0.join("fd")).expect("the process is running").count()
    }

    pub fn threads(&self) -> usize {
        std::fs::read_dir(self.0.join("task")).expect("the process is running").count()
    }

    /// How many files it may open: the limit that holds, and the one to which it may raise it.
    pub fn files_limit(&self) -> (String, String) {
        let text = std::fs::read_to_string(self.0.join("limits")).expect("the process is running");
        let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
        let mut words = line.expect("a limit on open files").split_whitespace().map(str::to_owned);
        let mut next = || words.next().expect("two limits");
        (next(), next())
    }

    fn status(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(self.0.join("status")).expect("the process is running");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).and_then(|kib| kib.parse().ok());
        kib.map(|kib: u64| kib << 10).unwrap_or_else(|| panic!("no {name} in {text}"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_this_process() {
        let process = super::Process::of(std::process::id());
        let (before, file) = (process.descriptors(), std::fs::File::open("/proc/self/status").unwrap());
        assert!(process.descriptors() > before && process.threads() > 0);
        let resident = process.resident();
        assert!(resident > 1 << 20 && process.peak() >= resident);
        drop(file);
    }
}
