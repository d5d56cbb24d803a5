//! The first reading of a recording: every channel by itself, and the channels against each other.

use super::dtmf::Key;
use super::echo::{Correlator, History, PIECE_MS, Pair};
use super::lane::Lane;
use super::{ChannelSurvey, Config, FRAME_MS, Survey, layout};
use crate::domain::{CallTime, ChannelId, Layout, TimeSpan};

/// A key on another channel is an echo if it is weaker by this much.
const ECHOED_KEY_DB: f32 = 6.0;

/// Listens to a recording from beginning to end.
pub struct Surveyor {
    rate_hz: u32,
    lanes: Vec<Lane>,
    histories: Vec<History>,
    correlator: Correlator,
    /// Every two channels, the lower number first.
    pairs: Vec<((usize, usize), Pair)>,
    /// Pieces compared so far.
    pieces: u64,
}

impl Surveyor {
    /// For a recording of `channels` channels with `rate_hz` samples a second each.
    pub fn new(rate_hz: u32, channels: u8, config: &Config) -> Self {
        let n = usize::from(channels);
        let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| ((a, b), Pair::default()))).collect();
        Self {
            rate_hz,
            lanes: (0..channels).map(|c| Lane::new(ChannelId(c), rate_hz, config)).collect(),
            histories: vec![History::default(); n],
            correlator: Correlator::default(),
            pairs,
            pieces: 0,
        }
    }

    /// Takes the next samples: `block[c]` for channel `c`, all equally long, finite; any length, none included.
    /// Channels that are missing from a block are silent for its length, and channels beyond those announced
    /// are ignored.
    pub fn push(&mut self, block: &[Vec<f32>]) {
        let len = block.iter().map(Vec::len).max().unwrap_or(0);
        // An echo must be found while its frames still wait, so a long block is taken in steps of 100 ms.
        let step = (self.rate_hz as usize / 10).max(1);
        for from in (0..len).step_by(step) {
            let to = (from + step).min(len);
            for (c, lane) in self.lanes.iter_mut().enumerate() {
                let samples =
                    block.get(c).map_or(&[][..], |channel| &channel[from.min(channel.len())..to.min(channel.len())]);
                lane.push(samples);
                if samples.len() < to - from {
                    lane.push(&vec![0.0; to - from - samples.len()]);
                }
            }
            self.compare();
        }
    }

    /// Takes the speech of every channel that has closed since the last time; for live calls.
    pub fn take_speech(&mut self) -> Vec<(ChannelId, TimeSpan)> {
        let lanes = self.lanes.iter_mut().enumerate();
        lanes.flat_map(|(c, lane)| lane.take_speech().into_iter().map(move |s| (ChannelId(c as u8), s))).collect()
    }

    /// No speech that is still to come begins before this.
    pub fn settled_until(&self) -> CallTime {
        self.lanes.iter().map(Lane::settled_until).min().unwrap_or_default()
    }

    /// Says what was heard.
    pub fn finish(mut self) -> Survey {
        self.lanes.iter_mut().for_each(Lane::finish);
        let samples = self.lanes.first().map_or(0, Lane::samples);
        let keys: Vec<Vec<Key>> = self.lanes.iter().map(|lane| lane.keys().to_vec()).collect();
        let mut channels: Vec<ChannelSurvey> = self.lanes.into_iter().map(Lane::survey).collect();
        let dead: Vec<bool> = channels.iter().map(|c| c.dead).collect();
        let copies = copies(&dead, &self.pairs);
        let layout = layout::decide(&dead, &copies.iter().map(Option::is_some).collect::<Vec<_>>());
        drop_echoed_keys(&mut channels, &keys);
        if layout == Layout::DualMono {
            keep_one(&mut channels, &copies);
        }
        Survey { duration_ms: CallTime::from_frames(samples, self.rate_hz).ms(), layout, channels }
    }

    fn compare(&mut self) {
        if self.pairs.is_empty() {
            return;
        }
        for (lane, history) in self.lanes.iter().zip(&mut self.histories) {
            history.push(lane.fresh());
        }
        while self.histories.iter().all(History::is_ready) {
            let pieces: Vec<_> = self.histories.iter().map(|h| self.correlator.piece(h)).collect();
            let frames_per_piece = PIECE_MS / FRAME_MS;
            let frames = self.pieces * frames_per_piece..(self.pieces + 1) * frames_per_piece;
            for ((a, b), pair) in &mut self.pairs {
                let echo = pair.push(&self.correlator, [&pieces[*a], &pieces[*b]]);
                for (channel, echo) in [*a, *b].into_iter().zip(echo) {
                    if echo {
                        self.lanes[channel].mark_echo(frames.clone());
                    }
                }
            }
            self.histories.iter_mut().for_each(History::advance);
            self.pieces += 1;
        }
    }
}

/// For each channel: if it is a copy of the first living one, by how many dB it is louder.
fn copies(dead: &[bool], pairs: &[((usize, usize), Pair)]) -> Vec<Option<i32>> {
    let mut copies = vec![None; dead.len()];
    let Some(first) = dead.iter().position(|dead| !dead) else { return copies };
    for ((a, b), pair) in pairs {
        if *a == first && !dead[*b] {
            copies[*b] = pair.copy();
        }
    }
    copies
}

/// A key is pressed on one telephone: where the same key sounds at the same time on a louder channel, it is an echo.
fn drop_echoed_keys(channels: &mut [ChannelSurvey], keys: &[Vec<Key>]) {
    for (c, channel) in channels.iter_mut().enumerate() {
        let is_echo = |key: &Key| {
            keys.iter().enumerate().filter(|(other, _)| *other != c).flat_map(|(_, keys)| keys).any(|other| {
                other.key == key.key && other.span.overlap_ms(key.span) > 0 && other.dbfs >= key.dbfs + ECHOED_KEY_DB
            })
        };
        let mut keys = keys[c].iter();
        channel.digits.retain(|_| keys.next().is_none_or(|key| !is_echo(key)));
    }
}

/// In a recording that holds one signal several times, everything is said once, on the first living channel. The
/// echo gate may have taken a quiet copy for an echo of a loud one, so what counts is the copy on which most was
/// heard.
fn keep_one(channels: &mut [ChannelSurvey], copies: &[Option<i32>]) {
    let heard = |c: &ChannelSurvey| c.speech.iter().map(|s| s.len_ms()).sum::<u64>();
    let Some(first) = channels.iter().position(|c| !c.dead) else { return };
    let best = (first..channels.len()).rev().max_by_key(|c| heard(&channels[*c])).unwrap_or(first);
    if best != first {
        let from = channels[best].clone();
        let louder = copies[best].unwrap_or(0) as f32;
        let to = &mut channels[first];
        to.speech = from.speech;
        to.quiet = from.quiet;
        to.speech_dbfs = from.speech_dbfs.map(|dbfs| dbfs - louder);
        to.echo_ms = 0;
    }
    for copy in &mut channels[first + 1..] {
        copy.speech.clear();
        copy.quiet.clear();
        copy.digits.clear();
        copy.tones.clear();
        copy.speech_dbfs = None;
        copy.echo_ms = 0;
    }
}
