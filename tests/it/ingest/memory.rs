//! Memory does not grow with the length of the call: a child process decodes, and says how much it ever held.

use std::path::Path;
use std::process::Command;

use runaround::ingest::{Block, open};

use super::alone;

/// Names the file for the child.
const FILE: &str = "RUNAROUND_DECODE_AND_MEASURE";

/// Does nothing unless [`peak_kib`] started it, or a person who wants to measure a file of their own.
#[test]
fn decode_and_measure() {
    let Ok(path) = std::env::var(FILE) else { return };
    let mut recording = open(Path::new(&path), &alone()).unwrap();
    let (mut block, mut frames) = (Block::default(), 0);
    while recording.read(&mut block).unwrap() {
        frames += block.frames() as u64;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{frames} frames, peak: {} KiB", peak.trim().trim_end_matches(" kB"));
}

/// Most memory that decoding `path` ever took, in KiB.
fn peak_kib(path: &Path) -> u64 {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ingest::memory::decode_and_measure", "--nocapture"])
        .env(FILE, path)
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    let peak = output.split_once("peak: ").and_then(|(_, rest)| rest.split_once(" KiB")).expect(&output).0;
    peak.parse().unwrap()
}

/// A WAV of silence that takes no room on the disk.
fn wav_silence(path: &Path, minutes: u32) {
    let data = minutes * 60 * 8_000 * 4;
    let header = [
        b"RIFF",
        &(data + 36).to_le_bytes()[..],
        b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data",
    ];
    let mut bytes = header.concat();
    bytes.extend(data.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
    std::fs::OpenOptions::new().append(true).open(path).unwrap().set_len(u64::from(data) + 44).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn three_hours_take_no_more_memory_than_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let (short, long) = (folder.path().join("short.wav"), folder.path().join("long.wav"));
    wav_silence(&short, 10);
    wav_silence(&long, 180);
    let (short, long) = (peak_kib(&short), peak_kib(&long));
    println!("10 min: {short} KiB, 3 h: {long} KiB");
    assert!(long * 100 <= short * 105, "10 min: {short} KiB, 3 h: {long} KiB");
}
