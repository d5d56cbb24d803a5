//! The way from a socket to its call's thread. It never makes anybody wait: what does not fit is counted as lost by us.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::domain::ChannelId;

use super::event::Body;
use super::line::Line;
use super::protocol::{Place, Wire};
use super::session::Session;

/// Messages that may wait for a call's thread.
const INBOX: usize = 4_096;

/// And sound in them, per channel. A thread that is so far behind will not catch up.
const INBOX_MS: u64 = 30_000;

/// The sockets' end of the way.
#[derive(Clone)]
pub(super) struct Inbox {
    sender: SyncSender<Input>,
    /// Samples under way, and how many there may be.
    queued: Arc<AtomicU64>,
    room: u64,
}

/// The thread's end of it.
pub(super) struct Inputs {
    receiver: Receiver<Input>,
    queued: Arc<AtomicU64>,
}

impl Inputs {
    /// The next message, once it has come; none while `patience` lasts.
    pub(super) fn wait(&self, patience: Duration) -> Result<Option<Input>, Over> {
        match self.receiver.recv_timeout(patience) {
            Ok(input) => Ok(Some(self.taken(input))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Over),
        }
    }

    /// The next message, if it is there.
    pub(super) fn next(&self) -> Option<Input> {
        self.receiver.try_recv().ok().map(|input| self.taken(input))
    }

    fn taken(&self, input: Input) -> Input {
        self.queued.fetch_sub(input.samples(), Ordering::Relaxed);
        input
    }
}

/// All feeds of the call are gone.
pub(super) struct Over;

impl Inbox {
    /// Both ends, for a call of so many samples a second on so many channels.
    pub(super) fn new(rate_hz: u32, channels: u8) -> (Self, Inputs) {
        let (sender, receiver) = sync_channel(INBOX);
        let queued = Arc::new(AtomicU64::new(0));
        let room = u64::from(rate_hz) * u64::from(channels) * INBOX_MS / 1000;
        (Self { sender, queued: Arc::clone(&queued), room }, Inputs { receiver, queued })
    }

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

pub(super) enum Input {
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
    /// The first socket's end of a call.
    pub(super) fn new(line: Arc<Line>, inbox: Inbox) -> Self {
        Self { line, inbox, shift: 0, missed: [0; 2], came: [0; 2] }
    }

    /// Another end of the same call, for the second socket to [join](Self::joined); it keeps the call open as well.
    pub(super) fn twin(&self) -> Self {
        Self::new(Arc::clone(&self.line), self.inbox.clone())
    }

    /// The second socket's end of the same call, whose sound is channel 1 and begins now.
    pub(super) fn joined(&self) -> Self {
        let _ = self.inbox.send(Input::Join(ChannelId(1)));
        Self { shift: 1, ..self.twin() }
    }

    /// The call.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Sound that came so far, in samples of each channel: a sender that was cut off goes on from here.
    pub fn came(&self) -> u64 {
        self.came[0]
    }

    /// Sound that is under way to the call's thread, in milliseconds of the call.
    pub fn queued_ms(&self) -> u64 {
        let samples = u64::from(self.line.rate_hz) * u64::from(self.line.channels);
        self.inbox.queued.load(Ordering::Relaxed) * 1000 / samples.max(1)
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

    /// Does to the session what the socket said.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn tell(self, session: &mut Session, out: &mut Vec<Body>) -> io::Result<()> {
        match self {
            Self::Audio { channel, place, samples } => session.audio(channel, place, samples, out),
            Self::Missed { channel, samples } => session.missed(channel, samples, out),
            Self::Join(channel) => session.join(channel, out),
            Self::Digit { channel, digit } => {
                session.digit(channel, digit, out);
                Ok(())
            }
            Self::Warn(code) => {
                out.push(Body::Warning { code, text: text_of(code).to_owned() });
                Ok(())
            }
        }
    }
}

/// What a warning of a protocol means to the people in charge.
fn text_of(code: &str) -> &'static str {
    match code {
        "one-track" => {
            "Only one side of the call arrives. Ask the provider for both tracks (track=\"both_tracks\"); until then half of the call is missing."
        }
        "device-gone" => "The sound device gives nothing any more; the call ends here.",
        "device-overrun" => "This machine is too slow for its sound device; some sound is missing.",
        _ => "Something about this stream is unusual.",
    }
}
