//! Packets become samples: Symphonia's containers and codecs, and our own WAV packets through the same codecs.
//!
//! A packet that cannot be decoded, or is missing, becomes silence of its length, so that everything after it
//! keeps its time.

use std::sync::LazyLock;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_ALAC, CODEC_ID_EAC3, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_OPUS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Time, TimeBase};
use symphonia::default::formats::{AdtsReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader};

use super::foreign::Foreign;
use super::guard::{Panicked, guard};
use super::sniff::Container;
use super::trim::Trim;
use super::wav::{self, Coding, Wave};
use super::window::Window;
use super::{Block, Error, Format, Limits, Refusal, Source, gate, mp4, warning};
use crate::domain::report::Warning;
use crate::domain::time::CallTime;

/// A recording is refused when more than one packet in this many cannot be decoded.
const DAMAGED_ONE_IN: u64 = 4;
/// Packets after which that is judged without reading to the end: an MP3 cut out of a longer one may begin with
/// a few that lack their past.
const DAMAGED_JUDGED_AFTER: u64 = 200;
/// Packets in a row with another rate or other channels that are taken for damage; more are a change of format.
const CHANGED_MAX: u32 = 8;
/// A packet may come this much later than the samples before it without a hole being assumed: containers round
/// their times.
const HOLE_MIN_MS: u64 = 40;
/// A longer hole is a wrong time stamp.
const HOLE_MAX_MS: u64 = 3_600_000;
/// A recording may be shorter than claimed by this much, or by a hundredth, before it counts as cut off.
const SHORT_MS: u64 = 1_000;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    #[cfg(feature = "opus")]
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs
});

/// Decodes one track of one file.
pub(super) struct Decoder {
    packets: Packets,
    codec: Box<dyn AudioDecoder>,
    /// The codec trims by itself.
    gapless: bool,
    format: Format,
    time_base: Option<TimeBase>,
    trim: Trim,
    /// Decoded and not yet read; `silence` comes before it.
    waiting: Block,
    silence: u64,
    /// Frames decoded or filled so far, before trimming.
    frames: u64,
    /// A packet's time stamp, and `frames` before it.
    anchor: Option<(i64, u64)>,
    ended: bool,
    faults: Faults,
    warnings: Vec<Warning>,
}

/// What went wrong on the way.
#[derive(Debug, Default)]
struct Faults {
    seen: u64,
    damaged: u64,
    changed_in_a_row: u32,
    hole_frames: u64,
    cut_short: bool,
    /// The container counts its length; others only estimate it.
    claim_counts: bool,
}

enum Packets {
    Wave(wav::Packets),
    Container { reader: Box<dyn FormatReader>, track: u32 },
}

/// Opens the sound inside a WAV file.
///
/// # Errors
/// See [`Refusal`].
pub(super) fn open_wave(file: &Window, wave: Wave, limits: &Limits) -> Result<Decoder, Refusal> {
    let (id, block_frames) = match wave.coding {
        Coding::Blocks { codec, frames } => (codec, frames),
        Coding::Mp3 => {
            let mut decoder = open(&file.part(wave.data.start, wave.data.end), Container::Mpeg, limits)?;
            decoder.format.container = wave.container.into();
            decoder.warnings.extend(wave.warnings);
            return Ok(decoder);
        }
        Coding::Other(name) => return Err(Foreign::codec(name).into()),
    };
    let total = wave.frames().unwrap_or(0);
    let claimed = CallTime::from_frames(total, wave.rate_hz()).ms();
    if claimed > limits.duration_max_ms {
        return Err(Error::TooLong(limits.duration_max_ms).into());
    }
    let codec = make_codec(&wave.parameters(id, block_frames), false)?;
    let packets = Packets::Wave(wave.packets(file, block_frames));
    let mut decoder = Decoder::new(packets, codec, wave.container, TimeBase::try_from_recip(wave.rate_hz()));
    decoder.format.claimed_ms = Some(claimed);
    decoder.warnings = wave.warnings;
    decoder.start(limits, |_| Trim::new(0, Some(total)))
}

