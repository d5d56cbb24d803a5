//! Every accepted format, made from one call: right length, right rate, channels apart, the same sound.

use super::{Read, alone, fixture, fixture_bytes, read, read_bytes};

struct Case {
    file: &'static str,
    container: &'static str,
    codec: &'static str,
    rate_hz: u32,
    /// Samples are the source's, bit for bit.
    lossless: bool,
    /// How much later, and longer, than the source it may be.
    late_ms: u64,
}

const fn case(file: &'static str, container: &'static str, codec: &'static str) -> Case {
    Case { file, container, codec, rate_hz: 8_000, lossless: false, late_ms: 20 }
}

const CASES: &[Case] = &[
    Case { lossless: true, ..case("pcm16.wav", "wav", "pcm_s16le") },
    Case { lossless: true, ..case("pcm24.wav", "wav", "pcm_s24le") },
    Case { lossless: true, ..case("pcm32.wav", "wav", "pcm_s32le") },
    Case { lossless: true, ..case("float32.wav", "wav", "pcm_f32le") },
    Case { lossless: true, ..case("rf64.wav", "rf64", "pcm_s16le") },
    Case { lossless: true, ..case("flac.flac", "flac", "flac") },
    case("pcm8.wav", "wav", "pcm_u8"),
    case("mulaw.wav", "wav", "pcm_mulaw"),
    case("alaw.wav", "wav", "pcm_alaw"),
    case("ima_adpcm.wav", "wav", "adpcm_ima_wav"),
    case("ms_adpcm.wav", "wav", "adpcm_ms"),
    case("mp3.mp3", "mp3", "mp3"),
    case("vorbis.ogg", "ogg", "vorbis"),
    case("aac.m4a", "m4a", "aac"),
    case("video.mp4", "mp4", "aac"),
    // Neither an ADTS stream nor an MP3 inside a WAV says how much silence its encoder put in front.
    Case { late_ms: 200, ..case("aac.aac", "aac", "aac") },
    Case { late_ms: 200, ..case("mp3.wav", "wav", "mp3") },
];

const OPUS: &[Case] = &[
    // Opus in Ogg always counts at 48 kHz; WebM says what the source had, and libopus decodes to that.
    Case { rate_hz: 48_000, ..case("opus.ogg", "ogg", "opus") },
    case("opus.webm", "webm", "opus"),
    case("two_tracks.mkv", "mkv", "opus"),
];

fn source() -> Read {
    read(&fixture("pcm16.wav"), &alone()).unwrap()
}

/// Correlation of `b`, read from `late` samples on, with `a`.
fn correlation(a: &[f32], b: &[f32], late: usize) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b[late..]) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    ab / (aa * bb).sqrt()
}

/// Down to 8 kHz by averaging, good enough for telephone speech.
fn at_8khz(samples: &[f32], rate_hz: u32) -> Vec<f32> {
    let step = (rate_hz / 8_000) as usize;
    samples.chunks(step).map(|chunk| chunk.iter().sum::<f32>() / chunk.len() as f32).collect()
}

fn check(case: &Case, source: &Read) {
    let file = case.file;
    let found = read(&fixture(file), &alone()).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(found.format.container, case.container, "{file}");
    assert_eq!(found.format.codec, case.codec, "{file}");
    assert_eq!(found.format.rate_hz, case.rate_hz, "{file}");
    assert_eq!(found.format.channels, 2, "{file}");
    assert!(found.ms().abs_diff(source.ms()) <= case.late_ms, "{file}: {} ms", found.ms());
    let claimed = found.format.claimed_ms.unwrap();
    assert!(claimed.abs_diff(source.ms()) <= 200, "{file} claims {claimed} ms");
    if case.lossless {
        assert!(found.channels == source.channels, "{file}: other samples");
        return;
    }
    for (n, (found, source)) in found.channels.iter().zip(&source.channels).enumerate() {
        let found = at_8khz(found, case.rate_hz);
        // Aligned on the second with the most sound, then compared as a whole.
        let loudest =
            (0..5).max_by_key(|s| (source[s * 8_000..][..8_000].iter().map(|x| x * x).sum::<f32>() * 1e6) as u64);
        let start = loudest.unwrap() * 8_000;
        let fit = |late: &usize| correlation(&source[start..start + 8_000], &found[start..], *late);
        let late = (0..=case.late_ms as usize * 8).max_by(|a, b| fit(a).total_cmp(&fit(b))).unwrap();
        let whole = correlation(source, &found, late);
        assert!(whole > 0.9, "{file}, channel {n}: correlation {whole:.3}, {late} samples late");
        println!("{file:15} channel {n}: correlation {whole:.4}, {:.1} ms late", late as f32 / 8.0);
    }
}

