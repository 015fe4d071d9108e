//! `gpx`, as an author types it: a file for each command.

mod completions;
mod terminal;
