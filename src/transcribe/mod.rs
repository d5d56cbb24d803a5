//! Windows of speech become words, on a fixed pool of ordinary threads.

use crate::domain::SpokenText;

/// A word inside a window, before it is mapped back to the call.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardWord {
    /// As written, punctuation attached, no blanks around.
    pub text: SpokenText,
    /// Start inside the window, in milliseconds.
    pub start_ms: u64,
    /// End inside the window.
    pub end_ms: u64,
    /// 0 to 1.
    pub confidence: f32,
}

/// What a transcriber heard in one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// In order.
    pub words: Vec<HeardWord>,
    /// Two-letter code of the language used.
    pub language: String,
}

/// What the transcriber may know beforehand. Comes from the call's own settings only,
/// so that no caller's words steer another's transcript.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// Two-letter code; `None` lets the model decide.
    pub language: Option<String>,
    /// Names and products likely to be said.
    pub vocabulary: Vec<String>,
}

/// Why transcription failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model could not be loaded.
    #[error("cannot load the speech model {0}: {1}")]
    Model(String, String),
    /// The engine gave up on a window.
    #[error("the speech engine failed on a window (code {0})")]
    Engine(i32),
    /// Someone asked to stop.
    #[error("stopped before the end")]
    Stopped,
    /// A worker thread ended unexpectedly.
    #[error("a transcription thread ended unexpectedly; run `runaround doctor`")]
    WorkerLost,
}

/// Something that turns samples into words. One per worker thread; it must not remember anything
/// from one window to the next.
pub trait Transcriber: Send {
    /// `samples`: 16 kHz mono, any length (shorter than 1 s is padded inside), finite.
    ///
    /// # Errors
    /// See [`Error`].
    fn transcribe(&mut self, samples: &[f32], hints: &Hints) -> Result<Heard, Error>;
}
