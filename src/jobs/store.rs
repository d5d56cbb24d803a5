//! Calls at rest: one folder each, nothing but files.
//!
//! ```text
//! data/lock                one server at a time
//! data/incoming/<id>/      uploads that nobody was promised; swept at start
//! data/calls/<id>/         audio, call.json, and when done report.json, .html, .txt, .srt, .vtt
//! data/calls/<id>/out-3/   what the third attempt writes, moved up when it ends well
//! ```
//!
//! A call appears by one rename of its whole folder, so it has its recording and its record or does not exist.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tracing::{error, warn};

use crate::domain::Report;
use crate::report;

use super::call::{Call, CallId, Failure, State, now};
use super::{LOSSES_MAX, blocking};

/// How long the lock of a server that just died is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(1_000);

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Someone else has it.
    #[error("another server works in {0}; stop it or give this one a folder of its own")]
    InUse(PathBuf),
    /// The file system refuses.
    #[error("cannot use the data folder {0}: {1}")]
    Io(PathBuf, io::Error),
}

/// An open data folder. Clones share it; it is free again when the last is gone, or the process.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    _lock: Arc<File>,
}

impl Store {
    /// Opens the folder `root`, made where it is missing and readable by its owner only.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(root: &Path) -> Result<Self, Error> {
        let open = || {
            for folder in [root.to_owned(), root.join("incoming"), root.join("calls")] {
                make_folder(&folder)?;
            }
            let lock = File::options().create(true).truncate(false).write(true).open(root.join("lock"))?;
            sync_folder(root)?;
            Ok(lock)
        };
        let lock: File = open().map_err(|cause| Error::Io(root.to_owned(), cause))?;
        // A server that was killed while it started a worker leaves its lock to the worker until that has begun.
        let patience = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { root: root.to_owned(), _lock: Arc::new(lock) }),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < patience => sleep(Duration::from_millis(20)),
                Err(fs::TryLockError::WouldBlock) => return Err(Error::InUse(root.to_owned())),
                Err(fs::TryLockError::Error(cause)) => return Err(Error::Io(root.to_owned(), cause)),
            }
        }
    }

    /// The data folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an upload is collected.
    pub(super) fn incoming(&self, id: CallId) -> PathBuf {
        self.root.join("incoming").join(id.to_string())
    }

    fn folder(&self, id: CallId) -> PathBuf {
        self.root.join("calls").join(id.to_string())
    }

    /// The recording of a call.
    pub fn audio(&self, id: CallId) -> PathBuf {
        self.folder(id).join("audio")
    }

    /// A file of a finished call's report, one of [`report::FILES`].
    pub fn report_file(&self, id: CallId, name: &str) -> PathBuf {
        self.folder(id).join(name)
    }

    /// Makes an incoming folder with a synced recording a call: writes its record, then moves the folder over.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn admit(&self, call: &Call) -> io::Result<()> {
        let incoming = self.incoming(call.id);
        write_record(&incoming, call)?;
        fs::rename(&incoming, self.folder(call.id))?;
        sync_folder(&self.root.join("calls"))
    }

    /// Writes the record of a call anew.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, call: &Call) -> io::Result<()> {
        write_record(&self.folder(call.id), call)
    }

    /// All calls, oldest first, after clearing up behind a server that died: nobody waits for what was incoming,
    /// and what was at work waits again.
    ///
    /// # Errors
    /// What the file system says. A call whose record cannot be read is left alone and reported in the log.
    pub fn recover(&self) -> io::Result<Vec<Call>> {
        for entry in fs::read_dir(self.root.join("incoming"))? {
            fs::remove_dir_all(entry?.path())?;
        }
        let mut calls = Vec::new();
        for entry in fs::read_dir(self.root.join("calls"))? {
            let folder = entry?.path();
            let mut call = match read_record(&folder) {
                Ok(call) => call,
                Err(cause) => {
                    error!(folder = %folder.display(), %cause, "call record cannot be read; left as it is");
                    continue;
                }
            };
            sweep(&folder)?;
            if call.state == State::Running {
                call.losses += 1;
                call.state = State::Queued;
                if call.losses >= LOSSES_MAX {
                    let reason = "the server died again and again while this call was analysed; it is put aside";
                    call.end(State::Quarantined, Some(Failure::new("internal", reason)));
                }
                warn!(call = %call.id, losses = call.losses, "call was at work when the server died");
                self.save(&call)?;
            }
            calls.push(call);
        }
        calls.sort_by_key(|call| call.id);
        Ok(calls)
    }

    /// A fresh folder for what an attempt writes.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn begin_attempt(&self, id: CallId, attempt: u32) -> io::Result<PathBuf> {
        sweep(&self.folder(id))?;
        let out = self.out(id, attempt);
        make_folder(&out)?;
        Ok(out)
    }

    /// Takes over the report of an attempt that ended well, and clears its folder away. False if there is no whole
    /// report in it: the worker is not trusted.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn end_attempt(&self, id: CallId, attempt: u32, done: bool) -> io::Result<bool> {
        let (out, folder) = (self.out(id, attempt), self.folder(id));
        let kept = done && is_whole(&out);
        if kept {
            for name in report::FILES {
                File::open(out.join(name))?.sync_all()?;
                fs::rename(out.join(name), folder.join(name))?;
            }
            sync_folder(&folder)?;
        }
        fs::remove_dir_all(&out)?;
        Ok(kept)
    }

    fn out(&self, id: CallId, attempt: u32) -> PathBuf {
        self.folder(id).join(format!("out-{attempt}"))
    }

    /// Removes an incoming folder, as far as that works; the next start sweeps the rest.
    pub(super) fn discard(&self, id: CallId) {
        let _ = fs::remove_dir_all(self.incoming(id));
    }

    /// Makes the folder of an upload.
    pub(super) async fn make_incoming(&self, id: CallId) -> io::Result<PathBuf> {
        let folder = self.incoming(id);
        blocking(move || make_folder(&folder).map(|()| folder)).await
    }
}

