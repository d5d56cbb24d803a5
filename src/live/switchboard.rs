//! All live calls of this server: who may begin, one thread for each, and what becomes of their recordings.
//!
//! A call has a seat or is refused; nobody is slowed down for a newcomer. Sockets push sound into a bounded inbox and never
//! wait; what does not fit is counted as lost by us. When a call ends, its recording becomes an ordinary call of the batch
//! service under the same id, and after a crash the next start does the same with what was left.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::access::{Actor, Teams};
use crate::detect::playbook::Playbook;
use crate::domain::{ChannelId, Role};
use crate::jobs::{self, CallId, Jobs, Recording};
use crate::store::calls::Accepted;
use crate::store::{self, EVERYONE, commit, outbox};

use super::bus::Bus;
use super::card::Card;
use super::event::Body;
use super::nudge::Nudge;
use super::protocol::{Facts, Hello, Place, Wire};
use super::recording;
use super::session::{self, Engine, Session};

/// Messages that may wait for a call's thread.
const INBOX: usize = 4_096;

/// And sound in them, per channel. A thread that is so far behind will not catch up.
const INBOX_MS: u64 = 30_000;

/// How often a thread looks at its transcribers while no sound comes.
const LOOK: Duration = Duration::from_millis(20);

/// Sound that waits for somebody who listens in, in pieces.
const LISTENING: usize = 256;

/// How long the last words are waited for when a call ends, and when the server does.
const FAREWELL: Duration = Duration::from_secs(10);
const HURRIED_FAREWELL: Duration = Duration::from_secs(1);

/// How often the playbook in force and the teams are looked for.
const LOOK_ROUND: Duration = Duration::from_secs(5);

/// A call whose sender's connection broke is held open for so long.
const HELD: Duration = Duration::from_secs(15);

/// How long a sender that is back waits until its old connection has let go, in steps.
const LET_GO: Duration = Duration::from_millis(20);
const LET_GO_STEPS: usize = 100;

/// What this server can take.
#[derive(Clone, Debug)]
pub struct Config {
    /// Calls at once.
    pub capacity: usize,
    /// Longest call.
    pub call_max_ms: u64,
    /// Bytes that stay free on the disk.
    pub disk_reserve: u64,
    /// How calls are treated.
    pub session: session::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self { capacity: 8, call_max_ms: 4 * 3_600_000, disk_reserve: 1 << 30, session: session::Config::default() }
    }
}

/// Why a call was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// All seats are taken.
    #[error("{0} calls run already, which is what this server can take; send the call to another one or try later")]
    Full(usize),
    /// The server is about to stop.
    #[error("the server is stopping; try again in a minute")]
    Stopping,
    /// The disk is nearly full.
    #[error("the disk is nearly full; make room")]
    DiskFull,
    /// The other side of this call has another rate.
    #[error("both sides of a call need the same sample rate")]
    OtherRate,
    /// There is nothing to take up again.
    #[error("no running call of yours has this id; begin a new one")]
    Gone,
    /// The recording cannot be written.
    #[error("the recording cannot be written: {0}")]
    Disk(#[from] io::Error),
}

/// The right to begin a call.
#[derive(Debug)]
pub struct Seat {
    _permit: OwnedSemaphorePermit,
}

/// All live calls. Clones share everything.
#[derive(Clone)]
pub struct Switchboard(Arc<Inner>);

impl std::fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Switchboard").field("capacity", &self.0.config.capacity).finish_non_exhaustive()
    }
}

struct Inner {
    engine: Arc<Engine>,
    config: Config,
    jobs: Jobs,
    root: PathBuf,
    seats: Arc<Semaphore>,
    bus: Bus,
    // std mutexes: nothing awaits while holding them.
    lines: Mutex<BTreeMap<CallId, Arc<Line>>>,
    pairs: Mutex<HashMap<Uuid, Half>>,
    /// Ends of calls whose connection broke, and until when they are held.
    held: Mutex<HashMap<CallId, (Feed, Instant)>>,
    /// Ids of teams by name, in small letters.
    teams: Mutex<BTreeMap<String, String>>,
    stopping: watch::Sender<bool>,
    runtime: tokio::runtime::Handle,
}

/// A running call, as others see it.
#[derive(Debug)]
pub struct Line {
    /// Its name.
    pub id: CallId,
    /// Id of its team.
    pub team: String,
    /// Samples a second.
    pub rate_hz: u32,
    /// One or two.
    pub channels: u8,
    card: Mutex<Card>,
    sound: broadcast::Sender<Arc<Vec<i16>>>,
    /// Who may take it up again, if its protocol can.
    owner: OnceLock<String>,
    /// Rings when its owner is back on another connection.
    replaced: Notify,
}

