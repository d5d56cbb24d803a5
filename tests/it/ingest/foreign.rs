//! What needs ffmpeg: decoded where it is installed, refused by name and with the cure where it is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use runaround::ingest::Limits;

use super::{alone, fixture, fixture_bytes, read, read_bytes};

/// File, its name in the refusal, container, codec, channels.
const CASES: &[(&str, &str, &str, &str, u8)] = &[
    ("gsm.wav", "GSM 06.10 in wav", "wav", "gsm_ms", 1),
    ("gsm.gsm", "raw GSM 06.10", "gsm", "gsm", 1),
    ("mulaw.au", "Sun AU", "au", "pcm_mulaw", 2),
    ("speex.ogg", "Speex", "ogg", "speex", 1),
    ("wma.wma", "Windows Media (WMA)", "asf", "wmav2", 2),
];

fn is_installed() -> bool {
    Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success())
}

fn refused_by_name(file: &str, name: &str, limits: &Limits) {
    let refused = read(&fixture(file), limits).unwrap_err();
    assert_eq!(refused.code(), "unsupported-audio", "{file}");
    let wanted =
        format!("{name} is not read without ffmpeg; install ffmpeg, or convert the recording to wav or flac first");
    assert_eq!(refused.to_string(), wanted);
}

#[test]
fn without_ffmpeg_the_codec_and_the_cure_are_named() {
    let missing = Limits { ffmpeg: Some(PathBuf::from("/no/such/place/ffmpeg")), ..Limits::default() };
    for (file, name, ..) in CASES {
        refused_by_name(file, name, &alone());
        refused_by_name(file, name, &missing);
    }
}

#[test]
fn with_ffmpeg_they_are_read() {
    let installed = is_installed();
    if !installed {
        eprintln!("ffmpeg is not installed: checking that the refusals say so instead");
    }
    for (file, name, container, codec, channels) in CASES {
        if !installed {
            refused_by_name(file, name, &Limits::default());
            continue;
        }
        let found = read(&fixture(file), &Limits::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
        let format = &found.format;
        assert_eq!((format.container.as_str(), format.codec.as_str()), (*container, *codec), "{file}");
        assert_eq!((format.rate_hz, format.channels), (8_000, *channels), "{file}");
        assert!(found.ms().abs_diff(6_000) <= 80, "{file}: {} ms", found.ms());
        assert!(format.claimed_ms.unwrap().abs_diff(6_000) <= 80, "{file}");
        assert_eq!(found.warnings, Vec::<String>::new(), "{file}");
        let loudest = found.channels.iter().flatten().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
        assert!(loudest > 0.05, "{file} is silent");
        assert!(read(&fixture(file), &Limits::default()).unwrap() == found, "{file}: not the same twice");
    }
}

#[test]
fn what_is_cut_off_is_read_as_far_as_it_goes() {
    let bytes = fixture_bytes("gsm.wav");
    let half = read_bytes(&bytes[..bytes.len() / 2], &Limits::default());
    if is_installed() {
        assert!(half.unwrap().ms().abs_diff(3_000) <= 80);
    } else {
        assert_eq!(half.unwrap_err().code(), "unsupported-audio");
    }
}

#[test]
fn formats_without_a_fixture_are_named_too() {
    let wav = |tag: u16| {
        let mut bytes = fixture_bytes("pcm16.wav");
        bytes[20..22].copy_from_slice(&tag.to_le_bytes());
        bytes
    };
    for (bytes, name) in [
        (wav(0x45), "G.726 ADPCM in wav"),
        (wav(0x83), "G.729 in wav"),
        (wav(0x22), "TrueSpeech in wav"),
        (wav(0x9999), "a codec that is not known here in wav"),
        (b"#!AMR\n\x3c\x91\x17\x16\xbe\x66\x78".to_vec(), "AMR"),
        (b"FORM\0\0\x10\0AIFFCOMM".to_vec(), "AIFF"),
        (b"caff\0\x01\0\0desc".to_vec(), "Apple CAF"),
        (b"RIFF\0\0\x10\0AVI LIST".to_vec(), "AVI video"),
    ] {
        let refused = read_bytes(&bytes, &alone()).unwrap_err();
        assert_eq!(refused.code(), "unsupported-audio");
        assert!(refused.to_string().starts_with(&format!("{name} is not read without ffmpeg")), "{refused}");
    }
}

/// An `ffmpeg` that only leaves a mark that it was asked.
#[cfg(unix)]
fn snitch(folder: &Path) -> (Limits, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let (program, mark) = (folder.join("ffmpeg"), folder.join("asked"));
    std::fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\nexit 1\n", mark.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (Limits { ffmpeg: Some(program), ..Limits::default() }, mark)
}

#[cfg(unix)]
#[test]
fn ffmpeg_is_not_asked_about_what_is_plainly_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let (limits, mark) = snitch(folder.path());
    let elf = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    for bytes in [
        &b"PK\x03\x04\x14\0\0\0recording.wav"[..],
        &elf[..100_000],
        b"<html><body>404</body></html>",
        b"#EXTM3U\n#EXTINF:1,\nfile:/etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"agent: hello\ncaller: hello\n",
        b"",
    ] {
        assert!(read_bytes(bytes, &limits).is_err());
    }
    // Nor about broken headers of WAV, which is read here.
    let mut wav = fixture_bytes("pcm16.wav");
    wav[22] = 0;
    assert!(read_bytes(&wav, &limits).is_err());
    assert!(!mark.exists(), "ffmpeg was asked: {}", std::fs::read_to_string(&mark).unwrap());

    let refused = read(&fixture("gsm.wav"), &limits).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "GSM 06.10 in wav cannot be decoded, not by ffmpeg either; convert the recording to wav or flac first"
    );
    let asked = std::fs::read_to_string(&mark).unwrap();
    assert!(asked.contains("-protocol_whitelist\nfile,pipe\n"), "{asked}");
    assert!(asked.contains(&format!("-i\nfile:{}\n", fixture("gsm.wav").display())), "{asked}");
}
