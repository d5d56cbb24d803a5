//! The voices of a call, told apart by where their points lie.
//!
//! The points are halved across their longest extent until the halves agree with their own middles; a half that is itself
//! two distant clouds (a recorded announcement, a second agent) is halved again. Halving always finds two halves, so
//! how like each other they are is handed out too: two people lie near 0.3 to 0.7, one person's own halves near 0.9.

/// Fewer pieces of a voice are no voice.
const PIECES_MIN: usize = 4;
/// Another voice must be heard in this many pieces.
const OTHER_MIN: usize = 6;
/// And its likeness to the one it was taken for must be below this, in a long call: two people lie at 0.28 to 0.67.
const OTHER_ALIKE: f32 = 0.7;
/// Halves of one person differ more by chance the fewer pieces there are: by this much over their number.
const BY_CHANCE: f32 = 1.5;
const VOICES_MAX: usize = 4;
const ROUNDS: usize = 50;
/// Directions in which halving may begin.
const STARTS: usize = 3;

/// What the points of a call say about its voices.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// Likeness of the two most similar voices of the call: 1 for the same.
    pub alike: f32,
    /// For each piece its likeness to each voice.
    pub likeness: Vec<Vec<f32>>,
}

/// Tells the voices of a call apart; `None` if too little was heard. The order of the points does not change what is
/// found, only which voice is named first.
pub fn tell_apart(points: &[&[f32]]) -> Option<Apart> {
    if points.len() < 2 * PIECES_MIN {
        return None;
    }
    let (mut groups, mut alike) = halve(points)?;
    while groups.len() < VOICES_MAX {
        let Some((at, halves)) = groups.iter().enumerate().find_map(|(at, group)| Some((at, two_voices(group)?)))
        else {
            break;
        };
        groups.remove(at);
        groups.extend(halves);
    }
    let middles: Vec<Vec<f32>> = groups.iter().map(|group| middle(group)).collect();
    if middles.len() > 2 {
        let pairs = middles.iter().enumerate().flat_map(|(n, one)| middles[..n].iter().map(|other| dot(one, other)));
        alike = pairs.fold(f32::MIN, f32::max);
    }
    let likeness = |point: &&[f32]| middles.iter().map(|middle| rounded(dot(point, middle))).collect();
    Some(Apart { alike: rounded(alike), likeness: points.iter().map(likeness).collect() })
}

/// Two groups, and the likeness of their middles.
type Halves<'a> = (Vec<Vec<&'a [f32]>>, f32);

/// The halves of a group, if they are another's voices and not one person's.
fn two_voices<'a>(group: &[&'a [f32]]) -> Option<Vec<Vec<&'a [f32]>>> {
    let (halves, alike) = halve(group)?;
    let others = alike < OTHER_ALIKE - BY_CHANCE / group.len() as f32;
    (others && halves.iter().all(|half| half.len() >= OTHER_MIN)).then_some(halves)
}

/// Two groups, and the likeness of their middles; `None` if the points do not differ. Halving begins across each of the
/// directions in which the points differ most, and the halves that are closest to their own middles win: the longest may
/// be what was said and not who said it.
fn halve<'a>(points: &[&'a [f32]]) -> Option<Halves<'a>> {
    let mean = mean(points);
    let mut best: Option<(f32, Halves<'a>)> = None;
    for axis in longest_extents(points, &mean) {
        let first = points.iter().map(|point| dot(point, &axis) > dot(&mean, &axis)).collect();
        let Some(halves) = settle(points, first) else { continue };
        let near = |half: &Vec<&[f32]>| {
            let middle = middle(half);
            half.iter().map(|point| dot(point, &middle)).sum::<f32>()
        };
        let close: f32 = halves.0.iter().map(near).sum();
        if best.as_ref().is_none_or(|(closest, _)| close > *closest) {
            best = Some((close, halves));
        }
    }
    best.map(|(_, halves)| halves)
}

/// Moves points to the half whose middle is nearer until none moves.
fn settle<'a>(points: &[&'a [f32]], mut first: Vec<bool>) -> Option<Halves<'a>> {
    let mut round = 0;
    loop {
        let side = |wanted: bool| -> Vec<&'a [f32]> {
            points.iter().zip(&first).filter(|(_, first)| **first == wanted).map(|(point, _)| *point).collect()
        };
        let halves = vec![side(true), side(false)];
        if halves.iter().any(Vec::is_empty) {
            return None;
        }
        let [a, b] = [middle(&halves[0]), middle(&halves[1])];
        let nearer: Vec<bool> = points.iter().map(|point| dot(point, &a) > dot(point, &b)).collect();
        round += 1;
        if nearer == first || round == ROUNDS {
            return Some((halves, dot(&a, &b)));
        }
        first = nearer;
    }
}