/// Opens the first sound track of a container.
///
/// # Errors
/// See [`Refusal`].
pub(super) fn open(file: &Window, container: Container, limits: &Limits) -> Result<Decoder, Refusal> {
    let mut reader = read_container(file, container)?;
    let tracks = sound_tracks(reader.as_ref()).count();
    let track = sound_tracks(reader.as_ref()).next().cloned().ok_or(Foreign::without_sound())?;
    let claimed_ms = claimed_ms(reader.as_ref(), &track);
    if claimed_ms.is_some_and(|ms| ms > limits.duration_max_ms) {
        if guard(|| reaches(reader.as_mut(), &track, limits.duration_max_ms))? {
            return Err(Error::TooLong(limits.duration_max_ms).into());
        }
        reader = read_container(file, container)?;
    }
    // Symphonia would also cut what lies beyond the estimated length of an MP3, which may be half the call.
    let gapless = matches!(container, Container::Ogg | Container::Matroska(_));
    let codec = make_codec(&parameters(&track), gapless)?;
    let packets = Packets::Container { reader, track: track.id };
    let mut decoder = Decoder::new(packets, codec, container.name(), track.time_base);
    decoder.gapless = gapless;
    decoder.format.claimed_ms = claimed_ms;
    decoder.faults.claim_counts = matches!(container, Container::Flac | Container::Mp4(_) | Container::Matroska(_));
    if tracks > 1 {
        let text = format!("The file holds {tracks} sound tracks; only the first was read.");
        decoder.warnings.push(warning("audio-tracks-ignored", &text));
    }
    let edit = if let Container::Mp4(_) = container { mp4::edit(file)? } else { None };
    decoder.start(limits, |rate_hz| match (container, edit) {
        (Container::Mpeg, _) => Trim::new(track.delay.unwrap_or(0).into(), track.padding.and(track.num_frames)),
        (_, Some(edit)) => Trim::new(edit.start_frames(rate_hz), edit.frames(rate_hz)),
        _ => Trim::default(),
    })
}

impl Decoder {
    fn new(packets: Packets, codec: Box<dyn AudioDecoder>, container: &str, time_base: Option<TimeBase>) -> Self {
        let format = Format {
            container: container.into(),
            codec: codec.codec_info().short_name.into(),
            rate_hz: 0,
            channels: 0,
            claimed_ms: None,
        };
        Self {
            packets,
            codec,
            gapless: false,
            format,
            time_base,
            trim: Trim::default(),
            waiting: Block::default(),
            silence: 0,
            frames: 0,
            anchor: None,
            ended: false,
            faults: Faults::default(),
            warnings: Vec::new(),
        }
    }

    /// Decodes the first samples: only they say for certain what the rate and the channels are.
    fn start(mut self, limits: &Limits, trim: impl FnOnce(u32) -> Trim) -> Result<Self, Refusal> {
        if !self.advance()? {
            let broken = self.faults.damaged > 0 || self.faults.cut_short;
            return Err(if broken { damaged() } else { Error::Empty }.into());
        }
        gate::check(self.format.rate_hz.into(), self.format.channels.into(), limits)?;
        self.trim = trim(self.format.rate_hz);
        self.silence = self.trim.pass_silence(self.silence);
        self.trim.pass(&mut self.waiting);
        Ok(self)
    }

