//! Calls to a live door, for measuring it: recordings played as many calls at once, at any pace, over a line as bad as
//! wanted, and how long each event took to come back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use super::protocol::Encoding;
use super::protocol::audiosocket::{frame, kind, kind_of};

/// Milliseconds of a frame.
const FRAME_MS: u64 = 20;

/// How a call is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Line {
    /// Our own WebSocket, 16 bits, both channels.
    Pcm,
    /// Twilio framing, mu-law, both tracks.
    Twilio,
    /// AudioSocket, one connection per side.
    Audiosocket,
}

/// What to dial and how bad the line is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How calls are carried.
    pub line: Line,
    /// The HTTP door: events come from here, and sound goes here except over AudioSocket.
    pub server: SocketAddr,
    /// The AudioSocket door.
    pub audiosocket: Option<SocketAddr>,
    /// Sent as `Authorization: Bearer`.
    pub key: Option<String>,
    /// Calls at once.
    pub calls: usize,
    /// One after the other on each line.
    pub repeat: usize,
    /// 1 is the pace of speech.
    pub pace: f64,
    /// Percent of frames that are not sent (Twilio only: the others lose nothing).
    pub loss: f64,
    /// Percent of frames that are sent after the next one (Twilio only).
    pub reorder: f64,
    /// Percent of frames that are sent twice (Twilio only).
    pub twice: f64,
    /// Frames are up to so late.
    pub jitter_ms: u64,
    /// Throws the same dice again.
    pub seed: u64,
}

/// A recording to play.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Samples a second.
    pub rate_hz: u32,
    /// One or two channels of the same length.
    pub channels: Vec<Vec<i16>>,
}

impl Tape {
    /// Reads a recording.
    ///
    /// # Errors
    /// A file that cannot be read, in words.
    pub fn read(path: &Path) -> Result<Self, crate::ingest::Error> {
        let mut file = crate::ingest::open(path, &crate::ingest::Limits::default())?;
        let rate_hz = file.format().rate_hz;
        let mut channels = vec![Vec::new(); usize::from(file.format().channels.min(2))];
        let mut block = crate::ingest::Block::default();
        while file.read(&mut block)? {
            for (to, from) in channels.iter_mut().zip(&block.channels) {
                to.extend(from.iter().map(|x| (x * 32_768.0).round() as i16));
            }
        }
        Ok(Self { rate_hz, channels })
    }

    /// Frame number `n` of a channel; the last one is filled up.
    fn frame(&self, channel: usize, n: usize) -> Vec<i16> {
        let length = (u64::from(self.rate_hz) * FRAME_MS / 1000) as usize;
        let all = self.channels.get(channel).map_or(&[][..], Vec::as_slice);
        let from = (n * length).min(all.len());
        let mut frame = all[from..(from + length).min(all.len())].to_vec();
        frame.resize(length, 0);
        frame
    }

    fn frames(&self) -> usize {
        let length = (u64::from(self.rate_hz) * FRAME_MS / 1000) as usize;
        self.channels.iter().map(Vec::len).max().unwrap_or(0).div_ceil(length.max(1))
    }
}

/// What became of the calls.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Played to the end.
    pub played: usize,
    /// Not taken for want of a seat.
    pub refused: usize,
    /// Broke off.
    pub broken: usize,
    /// Frames not sent.
    pub frames_lost: u64,
    /// From the end of a stretch of speech to its words, in milliseconds of our clock.
    pub words_ms: Vec<u64>,
    /// From the end of the agent's words to the event that the caller was sent away.
    pub deflections_ms: Vec<u64>,
    /// Nudges that came.
    pub nudges: usize,
    /// Ids of the calls, as the server named them.
    pub calls: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.played += other.played;
        self.refused += other.refused;
        self.broken += other.broken;
        self.frames_lost += other.frames_lost;
    }
}

/// The value that `percent` of `values` do not exceed.
pub fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

/// When each call began, by the name we gave it.
type Begun = Arc<Mutex<HashMap<String, Instant>>>;

