//! A program that embeds a plugin: it serves a component on a listener of its own, replaces the component while calls
//! run, and drains it at the end.
//!
//! `embed COMPONENT.wasm` says where it listens. Then it reads lines: each is the path of a component that takes the
//! place of the one before. It ends with its input.

#![expect(clippy::disallowed_macros, reason = "nobody reads a handshake from this program")]

use anyhow::Context as _;
use gpx_host::{Component, Host, Settings};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("usage: embed COMPONENT.wasm")?;
    let settings: Settings = [("GF_PLUGIN_GPX_CALL_TIMEOUT", "1m")].into_iter().collect();
    let host = Host::builder(component(&path)?).identity("embedded", "1.0.0").settings(settings).build()?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listening on {}", listener.local_addr()?);
    let serving = tokio::spawn({
        let host = host.clone();
        async move { host.serve(listener).await }
    });
    host.loaded().await?;

    for path in std::io::stdin().lines() {
        let path = path?;
        match host.replace(component(&path)?).await {
            Ok(()) => println!("replaced by {path}"),
            Err(error) => println!("not replaced: {:#}", anyhow::Error::from(error)),
        }
    }
    host.drain().await;
    serving.await??;
    println!("drained");
    Ok(())
}

fn component(path: &str) -> anyhow::Result<Component> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    Ok(Component::from_bytes(bytes))
}