    /// Decodes the next packet with sound into `waiting`, untrimmed, and puts the silence that is missing before
    /// it into `silence`; false at the end.
    fn advance(&mut self) -> Result<bool, Refusal> {
        loop {
            let packet = match guard(|| self.packets.next())? {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(Fault::ResetRequired) => {
                    self.restart()?;
                    continue;
                }
                Err(fault) => {
                    if let Some(error) = system_error(fault) {
                        return Err(Error::Io(error).into());
                    }
                    self.faults.cut_short = true;
                    return Ok(false);
                }
            };
            self.faults.seen += 1;
            // Where nobody trims, the first packet already says where sound belongs, even if it is damaged.
            if !self.gapless && self.anchor.is_none() {
                self.anchor = Some((packet.pts.get(), self.frames));
            }
            let (codec, waiting) = (&mut self.codec, &mut self.waiting);
            let decoded = guard(|| {
                let sound = codec.decode(&packet)?;
                sound.copy_to_vecs_planar(&mut waiting.channels);
                Ok((sound.spec().rate(), sound.spec().channels().count()))
            });
            let decoded = match decoded {
                Ok(decoded) => decoded,
                Err(Panicked) => {
                    // One packet more that is damaged; the decoder may be in any state, so here is a new one.
                    self.codec = make_codec(&self.codec.codec_params().clone(), self.gapless)?;
                    self.damage()?;
                    continue;
                }
            };
            match decoded {
                Ok(spec) if self.accepts(spec) => {
                    if self.waiting.frames() > 0 {
                        self.place(packet.pts.get());
                        return Ok(true);
                    }
                }
                Ok(spec) => self.changed(spec)?,
                Err(Fault::Unsupported(_)) if self.frames == 0 && matches!(self.packets, Packets::Container { .. }) => {
                    return Err(Foreign::codec("this variant of its codec").into());
                }
                Err(_) => self.damage()?,
            }
        }
    }

    /// Whether rate and channels are those of the recording; the first ones are.
    fn accepts(&mut self, (rate_hz, channels): (u32, usize)) -> bool {
        if self.frames == 0 {
            self.format.rate_hz = rate_hz;
            self.format.channels = u8::try_from(channels).unwrap_or(u8::MAX);
        }
        self.faults.changed_in_a_row += 1;
        let same = self.format.rate_hz == rate_hz && usize::from(self.format.channels) == channels;
        if same {
            self.faults.changed_in_a_row = 0;
        }
        same
    }

    /// A packet with another rate or other channels: damage, unless it goes on like that.
    fn changed(&mut self, (rate_hz, channels): (u32, usize)) -> Result<(), Error> {
        if self.faults.changed_in_a_row > CHANGED_MAX {
            let at = CallTime::from_frames(self.frames, self.format.rate_hz);
            return Err(Error::Parameters(format!(
                "the recording changes at {at} from {} Hz and {} channels to {rate_hz} Hz and {channels}; \
                 convert it to wav first",
                self.format.rate_hz, self.format.channels
            )));
        }
        self.damage()
    }

    fn damage(&mut self) -> Result<(), Error> {
        self.waiting.channels.clear();
        self.faults.damaged += 1;
        if self.faults.seen >= DAMAGED_JUDGED_AFTER { self.faults.judge() } else { Ok(()) }
    }

    /// Puts the waiting samples where the packet's time stamp says, if that leaves a hole.
    fn place(&mut self, stamp: i64) {
        let rate_hz = self.format.rate_hz;
        match (self.anchor, self.time_base) {
            // A decoder that trims may cut the first packet, so that it says nothing about the second.
            (None, _) if self.frames > 0 => self.anchor = Some((stamp, self.frames)),
            (Some((stamp_then, frames_then)), Some(base)) => {
                let passed =
                    (i128::from(stamp) - i128::from(stamp_then)) * i128::from(base.numer.get()) * i128::from(rate_hz)
                        / i128::from(base.denom.get());
                let late = passed - i128::from(self.frames - frames_then);
                let frames = |ms: u64| i128::from(CallTime::from_ms(ms).frames(rate_hz));
                if late > frames(HOLE_MIN_MS) && late <= frames(HOLE_MAX_MS) {
                    let late = late as u64;
                    self.frames += late;
                    self.faults.hole_frames += late;
                    self.silence = self.trim.pass_silence(late);
                }
            }
            _ => {}
        }
        self.frames += self.waiting.frames() as u64;
    }

