//! CAM++: a small picture network over the mel bands, then 52 densely connected layers over time, each of which is
//! told what the voice sounded like around it, then mean and spread over each piece.
//!
//! The published network hears one piece at a time. Here a whole stretch goes through once and only the last step, mean
//! and spread, is taken piece by piece; what a layer is told of its surroundings is a mean that walks along. That costs
//! a third of hearing overlapping pieces one by one, and tells voices apart as well.

use std::fmt;
use std::ops::Range;

use candle_core::Result;

use super::fbank::{BANDS, FRAMES_PER_SECOND, Filterbank};
use super::layers::{Linear, Picture, Spatial, Temporal, relu};
use super::weights::{Affine, Weights};
use super::{DIMENSIONS, Error, Piece, Point, RATE_HZ};

/// A longer stretch is heard in equal parts, so that what lies between two layers stays small.
const PART: usize = 10 * RATE_HZ;
/// A shorter one tells nothing.
const SHORTEST: usize = RATE_HZ * 3 / 10;
/// The layers over time have half as many moments a second as the filterbank has frames.
const MOMENTS_PER_SECOND: usize = FRAMES_PER_SECOND / 2;
const MOMENT_MS: u64 = 1_000 / MOMENTS_PER_SECOND as u64;
/// Length of a piece, and how far apart pieces begin, in moments.
const PIECE: usize = 75;
const HOP: usize = 25;
/// What a layer is told of is this many moments to both sides.
const AROUND: usize = 38;

/// Channels of the picture network, and what every dense layer works with and adds.
const PICTURE: usize = 32;
const SQUEEZED: usize = 128;
const GROWTH: usize = 32;
/// Layers of each block, and how far apart the moments are that they look at.
const BLOCKS: [(usize, usize); 3] = [(12, 1), (24, 2), (16, 2)];

pub(super) struct Network {
    bank: Filterbank,
    entrance: Spatial,
    residuals: Vec<Residual>,
    exit: Spatial,
    onset: Temporal,
    blocks: Vec<Block>,
    last: Affine,
    point: Linear,
}

struct Residual {
    first: Spatial,
    second: Spatial,
    /// Where the bands are halved, so must be what goes by.
    shortcut: Option<Spatial>,
}

struct Block {
    layers: Vec<Dense>,
    before: Affine,
    narrow: Linear,
}

struct Dense {
    before: Affine,
    squeeze: Linear,
    local: Temporal,
    context: Linear,
    gate: Linear,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    pub(super) fn load(bytes: &[u8]) -> std::result::Result<Self, Error> {
        let line = |error: candle_core::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
        Weights::read(bytes).and_then(|weights| Self::build(&weights)).map_err(|error| Error::Weights(line(error)))
    }

    fn build(weights: &Weights) -> Result<Self> {
        let residual = |layer: usize, n: usize| Residual::load(weights, &format!("head.layer{layer}.{n}"), n == 0);
        let mut channels = SQUEEZED;
        let mut blocks = Vec::new();
        for (number, (layers, apart)) in BLOCKS.into_iter().enumerate() {
            let block = Block::load(weights, number + 1, channels, layers, apart)?;
            channels = block.narrow.out();
            blocks.push(block);
        }
        let onset = weights.norm("xvector.tdnn.nonlinear.batchnorm", SQUEEZED)?;
        let onset_shape = [SQUEEZED, PICTURE * BANDS / 8, 5];
        let onset = Linear::load(weights, "xvector.tdnn.linear", &onset_shape, false, Some(&onset))?;
        let point = weights.norm("xvector.dense.nonlinear.batchnorm", DIMENSIONS)?;
        Ok(Self {
            bank: Filterbank::default(),
            entrance: Spatial::load(weights, ["head.conv1", "head.bn1"], [PICTURE, 1], 3, 1)?,
            residuals: vec![residual(1, 0)?, residual(1, 1)?, residual(2, 0)?, residual(2, 1)?],
            exit: Spatial::load(weights, ["head.conv2", "head.bn2"], [PICTURE; 2], 3, 2)?,
            onset: Temporal::new(onset, 5, 1, 2),
            blocks,
            last: weights.norm("xvector.out_nonlinear.batchnorm", channels)?,
            point: Linear::load(weights, "xvector.dense.linear", &[DIMENSIONS, 2 * channels, 1], false, Some(&point))?,
        })
    }

    pub(super) fn listen(&self, stretch: &[f32]) -> Vec<Piece> {
        let part = stretch.len().div_ceil(stretch.len().div_ceil(PART).max(1)).max(1);
        let parts = stretch.chunks(part).enumerate().filter(|(_, samples)| samples.len() >= SHORTEST);
        let heard = parts.flat_map(|(n, samples)| {
            let start_ms = (n * part * 1_000 / RATE_HZ) as u64;
            self.hear(samples, start_ms).expect("shapes fit a model that loaded")
        });
        heard.collect()
    }

