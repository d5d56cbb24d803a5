//! The integration tests, one binary: files under `tests/it`, one per door of the program.

#![allow(clippy::unwrap_used, reason = "a test that unwraps says what broke where")]

mod architecture;
#[cfg(feature = "whisper")]
mod calls;
mod cli;
mod dialogues;
mod http;
mod ingest;
#[cfg(feature = "fetch")]
mod judge;
mod models;
mod playbook;
mod report;
mod support;
#[cfg(feature = "whisper")]
mod transcribe;