    /// One stream of a chained file has ended and the next begins.
    fn restart(&mut self) -> Result<(), Refusal> {
        if let Packets::Container { reader, track } = &mut self.packets {
            let next = sound_tracks(reader.as_ref()).next().ok_or_else(damaged)?;
            self.codec = make_codec(&parameters(next), self.gapless)?;
            *track = next.id;
            self.time_base = next.time_base;
            self.anchor = None;
        }
        Ok(())
    }

    /// Counts up what is wrong after the last packet.
    fn finish(&mut self) -> Result<(), Error> {
        let faults = &self.faults;
        faults.judge()?;
        let ms = CallTime::from_frames(self.frames, self.format.rate_hz).ms();
        let claimed = self.format.claimed_ms.filter(|_| faults.claim_counts).unwrap_or(0);
        if faults.cut_short || ms + SHORT_MS.max(claimed / 100) < claimed {
            let text = format!(
                "The recording ends at {}, before its own end: it was cut off or is damaged there. \
                 What comes before was read.",
                CallTime::from_ms(ms)
            );
            self.warnings.push(warning("audio-truncated", &text));
        }
        if faults.damaged > 0 {
            let text = format!(
                "{} of {} packets of sound are damaged; silence stands in their place.",
                faults.damaged, faults.seen
            );
            self.warnings.push(warning("audio-damaged", &text));
        } else if faults.hole_frames > 0 {
            let seconds = faults.hole_frames as f64 / f64::from(self.format.rate_hz);
            let text = format!("{seconds:.1} s of sound are missing in the file; silence stands in their place.");
            self.warnings.push(warning("audio-gaps", &text));
        }
        Ok(())
    }
}

impl Source for Decoder {
    fn format(&self) -> &Format {
        &self.format
    }

