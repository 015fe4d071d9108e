//! The memory limit of the control group that the process is in: cgroups version 2 or 1, of a container or of a unit.

use std::fmt;
use std::path::{Path, PathBuf};

/// Limits from here on mean none: 2⁶⁰ bytes. Version 1 says "none" with the largest number of pages.
const NONE: u64 = 1 << 60;

/// A limit on memory, and the file that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    pub bytes: u64,
    pub file: PathBuf,
}

/// Returns the smallest limit of the process's control group and of all those that it is in.
pub(super) fn read() -> Option<MemoryLimit> {
    let text = |file: &str| std::fs::read_to_string(file).ok();
    let files = files(&text("/proc/self/cgroup")?, &text("/proc/self/mountinfo")?);
    smallest(files, |file| std::fs::read_to_string(file).ok())
}

/// Returns the files that may have a limit, given the process's groups and mounts. A group is named as the root of its
/// namespace sees it, and only what is mounted can be seen.
fn files(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let groups: Vec<_> = groups.lines().filter_map(Group::parse).collect();
    let mut files = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let group = groups.iter().find(|group| group.version == mount.version);
        let Some(group) = group else { continue };
        // Outside of what is mounted, the mount's own root is the closest that can be seen.
        let inside = group.path.strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let inside =
            if inside.components().any(|part| part.as_os_str() == "..") { Path::new("") } else { inside };
        for ancestor in inside.ancestors() {
            files.push(mount.at.join(ancestor).join(mount.version.file()));
        }
    }
    files
}

fn smallest(files: Vec<PathBuf>, read: impl Fn(&Path) -> Option<String>) -> Option<MemoryLimit> {
    let limits = files.into_iter().filter_map(|file| {
        // `max` is not a number.
        let bytes = read(&file)?.trim().parse().ok().filter(|bytes| *bytes < NONE)?;
        Some(MemoryLimit { bytes, file })
    });
    limits.min_by_key(|limit| limit.bytes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A line of /proc/self/cgroup, such as `0::/system.slice/grafana.service` or `4:memory:/docker/1a2b`.
struct Group {
    version: Version,
    path: PathBuf,
}

/// A line of /proc/self/mountinfo.
struct Mount {
    version: Version,
    /// The group that is mounted.
    root: PathBuf,
    at: PathBuf,
}

// === impl Version ===

impl Version {
    fn file(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }
}

// === impl Group ===

impl Group {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let version = match (number, controllers) {
            ("0", "") => Version::Two,
            (_, controllers) if has(controllers, "memory") => Version::One,
            _ => return None,
        };
        Some(Self { version, path: PathBuf::from(path) })
    }
}

// === impl Mount ===

impl Mount {
    /// The line is `36 35 98:0 /root /at rw,noatime optional - type source options`.
    fn parse(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, at) = (unescaped(mount.next()?), unescaped(mount.next()?));
        let mut system = system.split(' ');
        let version = match (system.next()?, system.nth(1)?) {
            ("cgroup2", _) => Version::Two,
            ("cgroup", options) if has(options, "memory") => Version::One,
            _ => return None,
        };
        Some(Self { version, root, at })
    }
}

// === impl MemoryLimit ===

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let group = self.file.parent().unwrap_or(&self.file).display();
        write!(f, "{name} = {} MiB in {group}", self.bytes >> 20)
    }
}

fn has(list: &str, word: &str) -> bool {
    list.split(',').any(|entry| entry == word)
}

/// Spaces, tabs, line feeds and backslashes are written in octal: `\040`.
fn unescaped(field: &str) -> PathBuf {
    let mut text = field.to_owned();
    for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        text = text.replace(escape, character);
    }
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    const V1: &str = "36 30 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n\
                      37 30 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                      24 1 8:1 / / rw - ext4 /dev/sda1 rw";

    fn listed(groups: &str, mounts: &str) -> Vec<String> {
        files(groups, mounts).into_iter().map(|file| file.display().to_string()).collect()
    }

    /// Returns the limit that these files give.
    fn limit(groups: &str, mounts: &str, contents: &[(&str, &str)]) -> Option<(u64, String)> {
        let read = |file: &Path| {
            let content = contents.iter().find(|(name, _)| Path::new(name) == file)?;
            Some(content.1.to_owned())
        };
        let limit = smallest(files(groups, mounts), read)?;
        Some((limit.bytes, limit.to_string()))
    }

    #[test]
    fn a_unit_of_version_2_and_all_its_slices_are_read() {
        let files = listed("0::/system.slice/grafana.service\n", V2);
        assert_eq!(
            files,
            [
                "/sys/fs/cgroup/system.slice/grafana.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
    }

    #[test]
    fn version_1_and_version_2_are_read_side_by_side() {
        let both = format!("{V2}\n{V1}");
        let files = listed("9:name=systemd:/\n4:cpu,cpuacct:/a\n3:memory:/docker/1a\n0::/", &both);
        assert_eq!(
            files,
            [
                "/sys/fs/cgroup/memory.max",
                "/sys/fs/cgroup/memory/docker/1a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
    }

    #[test]
    fn in_a_container_the_mounts_own_group_is_read() {
        // The namespace begins at the container's group.
        assert_eq!(listed("0::/", V2), ["/sys/fs/cgroup/memory.max"]);
        // The process was moved out of what the namespace shows.
        assert_eq!(listed("0::/../../init.scope", V2), ["/sys/fs/cgroup/memory.max"]);
        // There is no namespace, and the container's group is mounted where the root is expected.
        let mounted = V1.replace(" / /sys/fs/cgroup/memory", " /docker/1a /sys/fs/cgroup/memory");
        let file = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        assert_eq!(listed("3:memory:/docker/1a", &mounted), [file]);
        assert_eq!(listed("3:memory:/elsewhere", &mounted), [file]);
    }

    #[test]
    fn a_mount_with_a_space_in_its_name_is_found() {
        let mount = r"30 25 0:26 / /my\040groups rw - cgroup2 none rw";
        assert_eq!(listed("0::/", mount), ["/my groups/memory.max"]);
    }

    #[test]
    fn the_smallest_limit_counts() {
        let unit = ("/sys/fs/cgroup/a/b/memory.max", "max\n");
        let slice = ("/sys/fs/cgroup/a/memory.max", "536870912\n");
        let root = ("/sys/fs/cgroup/memory.max", "1073741824\n");
        let found = limit("0::/a/b", V2, &[unit, slice, root]).unwrap();
        assert_eq!(found, (512 << 20, "memory.max = 512 MiB in /sys/fs/cgroup/a".to_owned()));
    }

    #[test]
    fn no_limit_is_none() {
        assert_eq!(limit("0::/", V2, &[("/sys/fs/cgroup/memory.max", "max\n")]), None);
        let unlimited = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit("3:memory:/", V1, &[unlimited]), None);
        // The root group has no file.
        assert_eq!(limit("0::/", V2, &[]), None);
        for (groups, mounts) in [("", ""), ("0::/", ""), ("", V2), ("nonsense", "nonsense - x")] {
            assert_eq!(listed(groups, mounts), Vec::<String>::new());
        }
    }
}
