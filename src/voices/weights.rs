//! Named weights out of a PyTorch file: a zip of a pickle, which is read as data and never run, and raw numbers.

use std::collections::HashMap;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use candle_core::pickle::{Object, Stack};
use candle_core::{DType, Device, Error, Result, Tensor};
use zip::ZipArchive;

/// No part of the file is larger unpacked.
const LARGEST: u64 = 256 << 20;

pub(super) struct Weights(HashMap<String, Tensor>);

/// What batch normalisation does at rest: a factor and a summand for each channel.
pub(super) struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

impl Weights {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(Error::wrap)?;
        let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
        let index = names.into_iter().find(|name| name.ends_with("/data.pkl"));
        let index = index.ok_or_else(|| Error::msg("it holds no data.pkl"))?;
        let mut stack = Stack::empty();
        stack.read_loop(&mut BufReader::new(Cursor::new(member(&mut archive, &index)?)))?;
        let Object::Dict(entries) = stack.finalize()? else {
            return Err(Error::msg("its data.pkl is no list of weights"));
        };
        let folder = index.trim_end_matches(".pkl");
        let mut tensors = HashMap::new();
        for (name, entry) in entries {
            let Some(info) = entry.into_tensor_info(name, Path::new(folder))? else { continue };
            if info.dtype != DType::F32 {
                continue;
            }
            let raw = member(&mut archive, &info.path)?;
            let numbers: Vec<f32> = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let (from, len) = (info.layout.start_offset(), info.layout.shape().elem_count());
            let numbers = from.checked_add(len).and_then(|to| numbers.get(from..to));
            let numbers = numbers.filter(|_| info.layout.is_contiguous());
            let numbers = numbers.ok_or_else(|| Error::msg(format!("{} is cut short or laid out oddly", info.name)))?;
            tensors.insert(info.name, Tensor::from_slice(numbers, info.layout.shape(), &Device::Cpu)?);
        }
        Ok(Self(tensors))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.0.get(name).ok_or_else(|| Error::msg(format!("there is no {name}")))?;
        if tensor.dims() != shape {
            return Err(Error::msg(format!("{name} has the shape {:?}, not {shape:?}", tensor.dims())));
        }
        Ok(tensor.clone())
    }

    pub(super) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.tensor(name, shape)?.flatten_all()?.to_vec1()
    }

    pub(super) fn norm(&self, name: &str, channels: usize) -> Result<Affine> {
        let part = |part: &str| self.floats(&format!("{name}.{part}"), &[channels]);
        let spread = part("running_var")?.into_iter().map(|spread| (spread + 1e-5).sqrt().recip());
        let (weight, bias) = if self.has(&format!("{name}.weight")) {
            (part("weight")?, part("bias")?)
        } else {
            (vec![1.0; channels], vec![0.0; channels])
        };
        let scale: Vec<f32> = spread.zip(&weight).map(|(spread, weight)| spread * weight).collect();
        let mean = part("running_mean")?;
        let shift = (0..channels).map(|c| bias[c] - mean[c] * scale[c]).collect();
        Ok(Affine { scale, shift })
    }
}

fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(name).map_err(Error::wrap)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
