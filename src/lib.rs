//! Runaround finds the moments when a caller was turned aside.
//!
//! The walk of a recording, each module once, in this order: [`ingest`] opens the file and yields blocks of
//! samples; [`audio`] listens to every channel (speech, tones, music, keys, levels), says what the channels
//! are worth, and packs the speech into windows; [`transcribe`] turns windows into words on a fixed pool of
//! threads; [`dialogue`] puts the words of all channels in order and decides who speaks; [`detect`] says what
//! each turn does, builds the chain of each request and raises findings; [`report`] writes it all down.
//! [`pipeline`] is that walk. [`judge`], off by default, asks a language model about findings that are not sure.
//! [`models`] fetches and checks model files; [`jobs`] keeps accepted uploads and runs them in child processes;
//! [`http`] is the door; [`cli`] the other.
//!
//! Everything shares the words of [`domain`] and nothing else; `tests/it/architecture.rs` holds the rule.

pub mod domain;

pub mod ingest;

pub mod audio;

pub mod transcribe;

pub mod dialogue;

pub mod detect;

pub mod report;

pub mod models;

#[cfg(feature = "fetch")]
pub mod judge;

pub mod pipeline;

pub mod jobs;

pub mod http;

pub mod cli;