impl Line {
    /// As it stands on the wall.
    pub fn card(&self) -> Card {
        lock(&self.card).clone()
    }

    /// Its sound from now on: 16 bits, channels interleaved. Who is too slow misses some.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Vec<i16>>> {
        self.sound.subscribe()
    }

    /// From now on the one with this id may take the call up again when the connection breaks.
    pub fn belongs_to(&self, owner: &str) {
        self.owner.get_or_init(|| owner.to_owned());
    }

    /// Resolves when the sender is back on another connection: this one is to be [held](Switchboard::hold).
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }

    fn is_of(&self, owner: &str) -> bool {
        self.owner.get().is_some_and(|known| known == owner)
    }
}

/// The first side of a call that comes over two sockets.
struct Half {
    line: Arc<Line>,
    inbox: Inbox,
}

/// The way to a call's thread. It never makes anybody wait.
#[derive(Clone)]
struct Inbox {
    sender: SyncSender<Input>,
    /// Samples under way, and how many there may be.
    queued: Arc<AtomicU64>,
    room: u64,
}

impl Inbox {
    fn send(&self, input: Input) -> Result<(), Unsent> {
        let samples = input.samples();
        if samples > 0 && self.queued.load(Ordering::Relaxed) + samples > self.room {
            return Err(Unsent::Full);
        }
        self.queued.fetch_add(samples, Ordering::Relaxed);
        self.sender.try_send(input).map_err(|unsent| {
            self.queued.fetch_sub(samples, Ordering::Relaxed);
            match unsent {
                TrySendError::Full(_) => Unsent::Full,
                TrySendError::Disconnected(_) => Unsent::Over,
            }
        })
    }
}

/// Why a message did not reach its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsent {
    Full,
    Over,
}

enum Input {
    Audio { channel: ChannelId, place: Place, samples: Vec<i16> },
    Missed { channel: ChannelId, samples: u64 },
    Join(ChannelId),
    Digit { channel: ChannelId, digit: char },
    Warn(&'static str),
}

/// A socket's end of a call. The call is over when all its feeds are gone.
pub struct Feed {
    line: Arc<Line>,
    inbox: Inbox,
    /// Added to the channels of the socket: the second side of a pair is channel 1.
    shift: u8,
    /// Sound that did not fit, per channel.
    missed: [u64; 2],
    /// Sound that came, per channel, whether it fitted or not.
    came: [u64; 2],
}

impl Feed {
    /// The call.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Sound that came so far, in samples of each channel: a sender that was cut off goes on from here.
    pub fn came(&self) -> u64 {
        self.came[0]
    }

    /// Passes on what the socket said. False once the call is over.
    pub fn take(&mut self, wire: Wire) -> bool {
        let input = match wire {
            Wire::Audio { channel, place, samples } => {
                return self.sound(ChannelId(channel.0 + self.shift), place, samples);
            }
            Wire::Digit { channel, digit } => Input::Digit { channel: ChannelId(channel.0 + self.shift), digit },
            Wire::Warn(code) => Input::Warn(code),
            Wire::Pair(_) | Wire::Begin(_) | Wire::Resume { .. } => return true,
            Wire::End => return false,
        };
        self.inbox.send(input) != Err(Unsent::Over)
    }

