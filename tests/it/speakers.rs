//! Two people on one channel: whose word is it? The labels of the fixtures say it, and so do their two channels.

use std::fs;
use std::path::{Path, PathBuf};

use runaround::domain::{Report, Role, Word};
use serde_json::Value;

use crate::support::{models, run};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/calls").join(name)
}

/// The folder of models, which must hold the voices: without them there is nothing to measure here.
fn with_voices() -> String {
    let folder = models();
    let here = Path::new(&folder).join("voices/campplus_cn_en_common.pt").exists();
    assert!(here, "the voice model is missing in {folder}; run: make models");
    folder
}

fn analyze(path: &Path) -> Report {
    let out = tempfile::tempdir().unwrap();
    let args = ["analyze", "--quiet", "--format", "json", "--model", "tiny.en", "--models", &with_voices(), "--out"];
    let paths = [out.path().display().to_string(), path.display().to_string()];
    let done = run(&[args.map(str::to_owned).as_slice(), &paths].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let stem = path.file_stem().unwrap().to_str().unwrap();
    Report::from_json(&fs::read_to_string(out.path().join(format!("{stem}.json"))).unwrap()).unwrap()
}

/// Some channels of a WAV or FLAC file as one channel.
fn mixed(name: &str, keep: &[usize], to: &Path) {
    let mut recording = runaround::ingest::open(&fixture(name), &runaround::ingest::Limits::default()).unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: recording.format().rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(to, spec).unwrap();
    let mut block = runaround::ingest::Block::default();
    while recording.read(&mut block).unwrap() {
        for n in 0..block.channels[0].len() {
            let sum: f32 = keep.iter().map(|channel| block.channels[*channel][n]).sum();
            wav.write_sample((sum / keep.len() as f32 * 32_767.0) as i16).unwrap();
        }
    }
    wav.finalize().unwrap();
}

/// The share of words, by their middle, that have the role of the labelled turn they lie in.
fn right(report: &Report, label: &str) -> f64 {
    let label: Value = serde_json::from_str(&fs::read_to_string(fixture(label)).unwrap()).unwrap();
    let turns = label["turns"].as_array().unwrap();
    let true_role = |word: &Word| {
        let middle = word.span.start().ms().midpoint(word.span.end().ms());
        let away = |turn: &&Value| {
            let (start, end) = (turn["start_ms"].as_u64().unwrap(), turn["end_ms"].as_u64().unwrap());
            start.saturating_sub(middle).max(middle.saturating_sub(end))
        };
        turns.iter().min_by_key(away).unwrap()["speaker"] == "caller"
    };
    let words = report.turns.iter().flat_map(|turn| turn.turn.words.iter().map(move |word| (turn.turn.speaker, word)));
    let verdicts: Vec<bool> = words.map(|(role, word)| (role == Role::Caller) == true_role(word)).collect();
    assert!(verdicts.len() > 50, "{} words", verdicts.len());
    verdicts.iter().filter(|right| **right).count() as f64 / verdicts.len() as f64
}

#[test]
fn nine_words_in_ten_get_the_right_speaker() {
    let folder = tempfile::tempdir().unwrap();
    let mono = folder.path().join("bank_fee.wav");
    mixed("bank_fee.flac", &[0, 1], &mono);
    for (path, label) in [(fixture("sofa_mono.flac"), "sofa_mono.json"), (mono, "bank_fee.json")] {
        let report = analyze(&path);
        let right = right(&report, label);
        assert!(right >= 0.9, "{label}: {right}");
        assert!(report.provenance.voices_sha256.is_some());
        let channel = &report.audio.channels[0];
        assert_eq!(channel.role, Role::Mixed);
        let guessed = report.audio.warnings.iter().any(|warning| warning.code == "speakers-guessed");
        assert_eq!(guessed, channel.role_confidence.get() < 0.75, "{label}");
    }
}

#[test]
fn one_person_alone_is_not_split_in_two() {
    let folder = tempfile::tempdir().unwrap();
    for (channel, role) in [(0, Role::Caller), (1, Role::Agent)] {
        let alone = folder.path().join("alone.wav");
        mixed("bank_fee.flac", &[channel], &alone);
        let report = analyze(&alone);
        let speakers: Vec<Role> = report.turns.iter().map(|turn| turn.turn.speaker).collect();
        assert!(speakers.len() > 2 && speakers.iter().all(|speaker| *speaker == role), "{speakers:?}");
    }
}
