//! MiniLM up to its third layer, on one processor.
//!
//! The sentences of a call are laid end to end, so that every weight matrix is walked once per batch and nothing is
//! padded; only attention looks at each sentence by itself. That is several times faster than a padded batch, and no
//! sentence feels its neighbours.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor, safetensors};
use tokenizers::{Tokenizer, TruncationParams};

use super::{DIMENSIONS, Error, Point};

/// Layers that are run.
const LAYERS: usize = 3;
/// Word pieces of a sentence that are looked at.
const LONGEST: usize = 128;
/// Word pieces computed at a time: what lies between two layers stays in the cache.
const BATCH: usize = 512;
const HEADS: usize = 12;
const HEAD: usize = DIMENSIONS / HEADS;
const INNER: usize = 4 * DIMENSIONS;
/// Word pieces in the word list.
const WORDS: usize = 30_522;

pub(super) struct MiniLm {
    tokenizer: Tokenizer,
    words: Vec<f32>,
    places: Vec<f32>,
    entrance: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value side by side.
    look: Linear,
    gather: Linear,
    after_look: Norm,
    widen: Linear,
    narrow: Linear,
    after_think: Norm,
}

struct Linear {
    /// Input by output, contiguous: the product need not reorder it.
    weight: Tensor,
    bias: Vec<f32>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiniLm")
    }
}

impl MiniLm {
    pub(super) fn load(weights: &[u8], tokenizer: &[u8]) -> std::result::Result<Self, Error> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|error| Error::Tokenizer(line(&error)))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: LONGEST, ..TruncationParams::default() }))
            .map_err(|error| Error::Tokenizer(line(&error)))?;
        if tokenizer.get_vocab_size(true) > WORDS {
            return Err(Error::Tokenizer("it has more words than the model".to_owned()));
        }
        let tensors = safetensors::load_buffer(weights, &Device::Cpu).map_err(|error| Error::Weights(line(&error)))?;
        Self::from_tensors(&Tensors(tensors), tokenizer).map_err(|error| Error::Weights(line(&error)))
    }

    fn from_tensors(tensors: &Tensors, tokenizer: Tokenizer) -> Result<Self> {
        // The kind of segment is always the first: its vector belongs to every place.
        let mut places = tensors.floats("embeddings.position_embeddings.weight", &[512, DIMENSIONS])?;
        let segment = tensors.floats("embeddings.token_type_embeddings.weight", &[2, DIMENSIONS])?;
        places.chunks_mut(DIMENSIONS).for_each(|place| add(place, &segment[..DIMENSIONS]));
        Ok(Self {
            tokenizer,
            words: tensors.floats("embeddings.word_embeddings.weight", &[WORDS, DIMENSIONS])?,
            places,
            entrance: tensors.norm("embeddings")?,
            layers: (0..LAYERS).map(|at| tensors.layer(&format!("encoder.layer.{at}"))).collect::<Result<_>>()?,
        })
    }

    pub(super) fn points(&self, sentences: &[&str]) -> Vec<Point> {
        let pieces = |sentence: &&str| {
            let encoding = self.tokenizer.encode(*sentence, true).expect("word pieces cover any text");
            encoding.get_ids().to_vec()
        };
        let pieces: Vec<Vec<u32>> = sentences.iter().map(pieces).collect();
        let mut points = Vec::with_capacity(sentences.len());
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            let mut total = 0;
            let fits = |pieces: &&Vec<u32>| {
                total += pieces.len();
                total <= BATCH
            };
            let (batch, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            points.extend(self.batch(batch).expect("shapes fit a model that loaded"));
            rest = later;
        }
        points
    }

    fn batch(&self, sentences: &[Vec<u32>]) -> Result<Vec<Point>> {
        let mut rows = Vec::new();
        let mut spans: Vec<Range<usize>> = Vec::new();
        for sentence in sentences {
            let start = spans.last().map_or(0, |span| span.end);
            spans.push(start..start + sentence.len());
            for (at, &piece) in sentence.iter().enumerate() {
                let word = piece as usize * DIMENSIONS;
                rows.extend_from_slice(&self.words[word..word + DIMENSIONS]);
                let end = rows.len();
                add(&mut rows[end - DIMENSIONS..], &self.places[at * DIMENSIONS..(at + 1) * DIMENSIONS]);
            }
        }
        self.entrance.apply(&mut rows);
        for layer in &self.layers {
            layer.apply(&mut rows, &spans)?;
        }
        Ok(spans.iter().map(|span| mean(&rows[span.start * DIMENSIONS..span.end * DIMENSIONS])).collect())
    }
}

impl Layer {
    fn apply(&self, rows: &mut [f32], spans: &[Range<usize>]) -> Result<()> {
        let looks = self.look.apply(rows, DIMENSIONS)?;
        let mut seen = vec![0.0; rows.len()];
        for span in spans {
            attend(
                &looks[span.start * 3 * DIMENSIONS..span.end * 3 * DIMENSIONS],
                &mut seen[span.start * DIMENSIONS..span.end * DIMENSIONS],
            );
        }
        add(rows, &self.gather.apply(&seen, DIMENSIONS)?);
        self.after_look.apply(rows);
        let mut wide = self.widen.apply(rows, DIMENSIONS)?;
        wide.iter_mut().for_each(|x| *x = gelu(*x));
        add(rows, &self.narrow.apply(&wide, INNER)?);
        self.after_think.apply(rows);
        Ok(())
    }
}

