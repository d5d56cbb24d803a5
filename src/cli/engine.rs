//! What every analysing verb needs: the speech model, the detectors and a pool of threads.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "whisper")]
use anyhow::Context;
use anyhow::Result;

use crate::detect::Detectors;
use crate::models::{self, Store};
use crate::pipeline::Engine;

/// Which models to use and where they lie.
#[derive(Clone, Debug, clap::Args)]
pub struct ModelChoice {
    /// Speech model: base, tiny.en (see `runaround models list`)
    #[arg(long, default_value = "base")]
    pub model: String,
    /// Folder of the model files
    #[arg(long, env = "RUNAROUND_MODELS", value_name = "DIR")]
    pub models: Option<PathBuf>,
}

impl ModelChoice {
    /// The folder given, or the usual one.
    pub fn folder(&self) -> PathBuf {
        self.models.clone().unwrap_or_else(models::default_folder)
    }
}

/// Loads the models, each checked against its hash, and starts `threads` transcription threads.
///
/// # Errors
/// A model that is missing or not what it should be; the message names the command that mends it.
#[cfg(feature = "whisper")]
pub fn start(choice: &ModelChoice, threads: usize) -> Result<Engine> {
    use crate::transcribe::{Pool, whisper};

    let store = Store::open(&choice.folder());
    let model = store.whisper(&choice.model)?;
    let engine = whisper::Engine::load(&model.name, &model.bytes, whisper::Config::default())?;
    let (name, sha256) = (model.name.clone(), model.sha256.clone());
    drop(model);
    let pool = Pool::start(threads.max(1), move |_| engine.worker())
        .with_context(|| format!("cannot start {threads} transcription threads; try a smaller --jobs"))?;
    Ok(Engine { pool, model: name, model_sha256: sha256, detectors: Arc::new(detectors(&store)) })
}

/// Without a speech engine there is nothing to start.
///
/// # Errors
/// Always, naming the cure.
#[cfg(not(feature = "whisper"))]
pub fn start(_: &ModelChoice, _: usize) -> Result<Engine> {
    anyhow::bail!("this build has no speech engine; build it with the feature whisper (it is on by default)")
}

/// The detectors with every storey whose model is there. A missing sentence model is said once and is no error:
/// phrase rules work without it.
pub fn detectors(store: &Store) -> Detectors {
    match store.minilm() {
        Ok(_) => Detectors::rules_only(),
        Err(error) => {
            super::tell(&format!("note: {error}; detecting with phrase rules alone"));
            Detectors::rules_only()
        }
    }
}

/// As many as the machine has cores.
pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