#[test]
fn every_format_sounds_like_its_source() {
    let source = source();
    assert_eq!((source.frames(), source.channels.len()), (48_000, 2));
    assert!(correlation(&source.channels[0], &source.channels[1], 0).abs() < 0.5, "channels are two parties");
    for case in CASES {
        check(case, &source);
    }
}

#[cfg(feature = "opus")]
#[test]
fn opus_sounds_like_its_source() {
    let source = source();
    for case in OPUS {
        check(case, &source);
    }
}

#[cfg(not(feature = "opus"))]
#[test]
fn opus_is_refused_by_name() {
    for case in OPUS {
        let refused = read(&fixture(case.file), &alone()).unwrap_err();
        assert!(refused.to_string().starts_with("Opus in "), "{refused}");
    }
}

#[test]
fn no_clean_fixture_raises_a_warning() {
    for case in CASES {
        assert_eq!(read(&fixture(case.file), &alone()).unwrap().warnings, Vec::<String>::new(), "{}", case.file);
    }
}

#[test]
fn reading_twice_gives_the_same() {
    for case in CASES {
        let read = || read(&fixture(case.file), &alone()).unwrap();
        assert!(read() == read(), "{}", case.file);
    }
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    for (file, name) in
        [("flac.flac", "call.wav"), ("mp3.mp3", "call.m4a"), ("mulaw.wav", "call"), ("aac.m4a", "call.mp3")]
    {
        let renamed = folder.path().join(name);
        std::fs::copy(fixture(file), &renamed).unwrap();
        assert!(read(&renamed, &alone()).unwrap() == read(&fixture(file), &alone()).unwrap(), "{file}");
    }
}

#[cfg(feature = "opus")]
#[test]
fn a_hole_becomes_silence_and_later_sound_keeps_its_time() {
    let (source, found) = (source(), read(&fixture("hole.webm"), &alone()).unwrap());
    assert_eq!(found.warnings, ["audio-gaps"]);
    assert!(found.ms().abs_diff(6_000) <= 20, "{} ms", found.ms());
    for channel in &found.channels {
        assert!(channel[17_000..31_000].iter().all(|sample| sample.abs() < 0.01), "sound in the hole");
    }
    // The agent speaks before the hole, the caller behind it.
    for (n, stretch) in [(1, 3_000..15_000), (0, 36_000..47_000)] {
        let wanted = &source.channels[n][stretch.clone()];
        let fit = |late| correlation(wanted, &found.channels[n][stretch.start..], late);
        let best = (0..160).map(fit).fold(0.0, f64::max);
        assert!(best > 0.9, "channel {n}: correlation {best:.3}");
    }
}

#[cfg(feature = "opus")]
#[test]
fn of_several_tracks_the_first_is_read() {
    assert_eq!(read(&fixture("two_tracks.mkv"), &alone()).unwrap().warnings, ["audio-tracks-ignored"]);
}

#[test]
fn chained_ogg_goes_on() {
    let once = read(&fixture("vorbis.ogg"), &alone()).unwrap();
    let twice = read_bytes(&fixture_bytes("vorbis.ogg").repeat(2), &alone()).unwrap();
    assert_eq!(twice.frames(), 2 * once.frames());
    assert!(twice.channels[0][48_000..] == once.channels[0], "the second part is the first again");
}

#[cfg(feature = "opus")]
#[test]
fn a_change_of_rate_on_the_way_is_refused() {
    let chain = [fixture_bytes("vorbis.ogg"), fixture_bytes("opus.ogg")].concat();
    let refused = read_bytes(&chain, &alone()).unwrap_err();
    assert_eq!(refused.code(), "audio-parameters-unsupported");
    assert_eq!(
        refused.to_string(),
        "the recording changes at 00:06 from 8000 Hz and 2 channels to 48000 Hz and 2; convert it to wav first"
    );
}
