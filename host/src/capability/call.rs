//! `gpx:plugin/call`: what a component may know of the call that it answers.

use wasmtime::Result;

use crate::bindings::gpx::plugin::call::{Host, PluginContext};
use crate::bindings::gpx::plugin::types::Header;
use crate::convert;
use crate::plugin::State;

impl Host for State {
    fn context(&mut self) -> Result<PluginContext> {
        Ok(self.call().map_or_else(convert::no_context, |call| convert::plugin_context(&call.context)))
    }

    fn headers(&mut self) -> Result<Vec<Header>> {
        Ok(self.call().map_or_else(Vec::new, |call| convert::headers(&call.headers)))
    }

    fn time_left(&mut self) -> Result<Option<u64>> {
        let left =
            self.call().map(|call| call.deadline.saturating_duration_since(tokio::time::Instant::now()));
        Ok(left.map(|left| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn cancelled(&mut self) -> Result<bool> {
        Ok(self.call().is_some_and(|call| call.caller_is_gone()))
    }
}