/// Plays `tapes`, each line the next one, and waits for the events of the calls.
///
/// # Errors
/// The server cannot be reached.
pub async fn run(plan: &Plan, tapes: &[Arc<Tape>]) -> std::io::Result<Tally> {
    let begun = Begun::default();
    let watched = Arc::new(Mutex::new(Tally::default()));
    let events = events(plan).await?;
    let (followed, started, pace) = (Arc::clone(&watched), Arc::clone(&begun), plan.pace);
    let (send_ended, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let follower = tokio::spawn(follow(events, followed, started, pace, send_ended));
    let mut lines = JoinSet::new();
    for n in 0..plan.calls {
        let (plan, begun) = (plan.clone(), Arc::clone(&begun));
        let tapes = tapes.to_vec();
        lines.spawn(async move {
            let mut sum = Tally::default();
            for turn in 0..plan.repeat.max(1) {
                let tape = &tapes[(n + turn) % tapes.len()];
                let dice = Dice(plan.seed.wrapping_add((n * 1_000 + turn) as u64));
                sum.add(call(&plan, tape, dice, &begun).await);
            }
            sum
        });
    }
    let mut sum = Tally::default();
    while let Some(line) = lines.join_next().await {
        sum.add(line.unwrap_or_default());
    }
    // The last words of every call come before its end.
    let all_ended = async {
        for _ in 0..sum.played {
            if ended.recv().await.is_none() {
                break;
            }
        }
    };
    let _ = timeout(Duration::from_secs(20), all_ended).await;
    follower.abort();
    let watched = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Tally { played: sum.played, refused: sum.refused, broken: sum.broken, frames_lost: sum.frames_lost, ..watched })
}

/// One call.
async fn call(plan: &Plan, tape: &Tape, mut dice: Dice, begun: &Begun) -> Tally {
    let name = Uuid::from_u128(u128::from(dice.roll()) << 64 | u128::from(dice.roll()));
    let name = uuid::Builder::from_random_bytes(*name.as_bytes()).into_uuid();
    let begin = || {
        begun.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_string(), Instant::now());
    };
    let mut tally = Tally::default();
    let done = match plan.line {
        Line::Pcm => pcm(plan, tape, &mut dice, name, begin).await,
        Line::Twilio => twilio(plan, tape, &mut dice, name, begin, &mut tally.frames_lost).await,
        Line::Audiosocket => audiosocket(plan, tape, &mut dice, name, begin).await,
    };
    match done {
        Ok(()) => tally.played = 1,
        Err(Broken::Refused) => tally.refused = 1,
        Err(Broken::Off) => tally.broken = 1,
    }
    tally
}

enum Broken {
    Refused,
    Off,
}

impl From<tungstenite::Error> for Broken {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) if response.status() == 503 => Broken::Refused,
            _ => Broken::Off,
        }
    }
}

