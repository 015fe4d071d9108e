//! The files of a project, as build.rs has packed them.
//!
//! `@WORD@` in a file or in its name is replaced; a name that begins with `_` begins with a dot.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::name::{Name, Org};

include!(concat!(env!("OUT_DIR"), "/packed.rs"));

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    #[default]
    Datasource,
    App,
}

/// What the words of a template stand for.
#[derive(Clone)]
pub(crate) struct Template {
    kind: Kind,
    words: Vec<(&'static str, String)>,
}

// === impl Kind ===

impl Kind {
    /// As in plugin.json.
    pub(crate) fn of(word: &str) -> Result<Self> {
        match word {
            "datasource" => Ok(Self::Datasource),
            "app" => Ok(Self::App),
            other => {
                bail!("a plugin of the type {other:?} has no back end; gpx makes them for datasource and app")
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Datasource => "datasource",
            Self::App => "app",
        }
    }
}

// === impl Template ===

impl Template {
    pub(crate) fn new(name: &Name, org: &Org, kind: Kind) -> Self {
        let id = format!("{org}-{}-{}", name.to_part(), kind.name());
        let words = vec![
            ("@ID@", id),
            ("@NAME@", name.to_string()),
            ("@TITLE@", name.to_title()),
            ("@ORG@", org.to_string()),
            ("@CRATE@", name.to_crate()),
            ("@GPX@", env!("CARGO_PKG_VERSION").to_owned()),
            ("@TODAY@", time::OffsetDateTime::now_utc().date().to_string()),
            ("@BACKEND@", ".".to_owned()),
            ("@IN_BACKEND@", String::new()),
            ("@NPM@", String::new()),
        ];
        Self { kind, words }
    }

    /// For a project whose crate is in backend/, since its front end has the root.
    pub(crate) fn with_frontend(&self) -> Self {
        let words = self.words.iter().cloned().map(|(word, value)| match word {
            "@BACKEND@" => (word, "backend".to_owned()),
            "@IN_BACKEND@" => (word, " in `backend/`".to_owned()),
            "@NPM@" => (word, "npm install && npm run build\n".to_owned()),
            _ => (word, value),
        });
        Self { kind: self.kind, words: words.collect() }
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.kind.name()
    }

    pub(crate) fn id(&self) -> &str {
        self.word("@ID@")
    }

    pub(crate) fn executable(&self) -> &str {
        self.word("@CRATE@")
    }

    /// Writes the files of a template, or one of them, into a folder. Fails if there is one of that name.
    pub(crate) fn write(&self, template: &str, folder: &Path) -> Result<()> {
        let files = TEMPLATES.iter().filter_map(|(path, text)| {
            let rest = path.strip_prefix(template)?;
            match rest.strip_prefix('/') {
                Some(name) => Some((name, text)),
                None if rest.is_empty() => Some((path.rsplit('/').next()?, text)),
                None => None,
            }
        });
        for (name, text) in files {
            let parts = name.split('/').map(|part| match part.strip_prefix('_') {
                Some(name) => format!(".{name}"),
                None => part.to_owned(),
            });
            let name: PathBuf = parts.map(|part| self.filled(&part)).collect();
            write(&folder.join(name), &self.filled(text))?;
        }
        Ok(())
    }

    /// Writes the crate, its lock file and the SDK into a folder.
    pub(crate) fn write_backend(&self, folder: &Path) -> Result<()> {
        self.write("backend", folder)?;
        self.write(&format!("backend-{}", self.kind()), folder)?;
        write(&folder.join("Cargo.lock"), &self.lock())?;
        SDK.iter().try_for_each(|(name, text)| write(&folder.join("gpx-sdk").join(name), text))
    }

    /// The versions that the SDK is tested with. Cargo sorts packages by name.
    fn lock(&self) -> String {
        let name = self.executable();
        let mut packages: Vec<_> = LOCK.trim_end().split("\n\n[[package]]\n").map(str::to_owned).collect();
        let own = format!(
            "name = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n \"gpx-sdk\",\n \"serde\",\n \"serde_json\",\n]"
        );
        let named = |package: &str| package.split('"').nth(1).unwrap_or_default().to_owned();
        let place = packages.iter().skip(1).position(|package| *named(package) > *name);
        packages.insert(place.map_or(packages.len(), |place| place + 1), own);
        packages.join("\n\n[[package]]\n") + "\n"
    }

    fn filled(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    fn word(&self, word: &str) -> &str {
        self.words.iter().find(|(name, _)| *name == word).map_or("", |(_, value)| value)
    }
}

/// Writes a file that does not exist.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let told = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_template_is_known() {
        let (name, org) = ("prices".parse().ok().unwrap(), "example".parse().ok().unwrap());
        let template = Template::new(&name, &org, Kind::Datasource);
        for (path, text) in TEMPLATES {
            let filled = template.filled(&format!("{path}\n{text}"));
            let word = filled.split('@').skip(1).step_by(2).find(|word| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            });
            assert_eq!(word, None, "{path}");
        }
    }
}