/// Attention inside one sentence: `looks` holds query, key and value of each word piece, `seen` gets the outcome.
fn attend(looks: &[f32], seen: &mut [f32]) {
    let pieces = seen.len() / DIMENSIONS;
    let part = |piece: usize, which: usize, head: usize| {
        let start = (piece * 3 + which) * DIMENSIONS + head * HEAD;
        &looks[start..start + HEAD]
    };
    let scale = (HEAD as f32).sqrt().recip();
    let mut shares = vec![0.0; pieces];
    for head in 0..HEADS {
        for piece in 0..pieces {
            let query = part(piece, 0, head);
            for (other, share) in shares.iter_mut().enumerate() {
                *share = dot(query, part(other, 1, head)) * scale;
            }
            softmax(&mut shares);
            let out = &mut seen[piece * DIMENSIONS + head * HEAD..][..HEAD];
            for (other, share) in shares.iter().enumerate() {
                for (out, value) in out.iter_mut().zip(part(other, 2, head)) {
                    *out += share * value;
                }
            }
        }
    }
}

fn softmax(values: &mut [f32]) {
    let highest = values.iter().copied().fold(f32::MIN, f32::max);
    values.iter_mut().for_each(|x| *x = (*x - highest).exp());
    let total: f32 = values.iter().sum();
    values.iter_mut().for_each(|x| *x /= total);
}

/// Eight running sums, so that the compiler can use wide registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// x Φ(x) with the error function as a ratio of two polynomials, good to 1e-7 and free of branches.
fn gelu(x: f32) -> f32 {
    let z = (x * std::f32::consts::FRAC_1_SQRT_2).clamp(-4.0, 4.0);
    let square = z * z;
    let over = [
        -2.726_142_4e-10,
        2.770_681_7e-8,
        -2.101_024e-6,
        -5.692_506_2e-5,
        -7.349_906e-4,
        -2.954_600_1e-3,
        -1.609_603_8e-2,
    ];
    let under = [-1.456_606_7e-5, -2.133_740_2e-4, -1.682_827e-3, -7.373_329_3e-3, -1.426_475_5e-2];
    let polynomial = |terms: &[f32]| terms.iter().fold(0.0, |sum, term| sum * square + term);
    let erf = z * polynomial(&over) / polynomial(&under);
    0.5 * x * (1.0 + erf)
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}

/// The mean of the rows, brought to length 1.
fn mean(rows: &[f32]) -> Point {
    let mut point = vec![0.0_f32; DIMENSIONS];
    rows.chunks_exact(DIMENSIONS).for_each(|row| add(&mut point, row));
    let length = dot(&point, &point).sqrt().max(f32::MIN_POSITIVE);
    point.iter_mut().for_each(|x| *x /= length);
    point.into()
}

impl Linear {
    fn apply(&self, rows: &[f32], width: usize) -> Result<Vec<f32>> {
        let rows = Tensor::from_slice(rows, (rows.len() / width, width), &Device::Cpu)?;
        let mut out = rows.matmul(&self.weight)?.flatten_all()?.to_vec1()?;
        out.chunks_exact_mut(self.bias.len()).for_each(|row| add(row, &self.bias));
        Ok(out)
    }
}

impl Norm {
    fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(DIMENSIONS) {
            let mean = row.iter().sum::<f32>() / DIMENSIONS as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            let spread = (dot(row, row) / DIMENSIONS as f32 + 1e-12).sqrt().recip();
            for (x, (weight, bias)) in row.iter_mut().zip(self.weight.iter().zip(&self.bias)) {
                *x = *x * spread * weight + bias;
            }
        }
    }
}

struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.0.get(name).or_else(|| self.0.get(&format!("bert.{name}")));
        let tensor = tensor.ok_or_else(|| candle_core::Error::Msg(format!("there is no {name}")))?;
        if tensor.dims() != shape {
            return Err(candle_core::Error::Msg(format!("{name} has the shape {:?}, not {shape:?}", tensor.dims())));
        }
        tensor.to_dtype(DType::F32)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.get(name, shape)?.flatten_all()?.to_vec1()
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let part = |part: &str| self.floats(&format!("{name}.LayerNorm.{part}"), &[DIMENSIONS]);
        Ok(Norm { weight: part("weight")?, bias: part("bias")? })
    }

    /// Several matrices that read the same input, side by side.
    fn linear(&self, names: &[String], from: usize, to: usize) -> Result<Linear> {
        let mut weights = Vec::new();
        let mut bias = Vec::new();
        for name in names {
            weights.push(self.get(&format!("{name}.weight"), &[to, from])?);
            bias.extend(self.floats(&format!("{name}.bias"), &[to])?);
        }
        Ok(Linear { weight: Tensor::cat(&weights, 0)?.t()?.contiguous()?, bias })
    }

    fn layer(&self, name: &str) -> Result<Layer> {
        let one = |part: &str| [format!("{name}.{part}")];
        let three = ["query", "key", "value"].map(|part| format!("{name}.attention.self.{part}"));
        Ok(Layer {
            look: self.linear(&three, DIMENSIONS, DIMENSIONS)?,
            gather: self.linear(&one("attention.output.dense"), DIMENSIONS, DIMENSIONS)?,
            after_look: self.norm(&format!("{name}.attention.output"))?,
            widen: self.linear(&one("intermediate.dense"), DIMENSIONS, INNER)?,
            narrow: self.linear(&one("output.dense"), INNER, DIMENSIONS)?,
            after_think: self.norm(&format!("{name}.output"))?,
        })
    }
}

fn line(error: &dyn fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
