//! A program that embeds a plugin. It serves a component on its own listener, replaces the component while calls run,
//! and drains at the end.
//!
//! `embed COMPONENT.wasm [GPX-HOST]` prints where it listens. It then reads lines from standard input: each is the path of a
//! component that replaces the previous one. It ends when its input does. If an executable of gpx-host is named, components
//! are compiled in a process of that executable, with limits on time and memory.

#![expect(clippy::disallowed_macros, reason = "this program makes no handshake on standard output")]

use anyhow::Context as _;
use gpx_host::{Component, Host, Settings};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: embed COMPONENT.wasm [GPX-HOST]")?;
    let settings: Settings = [("GF_PLUGIN_GPX_CALL_TIMEOUT", "1m")].into_iter().collect();
    let mut builder = Host::builder(component(&path)?).identity("embedded", "1.0.0").settings(settings);
    if let Some(executable) = arguments.next() {
        builder = builder.compiler(executable);
    }
    let host = builder.build()?;

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
            Ok(()) => println!("replaced with {path}"),
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
