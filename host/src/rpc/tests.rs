//! Tests of the services as Grafana calls them, with small components.

mod answers;
mod chunked;
mod data;
mod diagnostics;
mod odd;
mod resource;
