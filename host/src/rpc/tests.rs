//! Tests of the services as Grafana calls them, with small components.

mod data;
mod diagnostics;
mod odd;
mod resource;
