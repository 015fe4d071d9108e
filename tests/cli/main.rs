//! `gpx`, as an author types it: a file for each command.

mod build;
mod completions;
mod docs;
mod health;
mod new;
mod project;
mod resource;
mod run;
mod stream;
mod terminal;