/// Every file of a report is there as a plain file, and the JSON is a report.
fn is_whole(out: &Path) -> bool {
    let plain = |name: &str| fs::symlink_metadata(out.join(name)).is_ok_and(|found| found.is_file());
    report::FILES.iter().all(|name| plain(name))
        && fs::read_to_string(out.join("report.json")).is_ok_and(|text| Report::from_json(&text).is_ok())
}

/// Removes what a dead attempt or a half-written record left.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("out-") {
            fs::remove_dir_all(entry.path())?;
        } else if name.starts_with('.') {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn read_record(folder: &Path) -> io::Result<Call> {
    let call: Call = serde_json::from_slice(&fs::read(folder.join("call.json"))?).map_err(io::Error::from)?;
    if folder.file_name().is_some_and(|name| *name == *call.id.to_string()) {
        Ok(call)
    } else {
        Err(io::Error::other("the record names another call"))
    }
}

/// Replaces `call.json` in `folder`: whole, or not at all, and for good.
fn write_record(folder: &Path, call: &Call) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(call)?;
    let mut file = tempfile::Builder::new().prefix(".call-").tempfile_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(folder.join("call.json"))?;
    sync_folder(folder)
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes the names in a folder durable, where the system can.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The record of a recording that was just received.
pub(super) fn fresh(id: CallId, name: String, roles: Option<String>, bytes: u64, sha256: String) -> Call {
    Call {
        id,
        name,
        bytes,
        sha256,
        roles,
        received_at: now(),
        ended_at: None,
        state: State::Queued,
        attempt: 0,
        crashes: 0,
        losses: 0,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_with_call(root: &Path, state: State) -> (Store, Call) {
        let store = Store::open(root).unwrap();
        let id = CallId::generate();
        make_folder(&store.incoming(id)).unwrap();
        fs::write(store.incoming(id).join("audio"), b"sound").unwrap();
        let mut call = fresh(id, "a.wav".into(), None, 5, "00".into());
        call.state = state;
        store.admit(&call).unwrap();
        (store, call)
    }

    #[test]
    fn a_dead_servers_work_is_queued_again_and_its_debris_swept() {
        let dir = tempfile::tempdir().unwrap();
        let (store, call) = store_with_call(dir.path(), State::Running);
        store.begin_attempt(call.id, 1).unwrap();
        fs::write(store.folder(call.id).join(".call-x"), b"half").unwrap();
        make_folder(&store.incoming(CallId::generate())).unwrap();
        drop(store);

        let store = Store::open(dir.path()).unwrap();
        let found = store.recover().unwrap();
        assert_eq!((found[0].state, found[0].losses), (State::Queued, 1));
        assert_eq!(fs::read_dir(dir.path().join("incoming")).unwrap().count(), 0);
        let mut left: Vec<_> = fs::read_dir(store.folder(call.id)).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["audio", "call.json"]);
    }

    #[test]
    fn a_call_that_takes_the_server_down_again_and_again_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut call) = store_with_call(dir.path(), State::Running);
        call.losses = LOSSES_MAX - 1;
        store.save(&call).unwrap();
        assert_eq!(store.recover().unwrap()[0].state, State::Quarantined);
    }

    #[test]
    fn two_servers_never_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = Store::open(dir.path()).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(Error::InUse(_))));
        drop(first);
        assert!(Store::open(dir.path()).is_ok());
    }

    #[test]
    fn a_broken_record_does_not_hide_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let (store, call) = store_with_call(dir.path(), State::Done);
        make_folder(&dir.path().join("calls/broken")).unwrap();
        fs::write(dir.path().join("calls/broken/call.json"), b"{").unwrap();
        assert_eq!(store.recover().unwrap(), [call]);
    }

    #[test]
    fn a_report_that_is_a_link_is_not_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let (store, call) = store_with_call(dir.path(), State::Running);
        let out = store.begin_attempt(call.id, 1).unwrap();
        for name in report::FILES {
            fs::write(out.join(name), b"{}").unwrap();
        }
        assert!(!store.end_attempt(call.id, 1, true).unwrap());
        assert!(!store.report_file(call.id, "report.json").exists() && !out.exists());
    }
}
