//! The integration tests, one binary: files under `tests/it`, one per door of the program.

mod architecture;
#[cfg(feature = "whisper")]
mod calls;
mod cli;
mod dialogues;
mod http;
mod ingest;
mod judge;
mod models;
mod playbook;
mod report;
mod support;
#[cfg(feature = "whisper")]
mod transcribe;
