//! One recording in a process of its own, for `serve`: whatever a hostile file does to a decoder or to the speech
//! engine, it does it here. Speaks JSON lines on stdout: progress, then one `done` or one `error`.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use serde_json::json;

use super::engine::{self, HouseChoice, ModelChoice};
use super::inputs::parse_roles;
use crate::dialogue::GivenRoles;
use crate::domain::Stop;
use crate::pipeline::{self, Options, Progress};
use crate::report;
use crate::transcribe::Hints;

/// Analyse one recording for `serve`
#[derive(clap::Args)]
pub struct Args {
    /// The recording
    #[arg(long)]
    input: PathBuf,
    /// Folder that takes report.json, report.html, report.txt, report.srt and report.vtt
    #[arg(long)]
    out: PathBuf,
    /// Name of the recording in the report
    #[arg(long)]
    name: String,
    /// Roles of the channels in order
    #[arg(long, value_parser = parse_roles)]
    roles: Option<GivenRoles>,
    /// Language spoken, two letters
    #[arg(long)]
    language: Option<String>,
    #[command(flatten)]
    house: HouseChoice,
    #[command(flatten)]
    models: ModelChoice,
}

/// Analyses and reports on stdout; exit code 1 after an `error` line.
///
/// # Errors
/// Only if stdout is gone, which means that nobody waits for the result any more.
pub fn run(args: Args) -> Result<ExitCode> {
    end_with_the_server();
    let error_line = |code: &str, detail: String| {
        FINISHED.store(true, Ordering::SeqCst);
        say(&json!({ "error": { "code": code, "detail": detail } }))?;
        Ok(ExitCode::FAILURE)
    };
    let engine = match engine::start(&args.models, &args.house, 1) {
        Ok(engine) => engine,
        Err(error) => return error_line("model-unavailable", format!("{error:#}")),
    };
    let options = Options {
        name: args.name,
        roles: args.roles,
        hints: Hints { language: args.language, ..Hints::default() },
        produced_at: jiff::Timestamp::now().to_string(),
        ..Options::default()
    };
    let mut told = Vec::new();
    let mut last = None;
    let analysed = pipeline::analyze(&args.input, &engine, &options, &Stop::new(), &mut |progress| {
        let (stage, done_ms, total_ms) = match progress {
            Progress::Listening { done_ms, total_ms } => ("listening", done_ms, total_ms),
            Progress::Transcribing { done_ms, total_ms } => ("transcribing", done_ms, Some(total_ms)),
        };
        // One line per ten seconds of audio is enough for any progress bar.
        let step = (stage, done_ms / 10_000);
        if last != Some(step) {
            last = Some(step);
            told.push(say(&json!({ "stage": stage, "progress_ms": done_ms, "total_ms": total_ms })));
        }
    });
    if let Some(Err(gone)) = told.into_iter().find(Result::is_err) {
        return Err(gone);
    }
    match analysed {
        Ok(report) => {
            if let Err(error) = report::save(&report, &args.out) {
                return error_line("storage-unavailable", error.to_string());
            }
            FINISHED.store(true, Ordering::SeqCst);
            say(&json!({ "done": true, "duration_ms": report.source.duration_ms }))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => error_line(error.code(), error.to_string()),
    }
}

/// The last word is being said; from now on the end of stdin means nothing.
static FINISHED: AtomicBool = AtomicBool::new(false);

/// The server holds our stdin open as long as it waits for us; a worker whose server died would burn a core for nobody.
fn end_with_the_server() {
    std::thread::spawn(|| {
        let mut ignored = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while matches!(std::io::Read::read(&mut stdin, &mut ignored), Ok(n) if n > 0) {}
        if !FINISHED.load(Ordering::SeqCst) {
            std::process::exit(1);
        }
    });
}

fn say(line: &serde_json::Value) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
