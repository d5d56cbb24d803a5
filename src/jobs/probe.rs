//! A look at a recording before it is accepted: what is no sound is refused at once, not an hour later.
//!
//! The look is taken by a worker, because the bytes are as strange before as after; it has two seconds.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use super::{Config, Failure};

/// Looks at once; more wait. A look is short, and each is a process.
const AT_ONCE: usize = 4;
/// On a busy machine two seconds of processor time may take this long.
const WAIT: Duration = Duration::from_secs(30);
/// Longest answer.
const ANSWER_MAX: u64 = 64 * 1024;

static LOOKING: Semaphore = Semaphore::const_new(AT_ONCE);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    error: Option<Failure>,
}

/// Whether the recording at `path` begins with sound that can be read. Only what a worker says is believed: where it
/// cannot be started, is too slow or dies, the recording is accepted, and its analysis, which is tried again and has more
/// time, tells.
///
/// # Errors
/// Why not; the code is that of a problem document.
pub(super) async fn probe(config: &Config, path: &Path) -> Result<(), Failure> {
    let _place = LOOKING.acquire().await.expect("nobody closes it");
    let Some((program, first)) = config.command.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(first).arg("--probe").arg("--input").arg(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => {
            warn!(%cause, "cannot start a worker to look at a recording");
            return Ok(());
        }
    };
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut said = Vec::new();
    let looked = async {
        let _ = stdout.take(ANSWER_MAX).read_to_end(&mut said).await;
        child.wait().await
    };
    if timeout(WAIT, looked).await.is_err() {
        warn!("looking at a recording took too long");
        return Ok(());
    }
    let answers = said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Answer>(line).ok());
    let failure = answers.into_iter().find_map(|answer| answer.error).map(super::worker::trimmed);
    match failure {
        Some(failure) if !super::worker::NOT_THE_CALLS_FAULT.contains(&failure.code.as_str()) => Err(failure),
        _ => Ok(()),
    }
}
