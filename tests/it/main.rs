//! The integration tests, one binary: files under `tests/it`, one per door of the program.

mod architecture;
mod calls;
mod cli;
mod ingest;
mod models;
mod report;
mod support;
