//! The integration tests, one binary: files under `tests/it`, one per door of the program.
mod dialogues;
