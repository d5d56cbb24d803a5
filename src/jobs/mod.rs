//! Accepted calls and the work they still need.
//!
//! An upload becomes a folder on stable storage before anybody is told that it was accepted ([`store`]). Each call
//! is then analysed in a process of its own ([`worker`]), because decoders and the speech model meet bytes from
//! strangers: whatever happens there, this process goes on. [`Jobs`] keeps the order and the counts.

pub mod call;

pub mod store;

pub mod upload;

mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

pub use call::{Call, CallId, Failure, Progress, State};
pub use store::Store;
pub use upload::Upload;

use worker::Ended;

/// A call that lost its worker this often is put aside with the reason.
pub const CRASHES_MAX: u32 = 3;
/// A call that was at work this often while the whole server died is put aside too.
pub const LOSSES_MAX: u32 = 10;

/// How calls are worked on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Calls at once.
    pub workers: usize,
    /// The worker's program and first arguments; `--input FILE --out DIR ...` follow.
    pub command: Vec<OsString>,
    /// Name of the speech model, passed on.
    pub model: String,
    /// Folder of the models, passed on.
    pub models: Option<PathBuf>,
    /// A worker is ended after so many times the length of its call.
    pub time_limit: u32,
    /// But never before this.
    pub time_limit_min: Duration,
    /// Pause before a call is tried again when the machine, not the call, was at fault.
    pub retry_after: Duration,
}

/// The calls, their state and the processes that work on them. Clones share everything.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    store: Store,
    config: Config,
    // std mutex: nothing awaits while holding it.
    desk: Mutex<Desk>,
    wake: Notify,
    stop: watch::Sender<bool>,
    broken: watch::Sender<Option<String>>,
    runners: Mutex<JoinSet<()>>,
}

/// What is on stable storage, mirrored, and what need not be.
#[derive(Default)]
struct Desk {
    calls: BTreeMap<CallId, Call>,
    progress: BTreeMap<CallId, Progress>,
    queue: VecDeque<CallId>,
}

impl Jobs {
    /// Takes up the calls in `store` where the last server left them, and starts to work. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the file system says.
    pub fn start(store: Store, config: Config) -> io::Result<Self> {
        let mut desk = Desk::default();
        for call in store.recover()? {
            if call.state == State::Queued {
                desk.queue.push_back(call.id);
            }
            desk.calls.insert(call.id, call);
        }
        info!(calls = desk.calls.len(), queued = desk.queue.len(), "store opened");
        let workers = config.workers.max(1);
        let jobs = Self(Arc::new(Inner {
            store,
            config,
            desk: Mutex::new(desk),
            wake: Notify::new(),
            stop: watch::Sender::new(false),
            broken: watch::Sender::new(None),
            runners: Mutex::new(JoinSet::new()),
        }));
        let mut runners = jobs.0.runners.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..workers {
            runners.spawn(jobs.clone().runner());
        }
        drop(runners);
        Ok(jobs)
    }