/// The directions in which the points differ most, the longest first, each by walking towards it.
fn longest_extents(points: &[&[f32]], mean: &[f32]) -> Vec<Vec<f32>> {
    let mut away: Vec<Vec<f32>> =
        points.iter().map(|point| point.iter().zip(mean).map(|(x, mean)| x - mean).collect()).collect();
    let mut axes = Vec::new();
    while axes.len() < STARTS {
        let farthest = away.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)));
        let Some(mut axis) = farthest.cloned() else { break };
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; axis.len()];
            for away in &away {
                let along = dot(away, &axis);
                next.iter_mut().zip(away).for_each(|(next, x)| *next += along * x);
            }
            let length = dot(&next, &next).sqrt();
            if length < 1e-6 {
                return axes;
            }
            next.iter_mut().for_each(|x| *x /= length);
            axis = next;
        }
        for away in &mut away {
            let along = dot(away, &axis);
            away.iter_mut().zip(&axis).for_each(|(x, axis)| *x -= along * axis);
        }
        axes.push(axis);
    }
    axes
}

fn mean(points: &[&[f32]]) -> Vec<f32> {
    let mut mean = vec![0.0_f32; points.first().map_or(0, |point| point.len())];
    for point in points {
        mean.iter_mut().zip(*point).for_each(|(mean, x)| *mean += x / points.len() as f32);
    }
    mean
}

/// The mean, brought to length 1.
fn middle(points: &[&[f32]]) -> Vec<f32> {
    let mut mean = mean(points);
    let length = dot(&mean, &mean).sqrt().max(f32::MIN_POSITIVE);
    mean.iter_mut().for_each(|x| *x /= length);
    mean
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Without the last bits, which differ between machines.
fn rounded(value: f32) -> f32 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around one of the axes, scattered by a fixed rule.
    fn voice(axis: usize, pieces: usize) -> Vec<Vec<f32>> {
        let mut state = axis as u64 + 1;
        let mut scatter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.4
        };
        (0..pieces)
            .map(|_| {
                let mut point: Vec<f32> = (0..24).map(|_| scatter()).collect();
                point[axis] += 1.0;
                middle(&[&point])
            })
            .collect()
    }

    fn heard(voices: &[Vec<Vec<f32>>]) -> Apart {
        let points: Vec<&[f32]> = voices.iter().flatten().map(Vec::as_slice).collect();
        tell_apart(&points).expect("enough was heard")
    }

    fn nearest(apart: &Apart) -> Vec<usize> {
        let best = |of: &Vec<f32>| (0..of.len()).max_by(|a, b| of[*a].total_cmp(&of[*b])).unwrap();
        apart.likeness.iter().map(best).collect()
    }

    #[test]
    fn two_voices_are_told_apart_whoever_speaks_more() {
        for (one, other) in [(10, 10), (30, 6), (5, 60)] {
            let apart = heard(&[voice(0, one), voice(1, other)]);
            let nearest = nearest(&apart);
            assert!(apart.alike < 0.5, "{}", apart.alike);
            assert!(nearest[..one].iter().all(|n| *n == nearest[0]), "{one} {other}");
            assert!(nearest[one..].iter().all(|n| *n == 1 - nearest[0]), "{one} {other}");
        }
    }

    #[test]
    fn one_voice_falls_into_halves_that_are_alike() {
        let apart = heard(&[voice(0, 40)]);
        assert!(apart.alike > 0.8, "{}", apart.alike);
        assert_eq!(apart.likeness[0].len(), 2);
    }

    #[test]
    fn a_third_voice_is_found() {
        let nearest = nearest(&heard(&[voice(0, 12), voice(1, 20), voice(2, 9)]));
        let (a, b, c) = (nearest[0], nearest[12], nearest[32]);
        assert!(a != b && b != c && a != c);
        assert!(nearest[..12].iter().all(|n| *n == a));
        assert!(nearest[12..32].iter().all(|n| *n == b));
        assert!(nearest[32..].iter().all(|n| *n == c));
    }

    #[test]
    fn too_little_and_all_the_same_say_nothing() {
        let few = voice(0, 7);
        assert_eq!(tell_apart(&few.iter().map(Vec::as_slice).collect::<Vec<_>>()), None);
        let same = vec![voice(0, 1).remove(0); 20];
        assert_eq!(tell_apart(&same.iter().map(Vec::as_slice).collect::<Vec<_>>()), None);
    }
}