    fn sound(&mut self, channel: ChannelId, place: Place, samples: Vec<i16>) -> bool {
        let Some(missed) = self.missed.get_mut(usize::from(channel.0)) else { return true };
        if *missed > 0 {
            match self.inbox.send(Input::Missed { channel, samples: *missed }) {
                Ok(()) => *missed = 0,
                Err(Unsent::Full) => {}
                Err(Unsent::Over) => return false,
            }
        }
        let length = samples.len() as u64;
        let came = &mut self.came[usize::from(channel.0)];
        *came = if let Place::At(at) = place { at } else { *came }.saturating_add(length);
        let sent = match *missed {
            0 => self.inbox.send(Input::Audio { channel, place, samples }),
            // Nothing may overtake the news of what is missing.
            _ => Err(Unsent::Full),
        };
        // What has its own place on the axis leaves a gap there by itself.
        if sent == Err(Unsent::Full) && place == Place::Next {
            *missed += length;
        }
        sent != Err(Unsent::Over)
    }
}

impl Input {
    fn samples(&self) -> u64 {
        match self {
            Self::Audio { samples, .. } => samples.len() as u64,
            _ => 0,
        }
    }
}

/// What lies beside a recording until it is handed over.
#[derive(Serialize, Deserialize)]
struct Record {
    roles: Option<Vec<Role>>,
    facts: Facts,
    /// Milliseconds since 1970.
    started_at: i64,
}

impl Switchboard {
    /// Opens the doors, and hands over what an earlier server left. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the file system says.
    pub fn start(engine: Engine, config: Config, jobs: Jobs) -> io::Result<Self> {
        let root = jobs.store().root().join("live");
        std::fs::create_dir_all(&root)?;
        let board = Self(Arc::new(Inner {
            engine: Arc::new(engine),
            seats: Arc::new(Semaphore::new(config.capacity)),
            config,
            jobs,
            root,
            bus: Bus::default(),
            lines: Mutex::default(),
            pairs: Mutex::default(),
            held: Mutex::default(),
            teams: Mutex::default(),
            stopping: watch::Sender::new(false),
            runtime: tokio::runtime::Handle::current(),
        }));
        let left = std::fs::read_dir(&board.0.root)?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut left: Vec<CallId> = left.collect();
        left.sort();
        tokio::spawn(board.clone().look_round());
        let recovering = board.clone();
        tokio::spawn(async move {
            for id in left {
                match recovering.hand_over(id).await {
                    Ok(()) => info!(call = %id, "live call of an earlier server handed over"),
                    Err(cause) => error!(call = %id, %cause, "live call of an earlier server cannot be handed over"),
                }
            }
        });
        Ok(board)
    }

    /// Calls this server can take.
    pub fn capacity(&self) -> usize {
        self.0.config.capacity
    }

    /// Where events come from.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// The running calls, oldest first.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.0.lines).values().cloned().collect()
    }

    /// A running call.
    pub fn line(&self, id: CallId) -> Option<Arc<Line>> {
        lock(&self.0.lines).get(&id).cloned()
    }

    /// Resolves when the server is about to stop.
    pub async fn stopping(&self) {
        let mut stopping = self.0.stopping.subscribe();
        let _ = stopping.wait_for(|asked| *asked).await;
    }

    /// A seat for one call.
    ///
    /// # Errors
    /// All taken, stopping, or no room on the disk.
    pub fn seat(&self) -> Result<Seat, Refused> {
        if *self.0.stopping.borrow() {
            return Err(Refused::Stopping);
        }
        if jobs::free_bytes(&self.0.root).is_ok_and(|free| free < self.0.config.disk_reserve) {
            return Err(Refused::DiskFull);
        }
        let seat = Arc::clone(&self.0.seats).try_acquire_owned();
        seat.map(|permit| Seat { _permit: permit }).map_err(|_| Refused::Full(self.0.config.capacity))
    }

    /// Begins a call.
    ///
    /// # Errors
    /// The recording cannot be written.
    pub fn begin(&self, seat: Seat, protocol: &'static str, hello: Hello) -> Result<Feed, Refused> {
        let id = CallId::generate();
        let folder = self.0.root.join(id.to_string());
        std::fs::create_dir_all(&folder)?;
        let record = Record { roles: hello.roles.clone(), facts: hello.facts.clone(), started_at: store::now_ms() };
        std::fs::write(folder.join("call.json"), serde_json::to_vec(&record).map_err(io::Error::from)?)?;
        let roles = hello.roles.clone().unwrap_or_else(|| vec![Role::Mixed; usize::from(hello.channels)]);
        let session = Session::begin(
            Arc::clone(&self.0.engine),
            self.0.config.session.clone(),
            &hello,
            key_of(id),
            &folder.join("audio.wav"),
        )?;
        let line = Arc::new(Line {
            id,
            team: self.team(hello.facts.team.as_deref()),
            rate_hz: hello.rate_hz,
            channels: hello.channels,
            card: Mutex::new(Card::new(id.to_string(), protocol, roles.clone(), hello.facts.clone())),
            sound: broadcast::Sender::new(LISTENING),
            owner: OnceLock::new(),
            replaced: Notify::new(),
        });
        let (sender, inputs) = sync_channel(INBOX);
        let queued = Arc::new(AtomicU64::new(0));
        let room = u64::from(hello.rate_hz) * u64::from(hello.channels) * INBOX_MS / 1000;
        let inbox = Inbox { sender, queued: Arc::clone(&queued), room };
        lock(&self.0.lines).insert(id, Arc::clone(&line));
        info!(call = %id, protocol, rate = hello.rate_hz, "live call began");
        self.tell(&line, 0, Body::Started { protocol, rate_hz: hello.rate_hz, roles, facts: hello.facts });
        let (board, running) = (self.clone(), Arc::clone(&line));
        let run = move || board.run(session, &inputs, &queued, running, seat);
        let started = std::thread::Builder::new().name("live-call".to_owned()).spawn(run);
        if let Err(cause) = started {
            lock(&self.0.lines).remove(&id);
            return Err(cause.into());
        }
        Ok(Feed { line, inbox, shift: 0, missed: [0; 2], came: [0; 2] })
    }

