//! Labelled dialogues, one JSON object a line.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::detect;
use crate::domain::{Dialogue, Label, Outcome};

/// A dialogue with the labels a person gave it.
pub(super) struct Gold {
    pub(super) dialogue: Dialogue,
    /// Of each turn.
    pub(super) labels: Vec<BTreeSet<Label>>,
    pub(super) call: Call,
    /// `tweet`, `chat`, `spoken` and so on; empty where it is not said.
    pub(super) medium: String,
    /// Not deflected, though the words could make one think so.
    pub(super) hard_negative: bool,
}

/// What a person said about the call.
#[derive(Default, Deserialize)]
pub(super) struct Call {
    pub(super) deflected: bool,
    pub(super) pushed_back: bool,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Deserialize)]
struct Line {
    turns: Vec<LineTurn>,
    #[serde(default)]
    call: Call,
    #[serde(default)]
    medium: String,
    #[serde(default)]
    hard_negative: bool,
}

#[derive(Deserialize)]
struct LineTurn {
    labels: BTreeSet<Label>,
}

/// Reads a labelled set.
///
/// # Errors
/// A line that cannot be read is named by file and number, without its words.
pub(super) fn read(path: &Path) -> Result<Vec<Gold>> {
    let name = path.display();
    let content = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}; is the path right?"))?;
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| parse(line).with_context(|| format!("{name}:{}", at + 1))).collect()
}

fn parse(line: &str) -> Result<Gold> {
    let (_, _, dialogue) = detect::parse(line)?;
    let line: Line = serde_json::from_str(line).map_err(|error| {
        anyhow::anyhow!("column {}: labels are missing or unknown; every turn needs a list of labels", error.column())
    })?;
    Ok(Gold {
        dialogue,
        labels: line.turns.into_iter().map(|turn| turn.labels).collect(),
        call: line.call,
        medium: line.medium,
        hard_negative: line.hard_negative,
    })
}
