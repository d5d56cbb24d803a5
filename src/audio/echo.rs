//! Whether one channel is heard through another.
//!
//! An echo always arrives equally late, so its delay is learnt: correlations of 64 ms pieces with the other
//! channel's last quarter of a second are averaged until one delay stands out. A piece is echo when the other
//! channel was at least 9 dB louder that long ago and explains this one. Two people who speak at once are not
//! correlated at any one delay, so talking over each other survives. The same correlations tell whether two
//! channels carry one signal.

use std::collections::VecDeque;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::level::dbfs;

/// Correlation works at 8 kHz, which is where voices are.
const RATE_HZ: usize = 8_000;

/// Samples of a piece: 64 ms.
const PIECE: usize = 512;

/// Longest delay: 250 ms, a mobile call's.
const DELAYS: usize = RATE_HZ / 4;

/// Room for the piece at every delay.
const FFT: usize = 2_560;

/// The other channel must be louder by this factor of power: 9 dB.
const LOUDER: f32 = 7.9;

/// How much of the piece the other channel must explain, as a correlation.
const EXPLAINED: f32 = 0.45;

/// How clearly one delay must stand out on average: this much, and more while few pieces have been seen,
/// because two voices resemble each other at some delay by chance.
const PATH: f32 = 0.2;
const PATH_EARLY: f32 = 1.2;

/// The average forgets half of the past in about 10 s of the other's speech.
const KEEP: f32 = 0.9955;

/// The average means something after this many pieces.
const PIECES_MIN: f32 = 8.0;

/// Pieces below this level hold nothing to compare.
const AUDIBLE_DBFS: f32 = -62.0;

/// Pieces below this level are not asked whether both channels are alike: codecs spoil them.
const SOUNDING_DBFS: f32 = -50.0;

/// Two copies of a signal are at most 20 ms apart, and resemble each other this much after two codecs.
const COPY_DELAYS: usize = RATE_HZ / 50;
const COPY: f32 = 0.8;

/// Milliseconds of a piece.
pub const PIECE_MS: u64 = 64;

/// Turns 16 kHz into pieces at 8 kHz with their past.
#[derive(Clone, Debug)]
pub struct History {
    odd: Option<f32>,
    /// The last `DELAYS + PIECE` samples and what is new.
    samples: VecDeque<f32>,
}

impl Default for History {
    fn default() -> Self {
        Self { odd: None, samples: VecDeque::from(vec![0.0; DELAYS]) }
    }
}

impl History {
    /// Takes samples at 16 kHz.
    pub fn push(&mut self, samples: &[f32]) {
        for x in samples {
            match self.odd.take() {
                Some(first) => self.samples.push_back(0.5 * (first + x)),
                None => self.odd = Some(*x),
            }
        }
    }

    /// Whether a whole piece waits.
    pub fn is_ready(&self) -> bool {
        self.samples.len() >= DELAYS + PIECE
    }

    /// Drops the oldest piece.
    pub fn advance(&mut self) {
        self.samples.drain(..PIECE);
    }

    fn reach(&self) -> Vec<f32> {
        self.samples.range(..DELAYS + PIECE).copied().collect()
    }
}

/// Correlates pieces.
pub struct Correlator {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Default for Correlator {
    fn default() -> Self {
        let mut planner = RealFftPlanner::new();
        Self { forward: planner.plan_fft_forward(FFT), inverse: planner.plan_fft_inverse(FFT) }
    }
}

/// A piece of one channel, ready to be compared.
pub struct Piece {
    /// Spectrum of the piece alone.
    now: Vec<Complex32>,
    /// Spectrum of the piece with its past.
    reach: Vec<Complex32>,
    /// Power of the piece at every delay, the present at 0.
    power: Vec<f32>,
}

impl Piece {
    fn is_audible(&self) -> bool {
        dbfs(self.power[0]) > AUDIBLE_DBFS
    }
}

impl Correlator {
    /// The next piece of a channel.
    pub fn piece(&self, history: &History) -> Piece {
        let reach = history.reach();
        let mut power = vec![0.0; DELAYS + 1];
        let mut sum: f64 = reach[DELAYS..].iter().map(|x| f64::from(x * x)).sum();
        for (delay, power) in power.iter_mut().enumerate() {
            if delay > 0 {
                let (enters, leaves) = (reach[DELAYS - delay], reach[DELAYS - delay + PIECE]);
                sum += f64::from(enters * enters) - f64::from(leaves * leaves);
            }
            *power = (sum.max(0.0) / PIECE as f64) as f32;
        }
        let transform = |samples: &[f32]| {
            let mut input = self.forward.make_input_vec();
            let mut output = self.forward.make_output_vec();
            input[..samples.len()].copy_from_slice(samples);
            self.forward.process(&mut input, &mut output).expect("the buffers come from this transform");
            output
        };
        Piece { now: transform(&reach[DELAYS..]), reach: transform(&reach), power }
    }

