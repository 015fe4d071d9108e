//! The plugin's rooms as a call sees them, with small components.

mod encoding;
mod engine;
mod instance;
mod load;
mod output;
mod owner;
mod pool;
mod precompiled;
