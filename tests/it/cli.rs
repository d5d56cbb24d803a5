//! The command line: what it says and how it ends.

use crate::support::run;

fn said(args: &[&str]) -> (Option<i32>, String, String) {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let done = run(&args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn help_names_every_verb() {
    let (code, out, _) = said(&["--help"]);
    assert_eq!(code, Some(0));
    for verb in ["analyze", "detect", "serve", "models", "doctor", "completions"] {
        assert!(out.contains(verb), "{verb} is missing");
    }
    assert!(!out.contains("worker"), "the worker is not for people");
}

#[test]
fn a_missing_recording_is_named_with_its_cure() {
    let (code, out, err) = said(&["analyze", "/nowhere/call.wav"]);
    assert_eq!(code, Some(1));
    assert!(out.is_empty());
    assert!(err.contains("/nowhere/call.wav") && err.contains("check the path"), "{err}");
}

#[cfg(feature = "whisper")]
#[test]
fn a_missing_model_names_the_command_that_fetches_it() {
    let folder = tempfile::tempdir().unwrap();
    let call = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/calls/flu_slots.flac");
    let (code, _, err) = said(&["analyze", call, "--models", &folder.path().display().to_string()]);
    assert_eq!(code, Some(1));
    assert!(err.contains("models pull base"), "{err}");
}

#[test]
fn wrong_roles_are_explained() {
    let (code, _, err) = said(&["analyze", "x.wav", "--roles", "customer,agent"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("caller,agent"), "{err}");
}

#[test]
fn doctor_prints_a_line_per_check_and_a_document() {
    let (_, out, _) = said(&["doctor"]);
    for check in ["cpu", "memory", "speech model", "ffmpeg", "sound input", "disk"] {
        assert!(out.contains(check), "{check} is missing in {out}");
    }
    let (_, json, _) = said(&["doctor", "--json"]);
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(
        lines.as_array().unwrap().iter().all(|line| ["ok", "warn", "fail"].contains(&line["state"].as_str().unwrap()))
    );
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = said(&["completions", shell]);
        assert!(code == Some(0) && out.contains("runaround"), "{shell}");
    }
}
