//! Which of the host's rooms may import which. A room is a top-level module.

use crate::arrows::Arrow;

/// The rooms from top to bottom. A room may import only those on the floors below it.
const HOUSE: &[Floor] = &[
    floor(&["main", "fuzz"]),
    floor(&["launch"]),
    floor(&["host"]),
    floor(&["serve", "rpc"]),
    floor(&["proto"]).only_for(&["serve", "rpc"]),
    floor(&["plugin"]),
    floor(&["frame"]),
    floor(&["capability"]),
    floor(&["egress", "call"]),
    floor(&["telemetry"]),
    floor(&["metrics"]).with_only(&["log", "config"]),
    floor(&["tape"]),
    floor(&["net", "har"]),
    floor(&["log"]),
    floor(&["budget", "config", "shutdown", "text"]),
];

/// The rule that every upward import breaks.
const DIRECTION: &str = "calls flow main → launch → host → {serve, rpc} → plugin, frame → capability → egress, call → \
                         telemetry, metrics → tape → net, har, budget, log, text, config";

/// Rooms that do not import each other.
struct Floor {
    rooms: &'static [&'static str],
    /// The only rooms that may import these.
    importers: Option<&'static [&'static str]>,
    /// The only rooms that these may import.
    imports: Option<&'static [&'static str]>,
}

/// Returns the rule that an arrow between two files of the host breaks, if it breaks one.
pub(crate) fn broken(arrow: &Arrow) -> Option<String> {
    let (from, to) = (room(&arrow.from), room(&arrow.to));
    if from == to {
        return None;
    }
    let ((above, upper), (below, lower)) = match (find(from), find(to)) {
        (Some(from), Some(to)) => (from, to),
        (None, _) => return Some(format!("{from} has no place in the house; see tests/imports/house.rs")),
        (_, None) => return Some(format!("{to} has no place in the house; see tests/imports/house.rs")),
    };
    if above == below {
        return Some(format!("{from} and {to} are on one floor and do not import each other"));
    }
    if above > below {
        return Some(format!("{from} is below {to}; {DIRECTION}"));
    }
    if let Some(importers) = lower.importers.filter(|importers| !importers.contains(&from)) {
        return Some(format!("{to} is imported only by {}", importers.join(", ")));
    }
    let imports = upper.imports.filter(|imports| !imports.contains(&to))?;
    Some(format!("{from} imports only {}", imports.join(", ")))
}

/// Returns, for example, `plugin` for `host/src/plugin/state.rs`.
fn room(file: &str) -> &str {
    let inside = file.split_once("src/").map_or(file, |(_, inside)| inside);
    inside.split(['/', '.']).next().unwrap_or(inside)
}

fn find(room: &str) -> Option<(usize, &'static Floor)> {
    HOUSE.iter().enumerate().find(|(_, floor)| floor.rooms.contains(&room))
}

const fn floor(rooms: &'static [&'static str]) -> Floor {
    Floor { rooms, importers: None, imports: None }
}

// === impl Floor ===

impl Floor {
    const fn only_for(self, importers: &'static [&'static str]) -> Self {
        Self { importers: Some(importers), ..self }
    }

    const fn with_only(self, imports: &'static [&'static str]) -> Self {
        Self { imports: Some(imports), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> Option<String> {
        let file = |room: &str| format!("host/src/{room}/file.rs");
        broken(&Arrow { from: file(from), to: file(to), names: Default::default() })
    }

    #[test]
    fn imports_lead_down() {
        for (from, to) in [
            ("main", "config"),
            ("rpc", "proto"),
            ("plugin", "frame"),
            ("metrics", "log"),
            ("log", "budget"),
            ("call", "call"),
        ] {
            assert_eq!(between(from, to), None, "{from} imports {to}");
        }
    }

    #[test]
    fn every_other_import_is_reported_with_its_rule() {
        for (from, to, rule) in [
            ("capability", "plugin", "capability is below plugin; calls flow main → "),
            ("frame", "plugin", "frame is below plugin; "),
            ("serve", "rpc", "serve and rpc are on one floor and do not import each other"),
            ("egress", "call", "egress and call are on one floor and do not import each other"),
            ("host", "proto", "proto is imported only by serve, rpc"),
            ("metrics", "net", "metrics imports only log, config"),
            ("attic", "config", "attic has no place in the house; "),
            ("main", "attic", "attic has no place in the house; "),
        ] {
            let told = between(from, to).unwrap_or_default();
            assert!(told.starts_with(rule), "{from} imports {to}: {told}");
        }
    }
}