impl From<std::io::Error> for Broken {
    fn from(_: std::io::Error) -> Self {
        Broken::Off
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(plan: &Plan, path: &str) -> Result<Socket, Broken> {
    let mut request = format!("ws://{}{path}", plan.server).into_client_request()?;
    if let Some(key) = &plan.key {
        let value = format!("Bearer {key}").parse().map_err(|_| Broken::Off)?;
        request.headers_mut().insert("authorization", value);
    }
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

/// Waits for the moment of frame `n`.
async fn pace(plan: &Plan, begun: Instant, n: usize, dice: &mut Dice) {
    let late = if plan.jitter_ms == 0 { 0 } else { dice.roll() % (plan.jitter_ms + 1) };
    let ms = (n as u64 * FRAME_MS + late) as f64 / plan.pace;
    sleep_until(begun + Duration::from_secs_f64(ms / 1000.0)).await;
}

/// Says goodbye and waits until the server has closed, so that it has taken everything.
async fn close(mut socket: Socket) {
    let _ = timeout(Duration::from_secs(10), async { while let Some(Ok(_)) = socket.next().await {} }).await;
}

async fn pcm(plan: &Plan, tape: &Tape, dice: &mut Dice, name: Uuid, begin: impl Fn()) -> Result<(), Broken> {
    let mut socket = open(plan, "/v1/live/pcm").await?;
    let channels = tape.channels.len();
    let roles = if channels == 2 { json!(["caller", "agent"]) } else { json!(["mixed"]) };
    let hello = json!({
        "type": "hello", "rate_hz": tape.rate_hz, "encoding": "pcm_s16le", "channels": channels, "roles": roles,
        "facts": { "external_id": name, "name": "dialled" }
    });
    socket.send(Message::text(hello.to_string())).await?;
    let ready = socket.next().await;
    match ready {
        Some(Ok(Message::Text(_))) => {}
        Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1013 => return Err(Broken::Refused),
        _ => return Err(Broken::Off),
    }
    begin();
    let begun = Instant::now();
    for n in 0..tape.frames() {
        pace(plan, begun, n + 1, dice).await;
        let frames: Vec<Vec<i16>> = (0..channels).map(|channel| tape.frame(channel, n)).collect();
        let whole: Vec<i16> = (0..frames[0].len()).flat_map(|i| frames.iter().map(move |frame| frame[i])).collect();
        socket.send(Message::binary(Encoding::PcmS16le.encode(&whole))).await?;
    }
    socket.send(Message::text(r#"{"type":"stop"}"#)).await?;
    close(socket).await;
    Ok(())
}

async fn twilio(
    plan: &Plan,
    tape: &Tape,
    dice: &mut Dice,
    name: Uuid,
    begin: impl Fn(),
    lost: &mut u64,
) -> Result<(), Broken> {
    let mut socket = open(plan, "/v1/live/twilio").await?;
    let (stream, tracks) = ("MZdialled", ["inbound", "outbound"]);
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": stream,
        "start": {
            "streamSid": stream, "callSid": name, "tracks": tracks, "customParameters": { "name": "dialled" },
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": tape.rate_hz, "channels": 1 }
        }
    });
    let connected = json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" });
    socket.send(Message::text(connected.to_string())).await?;
    socket.send(Message::text(start.to_string())).await?;
    begin();
    let begun = Instant::now();
    let mut sequence = 1;
    // Frames that are held back until the next one has gone.
    let mut held: Vec<String> = Vec::new();
    for n in 0..tape.frames() {
        pace(plan, begun, n + 1, dice).await;
        let mut now = Vec::new();
        for (channel, track) in tracks.iter().enumerate().take(tape.channels.len()) {
            sequence += 1;
            if dice.percent() < plan.loss {
                *lost += 1;
                continue;
            }
            let payload = STANDARD.encode(Encoding::Mulaw.encode(&tape.frame(channel, n)));
            let media = json!({
                "event": "media", "sequenceNumber": sequence.to_string(), "streamSid": stream,
                "media": {
                    "track": track, "chunk": (n + 1).to_string(), "timestamp": (n as u64 * FRAME_MS).to_string(),
                    "payload": payload
                }
            });
            let media = media.to_string();
            if dice.percent() < plan.reorder {
                held.push(media);
            } else {
                let twice = dice.percent() < plan.twice;
                now.extend(twice.then(|| media.clone()));
                now.push(media);
            }
        }
        let late = if now.is_empty() { Vec::new() } else { std::mem::take(&mut held) };
        for media in now.into_iter().chain(late) {
            socket.feed(Message::text(media)).await?;
        }
        socket.flush().await?;
    }
    let stop =
        json!({ "event": "stop", "sequenceNumber": (sequence + 1).to_string(), "streamSid": stream, "stop": {} });
    for last in held.into_iter().chain([stop.to_string()]) {
        socket.send(Message::text(last)).await?;
    }
    close(socket).await;
    Ok(())
}

async fn audiosocket(plan: &Plan, tape: &Tape, dice: &mut Dice, name: Uuid, begin: impl Fn()) -> Result<(), Broken> {
    let (Some(address), Some(kind)) = (plan.audiosocket, kind_of(tape.rate_hz)) else { return Err(Broken::Off) };
    let mut sides = Vec::new();
    for channel in 0..tape.channels.len() {
        let mut side = TcpStream::connect(address).await?;
        side.write_all(&frame(kind::ID, name.as_bytes())).await?;
        // The first frame decides which side is which.
        side.write_all(&frame(kind, &Encoding::PcmS16le.encode(&tape.frame(channel, 0)))).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
        sides.push(side);
    }
    begin();
    let begun = Instant::now();
    for n in 1..tape.frames() {
        pace(plan, begun, n, dice).await;
        for (channel, side) in sides.iter_mut().enumerate() {
            side.write_all(&frame(kind, &Encoding::PcmS16le.encode(&tape.frame(channel, n)))).await?;
        }
    }
    for side in &mut sides {
        side.write_all(&frame(kind::HANG_UP, &[])).await?;
        let mut rest = Vec::new();
        // An error frame before the end means that nobody took the call.
        let _ = timeout(Duration::from_secs(10), side.read_to_end(&mut rest)).await;
        if rest.first() == Some(&kind::ERROR) {
            return Err(Broken::Refused);
        }
    }
    Ok(())
}

/// Opens the stream of events.
async fn events(plan: &Plan) -> std::io::Result<BufReader<TcpStream>> {
    let mut socket = TcpStream::connect(plan.server).await?;
    let key = plan.key.as_ref().map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
    // HTTP 1.0 has no chunks: what comes is what was meant.
    let head =
        format!("GET /v1/live/events HTTP/1.0\r\nhost: {}\r\n{key}accept: text/event-stream\r\n\r\n", plan.server);
    socket.write_all(head.as_bytes()).await?;
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    if line.split(' ').nth(1) != Some("200") {
        return Err(std::io::Error::other(
            "the server gives no live events; is it started with --live, and is the key right",
        ));
    }
    while reader.read_line(&mut line).await? > 0 && !line.ends_with("\r\n\r\n") {}
    Ok(reader)
}

/// Notes how late every event is.
async fn follow(
    mut events: BufReader<TcpStream>,
    tally: Arc<Mutex<Tally>>,
    begun: Begun,
    pace: f64,
    ended: tokio::sync::mpsc::UnboundedSender<()>,
) {
    // Which of our calls the server's ids are, and how many deflections each story had.
    let mut names: HashMap<String, Instant> = HashMap::new();
    let mut bounces: HashMap<(String, u64), usize> = HashMap::new();
    let mut line = String::new();
    loop {
        line.clear();
        if !matches!(events.read_line(&mut line).await, Ok(n) if n > 0) {
            return;
        }
        let Some(event) = line.strip_prefix("data:") else { continue };
        let Ok(event) = serde_json::from_str::<Value>(event) else { continue };
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let call = text("call").to_owned();
        if text("type") == "started" {
            let name = event["facts"]["external_id"].as_str().unwrap_or_default().to_owned();
            let start = begun.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
            // The first event may come before we have noted the beginning.
            names.insert(call.clone(), start.unwrap_or_else(Instant::now));
            tally.lock().unwrap_or_else(PoisonError::into_inner).calls.push(call);
            continue;
        }
        let Some(start) = names.get(&call) else { continue };
        let late = |end_ms: u64| {
            let said = *start + Duration::from_secs_f64(end_ms as f64 / pace / 1000.0);
            Instant::now().saturating_duration_since(said).as_millis() as u64
        };
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        match text("type") {
            "utterance" => tally.words_ms.push(late(event["end_ms"].as_u64().unwrap_or(0))),
            "nudge" => tally.nudges += 1,
            "chain" => {
                let list = event["deflections"].as_array().map_or(&[][..], Vec::as_slice);
                let known = bounces.entry((call, event["n"].as_u64().unwrap_or(0))).or_default();
                if list.len() > *known {
                    *known = list.len();
                    tally.deflections_ms.extend(list.last().and_then(|last| last["end_ms"].as_u64()).map(late));
                }
            }
            "ended" => {
                let _ = ended.send(());
            }
            _ => {}
        }
    }
}

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// 0 to 100.
    fn percent(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64 * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&values, 50), Some(50));
        assert_eq!(percentile(&values, 95), Some(95));
        assert_eq!(percentile(&values, 100), Some(100));
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }
}
