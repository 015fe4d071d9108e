//! `gpx new`: a project that builds, runs and passes its tests.

pub(crate) mod name;
pub(crate) mod template;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use self::name::{Name, Org};
use self::template::{Kind, Template};

/// Make a project: a plugin that builds, runs and passes its tests.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the project and its folder are called, such as `prices`.
    name: Name,
    /// What kind of plugin it is.
    #[arg(long = "type", value_enum, default_value_t, value_name = "TYPE")]
    kind: Kind,
    /// Who makes it: the first part of the plugin's id, and the author in plugin.json.
    #[arg(long, default_value = "example")]
    org: Org,
    /// Add a front end in TypeScript, on create-plugin's layout, with the crate in backend/. Without it, the front end is a
    /// module.js that needs no build step.
    #[arg(long)]
    with_frontend: bool,
}

pub(crate) fn new(arguments: &Arguments) -> Result<()> {
    let Arguments { name, kind, org, with_frontend } = arguments;
    let folder = PathBuf::from(name.to_string());
    let template = Template::new(name, org, *kind);
    // Fails if there is one, even as a link that leads nowhere.
    match std::fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{name} exists, and gpx overwrites nothing; choose another name or folder");
        }
        made => made.with_context(|| format!("cannot make the folder {name}"))?,
    }
    let written =
        if *with_frontend { with_typescript(&template, &folder) } else { with_module(&template, &folder) };
    if let Err(error) = written {
        // What is left would be half a project.
        let _ = std::fs::remove_dir_all(&folder);
        return Err(error);
    }
    println!("{name}/ has the plugin {}. To build it and to look at it:\n", template.id());
    println!("  cd {name}");
    if *with_frontend {
        println!("  npm install && npm run build");
    }
    println!("  gpx build\n  docker compose up    # then open http://localhost:3000");
    Ok(())
}

fn with_module(template: &Template, folder: &Path) -> Result<()> {
    let kind = template.kind();
    template.write("project", folder)?;
    template.write(&format!("project-{kind}"), folder)?;
    template.write("plugin", folder)?;
    template.write(kind, folder)?;
    template.write_backend(folder)
}

fn with_typescript(template: &Template, folder: &Path) -> Result<()> {
    let (kind, source) = (template.kind(), folder.join("src"));
    let template = &template.with_frontend();
    template.write("project", folder)?;
    template.write(&format!("project-{kind}"), folder)?;
    template.write("plugin", &source)?;
    template.write(&format!("{kind}/plugin.json"), &source)?;
    template.write("frontend", folder)?;
    template.write(&format!("frontend-{kind}"), folder)?;
    template.write_backend(&folder.join("backend"))
}
