//! `gpx package`: the archive that is signed and installed.

mod zip;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use self::zip::Zip;
use crate::check;
use crate::project::{Metadata, Project, is_name};
use crate::terminal::{Output, tell};

/// Pack what `gpx build` has built: ID-VERSION.zip and its checksums.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where to put the archive.
    #[arg(long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Pack a plugin that `gpx check` finds errors in.
    #[arg(long)]
    unchecked: bool,
    /// Print what was made as JSON.
    #[arg(long)]
    json: bool,
}

/// What never belongs into a package, wherever it comes from.
const SECRET: [&str; 6] = [".env", ".pem", ".key", ".p12", ".pfx", ".npmrc"];

pub(crate) fn package(arguments: &Arguments) -> Result<()> {
    let Arguments { folder, output, unchecked, json } = arguments;
    let project = Project::find(folder)?;
    if !unchecked {
        let errors: Vec<_> =
            check::findings(&project)?.into_iter().filter(check::Finding::is_error).collect();
        errors.iter().for_each(|error| tell(format_args!("error: {error}")));
        ensure!(errors.is_empty(), "the plugin was not packed; mend it, or type `gpx package --unchecked`");
    }
    // What was built, in which the build of a front end has filled in the version.
    let metadata = Metadata::read(&project.dist.join("plugin.json"))
        .context("the project has not been built; type `gpx build`")?;
    let (id, version) = (metadata.id()?, metadata.version());
    ensure!(
        is_name(version),
        "`info.version` in {} cannot be part of a file's name",
        metadata.path.display()
    );
    let mut archive = Zip::default();
    add(&mut archive, &project.dist, id)?;
    let (bytes, name) = (archive.finish()?, format!("{id}-{version}.zip"));
    std::fs::create_dir_all(output).with_context(|| format!("cannot make {}", output.display()))?;
    let path = output.join(&name);
    let sums = [("sha1", hex(&Sha1::digest(&bytes))), ("sha256", hex(&Sha256::digest(&bytes)))];
    write(&path, &bytes)?;
    for (kind, sum) in &sums {
        write(&output.join(format!("{name}.{kind}")), format!("{sum}  {name}\n").as_bytes())?;
    }
    let mut printed = Output::new();
    if *json {
        let [(_, sha1), (_, sha256)] = &sums;
        printed.line(json!({ "archive": path, "bytes": bytes.len(), "sha1": sha1, "sha256": sha256 }))?;
    } else {
        printed.line(path.display())?;
    }
    Ok(printed.flush()?)
}

/// Adds the files of a folder, in the order of their names, so that the same files make the same archive.
fn add(archive: &mut Zip, folder: &Path, name: &str) -> Result<()> {
    let told = || format!("cannot read {}", folder.display());
    let mut entries =
        folder.read_dir().with_context(told)?.collect::<Result<Vec<_>, _>>().with_context(told)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().with_context(told)?);
        let file = entry.file_name();
        let file = file.to_str().with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        let name = format!("{name}/{file}");
        if kind.is_dir() {
            add(archive, &path, &name)?;
        } else if !kind.is_file() {
            bail!("{} is not a file, and would not be one when it is installed; remove it", path.display());
        } else if SECRET.iter().any(|end| file.ends_with(end)) || file.starts_with(".env") {
            bail!("{} looks like a secret, and the archive is published; remove it", path.display());
        } else {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            archive.add(&name, &bytes, is_executable(&entry)?)?;
        }
    }
    Ok(())
}

fn is_executable(entry: &std::fs::DirEntry) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(entry.metadata()?.permissions().mode() & 0o100 != 0)
}

/// Writes a file, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = std::fs::write(&new, bytes).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