    fn hear(&self, samples: &[f32], start_ms: u64) -> Result<Vec<Piece>> {
        let rows = self.picture(&self.bank.frames(samples))?;
        let mut rows = self.onset.apply(&rows)?;
        relu(&mut rows);
        for block in &self.blocks {
            rows = block.apply(rows)?;
        }
        let width = self.last.scale.len();
        let rows = self.last.relu(&rows, width);
        let pieces = pieces(rows.len() / width);
        let summed =
            pieces.iter().flat_map(|piece| mean_and_spread(&rows[piece.start * width..piece.end * width], width));
        let points = self.point.apply(summed.collect())?;
        let placed = pieces.iter().zip(points.chunks_exact(DIMENSIONS)).map(|(piece, point)| Piece {
            start_ms: start_ms + piece.start as u64 * MOMENT_MS,
            end_ms: start_ms + piece.end as u64 * MOMENT_MS,
            point: of_length_one(point),
        });
        Ok(placed.collect())
    }

    /// From mel bands to rows of what the picture network saw: one row per frame, its channels and bands side by side.
    fn picture(&self, frames: &[f32]) -> Result<Vec<f32>> {
        let moments = frames.len() / BANDS;
        let pixels = (0..BANDS).flat_map(|band| frames[band..].iter().step_by(BANDS).copied()).collect();
        let mut picture = self.entrance.apply(&Picture { bands: BANDS, moments, channels: 1, pixels })?;
        relu(&mut picture.pixels);
        for residual in &self.residuals {
            picture = residual.apply(&picture)?;
        }
        let mut picture = self.exit.apply(&picture)?;
        relu(&mut picture.pixels);
        let mut rows = vec![0.0; picture.pixels.len()];
        let width = picture.bands * picture.channels;
        for (at, pixel) in picture.pixels.chunks_exact(picture.channels).enumerate() {
            let (band, moment) = (at / moments, at % moments);
            for (channel, value) in pixel.iter().enumerate() {
                rows[moment * width + channel * picture.bands + band] = *value;
            }
        }
        Ok(rows)
    }
}

impl Residual {
    fn load(weights: &Weights, name: &str, halves: bool) -> Result<Self> {
        let step = if halves { 2 } else { 1 };
        let part = |conv: &str, norm: &str, side, step| {
            Spatial::load(weights, [&format!("{name}.{conv}"), &format!("{name}.{norm}")], [PICTURE; 2], side, step)
        };
        Ok(Self {
            first: part("conv1", "bn1", 3, step)?,
            second: part("conv2", "bn2", 3, 1)?,
            shortcut: if halves { Some(part("shortcut.0", "shortcut.1", 1, 2)?) } else { None },
        })
    }

    fn apply(&self, picture: &Picture) -> Result<Picture> {
        let mut first = self.first.apply(picture)?;
        relu(&mut first.pixels);
        let mut out = self.second.apply(&first)?;
        match &self.shortcut {
            Some(shortcut) => add(&mut out.pixels, &shortcut.apply(picture)?.pixels),
            None => add(&mut out.pixels, &picture.pixels),
        }
        relu(&mut out.pixels);
        Ok(out)
    }
}

impl Block {
    fn load(weights: &Weights, number: usize, from: usize, layers: usize, apart: usize) -> Result<Self> {
        let to = from + layers * GROWTH;
        let dense =
            |n: usize| Dense::load(weights, &format!("xvector.block{number}.tdnnd{}", n + 1), from + n * GROWTH, apart);
        let name = format!("xvector.transit{number}");
        Ok(Self {
            layers: (0..layers).map(dense).collect::<Result<_>>()?,
            before: weights.norm(&format!("{name}.nonlinear.batchnorm"), to)?,
            narrow: Linear::load(weights, &format!("{name}.linear"), &[to / 2, to, 1], false, None)?,
        })
    }

    fn apply(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        let to = self.before.scale.len();
        let from = to - self.layers.len() * GROWTH;
        let mut grown = vec![0.0; rows.len() / from * to];
        for (row, start) in grown.chunks_exact_mut(to).zip(rows.chunks_exact(from)) {
            row[..from].copy_from_slice(start);
        }
        for (n, layer) in self.layers.iter().enumerate() {
            let added = layer.apply(&grown, to)?;
            let at = from + n * GROWTH;
            for (row, added) in grown.chunks_exact_mut(to).zip(added.chunks_exact(GROWTH)) {
                row[at..at + GROWTH].copy_from_slice(added);
            }
        }
        self.narrow.apply(self.before.relu(&grown, to))
    }
}

