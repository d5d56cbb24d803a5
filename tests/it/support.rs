//! What several doors need: the program itself and the folder of models.

#[cfg(feature = "whisper")]
use std::path::Path;
use std::process::{Command, Output};

/// The folder with the models; the tests of the real engine fail without it rather than pass unseen.
#[cfg(feature = "whisper")]
pub(crate) fn models() -> String {
    let folder = std::env::var("RUNAROUND_MODELS")
        .unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("models").display().to_string());
    assert!(
        Path::new(&folder).join("ggml-tiny.en.bin").exists(),
        "the speech model is missing in {folder}; run: make models"
    );
    folder
}

/// Runs the program to its end.
pub(crate) fn run(args: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runaround")).args(args).output().expect("the program starts")
}
