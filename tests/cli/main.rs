//! `gpx`, as an author types it: a file for each command.

mod build;
mod check;
mod completions;
mod dev;
mod docs;
mod doctor;
mod health;
mod inspect;
mod new;
mod project;
mod resource;
mod run;
mod stream;
mod terminal;
mod tutorial;