impl Dense {
    fn load(weights: &Weights, name: &str, from: usize, apart: usize) -> Result<Self> {
        let after = weights.norm(&format!("{name}.nonlinear2.batchnorm"), SQUEEZED)?;
        let linear = |part: &str, shape: &[usize], biased: bool| {
            Linear::load(weights, &format!("{name}.cam_layer.{part}"), shape, biased, None)
        };
        let local = linear("linear_local", &[GROWTH, SQUEEZED, 3], false)?;
        Ok(Self {
            before: weights.norm(&format!("{name}.nonlinear1.batchnorm"), from)?,
            squeeze: Linear::load(weights, &format!("{name}.linear1"), &[SQUEEZED, from, 1], false, Some(&after))?,
            local: Temporal::new(local, 3, apart, 1),
            context: linear("linear1", &[SQUEEZED / 2, SQUEEZED, 1], true)?,
            gate: linear("linear2", &[GROWTH, SQUEEZED / 2, 1], true)?,
        })
    }

    fn apply(&self, grown: &[f32], width: usize) -> Result<Vec<f32>> {
        let mut rows = self.squeeze.apply(self.before.relu(grown, width))?;
        relu(&mut rows);
        let mut out = self.local.apply(&rows)?;
        let mut context = self.context.apply(surroundings(&rows, SQUEEZED))?;
        relu(&mut context);
        let gates = self.gate.apply(context)?;
        out.iter_mut().zip(&gates).for_each(|(x, gate)| *x /= 1.0 + (-gate).exp());
        Ok(out)
    }
}

/// For each moment twice the mean of the moments around it: the published network adds the mean of all to that of the
/// nearest hundred, and in a piece of a second and a half these are the same.
fn surroundings(rows: &[f32], width: usize) -> Vec<f32> {
    let moments = rows.len() / width;
    let mut out = Vec::with_capacity(rows.len());
    let mut sum = vec![0.0_f64; width];
    let mut inside = 0..0;
    for moment in 0..moments {
        let wanted = moment.saturating_sub(AROUND)..(moment + AROUND + 1).min(moments);
        for row in rows[inside.end * width..wanted.end * width].chunks_exact(width) {
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        for row in rows[inside.start * width..wanted.start * width].chunks_exact(width) {
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum -= f64::from(*x));
        }
        let scale = 2.0 / wanted.len() as f64;
        out.extend(sum.iter().map(|sum| (sum * scale) as f32));
        inside = wanted;
    }
    out
}

/// Pieces of [`PIECE`] moments every [`HOP`], the last one shorter; one piece at least.
fn pieces(moments: usize) -> Vec<Range<usize>> {
    let last = moments.saturating_sub(PIECE - HOP).max(1);
    (0..last).step_by(HOP).map(|from| from..(from + PIECE).min(moments)).collect()
}

fn mean_and_spread(rows: &[f32], width: usize) -> Vec<f32> {
    let count = (rows.len() / width).max(1) as f32;
    let mut mean = vec![0.0; width];
    rows.chunks_exact(width).for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count));
    let mut spread = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        spread.iter_mut().zip(row.iter().zip(&mean)).for_each(|(spread, (x, mean))| *spread += (x - mean).powi(2));
    }
    let root = |sum: f32| (sum / (count - 1.0).max(1.0)).sqrt();
    mean.extend(spread.into_iter().map(root));
    mean
}

fn of_length_one(point: &[f32]) -> Point {
    let length = point.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    point.iter().map(|x| x / length).collect()
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_stretch_to_its_end() {
        assert_eq!(pieces(20), vec![std::ops::Range { start: 0, end: 20 }]);
        assert_eq!(pieces(75), vec![std::ops::Range { start: 0, end: 75 }]);
        assert_eq!(pieces(90), [0..75, 25..90]);
        for moments in 1..600 {
            let pieces = pieces(moments);
            assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (0, moments));
            assert!(pieces.windows(2).all(|pair| pair[1].start < pair[0].end), "{moments}");
        }
    }

    #[test]
    fn surroundings_are_the_mean_of_what_is_near() {
        let rows: Vec<f32> = (0..200).map(|n| n as f32).collect();
        let around = surroundings(&rows, 1);
        assert_eq!(around[100], 200.0);
        assert_eq!(around[0], 38.0);
        assert_eq!(around[199], 2.0 * (199.0 - 19.0));
    }

    #[test]
    fn mean_and_spread_of_two_channels() {
        assert_eq!(mean_and_spread(&[1.0, 5.0, 3.0, 5.0], 2), [2.0, 5.0, 2.0_f32.sqrt(), 0.0]);
    }

    #[test]
    fn other_bytes_are_no_model() {
        let error = Network::load(b"nothing").expect_err("not a zip").to_string();
        assert!(error.starts_with("the voice model cannot be loaded"), "{error}");
    }
}