    /// Begins one side of a call that comes over two sockets with the same name: the first to come is the caller, unless
    /// `hello` says otherwise. Only the first one needs a seat.
    ///
    /// # Errors
    /// As [`Switchboard::seat`] and [`Switchboard::begin`]; the sides must have the same rate.
    pub fn begin_side(&self, pair: Uuid, protocol: &'static str, hello: Hello) -> Result<Feed, Refused> {
        let mut pairs = lock(&self.0.pairs);
        pairs.retain(|_, half| lock(&self.0.lines).contains_key(&half.line.id));
        if let Some(half) = pairs.get(&pair) {
            if half.line.rate_hz != hello.rate_hz {
                return Err(Refused::OtherRate);
            }
            let feed = Feed {
                line: Arc::clone(&half.line),
                inbox: half.inbox.clone(),
                shift: 1,
                missed: [0; 2],
                came: [0; 2],
            };
            // Nobody holds the call open any more but its two sockets.
            pairs.remove(&pair);
            let _ = feed.inbox.send(Input::Join(ChannelId(1)));
            return Ok(feed);
        }
        let roles = hello.roles.or_else(|| Some(vec![Role::Caller, Role::Agent]));
        let mut facts = hello.facts;
        facts.external_id.get_or_insert_with(|| pair.to_string());
        let feed = self.begin(self.seat()?, protocol, Hello { channels: 2, roles, facts, ..hello })?;
        let half = Half { line: Arc::clone(&feed.line), inbox: feed.inbox.clone() };
        pairs.insert(pair, half);
        Ok(feed)
    }

    /// The first side of a pair is gone: if the second never came, the call is over.
    pub fn end_side(&self, pair: Uuid) {
        lock(&self.0.pairs).remove(&pair);
    }

