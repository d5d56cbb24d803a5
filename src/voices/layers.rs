//! The kinds of layers the network is made of. All numbers lie in rows, one per moment, channels side by side, so
//! that a layer is one gathering loop and one matrix product.

use candle_core::{Device, Result, Tensor};

use super::weights::{Affine, Weights};

/// A matrix product and a bias for each row.
pub(super) struct Linear {
    /// Input by output, contiguous: the product need not reorder it.
    weight: Tensor,
    bias: Vec<f32>,
}

impl Linear {
    /// From a convolution weight of `shape` (output, input, places…); what a row holds is ordered by place, then by
    /// input channel. A norm that follows is folded in.
    fn of(weight: &Tensor, bias: Option<Vec<f32>>, after: Option<&Affine>) -> Result<Self> {
        let (out, input) = (weight.dim(0)?, weight.dim(1)?);
        let places = weight.elem_count() / (out * input);
        let weight = weight.reshape((out, input, places))?.permute((2, 1, 0))?.reshape((places * input, out))?;
        let mut bias = bias.unwrap_or_else(|| vec![0.0; out]);
        let weight = match after {
            Some(norm) => {
                for (bias, (scale, shift)) in bias.iter_mut().zip(norm.scale.iter().zip(&norm.shift)) {
                    *bias = *bias * scale + shift;
                }
                weight.broadcast_mul(&Tensor::from_slice(&norm.scale, (1, out), &Device::Cpu)?)?
            }
            None => weight,
        };
        Ok(Self { weight: weight.contiguous()?, bias })
    }

    pub(super) fn load(
        weights: &Weights,
        name: &str,
        shape: &[usize],
        biased: bool,
        after: Option<&Affine>,
    ) -> Result<Self> {
        let bias = biased.then(|| weights.floats(&format!("{name}.bias"), &shape[..1])).transpose()?;
        Self::of(&weights.tensor(&format!("{name}.weight"), shape)?, bias, after)
    }

    fn width(&self) -> usize {
        self.weight.dims()[0]
    }

    pub(super) fn out(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn apply(&self, rows: Vec<f32>) -> Result<Vec<f32>> {
        let moments = rows.len() / self.width();
        let rows = Tensor::from_vec(rows, (moments, self.width()), &Device::Cpu)?;
        let mut out = rows.matmul(&self.weight)?.flatten_all()?.to_vec1::<f32>()?;
        for row in out.chunks_exact_mut(self.bias.len()) {
            row.iter_mut().zip(&self.bias).for_each(|(x, bias)| *x += bias);
        }
        Ok(out)
    }
}

pub(super) fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|x| *x = x.max(0.0));
}

impl Affine {
    /// The norm of each row's first channels, and nothing below 0, in rows of their own.
    pub(super) fn relu(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let channels = self.scale.len();
        let mut out = Vec::with_capacity(rows.len() / width * channels);
        for row in rows.chunks_exact(width) {
            let normed = row.iter().zip(self.scale.iter().zip(&self.shift));
            out.extend(normed.map(|(x, (scale, shift))| (x * scale + shift).max(0.0)));
        }
        out
    }
}

/// A convolution over time.
pub(super) struct Temporal {
    linear: Linear,
    channels: usize,
    places: usize,
    apart: usize,
    step: usize,
}

impl Temporal {
    /// `places` moments, `apart` from each other, around every `step`th moment; silence beyond both ends.
    pub(super) fn new(linear: Linear, places: usize, apart: usize, step: usize) -> Self {
        Self { channels: linear.width() / places, linear, places, apart, step }
    }

    pub(super) fn apply(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let moments = rows.len() / self.channels;
        let reach = self.places / 2 * self.apart;
        let mut gathered = vec![0.0; moments.div_ceil(self.step) * self.linear.width()];
        for (n, row) in gathered.chunks_exact_mut(self.linear.width()).enumerate() {
            for (place, to) in row.chunks_exact_mut(self.channels).enumerate() {
                let at = (n * self.step + place * self.apart).checked_sub(reach).filter(|at| *at < moments);
                if let Some(at) = at {
                    to.copy_from_slice(&rows[at * self.channels..(at + 1) * self.channels]);
                }
            }
        }
        self.linear.apply(gathered)
    }
}

