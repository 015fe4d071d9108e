//! The bill of materials of a package: what its executable and its component consist of, as CycloneDX 1.6. The same
//! sources make the same bytes, on every machine with the same tools.
//!
//! `cargo tree` knows what is linked: with a package's own features, for one platform, without what only builds or tests
//! it, and without macros, of which nothing remains. The lock file has the checksums.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{place, step};

/// A file of a package, and where it comes from.
pub(super) struct Part<'a> {
    pub(super) file: String,
    /// The crate, and the manifest of its workspace.
    pub(super) package: &'a str,
    pub(super) manifest: &'a str,
    pub(super) target: &'a str,
    /// What is linked that no crate is.
    pub(super) system: Vec<Library>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Library {
    name: String,
    version: String,
    /// As an SPDX expression.
    licence: String,
    /// The kind of a package URL: `cargo`, or `generic`.
    kind: &'static str,
    sha256: Option<String>,
}

/// Writes the bill of a plugin with a name and a version.
pub(super) fn bill(name: &str, version: &str, parts: &[Part<'_>]) -> Result<String> {
    let (mut components, mut dependencies) = (Vec::new(), Vec::new());
    dependencies.push(dependency("plugin", parts.iter().map(|part| part.file.clone())));
    for part in parts {
        let libraries = part.libraries()?;
        let listed: Vec<_> = libraries.keys().map(|library| library.json(&part.file)).collect();
        components.push(format!(
            r#"{{"type":"application","bom-ref":{0},"name":{0},"components":[{1}]}}"#,
            quoted(&part.file),
            lines(&listed)
        ));
        let needed: BTreeSet<_> = libraries.values().flatten().collect();
        let reference = |library: &Library| library.reference(&part.file);
        let first = libraries.keys().filter(|library| !needed.contains(library));
        dependencies.push(dependency(&part.file, first.map(reference)));
        for (library, needs) in &libraries {
            dependencies.push(dependency(&reference(library), needs.iter().map(reference)));
        }
    }
    let plugin = format!(
        r#"{{"type":"application","bom-ref":"plugin","name":{},"version":{}}}"#,
        quoted(name),
        quoted(version)
    );
    let body = format!(
        r#""version":1,"metadata":{{"component":{plugin}}},"components":[{}],"dependencies":[{}]}}"#,
        lines(&components),
        lines(&dependencies)
    );
    let serial = uuid(&body);
    Ok(format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:{serial}",{body}"#))
}

fn dependency(reference: &str, needs: impl Iterator<Item = String>) -> String {
    let needs: Vec<_> = needs.map(|need| quoted(&need)).collect();
    format!(r#"{{"ref":{},"dependsOn":[{}]}}"#, quoted(reference), needs.join(","))
}

fn lines(values: &[String]) -> String {
    format!("\n{}\n", values.join(",\n"))
}

// === impl Part ===

impl Part<'_> {
    /// Returns each library, with those that it needs itself.
    fn libraries(&self) -> Result<BTreeMap<Library, BTreeSet<Library>>> {
        let manifest = place::repository()?.join(self.manifest);
        let lock = std::fs::read_to_string(manifest.with_extension("lock"))?;
        let checksums = checksums(&lock);
        let mut cargo = Command::new("cargo");
        cargo.args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--target", self.target]);
        cargo.args(["--prefix", "depth", "--format", "\t{p}\t{l}\t"]);
        cargo.arg("--manifest-path").arg(&manifest).args(["--package", self.package]);

        let mut libraries: BTreeMap<Library, BTreeSet<Library>> = BTreeMap::new();
        // From the root down to the line before.
        let mut path: Vec<Library> = Vec::new();
        for line in step::output(&mut cargo)?.lines() {
            let (depth, library) =
                read(line, &checksums).with_context(|| format!("cargo tree wrote {line:?}"))?;
            path.truncate(depth);
            if let Some(parent) = path.last() {
                libraries.entry(parent.clone()).or_default().insert(library.clone());
            }
            libraries.entry(library.clone()).or_default();
            path.push(library);
        }
        libraries.extend(self.system.iter().map(|library| (library.clone(), BTreeSet::new())));
        Ok(libraries)
    }
}

// === impl Library ===

impl Library {
    /// One that is no crate.
    pub(super) fn of_system(name: &str, version: &str, licence: &str) -> Self {
        let [name, version, licence] = [name, version, licence].map(str::to_owned);
        Self { name, version, licence, kind: "generic", sha256: None }
    }

    fn url(&self) -> String {
        format!("pkg:{}/{}@{}", self.kind, self.name, self.version.replace('+', "%2B"))
    }

    /// What it is called in the bill. A crate can be in both files, with other dependencies.
    fn reference(&self, file: &str) -> String {
        format!("{file}#{}", self.url())
    }

    fn json(&self, file: &str) -> String {
        let hashes = self
            .sha256
            .as_ref()
            .map(|sha256| format!(r#","hashes":[{{"alg":"SHA-256","content":{}}}]"#, quoted(sha256)));
        format!(
            r#"{{"type":"library","bom-ref":{},"name":{},"version":{},"purl":{},"licenses":[{{"expression":{}}}]{}}}"#,
            quoted(&self.reference(file)),
            quoted(&self.name),
            quoted(&self.version),
            quoted(&self.url()),
            quoted(&self.licence),
            hashes.unwrap_or_default()
        )
    }
}

/// Reads a line of `cargo tree`: depth, package and licence.
fn read(line: &str, checksums: &BTreeMap<(&str, &str), &str>) -> Option<(usize, Library)> {
    let mut fields = line.split('\t');
    let depth = fields.next()?.parse().ok()?;
    let mut package = fields.next()?.split(' ');
    let (name, version) = (package.next()?, package.next()?.strip_prefix('v')?);
    // The older form, which is not SPDX's.
    let licence = fields.next()?.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    let sha256 = checksums.get(&(name, version)).map(|&sha256| sha256.to_owned());
    Some((
        depth,
        Library { name: name.to_owned(), version: version.to_owned(), licence, kind: "cargo", sha256 },
    ))
}

/// The checksums of a lock file, by name and version. The repository's own packages have none.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let packages = lock.split("[[package]]").skip(1).filter_map(|package| {
        let value = |key| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"'))
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    packages.collect()
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => json.extend(['\\', char]),
            '\0'..' ' => drop(write!(json, "\\u{:04x}", u32::from(char))),
            _ => json.push(char),
        }
    }
    json + "\""
}

/// An identifier that depends on nothing but the text: FNV-1a of 128 bits, as a UUID of version 8.
fn uuid(text: &str) -> String {
    let hash = text.bytes().fold(0x6c62272e07bb014262b821756295c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000000001000000000000000000013b)
    });
    let marked = hash & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let hex = format!("{marked:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.2.1+c\"\nsource = \"registry\"\nchecksum = \"00ff\"\n\
                        dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";

    #[test]
    fn reads_a_crate_with_its_licence_and_checksum() {
        let checksums = checksums(LOCK);
        let (depth, library) =
            read("12\ta v0.2.1+c (proc-macro)\tMIT / Apache-2.0\t (*)", &checksums).unwrap();
        assert_eq!((depth, library.licence.as_str()), (12, "MIT OR Apache-2.0"));
        assert_eq!(
            (library.url().as_str(), library.sha256.as_deref()),
            ("pkg:cargo/a@0.2.1%2Bc", Some("00ff"))
        );
        let (_, own) = read("0\town v0.1.0 (/there)\tApache-2.0\t", &checksums).unwrap();
        assert_eq!(own.sha256, None);
    }

    #[test]
    fn writes_any_text_as_json() {
        assert_eq!(quoted("a \"b\" \\ \n ü"), r#""a \"b\" \\ \u000a ü""#);
    }

    #[test]
    fn an_identifier_is_marked_and_depends_on_the_text() {
        let (one, other) = (uuid("one"), uuid("other"));
        assert_ne!(one, other);
        for uuid in [one, other] {
            assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"), "{uuid}");
            assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        }
    }
}
