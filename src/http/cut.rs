//! A stretch out of a WAV file, without reading the rest of it.

use std::ops::Range;

/// Where the sound of a WAV file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The `fmt ` chunk's content, as it stands in the file.
    format: Vec<u8>,
    /// Bytes a second.
    rate: u64,
    /// Bytes that belong together.
    block: u64,
    /// The samples.
    data: Range<u64>,
}

/// Bytes from the start of the file in which [`layout`] must find the samples.
pub(super) const HEAD: u64 = 4096;

/// Reads the head of a WAV file; `None` if it is none of ours.
pub(super) fn layout(head: &[u8]) -> Option<Layout> {
    if head.get(..4)? != b"RIFF" || head.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut format) = (12_usize, None);
    loop {
        let name = head.get(at..at + 4)?;
        let size = u32::from_le_bytes(head.get(at + 4..at + 8)?.try_into().ok()?);
        let start = at + 8;
        match name {
            b"fmt " => format = Some(head.get(start..start + size as usize)?.to_vec()),
            b"data" => {
                let format = format?;
                let rate = u64::from(u32::from_le_bytes(format.get(8..12)?.try_into().ok()?));
                let block = u64::from(u16::from_le_bytes(format.get(12..14)?.try_into().ok()?));
                let data = start as u64..start as u64 + u64::from(size);
                return (rate > 0 && block > 0).then_some(Layout { format, rate, block, data });
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = start.checked_add(size as usize)?.checked_add(size as usize % 2)?;
    }
}

impl Layout {
    /// The bytes of the file that hold `start_ms` to `end_ms`; empty where the file ends before.
    pub(super) fn bytes(&self, start_ms: u64, end_ms: u64) -> Range<u64> {
        let length = self.data.end - self.data.start;
        let at = |ms: u64| {
            let bytes = u128::from(ms) * u128::from(self.rate) / 1000;
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).min(length);
            self.data.start + bytes / self.block * self.block
        };
        at(start_ms)..at(end_ms).max(at(start_ms))
    }

    /// A head for a file that holds `length` bytes of samples.
    pub(super) fn head(&self, length: u64) -> Vec<u8> {
        let data = u32::try_from(length).unwrap_or(u32::MAX);
        let format = self.format.len() as u32;
        let mut head = Vec::with_capacity(28 + self.format.len());
        head.extend_from_slice(b"RIFF");
        head.extend_from_slice(&(data.saturating_add(20 + format)).to_le_bytes());
        head.extend_from_slice(b"WAVEfmt ");
        head.extend_from_slice(&format.to_le_bytes());
        head.extend_from_slice(&self.format);
        head.extend_from_slice(b"data");
        head.extend_from_slice(&data.to_le_bytes());
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav() -> Vec<u8> {
        let mut bytes = Vec::new();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(std::io::Cursor::new(&mut bytes), spec).unwrap();
        for n in 0..16_000_i16 {
            writer.write_sample(n).unwrap();
            writer.write_sample(-n).unwrap();
        }
        writer.finalize().unwrap();
        bytes
    }

    #[test]
    fn a_stretch_is_a_file_of_its_own() {
        let whole = wav();
        let layout = layout(&whole[..HEAD as usize]).unwrap();
        let range = layout.bytes(500, 750);
        let mut part = layout.head(range.end - range.start);
        part.extend_from_slice(&whole[range.start as usize..range.end as usize]);
        let mut reader = hound::WavReader::new(std::io::Cursor::new(&part)).unwrap();
        assert_eq!((reader.spec().channels, reader.duration()), (2, 2000));
        assert_eq!(reader.samples::<i16>().next().unwrap().unwrap(), 4000);
        assert!(layout.bytes(60_000, 70_000).is_empty());
        assert_eq!(layout.bytes(1_000, u64::MAX).end, layout.data.end);
    }

    #[test]
    fn what_is_no_wav_is_refused() {
        let whole = wav();
        for cut in 0..44 {
            assert_eq!(layout(&whole[..cut]), None);
        }
        assert_eq!(layout(b"RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\xff"), None);
    }
}
