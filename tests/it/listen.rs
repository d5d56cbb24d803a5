//! Listening to sound cards: virtual ones of ALSA, whose capture reads a file.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use runaround::domain::Report;
use runaround::live::dial::{Tape, Turn};
use serde_json::Value;
use tempfile::TempDir;

/// Sound and a configuration of ALSA that gives it to whoever captures.
struct Desk {
    folder: TempDir,
    lines: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let calls = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/calls");
        let labels: Value = serde_json::from_slice(&std::fs::read(calls.join("flu_slots.json")).unwrap()).unwrap();
        let turns: Vec<Turn> = serde_json::from_value(labels["turns"].clone()).unwrap();
        let mut tape = Tape::read(&calls.join("flu_slots.flac")).unwrap();
        tape.mark(&turns);
        // The file plug-in stands still at the end of its file; listening ends before that.
        let silence = vec![0; tape.rate_hz as usize * 30];
        for channel in &mut tape.channels {
            channel.extend(&silence);
        }
        let both: Vec<u8> = (0..tape.channels[0].len())
            .flat_map(|n| tape.channels.iter().flat_map(move |channel| channel[n].to_le_bytes()))
            .collect();
        let sides = tape.channels.iter().map(|side| side.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        let mut config = String::from("pcm.null { type null }\n");
        for (name, sound) in ["both", "caller", "agent"].into_iter().zip([both].into_iter().chain(sides)) {
            let (file, channels) = (folder.path().join(name), if name == "both" { 2 } else { 1 });
            std::fs::write(&file, sound).unwrap();
            config += &format!(
                "pcm.{name}_file {{ type file slave.pcm null file \"/dev/null\" infile \"{}\" format raw }}\n\
                 pcm.{name} {{ type plug slave {{ pcm {name}_file format S16_LE rate 8000 channels {channels} }}\n\
                 hint {{ show on description \"Telephone, {name}\" }} }}\n",
                file.display()
            );
        }
        std::fs::write(folder.path().join("alsa.conf"), config).unwrap();
        let lines = folder.path().join("lines");
        std::fs::write(&lines, turns.into_iter().map(|turn| turn.text).collect::<Vec<_>>().join("\n")).unwrap();
        Self { folder, lines }
    }

    fn listen(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("runaround").unwrap();
        command.env("ALSA_CONFIG_PATH", self.folder.path().join("alsa.conf")).arg("listen").args(args);
        command.timeout(std::time::Duration::from_secs(120));
        command
    }

    fn reports(&self) -> PathBuf {
        self.folder.path().join("reports")
    }

    /// The one report that was written.
    fn report(&self) -> Report {
        let files = std::fs::read_dir(self.reports()).unwrap().map(|entry| entry.unwrap().path());
        let json: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
        assert_eq!(json.len(), 1, "{json:?}");
        serde_json::from_slice(&std::fs::read(&json[0]).unwrap()).unwrap()
    }
}

#[test]
fn devices_are_named() {
    let listed = Desk::new().listen(&["--list"]).assert().success();
    let text = String::from_utf8(listed.get_output().stdout.clone()).unwrap();
    for name in ["both", "caller", "agent"] {
        assert!(text.lines().any(|line| line.starts_with(name) && line.contains("Telephone")), "{text}");
    }
}

#[test]
fn a_call_from_the_sound_card_becomes_a_report() {
    let desk = Desk::new();
    let (lines, out) = (desk.lines.display().to_string(), desk.reports().display().to_string());
    let args = ["--device", "both", "--stereo", "--rate", "8000", "--seconds", "50", "--script", &lines, "--out", &out];
    let heard = desk.listen(&args).assert().success();
    let report = desk.report();
    assert_eq!((report.source.channels, report.source.rate_hz), (2, 8_000));
    assert!((50_000..52_000).contains(&report.source.duration_ms), "{}", report.source.duration_ms);
    let chain = &report.chains[0];
    assert_eq!((chain.deflections.len(), chain.pushbacks.len()), (1, 1), "{chain:?}");
    assert_eq!(chain.deflections[0].target.as_str(), "website");
    let text = String::from_utf8(heard.get_output().stdout.clone()).unwrap();
    assert!(text.contains("website"), "{text}");
}

#[test]
fn two_devices_are_the_two_sides() {
    let desk = Desk::new();
    let (lines, out) = (desk.lines.display().to_string(), desk.reports().display().to_string());
    let args = ["--device", "caller", "--device", "agent", "--rate", "8000", "--seconds", "20"];
    desk.listen(&args).args(["--script", &lines, "--out", &out]).assert().success();
    let report = desk.report();
    assert_eq!(report.source.channels, 2);
    assert!((20_000..31_000).contains(&report.source.duration_ms), "{}", report.source.duration_ms);
}

#[test]
fn without_a_sound_card_it_says_so() {
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("alsa.conf"), "").unwrap();
    for args in [&["listen"][..], &["listen", "--list"], &["listen", "--device", "both"]] {
        let mut command = Command::cargo_bin("runaround").unwrap();
        let told = command.env("ALSA_CONFIG_PATH", empty.path().join("alsa.conf")).args(args).assert().code(2);
        let text = String::from_utf8(told.get_output().stderr.clone()).unwrap();
        assert!(text.contains("no sound card"), "{args:?}: {text}");
    }
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let told = Desk::new().listen(&["--device", "kitchen"]).assert().code(2);
    let text = String::from_utf8(told.get_output().stderr.clone()).unwrap();
    assert!(text.contains("\"kitchen\"") && text.contains("--list"), "{text}");
}
