//! What several doors need: the program itself and the folder of models.

#[cfg(feature = "whisper")]
use std::path::Path;
use std::process::{Command, Output};

/// The folder with the models; the tests of the real engine fail without it rather than pass unseen.
#[cfg(feature = "whisper")]
pub(crate) fn models() -> String {
    let folder = std::env::var("RUNAROUND_MODELS")
        .unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("models").display().to_string());
    assert!(
        Path::new(&folder).join("ggml-tiny.en.bin").exists(),
        "the speech model is missing in {folder}; run: make models"
    );
    folder
}

/// Runs the program to its end.
pub(crate) fn run(args: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runaround")).args(args).output().expect("the program starts")
}

/// Where random tests start: `RUNAROUND_SEED`, or the clock. Print it, so that a failure can be seen again.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("RUNAROUND_SEED").ok().and_then(|seed| seed.parse().ok());
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    given.unwrap_or_else(clock)
}

/// Numbers that look random and are the same for the same seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Runs a worker to its end. It would end by itself if nobody held its standard input open.
pub(crate) fn run_worker(arguments: &[&std::ffi::OsStr]) -> std::process::Output {
    use std::process::{Command, Stdio};

    let mut child = Command::new(env!("CARGO_BIN_EXE_runaround"))
        .arg("worker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let held = child.stdin.take();
    let done = child.wait_with_output().unwrap();
    drop(held);
    done
}
