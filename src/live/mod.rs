//! Calls while they are spoken.
//!
//! Telephone systems hand their sound over in one of several [`protocol`]s. It is put on an axis without [`gaps`],
//! written down ([`recording`]) and heard ([`ear`]).

pub mod ear;
pub mod gaps;
pub mod protocol;
pub mod recording;
