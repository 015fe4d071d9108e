//! `gpx`, as an author types it: a file for each command.

mod completions;
mod health;
mod resource;
mod run;
mod stream;
mod terminal;
