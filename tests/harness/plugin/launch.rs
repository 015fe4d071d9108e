//! How a plugin is started: its directory, its environment, its settings.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use gpx_client::environment::{self, Variables};
use tokio::process::Command;

use super::{Held, Plugin};
use crate::directory::{self, Directory};

/// The common part of the names of a test plugin's files. A packaged example has its own.
const STEM: &str = "gpx_test";

pub struct Launch {
    directory: Directory,
    executable: PathBuf,
    variables: Variables,
    /// Whether the log is kept.
    read: bool,
}

/// Starts a plugin's executable as a person does, beside the process that Grafana starts.
pub struct Holder {
    executable: PathBuf,
    variables: Variables,
}

// === impl Launch ===

impl Launch {
    pub(super) fn of_folder(folder: &Path) -> Self {
        let directory = Directory::new().expect("a directory for the plugin");
        let mut executable = None;
        for entry in std::fs::read_dir(folder).expect("the packaged plugin").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() {
                directory::link(&entry.path(), &directory.join(&name)).expect("a file of the plugin");
            }
            if name.starts_with("gpx_") && name.ends_with("_linux_amd64") {
                executable = Some(directory.join(&name));
            }
        }
        let executable = executable.expect("gpx_…_linux_amd64 in the packaged plugin");
        Self::new(directory, executable)
    }

    pub(super) fn of_guest(component: &Path) -> Self {
        let launch = Self::of_component(&std::fs::read(component).expect("the component can be read"));
        let code = component.with_extension("cwasm");
        if code.exists() {
            let to = launch.directory.join(format!("{STEM}.cwasm"));
            directory::link(&code, &to).expect("the component's machine code");
        }
        launch
    }

    pub(super) fn of_component(component: &[u8]) -> Self {
        let directory = Directory::new().expect("a directory for the plugin");
        let executable = directory.join(format!("{STEM}_linux_amd64"));
        directory::link(&crate::artifacts::host(), &executable).expect("the host's executable");
        std::fs::write(directory.join(format!("{STEM}.wasm")), component).expect("the component");
        let description = serde_json::json!({
            "id": "gpx-test-datasource", "type": "datasource", "name": "Test", "backend": true,
            "executable": STEM, "info": { "version": "1.2.3" },
        });
        std::fs::write(directory.join("plugin.json"), description.to_string()).expect("plugin.json");
        Self::new(directory, executable)
    }

    fn new(directory: Directory, executable: PathBuf) -> Self {
        let variables = environment::of_grafana();
        Self { directory, executable, variables, read: true }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Sets a key of `[plugin.<id>]` in grafana.ini.
    pub fn setting(self, key: &str, value: &str) -> Self {
        self.env(&environment::setting(key), value)
    }

    /// Keeps none of its log, for measurements.
    pub fn unread(self) -> Self {
        Self { read: false, ..self }
    }

    /// Sets the variables that Grafana passes if its own traces go to `address`. It passes none of them otherwise.
    pub fn tracing(mut self, address: &str) -> Self {
        self.variables.extend(environment::tracing(address, "1.2.3"));
        self
    }

    /// Removes the plugin's file whose name ends with `suffix`.
    pub fn without(self, suffix: &str) -> Self {
        for name in self.directory.entries() {
            if name.ends_with(suffix) {
                std::fs::remove_file(self.directory.join(name)).expect("a file of the plugin can be removed");
            }
        }
        self
    }

    /// Writes a file of the plugin. Do not use it for the executable, which is shared with other tests.
    pub fn file(self, name: &str, content: &[u8]) -> Self {
        let path = self.directory.join(name);
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, content).expect("a file of the plugin can be written");
        self
    }

    /// Puts a built guest in the place of its component.
    pub fn component(self, guest: &str) -> Self {
        let component = crate::artifacts::component(guest);
        for suffix in [".wasm", ".cwasm"] {
            let (from, to) =
                (component.with_extension(&suffix[1..]), self.directory.join(self.name_of(suffix)));
            std::fs::remove_file(&to).expect("the plugin's file can be removed");
            directory::link(&from, &to).expect("the guest's file");
        }
        self
    }

    /// Puts another executable in the place of its own.
    pub fn executed_by(self, other: &Path) -> Self {
        std::fs::remove_file(&self.executable).expect("the executable can be removed");
        directory::link(other, &self.executable).expect("the other executable");
        self
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the names of the plugin's files.
    pub fn entries(&self) -> Vec<String> {
        self.directory.entries()
    }

    pub fn executable(&self) -> &Path {
        &self.executable
    }

    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Returns the name of the plugin's file that ends with `suffix`.
    pub fn name_of(&self, suffix: &str) -> String {
        let mut names = self.directory.entries().into_iter();
        names
            .find(|name| name.ends_with(suffix))
            .unwrap_or_else(|| panic!("the plugin has no file *{suffix}"))
    }

    /// Starts it, and reads its handshake.
    pub async fn start(self) -> Plugin {
        self.try_start().await.expect("the plugin starts")
    }

    pub async fn try_start(self) -> anyhow::Result<Plugin> {
        let command = self.command();
        Self::spawn(command, self.directory, self.read).await
    }

    /// Starts it through another program, such as `sudo` or `unshare`: `wrap` gets the directory and the executable's
    /// path, and returns the program and its arguments.
    pub async fn start_by(self, wrap: impl FnOnce(&Path, &Path) -> Vec<String>) -> anyhow::Result<Plugin> {
        let words = wrap(self.directory.path(), &self.executable);
        let (program, arguments) = words.split_first().context("a program to start")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.variables);
        Self::spawn(command, self.directory, self.read).await
    }

    /// Runs it to its end, for subcommands and for starts that should fail.
    pub async fn output(self, arguments: &[&str]) -> std::process::Output {
        self.holder().output(arguments).await
    }

    /// Returns what starts its executable in another way, also while it runs.
    pub fn holder(&self) -> Holder {
        Holder { executable: self.executable.clone(), variables: self.variables.clone() }
    }

    fn command(&self) -> Command {
        self.holder().command()
    }

    async fn spawn(mut command: Command, directory: Directory, read: bool) -> anyhow::Result<Plugin> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().context("cannot start the executable")?;
        Plugin::connected(child, directory, Path::new("/"), read).await
    }
}

// === impl Holder ===

impl Holder {
    /// Starts the process that is held, and waits until Grafana can find it.
    pub async fn hold(&self) -> Held {
        let mut command = self.command();
        command.arg("-standalone");
        Self::held(command).await
    }

    /// The same after these lines of a shell.
    pub async fn hold_after(&self, lines: &str) -> Held {
        Self::held(self.command_after(lines, "-standalone")).await
    }

    async fn held(mut command: Command) -> Held {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Held::of(command.spawn().expect("the executable starts")).await
    }

    /// Runs the executable to its end.
    pub async fn output(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        command.output().await.expect("the executable runs")
    }

    /// The same after these lines of a shell.
    pub async fn output_after(&self, lines: &str, argument: &str) -> std::process::Output {
        let mut command = self.command_after(lines, argument);
        command.stdin(Stdio::null()).output().await.expect("the executable runs")
    }

    /// The lines run in the plugin's directory, and in the same process.
    fn command_after(&self, lines: &str, argument: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("{lines}\nexec {} {argument}", self.executable.display()));
        command.current_dir(self.executable.parent().expect("the plugin's directory"));
        command.env_clear().envs(&self.variables).kill_on_drop(true);
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        // Grafana does not change the directory: a plugin finds its files relative to its executable.
        command.env_clear().envs(&self.variables).current_dir("/").kill_on_drop(true);
        command
    }
}
