//! How voices sound, as points: stretches spoken by one person lie close together, whatever the words.
//!
//! [`Ear`] hears a stretch of speech through CAM++, a network that was taught to know speakers again, and gives a point
//! for every second and a half. [`tell_apart`] looks at the points of a whole call and says how like each voice every
//! piece sounds, and how like each other the voices are. Only recordings that hold all parties on one channel need it.

#[cfg(feature = "voices")]
mod fbank;
#[cfg(feature = "voices")]
mod layers;
#[cfg(feature = "voices")]
mod network;
#[cfg(feature = "voices")]
mod weights;

mod apart;

pub use apart::{Apart, tell_apart};

/// Numbers in a [`Point`].
pub const DIMENSIONS: usize = 192;

/// Samples a second that the network wants.
pub const RATE_HZ: usize = 16_000;

/// How a voice sounds: [`DIMENSIONS`] numbers, length 1.
pub type Point = Vec<f32>;

/// The point of one piece of a stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// First millisecond, from the beginning of the stretch.
    pub start_ms: u64,
    /// The millisecond after the last.
    pub end_ms: u64,
    /// Where the voice lies.
    pub point: Point,
}

/// Why there are no voices.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The weights are not those of CAM++.
    #[error("the voice model cannot be loaded: {0}; pull it again")]
    Weights(String),
    /// Left out at build time.
    #[error("this program was built without voice models; build it with the feature voices")]
    NotBuilt,
}

/// The voice model, loaded once and shared by all calls.
#[derive(Debug)]
pub struct Ear {
    #[cfg(feature = "voices")]
    network: network::Network,
    #[cfg(not(feature = "voices"))]
    network: std::convert::Infallible,
}

impl Ear {
    /// Loads the model from the bytes of its weights, whose hash the caller has checked.
    ///
    /// # Errors
    /// Bytes that are not a CAM++, or a program built without it.
    pub fn load(weights: &[u8]) -> Result<Self, Error> {
        #[cfg(feature = "voices")]
        return Ok(Self { network: network::Network::load(weights)? });
        #[cfg(not(feature = "voices"))]
        {
            let _ = weights;
            Err(Error::NotBuilt)
        }
    }

    /// The pieces of one stretch of speech, 16 kHz, in order and overlapping; none if it is shorter than 0.3 s.
    /// The same stretch gives the same points in whatever call it lies.
    #[cfg(feature = "voices")]
    pub fn listen(&self, stretch: &[f32]) -> Vec<Piece> {
        self.network.listen(stretch)
    }

    /// Nobody can have an ear in this program.
    #[cfg(not(feature = "voices"))]
    pub fn listen(&self, _: &[f32]) -> Vec<Piece> {
        match self.network {}
    }
}
