//! Sentences as points: what is said alike lies close together.
//!
//! The points come from the middle of MiniLM, after its third layer of six. The last layers were taught to say what a
//! sentence is *about*; the middle still knows what it *does*, which is what labels ask for, and costs half the time.

#[cfg(feature = "semantic")]
mod minilm;

use std::collections::HashMap;
use std::sync::Arc;

/// Numbers in a [`Point`].
pub const DIMENSIONS: usize = 384;

/// Where a sentence lies: [`DIMENSIONS`] numbers, length 1.
pub type Point = Arc<[f32]>;

/// Why there are no sentence points.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The weights are not those of MiniLM.
    #[error("the sentence model cannot be loaded: {0}; pull it again")]
    Weights(String),
    /// The word list is not a tokenizer.
    #[error("the tokenizer of the sentence model cannot be read: {0}; pull it again")]
    Tokenizer(String),
    /// Left out at build time.
    #[error("this program was built without sentence models; build it with the feature semantic")]
    NotBuilt,
}

/// The sentence model, loaded once and shared by all calls.
#[derive(Debug)]
pub struct Embedder {
    #[cfg(feature = "semantic")]
    model: minilm::MiniLm,
    #[cfg(not(feature = "semantic"))]
    model: std::convert::Infallible,
}

impl Embedder {
    /// Loads the model from the bytes of `model.safetensors` and `tokenizer.json`, whose hashes the caller has checked.
    ///
    /// # Errors
    /// Bytes that are not a MiniLM, or a program built without it.
    pub fn load(weights: &[u8], tokenizer: &[u8]) -> Result<Self, Error> {
        #[cfg(feature = "semantic")]
        return Ok(Self { model: minilm::MiniLm::load(weights, tokenizer)? });
        #[cfg(not(feature = "semantic"))]
        {
            let _ = (weights, tokenizer);
            Err(Error::NotBuilt)
        }
    }

    /// The points of `sentences`, in their order; a sentence that occurs twice is computed once.
    /// A sentence gets the same point to the last bit in whatever company it comes.
    pub fn points(&self, sentences: &[&str]) -> Vec<Point> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut distinct = Vec::new();
        for &sentence in sentences {
            places.entry(sentence).or_insert_with(|| {
                distinct.push(sentence);
                distinct.len() - 1
            });
        }
        let points = self.distinct(&distinct);
        sentences.iter().map(|sentence| Arc::clone(&points[places[sentence]])).collect()
    }

    #[cfg(feature = "semantic")]
    fn distinct(&self, sentences: &[&str]) -> Vec<Point> {
        self.model.points(sentences)
    }

    #[cfg(not(feature = "semantic"))]
    fn distinct(&self, _: &[&str]) -> Vec<Point> {
        match self.model {}
    }
}

/// Cosine of the angle between two points: 1 for the same, about 0 for strangers.
pub fn likeness(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
