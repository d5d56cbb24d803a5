//! The protocols of live calls as the program has them, and nothing else of it.

#[path = "../src/domain/mod.rs"]
pub mod domain;
#[path = "../src/live/protocol/mod.rs"]
pub mod protocol;