    fn read(&mut self, block: &mut Block) -> Result<bool, Error> {
        loop {
            if self.silence > 0 {
                let frames = self.silence.min(self.format.rate_hz.into());
                self.silence -= frames;
                block.silence(self.format.channels, frames as usize);
                return Ok(true);
            }
            if self.waiting.frames() > 0 {
                std::mem::swap(block, &mut self.waiting);
                self.waiting.channels.clear();
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            if self.advance()? {
                self.trim.pass(&mut self.waiting);
            } else {
                self.ended = true;
                self.finish()?;
            }
        }
    }

    fn warnings(&self, warnings: &mut Vec<Warning>) {
        warnings.extend(self.warnings.iter().cloned());
    }
}

impl Faults {
    fn judge(&self) -> Result<(), Error> {
        if self.damaged * DAMAGED_ONE_IN > self.seen { Err(damaged()) } else { Ok(()) }
    }
}

impl Packets {
    /// The next packet of the track.
    fn next(&mut self) -> Result<Option<Packet>, Fault> {
        match self {
            Packets::Wave(packets) => Ok(packets.next()?),
            Packets::Container { reader, track } => loop {
                match reader.next_packet()? {
                    Some(packet) if packet.track_id != *track => {}
                    packet => return Ok(packet),
                }
            },
        }
    }
}

fn damaged() -> Error {
    Error::Corrupt("the recording is damaged and cannot be decoded; export it again from the recorder".into())
}

impl From<Panicked> for Error {
    fn from(_: Panicked) -> Self {
        damaged()
    }
}

impl From<Panicked> for Refusal {
    fn from(panicked: Panicked) -> Self {
        Refusal::Final(panicked.into())
    }
}

/// The fault if it is the system's, not the file's.
fn system_error(fault: Fault) -> Option<std::io::Error> {
    match fault {
        Fault::IoError(error) if error.raw_os_error().is_some() => Some(error),
        _ => None,
    }
}

fn read_container(file: &Window, container: Container) -> Result<Box<dyn FormatReader>, Refusal> {
    let stream = MediaSourceStream::new(Box::new(file.clone()), Default::default());
    let options = FormatOptions::default();
    let reader = guard(|| {
        Ok(match container {
            Container::Flac => Box::new(FlacReader::try_new(stream, options)?) as Box<dyn FormatReader>,
            Container::Ogg => Box::new(OggReader::try_new(stream, options)?),
            Container::Mp4(_) => Box::new(IsoMp4Reader::try_new(stream, options)?),
            Container::Matroska(_) => Box::new(MkvReader::try_new(stream, options)?),
            Container::Mpeg => Box::new(MpaReader::try_new(stream, options)?),
            Container::Adts => Box::new(AdtsReader::try_new(stream, options)?),
        })
    })?;
    reader.map_err(|fault| system_error(fault).map_or(Foreign::broken().into(), |error| Error::Io(error).into()))
}

fn make_codec(parameters: &AudioCodecParameters, gapless: bool) -> Result<Box<dyn AudioDecoder>, Refusal> {
    let options = AudioDecoderOptions::default().gapless(gapless);
    let name = match parameters.codec {
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_ALAC => "Apple Lossless",
        CODEC_ID_AC3 | CODEC_ID_EAC3 => "Dolby Digital",
        CODEC_ID_MP1 | CODEC_ID_MP2 => "MPEG audio layer 1 or 2",
        _ => "the codec",
    };
    guard(|| CODECS.make_audio_decoder(parameters, &options))?.map_err(|_| Foreign::codec(name).into())
}

/// The sound tracks whose codec has a name; the others may be video.
fn sound_tracks(reader: &dyn FormatReader) -> impl Iterator<Item = &Track> {
    reader.tracks().iter().filter(|track| match &track.codec_params {
        Some(CodecParameters::Audio(audio)) => audio.codec != CODEC_ID_NULL_AUDIO,
        _ => false,
    })
}

/// What the decoder has to know about `track`.
fn parameters(track: &Track) -> AudioCodecParameters {
    let mut parameters = match &track.codec_params {
        Some(CodecParameters::Audio(audio)) => audio.clone(),
        _ => AudioCodecParameters::new(),
    };
    // Opus is coded at one of these rates, whatever the microphone had.
    let opus_rate = matches!(parameters.sample_rate, Some(8_000 | 12_000 | 16_000 | 24_000 | 48_000));
    if parameters.codec == CODEC_ID_OPUS && !opus_rate {
        parameters.with_sample_rate(48_000);
    }
    parameters
}

/// Length of `track` as the container claims it, in milliseconds.
fn claimed_ms(reader: &dyn FormatReader, track: &Track) -> Option<u64> {
    let media = reader.media_info();
    let of_track = track.time_base.zip(track.duration);
    let of_media = media.time_base.zip(media.duration);
    let (base, duration) = of_track.or(of_media).filter(|(_, duration)| duration.get() > 0)?;
    u64::try_from(base.calc_duration(duration)?.as_millis()).ok()
}

/// Whether there is a packet at or after `ms`. The length in a header may be a lie; a packet is not.
fn reaches(reader: &mut dyn FormatReader, track: &Track, ms: u64) -> bool {
    let time = Time::try_from_nanos_u128(u128::from(ms) * 1_000_000);
    let (Some(time), Some(base)) = (time, track.time_base) else { return false };
    let wanted = base.calc_timestamp(time);
    let to = SeekTo::Time { time, track_id: Some(track.id) };
    if reader.seek(SeekMode::Accurate, to).is_err() {
        return false;
    }
    // A seek lands a few packets early, so that codecs can warm up.
    for _ in 0..DAMAGED_JUDGED_AFTER {
        match reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == track.id && Some(packet.pts) >= wanted => return wanted.is_some(),
            Ok(Some(_)) => {}
            _ => return false,
        }
    }
    false
}
