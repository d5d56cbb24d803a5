//! `runaround dial`: play recordings to a live server and measure it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::EXIT_SOME_FAILED;
use crate::live::dial::{Line, Plan, Tape, percentile, run as play};

/// Play recordings to a live server as many calls at once, and say how late its events are
#[derive(clap::Args)]
pub struct Args {
    /// Recordings, played one after the other by each line
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The server
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    server: SocketAddr,
    /// Its AudioSocket door, for --line audiosocket
    #[arg(long, value_name = "ADDRESS:PORT")]
    audiosocket: Option<SocketAddr>,
    /// How calls are carried
    #[arg(long, value_enum, default_value = "twilio")]
    line: Line,
    /// API key
    #[arg(long, env = "RUNAROUND_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Calls at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    calls: usize,
    /// Calls one after the other on each line
    #[arg(long, default_value_t = 1, value_name = "N")]
    repeat: usize,
    /// 1 is the pace of speech
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pace: f64,
    /// Percent of frames that get lost (twilio)
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    loss: f64,
    /// Percent of frames that are overtaken by the next one (twilio)
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    reorder: f64,
    /// Percent of frames that come twice (twilio)
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    twice: f64,
    /// Frames come up to so late
    #[arg(long, default_value_t = 0, value_name = "MS")]
    jitter: u64,
    /// Same number, same dice
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Plays and reports; exit code 3 if a call was refused or broke off.
///
/// # Errors
/// A recording that cannot be read, a server that cannot be reached.
#[allow(clippy::print_stdout, reason = "this is what the user asked to be told")]
pub fn run(args: Args) -> Result<ExitCode> {
    let read =
        |path: &PathBuf| Tape::read(path).map(Arc::new).with_context(|| format!("cannot read {}", path.display()));
    let tapes = args.files.iter().map(read).collect::<Result<Vec<_>>>()?;
    anyhow::ensure!(args.pace > 0.0 && args.pace.is_finite(), "--pace must be above 0");
    let plan = Plan {
        line: args.line,
        server: args.server,
        audiosocket: args.audiosocket,
        key: args.key,
        calls: args.calls,
        repeat: args.repeat,
        pace: args.pace,
        loss: args.loss,
        reorder: args.reorder,
        twice: args.twice,
        jitter_ms: args.jitter,
        seed: args.seed,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let tally = runtime.block_on(play(&plan, &tapes)).context("cannot dial")?;
    println!("calls    {} played, {} refused, {} broken off", tally.played, tally.refused, tally.broken);
    println!("frames   {} lost on purpose", tally.frames_lost);
    for (what, values) in [("words", &tally.words_ms), ("deflect", &tally.deflections_ms)] {
        let at = |percent| percentile(values, percent).map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        println!(
            "{what:<8} {} events, p50 {}, p95 {}, p99 {}, worst {}",
            values.len(),
            at(50),
            at(95),
            at(99),
            at(100)
        );
    }
    println!("nudges   {}", tally.nudges);
    let fine = tally.refused + tally.broken == 0;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(EXIT_SOME_FAILED) })
}