    /// Keeps a call open whose connection broke, until its sender is back or gives up.
    pub fn hold(&self, feed: Feed) {
        let (id, until) = (feed.line.id, Instant::now() + HELD);
        lock(&self.0.held).insert(id, (feed, until));
        let board = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(HELD).await;
            let mut held = lock(&board.0.held);
            // It may have been taken up and have broken again meanwhile.
            if held.get(&id).is_some_and(|(_, until)| *until <= Instant::now()) {
                held.remove(&id);
            }
        });
    }

    /// Whether a call of `owner` runs: it may be back to take it up, which needs no seat.
    pub fn knows(&self, owner: &str) -> bool {
        lock(&self.0.lines).values().any(|line| line.is_of(owner))
    }

    /// Takes a call up again. An old connection that has not noticed yet that it is broken is made to let go.
    ///
    /// # Errors
    /// It is over, somebody else's, or had another rate or other channels.
    pub async fn resume(&self, id: CallId, owner: &str, rate_hz: u32, channels: u8) -> Result<Feed, Refused> {
        let line = self.line(id).filter(|line| line.is_of(owner)).ok_or(Refused::Gone)?;
        if (line.rate_hz, line.channels) != (rate_hz, channels) {
            return Err(Refused::OtherRate);
        }
        for _ in 0..LET_GO_STEPS {
            if let Some((feed, _)) = lock(&self.0.held).remove(&id) {
                info!(call = %id, from = feed.came(), "live call taken up again");
                return Ok(feed);
            }
            line.replaced.notify_waiters();
            tokio::time::sleep(LET_GO).await;
        }
        Err(Refused::Gone)
    }

    /// Ends all calls and hands their recordings over; returns when that is done, or at the deadline.
    pub async fn stop(&self, deadline: Duration) {
        self.0.stopping.send_replace(true);
        let until = tokio::time::Instant::now() + deadline;
        while !lock(&self.0.lines).is_empty() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn tell(&self, line: &Line, heard_ms: u64, body: Body) {
        if let Body::Nudge(nudge) = &body {
            self.0.runtime.spawn(self.clone().send_nudge(line.id, line.team.clone(), heard_ms, nudge.clone()));
        }
        lock(&line.card).follow(heard_ms, &body);
        self.0.bus.publish(&line.id.to_string(), &line.team, heard_ms, body);
    }

    /// Puts a nudge into the outbox of the webhooks. What was said stays here; who needs it asks with the call's id.
    async fn send_nudge(self, id: CallId, team: String, heard_ms: u64, nudge: Nudge) {
        let told = serde_json::json!({
            "kind": nudge.kind, "at_ms": heard_ms, "start_ms": nudge.words.start_ms, "end_ms": nudge.words.end_ms,
        });
        let sent = async {
            let mut change = self.0.jobs.store().change().await?;
            outbox::emit(&mut change, &team, "live.nudge", &id.to_string(), told).await?;
            commit(change).await
        };
        if let Err(cause) = sent.await {
            warn!(call = %id, %cause, "a nudge cannot be put into the outbox");
        }
    }

    /// Id of the team that a sender means; a call that names none, or none of ours, is everybody's.
    fn team(&self, name: Option<&str>) -> String {
        let known = name.and_then(|name| lock(&self.0.teams).get(&name.to_lowercase()).cloned());
        known.unwrap_or_else(|| EVERYONE.to_owned())
    }

    /// The thread of one call.
    fn run(&self, mut session: Session, inputs: &Receiver<Input>, queued: &AtomicU64, line: Arc<Line>, seat: Seat) {
        let _leave = Leave { board: self, id: line.id };
        let mut told = Vec::new();
        let mut failed = None;
        loop {
            let mut next = match inputs.recv_timeout(LOOK) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            while let Some(input) = next {
                queued.fetch_sub(input.samples(), Ordering::Relaxed);
                if let Err(cause) = take(&mut session, input, &mut told) {
                    failed = Some(cause);
                    break;
                }
                next = if told.is_empty() { inputs.try_recv().ok() } else { None };
            }
            session.poll(&mut told);
            let heard_ms = session.heard().ms();
            for body in told.drain(..) {
                self.tell(&line, heard_ms, body);
            }
            let sound = session.take_fresh();
            if !sound.is_empty() {
                lock(&line.card).heard_ms = heard_ms;
                if line.sound.receiver_count() > 0 {
                    // Nobody there any more is fine.
                    let _ = line.sound.send(Arc::new(sound));
                }
            }
            if failed.is_some() || *self.0.stopping.borrow() || heard_ms > self.0.config.call_max_ms {
                break;
            }
        }
        if let Some(cause) = failed {
            error!(call = %line.id, %cause, "live recording cannot be written; the call ends here");
            told.push(Body::Warning {
                code: "recording-failed",
                text: "The recording cannot be written; the call was ended.".into(),
            });
        }
        let heard_ms = session.heard().ms();
        let farewell = if *self.0.stopping.borrow() { HURRIED_FAREWELL } else { FAREWELL };
        let ended = session.finish(farewell, &mut told);
        for body in told {
            self.tell(&line, heard_ms, body);
        }
        // The seat is free before the report is under way: that work has its own queue.
        drop(seat);
        let accepted = self.0.runtime.block_on(self.hand_over(line.id));
        if let Err(cause) = &accepted {
            warn!(call = %line.id, %cause, "live recording was not handed over; the next start tries again");
        }
        let sum = ended.unwrap_or_default();
        info!(call = %line.id, ms = sum.duration_ms, lost_ms = sum.lost_ms, skipped = sum.skipped, "live call ended");
        let body = Body::Ended {
            duration_ms: sum.duration_ms,
            lost_ms: sum.lost_ms,
            late_ms: sum.late_ms,
            skipped: sum.skipped,
            accepted: accepted.is_ok(),
        };
        self.tell(&line, heard_ms, body);
    }

    /// Makes the recording of a call that is over an accepted call of the batch service, under the same id.
    async fn hand_over(&self, id: CallId) -> io::Result<()> {
        let folder = self.0.root.join(id.to_string());
        let jobs = &self.0.jobs;
        // A server that died between accepting and clearing up has done its work.
        if jobs.store().call(id).await.map_err(io::Error::other)?.is_none() {
            let record = tokio::fs::read(folder.join("call.json")).await?;
            let record: Record = serde_json::from_slice(&record).map_err(io::Error::from)?;
            let audio = folder.join("audio.wav");
            let mending = audio.clone();
            let mended = tokio::task::spawn_blocking(move || recording::repair(&mending)).await;
            if mended.map_err(io::Error::other)??.is_some() {
                accept(jobs, id, &audio, record).await?;
            }
        }
        tokio::fs::remove_dir_all(&folder).await
    }

    /// Keeps up with the playbook in force and the teams.
    async fn look_round(self) {
        let mut known = None;
        loop {
            match self.0.jobs.store().playbook_in_force().await {
                Ok(Some((id, text))) if known.as_ref() != Some(&id) => {
                    match Playbook::parse("playbook.toml", &text) {
                        Ok(playbook) => *lock(&self.0.engine.playbook) = Some(Arc::new(playbook)),
                        Err(_) => warn!(playbook = id, "this playbook was made for another version; calls go without"),
                    }
                    known = Some(id);
                }
                Ok(_) => {}
                Err(cause) => warn!(%cause, "cannot look for the playbook"),
            }
            match self.0.jobs.store().teams(&Teams::All).await {
                Ok(teams) => {
                    let by_name = teams.into_iter().map(|team| (team.name.to_lowercase(), team.id));
                    *lock(&self.0.teams) = by_name.collect();
                }
                Err(cause) => warn!(%cause, "cannot look for the teams"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_ROUND) => {}
                () = self.stopping() => return,
            }
        }
    }
}

