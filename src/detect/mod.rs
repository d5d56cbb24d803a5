//! A dialogue becomes acts, chains and findings.
//!
//! Three storeys: *acts* (what each turn does, from phrase rules, likeness to examples and learned weights),
//! the *chain* of each request, and *findings* a reviewer reads. Nothing here does IO, knows a clock or fails:
//! any dialogue gets an answer.

pub mod empathy;
pub mod hardship;
pub mod judge;
pub mod playbook;
pub mod redact;
pub mod scorecard;
pub mod scores;

use crate::domain::{Act, Chain, Dialogue, Finding, Verdict};

/// What detection says about a dialogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The acts of each turn: `acts[n]` belongs to `dialogue.turns[n]`.
    pub acts: Vec<Vec<Act>>,
    /// One per request, in order.
    pub chains: Vec<Chain>,
    /// The call in one line.
    pub verdict: Verdict,
    /// In the order of time.
    pub findings: Vec<Finding>,
}

/// Rules, examples and weights, loaded once and shared by all calls.
pub struct Detectors {}

impl Detectors {
    /// The rules that ship with the program, without a model.
    pub fn rules_only() -> Self {
        Self {}
    }

    /// Hash of all rules, examples and weights in use, lower-case hex.
    pub fn digest(&self) -> String {
        String::new()
    }

    /// Which storeys run: `rules`, `semantic`, `learned`.
    pub fn storeys(&self) -> Vec<String> {
        Vec::new()
    }

    /// Reads a dialogue.
    pub fn read(&self, dialogue: &Dialogue) -> Reading {
        let _ = dialogue;
        unreachable!("to be written")
    }
}
