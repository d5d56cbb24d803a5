//! Recordings become blocks of samples, one list per channel.
//!
//! [`open`] looks at the content, never at the file name; what Symphonia cannot read is tried with an external
//! `ffmpeg`. Limits are counted while decoding, because a header may say anything. Nothing is collected:
//! memory does not grow with the length of the call. The same file gives the same samples every time it is opened.

use std::path::{Path, PathBuf};

use crate::domain::report::Warning;

/// What a recording may be. Beyond these it is refused with [`Error`].
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Longest call, in milliseconds.
    pub duration_max_ms: u64,
    /// Shortest call, in milliseconds.
    pub duration_min_ms: u64,
    /// Lowest sample rate.
    pub rate_min_hz: u32,
    /// Highest sample rate.
    pub rate_max_hz: u32,
    /// Most channels.
    pub channels_max: u8,
    /// Largest share of samples that are not numbers, in percent.
    pub non_finite_max_percent: f32,
    /// Which `ffmpeg` to ask for what we cannot read; `None` never asks.
    pub ffmpeg: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            duration_max_ms: 8 * 3600 * 1000,
            duration_min_ms: 100,
            rate_min_hz: 4_000,
            rate_max_hz: 192_000,
            channels_max: 8,
            non_finite_max_percent: 1.0,
            ffmpeg: Some(PathBuf::from("ffmpeg")),
        }
    }
}

/// What the file says it is, corrected by what was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Container, for instance `wav`.
    pub container: String,
    /// Codec, for instance `pcm_s16le`.
    pub codec: String,
    /// Samples a second, 4,000 to 192,000.
    pub rate_hz: u32,
    /// Channels, 1 to 8.
    pub channels: u8,
    /// Length as the header claims it, for progress bars only; may be wrong or missing.
    pub claimed_ms: Option<u64>,
}

/// Samples as they come out of the decoder: `channels[c][n]`, every channel equally long,
/// finite, nominally within -1 to 1. Length varies from block to block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// One list per channel.
    pub channels: Vec<Vec<f32>>,
}

/// Why a recording cannot be read. `code()` is the stable name that HTTP problems and reports use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read the file: {0}; check the path and its permissions")]
    Io(#[from] std::io::Error),
    /// Nothing in it.
    #[error("the recording holds no audio; check that the recorder wrote it to the end")]
    Empty,
    /// Not audio, or a codec that nothing here reads.
    #[error("{0}")]
    Unsupported(String),
    /// The container is known and its content broken.
    #[error("{0}")]
    Corrupt(String),
    /// Shorter than the limit.
    #[error("the recording is {0} ms long; at least {1} ms are needed")]
    TooShort(u64, u64),
    /// Longer than the limit.
    #[error("the recording is longer than {} minutes; cut it or raise the limit", .0 / 60_000)]
    TooLong(u64),
    /// Rate, channels or bit depth outside the limits.
    #[error("{0}")]
    Parameters(String),
    /// Too many samples that are not numbers.
    #[error("{0:.1} % of the samples are not numbers; export the recording again as 16-bit PCM")]
    InvalidSamples(f32),
}

impl Error {
    /// Stable name for machines, as used in problem documents.
    pub const fn code(&self) -> &'static str {
        match self {
            Error::Io(_) => "audio-unreadable",
            Error::Empty => "audio-empty",
            Error::Unsupported(_) => "unsupported-audio",
            Error::Corrupt(_) => "audio-corrupt",
            Error::TooShort(..) => "audio-too-short",
            Error::TooLong(_) => "audio-too-long",
            Error::Parameters(_) => "audio-parameters-unsupported",
            Error::InvalidSamples(_) => "audio-invalid-samples",
        }
    }
}

/// An open recording.
pub struct Recording {}

/// Opens the recording at `path`.
///
/// # Errors
/// See [`Error`]; some are only found while reading.
pub fn open(path: &Path, limits: &Limits) -> Result<Recording, Error> {
    let _ = (path, limits);
    Err(Error::Empty)
}

impl Recording {
    /// What it is.
    pub fn format(&self) -> &Format {
        unreachable!("to be written")
    }

    /// Puts the next samples into `block`; false at the end. Limits on length and on samples that are not
    /// numbers are checked here, the minimum length at the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(&mut self, block: &mut Block) -> Result<bool, Error> {
        let _ = block;
        Err(Error::Empty)
    }

    /// What had to be repaired so far, for the report; complete after [`read`](Self::read) gave false.
    pub fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}
