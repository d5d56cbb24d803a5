//! Which storeys of detection run, as the user asks for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::detect::Detectors;
use crate::detect::semantic::Embedder;

/// What detection is built from.
#[derive(clap::Args)]
pub(super) struct Storeys {
    /// Phrase rules alone, without learned weights
    #[arg(long, conflicts_with = "sentences")]
    rules_only: bool,
    /// Folder with `model.safetensors` and `tokenizer.json` of the sentence model, to read likeness as well
    #[arg(long, value_name = "DIR")]
    sentences: Option<PathBuf>,
}

impl Storeys {
    /// Loads what was asked for.
    pub(super) fn detectors(&self) -> Result<Detectors> {
        match &self.sentences {
            Some(folder) => Ok(Detectors::with_sentences(embedder(folder)?)),
            None if self.rules_only => Ok(Detectors::rules_only()),
            None => Ok(Detectors::built_in()),
        }
    }
}

/// The sentence model in `folder`.
pub(super) fn embedder(folder: &Path) -> Result<Embedder> {
    if !folder.is_dir() {
        bail!("{} is no folder; pull the sentence model first", folder.display());
    }
    let file = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}; pull the sentence model again", path.display()))
    };
    Ok(Embedder::load(&file("model.safetensors")?, &file("tokenizer.json")?)?)
}