    /// Where the calls lie.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Begins to take in a recording.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn receive(&self) -> io::Result<Upload> {
        Upload::begin(self.0.store.clone()).await
    }

    /// Makes a received recording a call. When this returns, it is on stable storage and queued.
    ///
    /// # Errors
    /// What the file system says. The recording is then gone, and if the storage cannot be trusted any more,
    /// [`broken`](Self::broken) says so.
    pub async fn accept(&self, upload: Upload, name: String, roles: Option<String>) -> io::Result<Call> {
        // A task of its own: a sender who hangs up now must not leave a call that exists on the disk only.
        let admitted = tokio::spawn(self.clone().admit(upload, name, roles));
        admitted.await.unwrap_or_else(|died| Err(io::Error::other(died)))
    }

    async fn admit(self, upload: Upload, name: String, roles: Option<String>) -> io::Result<Call> {
        let call = match upload.finish(name, roles).await {
            Ok(call) => call,
            Err(error) => {
                // A full disk is an answer; any other failure to make data durable ends this process, because
                // a second sync may claim what the first lost.
                if error.kind() != io::ErrorKind::StorageFull {
                    self.give_up(&error);
                }
                return Err(error);
            }
        };
        let mut desk = self.desk();
        desk.calls.insert(call.id, call.clone());
        desk.queue.push_back(call.id);
        drop(desk);
        info!(call = %call.id, bytes = call.bytes, "call accepted");
        self.0.wake.notify_one();
        Ok(call)
    }

    /// A call with how far its work got.
    pub fn get(&self, id: CallId) -> Option<(Call, Option<Progress>)> {
        let desk = self.desk();
        desk.calls.get(&id).map(|call| (call.clone(), desk.progress.get(&id).copied()))
    }

    /// Up to `limit` calls, newest first, that came before the call `before` and are in `state`.
    pub fn list(&self, limit: usize, before: Option<CallId>, state: Option<State>) -> Vec<(Call, Option<Progress>)> {
        let desk = self.desk();
        let newest = desk.calls.values().rev();
        newest
            .filter(|call| before.is_none_or(|before| call.id < before))
            .filter(|call| state.is_none_or(|state| call.state == state))
            .take(limit)
            .map(|call| (call.clone(), desk.progress.get(&call.id).copied()))
            .collect()
    }

    /// Calls that wait and calls at work.
    pub fn load(&self) -> (usize, usize) {
        let desk = self.desk();
        (desk.queue.len(), desk.progress.len())
    }

    /// Resolves with the reason when the storage failed and this process should end.
    pub async fn broken(&self) -> String {
        let mut broken = self.0.broken.subscribe();
        let reason = broken.wait_for(Option::is_some).await.map(|reason| reason.clone().unwrap_or_default());
        reason.unwrap_or_default()
    }

    /// Ends the workers, puts their calls back in the queue, and returns when that is on stable storage.
    pub async fn stop(&self) {
        self.0.stop.send_replace(true);
        let mut runners = std::mem::take(&mut *self.0.runners.lock().unwrap_or_else(PoisonError::into_inner));
        while runners.join_next().await.is_some() {}
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self, cause: &io::Error) {
        error!(%cause, "storage failed; stopping");
        self.0.broken.send_replace(Some(format!("cannot write to the data folder: {cause}; check the disk")));
    }

    /// One call after the other until asked to stop.
    async fn runner(self) {
        let mut stop = self.0.stop.subscribe();
        loop {
            let waiting = self.0.wake.notified();
            let next = self.desk().queue.pop_front();
            let Some(id) = next else {
                tokio::select! {
                    () = waiting => continue,
                    _ = stop.wait_for(|asked| *asked) => return,
                }
            };
            if *stop.borrow() {
                return;
            }
            // Someone else may sleep although more than one call waits.
            self.0.wake.notify_one();
            match self.work(id).await {
                Ok(()) => {}
                Err(cause) if cause.kind() == io::ErrorKind::StorageFull => {
                    warn!(call = %id, "disk is full; trying again later");
                    self.put_back(id, Failure::new("insufficient-storage", "the disk is full; make room"));
                    self.pause().await;
                }
                Err(cause) => {
                    self.give_up(&cause);
                    return;
                }
            }
        }
    }

    /// Analyses one call, whatever becomes of it.
    async fn work(&self, id: CallId) -> io::Result<()> {
        // The attempt is counted before it starts: whatever dies now has been counted.
        let call = self.change(id, |call| {
            call.state = State::Running;
            call.attempt += 1;
        });
        let call = call.await?;
        self.desk().progress.insert(id, Progress::default());
        info!(call = %id, attempt = call.attempt, "call started");
        let ended = self.attempt(&call).await;
        self.desk().progress.remove(&id);
        match ended? {
            Ended::Done => {
                info!(call = %id, "call done");
                self.change(id, |call| call.end(State::Done, None)).await?;
            }
            Ended::Failed(failure) => {
                warn!(call = %id, code = failure.code, "call failed");
                self.change(id, |call| call.end(State::Failed, Some(failure))).await?;
            }
            Ended::Crashed(mut failure) => {
                warn!(call = %id, code = failure.code, crashes = call.crashes + 1, "worker crashed");
                let call = self.change(id, |call| {
                    call.crashes += 1;
                    if call.crashes >= CRASHES_MAX {
                        failure.detail +=
                            "; it was put aside after three tries, convert the recording to WAV and send it again";
                        call.end(State::Quarantined, Some(failure));
                    } else {
                        call.state = State::Queued;
                    }
                });
                if call.await?.state == State::Queued {
                    self.desk().queue.push_back(id);
                    self.0.wake.notify_one();
                }
            }
            Ended::Stopped => {
                info!(call = %id, "call put back");
                self.change(id, |call| call.state = State::Queued).await?;
            }
            Ended::Unable(failure) => {
                warn!(call = %id, code = failure.code, "cannot work now");
                self.change(id, |call| {
                    call.state = State::Queued;
                    call.error = Some(failure);
                })
                .await?;
                self.desk().queue.push_front(id);
                self.pause().await;
            }
        }
        Ok(())
    }

    /// Puts a call back in the queue without writing it down: the next start does the same.
    fn put_back(&self, id: CallId, reason: Failure) {
        let mut desk = self.desk();
        if let Some(call) = desk.calls.get_mut(&id) {
            call.state = State::Queued;
            call.error = Some(reason);
        }
        desk.progress.remove(&id);
        desk.queue.push_front(id);
    }

    /// Waits before this machine is tried again, or until asked to stop.
    async fn pause(&self) {
        let mut stop = self.0.stop.subscribe();
        let _ = tokio::time::timeout(self.0.config.retry_after, stop.wait_for(|asked| *asked)).await;
    }

    /// One run of the worker, in a folder of its own, so that a worker that outlived its server cannot mix its
    /// late result with ours.
    async fn attempt(&self, call: &Call) -> io::Result<Ended> {
        let (store, id, attempt) = (self.0.store.clone(), call.id, call.attempt);
        let out = blocking(move || store.begin_attempt(id, attempt)).await?;
        let mut stop = self.0.stop.subscribe();
        let note = |progress| {
            self.desk().progress.insert(id, progress);
        };
        let stopped = async {
            let _ = stop.wait_for(|asked| *asked).await;
        };
        let ended = worker::run(&self.0.config, call, &self.0.store.audio(id), &out, note, stopped).await;
        let store = self.0.store.clone();
        let done = matches!(ended, Ended::Done);
        let kept = blocking(move || store.end_attempt(id, attempt, done)).await?;
        Ok(match ended {
            Ended::Done if !kept => Ended::Crashed(Failure::new(
                "internal",
                "the worker claimed to be done and left no valid report; run `runaround doctor`",
            )),
            ended => ended,
        })
    }

    /// Changes a call on stable storage, then here.
    async fn change(&self, id: CallId, change: impl FnOnce(&mut Call)) -> io::Result<Call> {
        let mut call = self.desk().calls.get(&id).cloned().expect("a call is never removed");
        call.error = None;
        change(&mut call);
        let (store, copy) = (self.0.store.clone(), call.clone());
        blocking(move || store.save(&copy)).await?;
        self.desk().calls.insert(id, call.clone());
        Ok(call)
    }
}

/// Runs file work where it may wait for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|died| Err(io::Error::other(died)))
}

/// Bytes that may still be written to the file system of `folder`.
///
/// # Errors
/// What the file system says.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(u64::MAX)
    }
}