/// A picture of sound: bands by moments by channels.
pub(super) struct Picture {
    pub(super) bands: usize,
    pub(super) moments: usize,
    pub(super) channels: usize,
    pub(super) pixels: Vec<f32>,
}

/// A convolution over bands and time, `side` by `side`, at every `step`th band.
pub(super) struct Spatial {
    linear: Linear,
    side: usize,
    step: usize,
}

impl Spatial {
    pub(super) fn load(
        weights: &Weights,
        [conv, norm]: [&str; 2],
        [out, input]: [usize; 2],
        side: usize,
        step: usize,
    ) -> Result<Self> {
        let norm = weights.norm(norm, out)?;
        Ok(Self { linear: Linear::load(weights, conv, &[out, input, side, side], false, Some(&norm))?, side, step })
    }

    pub(super) fn apply(&self, picture: &Picture) -> Result<Picture> {
        let (channels, moments, edge) = (picture.channels, picture.moments, self.side / 2);
        // One band with silence at both ends, so that what a pixel looks at lies in one piece.
        let band_len = (moments + 2 * edge) * channels;
        let mut padded = vec![0.0; (picture.bands + 2 * edge) * band_len];
        for (band, pixels) in picture.pixels.chunks_exact(moments * channels).enumerate() {
            let from = (band + edge) * band_len + edge * channels;
            padded[from..from + pixels.len()].copy_from_slice(pixels);
        }
        let bands = picture.bands.div_ceil(self.step);
        let mut pixels = Vec::with_capacity(bands * moments * self.linear.out());
        for band in 0..bands {
            let mut seen = Vec::with_capacity(moments * self.linear.width());
            for moment in 0..moments {
                for side in 0..self.side {
                    let from = (band * self.step + side) * band_len + moment * channels;
                    seen.extend_from_slice(&padded[from..from + self.side * channels]);
                }
            }
            pixels.extend(self.linear.apply(seen)?);
        }
        Ok(Picture { bands, moments, channels: self.linear.out(), pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_looked_at_in_order_and_silent_beyond_the_ends() {
        // One channel; output 0 is the moment two before, output 1 the moment itself.
        let weight = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 1.0, 0.0], (2, 1, 3), &Device::Cpu).unwrap();
        let layer = Temporal::new(Linear::of(&weight, None, None).unwrap(), 3, 2, 1);
        assert_eq!(layer.apply(&[1.0, 2.0, 3.0]).unwrap(), [0.0, 1.0, 0.0, 2.0, 1.0, 3.0]);
        let weight = Tensor::from_slice(&[0.0_f32, 1.0, 0.0], (1, 1, 3), &Device::Cpu).unwrap();
        let layer = Temporal::new(Linear::of(&weight, None, None).unwrap(), 3, 1, 2);
        assert_eq!(layer.apply(&[1.0, 2.0, 3.0]).unwrap(), [1.0, 3.0]);
    }

    #[test]
    fn a_pixel_sees_the_band_below_and_the_moment_after() {
        let mut weight = [0.0_f32; 9];
        (weight[1], weight[5]) = (10.0, 1.0);
        let weight = Tensor::from_slice(&weight, (1, 1, 3, 3), &Device::Cpu).unwrap();
        let layer = Spatial { linear: Linear::of(&weight, None, None).unwrap(), side: 3, step: 1 };
        let seen = layer.apply(&Picture { bands: 2, moments: 2, channels: 1, pixels: vec![1.0, 2.0, 3.0, 4.0] });
        assert_eq!(seen.unwrap().pixels, [2.0, 0.0, 14.0, 20.0]);
    }

    #[test]
    fn a_norm_folded_in_gives_the_same() {
        let weight = Tensor::from_slice(&[2.0_f32, -1.0], (2, 1, 1), &Device::Cpu).unwrap();
        let norm = Affine { scale: vec![3.0, 0.5], shift: vec![1.0, -1.0] };
        let folded = Linear::of(&weight, Some(vec![0.0, 4.0]), Some(&norm)).unwrap();
        assert_eq!(folded.apply(vec![1.0]).unwrap(), [7.0, 0.5]);
    }
}