    /// How `heard` resembles `source` at every delay, -1 to 1.
    fn correlate(&self, heard: &Piece, source: &Piece) -> Vec<f32> {
        let mut product: Vec<Complex32> = source.reach.iter().zip(&heard.now).map(|(s, h)| s * h.conj()).collect();
        // Rounding leaves a trace of an imaginary part where there can be none.
        product[0].im = 0.0;
        product[FFT / 2].im = 0.0;
        let mut shifts = self.inverse.make_output_vec();
        self.inverse.process(&mut product, &mut shifts).expect("the buffers come from this transform");
        let scale = FFT as f32 * PIECE as f32;
        (0..=DELAYS)
            .map(|delay| {
                let norm = (heard.power[0] * source.power[delay]).sqrt();
                if norm < 1e-9 { 0.0 } else { (shifts[DELAYS - delay] / (scale * norm)).clamp(-1.0, 1.0) }
            })
            .collect()
    }
}

/// What is known about one channel heard through another.
#[derive(Clone, Debug, Default)]
pub struct EchoPath {
    average: Vec<f32>,
    weight: f32,
}

impl EchoPath {
    /// Judges a piece: whether `heard` is an echo of `source`, both correlated as `likeness`.
    fn judge(&mut self, heard: &Piece, source: &Piece, likeness: &[f32]) -> bool {
        let loudest = source.power.iter().copied().fold(0.0, f32::max);
        if !heard.is_audible() || loudest < LOUDER * heard.power[0] {
            return false;
        }
        self.average.resize(DELAYS + 1, 0.0);
        self.weight = self.weight * KEEP + 1.0;
        for (average, now) in self.average.iter_mut().zip(likeness) {
            *average = *average * KEEP + now;
        }
        if self.weight < PIECES_MIN {
            return false;
        }
        let delay = (0..=DELAYS)
            .max_by(|a, b| self.average[*a].abs().total_cmp(&self.average[*b].abs()))
            .expect("there is at least one delay");
        let explained =
            (delay.saturating_sub(4)..=(delay + 4).min(DELAYS)).map(|d| likeness[d].abs()).fold(0.0, f32::max);
        self.average[delay].abs() / self.weight >= PATH.max(PATH_EARLY / self.weight.sqrt())
            && source.power[delay] >= LOUDER * heard.power[0]
            && explained >= EXPLAINED
    }
}

/// Two channels side by side.
pub struct Pair {
    paths: [EchoPath; 2],
    /// Pieces in which either channel sounds, and those of them in which both sound alike.
    either: u64,
    alike: u64,
    /// By how many dB the second channel was louder in those, from -40 to 40.
    louder: [u32; 81],
}

impl Default for Pair {
    fn default() -> Self {
        Self { paths: Default::default(), either: 0, alike: 0, louder: [0; 81] }
    }
}

impl Pair {
    /// Judges the next piece of both channels: whether the first is an echo of the second, and the other way round.
    pub fn push(&mut self, correlator: &Correlator, pieces: [&Piece; 2]) -> [bool; 2] {
        let [a, b] = pieces;
        if !a.is_audible() && !b.is_audible() {
            return [false; 2];
        }
        let likeness = [correlator.correlate(a, b), correlator.correlate(b, a)];
        if dbfs(a.power[0].max(b.power[0])) > SOUNDING_DBFS {
            self.either += 1;
            let best = likeness.iter().flat_map(|l| &l[..=COPY_DELAYS]).fold(0.0, |best: f32, l| best.max(l.abs()));
            if best >= COPY {
                self.alike += 1;
                let difference = dbfs(b.power[0]) - dbfs(a.power[0]);
                self.louder[(difference.round() as i32 + 40).clamp(0, 80) as usize] += 1;
            }
        }
        [self.paths[0].judge(a, b, &likeness[0]), self.paths[1].judge(b, a, &likeness[1])]
    }

    /// If both channels carry one signal: by how many dB the second copy is louder.
    ///
    /// Echo makes two parties' channels alike too, but then the louder one changes with who speaks.
    pub fn copy(&self) -> Option<i32> {
        let total: u32 = self.louder.iter().sum();
        if self.either < 16 || self.alike * 100 < self.either * 85 {
            return None;
        }
        let mut seen = 0;
        let median = self.louder.iter().position(|n| {
            seen += n;
            seen * 2 >= total
        })?;
        let around = &self.louder[median.saturating_sub(3)..(median + 4).min(81)];
        let steady = around.iter().sum::<u32>() * 100 >= total * 90;
        let difference = median as i32 - 40;
        (steady && difference.abs() <= 12).then_some(difference)
    }
}
