//! Tests of the plugin as a call sees it, with small components.

mod encoding;
mod engine;
mod failure;
mod instance;
mod load;
mod output;
mod owner;
mod pool;
mod stream;
