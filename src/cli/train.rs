//! Makes the learned weights anew. The same exchanges, rules and model give the same files, byte for byte.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::{gold, storeys, tell};
use crate::detect::learned::lesson::{Exchange, teach};
use crate::detect::rules::Rules;
use crate::detect::semantic::Embedder;
use crate::models;

/// Make the learned weights from labelled exchanges
#[derive(clap::Args)]
pub struct Args {
    /// Folder with the labelled exchanges
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Folder the weights go to
    #[arg(long, value_name = "DIR", default_value = "data/weights")]
    out: PathBuf,
    /// Folder of the model files; without the sentence model only the weights that need no model are made
    #[arg(long, env = "RUNAROUND_MODELS", value_name = "DIR")]
    models: Option<PathBuf>,
}

/// The exchanges we teach from, and whether the phrase rules were written without them in view.
const FILES: [(&str, bool); 4] =
    [("exemplars.jsonl", false), ("written.jsonl", false), ("more.jsonl", true), ("threads.jsonl", true)];

/// Reads exchanges, writes weights.
///
/// # Errors
/// Files that cannot be read or written, a sentence model that cannot be loaded.
pub fn run(args: Args) -> Result<()> {
    let mut exchanges = Vec::new();
    let mut hash = Sha256::new();
    for (name, fresh) in FILES {
        let path = args.data.join(name);
        hash.update(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        let exchange = |gold: gold::Gold| Exchange { dialogue: gold.dialogue, labels: gold.labels, fresh };
        exchanges.extend(gold::read(&path)?.into_iter().map(exchange));
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    write(&args.out.join("words.json"), &exchanges, &digest, None)?;
    match storeys::embedder(&args.models.unwrap_or_else(models::default_folder))? {
        Some(embedder) => write(&args.out.join("points.json"), &exchanges, &digest, Some(&embedder)),
        None => bail!("the sentence model is not here, so points.json is old now; run: runaround models pull minilm"),
    }
}

fn write(path: &Path, exchanges: &[Exchange], digest: &str, embedder: Option<&Embedder>) -> Result<()> {
    let start = Instant::now();
    let weights = teach(exchanges, &Rules::built_in(), embedder).made_from(digest);
    std::fs::write(path, weights.to_json()).with_context(|| format!("cannot write {}", path.display()))?;
    let about = weights.about();
    let f1: f64 = about.held_out.values().map(|label| label.f1).sum::<f64>() / about.held_out.len().max(1) as f64;
    let took = start.elapsed().as_secs();
    tell(&format!(
        "{}: {} exchanges, {} turns, mean F1 on held-out exchanges {f1:.3}, {took} s",
        path.display(),
        about.counts.0,
        about.counts.1
    ));
    Ok(())
}
