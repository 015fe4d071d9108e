//! The plugin's rooms as a call sees them, with small components.

mod data_source;
mod engine;
mod instance;
mod load;
mod output;
mod pool;
mod precompiled;
