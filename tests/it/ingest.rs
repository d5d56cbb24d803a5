//! Recordings through the public door of `ingest`: every format, every known lie, and a few thousand random ones.

// A test that unwraps says what broke where, and prints what it measured.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod foreign;
mod formats;
mod lies;
mod memory;
mod mutants;

use std::path::{Path, PathBuf};

use runaround::ingest::{Block, Error, Format, Limits, open};

/// A recording read to its end.
#[derive(Debug, PartialEq)]
struct Read {
    format: Format,
    /// One list per channel.
    channels: Vec<Vec<f32>>,
    /// Codes of the warnings.
    warnings: Vec<String>,
}

impl Read {
    fn frames(&self) -> usize {
        self.channels[0].len()
    }

    fn ms(&self) -> u64 {
        self.frames() as u64 * 1000 / u64::from(self.format.rate_hz)
    }
}

fn read(path: &Path, limits: &Limits) -> Result<Read, Error> {
    let mut recording = open(path, limits)?;
    let format = recording.format().clone();
    let mut channels = vec![Vec::new(); format.channels.into()];
    let mut block = Block::default();
    while recording.read(&mut block)? {
        assert_eq!(block.channels.len(), channels.len());
        assert!(block.frames() > 0, "a block without samples");
        for (all, new) in channels.iter_mut().zip(&block.channels) {
            assert_eq!(new.len(), block.frames(), "channels of different lengths");
            all.extend(new);
        }
    }
    assert!(!recording.read(&mut block).unwrap(), "a recording that goes on after its end");
    let warnings = recording.warnings().into_iter().map(|warning| warning.code).collect();
    Ok(Read { format, channels, warnings })
}

fn read_bytes(bytes: &[u8], limits: &Limits) -> Result<Read, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.wav");
    std::fs::write(&path, bytes).unwrap();
    read(&path, limits)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats").join(name)
}

fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Limits of a machine without ffmpeg.
fn alone() -> Limits {
    Limits { ffmpeg: None, ..Limits::default() }
}
