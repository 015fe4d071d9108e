//! A stream of Grafana Live.

use anyhow::{Result, bail};
use gpx_client::proto::pluginv2::subscribe_stream_response::Status;

use crate::plugin::{self, Interrupted, Plugin};
use crate::table::count;
use crate::terminal::{Output, tell};

/// Subscribe to a plugin's stream, and print each packet as a line of JSON.
///
/// Ends after --count packets, when the plugin ends the stream, or with Ctrl-C.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The path of the channel, without `ds/<uid>/`.
    path: String,
    #[command(flatten)]
    plugin: plugin::Arguments,
    /// What the subscriber sends.
    #[arg(long, value_name = "JSON", default_value = "", hide_default_value = true)]
    data: String,
    /// End after so many packets.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

pub(crate) fn stream(arguments: &Arguments) -> Result<()> {
    let folder = arguments.plugin.folder()?;
    let (mut output, mut packets) = (Output::new(), 0);
    let ended = arguments.plugin.with(&folder, async |plugin| {
        arguments.subscribe(plugin, &mut output).await?;
        arguments.follow(plugin, &mut output, &mut packets).await
    });
    match ended {
        Ok(_) => {}
        // That is how a stream ends.
        Err(error) if error.is::<Interrupted>() && packets > 0 => {}
        Err(error) => return Err(error),
    }
    tell(count(packets, "packet"));
    Ok(())
}

// === impl Arguments ===

impl Arguments {
    /// Asks whether the stream may be read, and prints what a subscriber gets first.
    async fn subscribe(&self, plugin: &Plugin, output: &mut Output) -> Result<()> {
        let call = plugin.channel.subscribe(plugin.context.clone(), &self.path, self.data.clone());
        let reply = plugin.answer("the answer to the subscription", call).await?;
        match reply.status() {
            Status::Ok => print(&reply.data, output),
            Status::NotFound => bail!("the plugin has no stream {:?}", self.path),
            Status::PermissionDenied => bail!("the plugin does not permit the stream {:?}", self.path),
        }
    }

    async fn follow(&self, plugin: &Plugin, output: &mut Output, packets: &mut usize) -> Result<()> {
        let call = plugin.channel.run_stream(plugin.context.clone(), &self.path, self.data.clone());
        let mut stream = plugin.answer("the stream", call).await?;
        while self.count.is_none_or(|count| (*packets as u64) < count) && !output.is_gone() {
            let Some(packet) = plugin.answer("the stream", stream.message()).await? else { break };
            print(&packet.data, output)?;
            *packets += 1;
        }
        Ok(())
    }
}

fn print(packet: &[u8], output: &mut Output) -> Result<()> {
    if packet.is_empty() {
        return Ok(());
    }
    // A packet is JSON, in which a line break can only stand between two parts.
    let text = String::from_utf8_lossy(packet).replace(['\r', '\n'], " ");
    output.line(text)?;
    Ok(output.flush()?)
}
