//! What starts, calls and answers cost, one kind after the other.

use std::path::Path;

use anyhow::{Context as _, Result};
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer;
use gpx_tests::servers::nginx::{Nginx, Site};
use serde_json::json;

use crate::{Bench, Figure, Reports, number};

impl Bench {
    pub(crate) async fn starts(&mut self, ours: &Path) -> Result<()> {
        let options = json!({ "starts": 21, "callers": [], "timeout_ms": 60000 });
        let warm = self.all(ours, &options).await?;
        self.row("start → handshake, ms", &warm, "/starts/handshake_ms")?;
        self.row("start → first answer, ms", &warm, "/starts/first_answer_ms")?;
        self.row("idle memory, KiB", &warm, "/idle_rss_kib")?;
        // The same files, but without the machine code.
        let folder = Directory::new()?;
        for entry in ours.parent().context("the plugin's directory")?.read_dir()?.flatten() {
            let name = entry.file_name();
            if entry.path().is_file() && !name.to_string_lossy().contains(".cwasm") {
                gpx_tests::directory::link(&entry.path(), &folder.join(&name))?;
            }
        }
        let cold = folder.join(ours.file_name().context("the executable's name")?);
        let options = json!({ "starts": 5, "callers": [], "timeout_ms": 60000 });
        let cold = Reports { ours: self.measure(&cold, &options).await?, native: None, ..warm };
        self.row("start → first answer without .cwasm, ms", &cold, "/starts/first_answer_ms")
    }

    pub(crate) async fn small_queries(&mut self, ours: &Path) -> Result<()> {
        let options =
            json!({ "callers": [1, 8, 32, 128], "duration_ms": self.milliseconds, "warmup_ms": 1000 });
        let reports = self.all(ours, &options).await?;
        for (number, callers) in
            ["1 caller", "8 callers", "32 callers", "128 callers"].into_iter().enumerate()
        {
            for (key, unit) in [
                ("calls_per_s", "calls/s"),
                ("p50_ms", "p50, ms"),
                ("p99_ms", "p99, ms"),
                ("p999_ms", "p99.9, ms"),
                ("cpu_per_call_us", "plugin's CPU per call, µs"),
            ] {
                self.row(&format!("{callers}: {unit}"), &reports, &format!("/loads/{number}/{key}"))?;
            }
        }
        Ok(())
    }

    /// Compares HTTP/1.1 and HTTP/2 over TLS, to the same server. The twin is told to speak HTTP/2, which the SDK does not.
    pub(crate) async fn protocols(&mut self, ours: &Path) -> Result<()> {
        let twin = self.tools.twin.clone();
        for (http2, protocol) in [(false, "HTTP/1.1"), (true, "HTTP/2")] {
            let mut figures = Vec::new();
            for executable in [ours, &twin] {
                // A parameter of nginx has at most 4 KiB.
                let site = Site::secure(&["self"]).says(&gpx_tests::upstream::points(80).to_string());
                let site = site.with("keepalive_requests 10000000;");
                let Some(nginx) = Nginx::start(&[if http2 { site.http2() } else { site }]).await else {
                    return Ok(());
                };
                let mut source = DataSource::new(&nginx.url(0)).plugin("gpx-httpbackend-datasource");
                source = source.json(json!({ "tlsSkipVerify": true }));
                source.settings.database = "http2".to_owned();
                let options = json!({
                    "url": nginx.url(0), "plugin_context": peer::context(&source), "queries": [peer::query(&query("A"))],
                    "callers": [32], "duration_ms": self.milliseconds, "warmup_ms": 1000,
                });
                let report = self.measure(executable, &options).await?;
                let served = nginx.served(1).await;
                let connections: std::collections::HashSet<_> =
                    served.iter().map(|served| served.connection).collect();
                let each = served.len() as f64 / connections.len() as f64;
                figures.push((
                    number(&report, "/loads/0/cpu_per_call_us")?,
                    number(&report, "/loads/0/p50_ms")?,
                    each,
                ));
            }
            let [ours, theirs] = figures.as_slice() else { continue };
            for (what, ours, theirs) in [
                ("CPU per call, µs", ours.0, theirs.0),
                ("p50, ms", ours.1, theirs.1),
                ("requests per connection", ours.2, theirs.2),
            ] {
                self.figures.push(Figure {
                    name: format!("32 callers over {protocol} with TLS: {what}"),
                    ours,
                    theirs,
                    native: None,
                });
            }
        }
        Ok(())
    }

    pub(crate) async fn large_answers(&mut self, ours: &Path) -> Result<()> {
        for (points, format, calls) in
            [(10_000, "arrow", 50), (1_000_000, "arrow", 5), (1_000_000, "json", 5)]
        {
            let options = json!({ "points": points, "format": format, "callers": [1], "calls": calls });
            let reports = match format {
                "arrow" => self.all(ours, &options).await?,
                // The native one writes Arrow whatever it is asked for.
                _ => self.compared(ours, &options).await?,
            };
            for (key, unit) in
                [("p50_ms", "p50, ms"), ("cpu_per_call_us", "CPU, µs"), ("peak_rss_kib", "peak memory, KiB")]
            {
                self.row(
                    &format!("{points} points as {format}, {unit}"),
                    &reports,
                    &format!("/loads/0/{key}"),
                )?;
            }
        }
        Ok(())
    }

    pub(crate) fn sizes(&mut self, ours: &Path, component: &Path) -> Result<()> {
        let size = |path: &Path| Ok::<_, anyhow::Error>(path.metadata()?.len() as f64 / 1024.0);
        let (twin, native) = (size(&self.tools.twin)?, Some(size(&self.native)?));
        self.figures.push(Figure {
            name: "executable, KiB".to_owned(),
            ours: size(ours)?,
            theirs: twin,
            native,
        });
        self.figures.push(Figure {
            name: "component, KiB".to_owned(),
            ours: size(component)?,
            theirs: twin,
            native,
        });
        Ok(())
    }
}
