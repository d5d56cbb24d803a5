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
    done: bool,
    error: Option<Failure>,
}

/// Whether the recording at `path` begins with sound that can be read.
///
/// # Errors
/// Why not; the code is that of a problem document. A recording that kills the worker is damaged.
pub async fn probe(config: &Config, path: &Path) -> Result<(), Failure> {
    let _place = LOOKING.acquire().await.expect("nobody closes it");
    let unable = |cause: &dyn std::fmt::Display| {
        Failure::new("internal", format!("the worker cannot be started: {cause}; check the installation"))
    };
    let (program, first) = config.command.split_first().ok_or_else(|| unable(&"no command"))?;
    let mut command = Command::new(program);
    command.args(first).arg("--probe").arg("--input").arg(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|cause| unable(&cause))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut said = Vec::new();
    let looked = async {
        let _ = stdout.take(ANSWER_MAX).read_to_end(&mut said).await;
        child.wait().await
    };
    let Ok(ended) = timeout(WAIT, looked).await else {
        return Err(Failure::new("decoder-timeout", "reading the first seconds took too long; convert the recording to wav"));
    };
    let answer = said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Answer>(line).ok());
    for answer in answer {
        if let Some(failure) = answer.error {
            return Err(super::worker::trimmed(failure));
        }
        if answer.done && ended.as_ref().is_ok_and(std::process::ExitStatus::success) {
            return Ok(());
        }
    }
    Err(Failure::new("audio-corrupt", "reading the first seconds failed; export the recording again as wav"))
}