/// The one place that knows how the batch service takes a recording in. It gets a second name for the file: until the
/// call is accepted, the first one stays for the next start.
async fn accept(jobs: &Jobs, id: CallId, audio: &Path, record: Record) -> io::Result<()> {
    let facts = record.facts;
    let roles = record.roles.filter(|roles| roles.iter().all(|role| *role != Role::Mixed));
    let mut facts = store::facts::Facts {
        name: facts.name.or_else(|| facts.external_id.clone()).or_else(|| Some("live call".to_owned())),
        roles: roles.map(|roles| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")),
        external_id: facts.external_id,
        agent: facts.agent,
        team: facts.team,
        queue: facts.queue,
        caller_ref: facts.caller_ref,
        started_at: Some(record.started_at),
        direction: None,
        tags: vec!["live".to_owned()],
        language: facts.language,
    };
    let actor = Actor { id: "live".to_owned(), name: "live calls".to_owned(), ..Actor::anyone() };
    // At most: as it is, without a team that is not there, without a name that is taken.
    for _ in 0..3 {
        let given = audio.with_file_name("handed-over.wav");
        let (from, to) = (audio.to_owned(), given);
        let recording = tokio::task::spawn_blocking(move || {
            let _ = std::fs::remove_file(&to);
            std::fs::hard_link(&from, &to)?;
            Recording::of_file(to)
        });
        let recording = recording.await.map_err(io::Error::other)??.named(id);
        match jobs.accept(recording, facts.clone(), &actor, None).await.map_err(io::Error::other)? {
            Accepted::NoSuchTeam => {
                warn!(call = %id, "the team of this live call does not exist; it goes to the first one");
                facts.team = None;
            }
            Accepted::Duplicate { .. } => facts.external_id = None,
            _ => return Ok(()),
        }
    }
    Err(io::Error::other("the call was not accepted"))
}

fn take(session: &mut Session, input: Input, out: &mut Vec<Body>) -> io::Result<()> {
    match input {
        Input::Audio { channel, place, samples } => session.audio(channel, place, samples, out),
        Input::Missed { channel, samples } => session.missed(channel, samples, out),
        Input::Join(channel) => session.join(channel, out),
        Input::Digit { channel, digit } => {
            session.digit(channel, digit, out);
            Ok(())
        }
        Input::Warn(code) => {
            out.push(Body::Warning { code, text: text_of(code).to_owned() });
            Ok(())
        }
    }
}

/// What a warning of a protocol means to the people in charge.
fn text_of(code: &str) -> &'static str {
    match code {
        "one-track" => {
            "Only one side of the call arrives. Ask the provider for both tracks (track=\"both_tracks\"); until then half of the call is missing."
        }
        _ => "Something about this stream is unusual.",
    }
}

/// Whatever ends the thread, the call leaves the wall.
struct Leave<'b> {
    board: &'b Switchboard,
    id: CallId,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        lock(&self.board.0.lines).remove(&self.id);
    }
}

/// Calls take turns by this; equal keys would only share a turn.
fn key_of(id: CallId) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
