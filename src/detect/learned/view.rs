//! A turn as the weights see it: its words by ones and twos, what it answers, and where its clauses lie as points.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Side;
use crate::detect::context::turns_away;
use crate::detect::rules::{Cue, TurnSigns};
use crate::detect::semantic::{DIMENSIONS, Embedder};
use crate::detect::text::Words;
use crate::detect::{acts, scores};
use crate::domain::{Act, Dialogue, Label, Role};

/// Words by ones and twos, and the facts the rules noticed. Each counts once, however often it is said.
pub(super) type Grams = BTreeSet<String>;

/// One turn.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// What the turn says.
    pub said: Grams,
    /// What the other party said just before.
    pub heard: Grams,
    /// What went before, as far as the rules can tell: what the other party just did, and which doors were closed.
    pub place: Grams,
    /// The stretches that could stand alone, in order; empty if nothing was said.
    pub clauses: Vec<Clause>,
    /// The middle of the clauses' points; empty without a sentence model.
    pub point: Vec<f32>,
    /// The same of what was heard; empty without a sentence model, zeros if nothing was heard.
    pub point_heard: Vec<f32>,
}

/// A stretch of a turn.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// Its bytes in the turn's text.
    pub bytes: Range<usize>,
    /// How many words.
    pub words: usize,
    pub said: Grams,
    /// Empty without a sentence model.
    pub point: Vec<f32>,
}

/// A stretch of fewer words joins its neighbour.
const SHORT: usize = 3;
/// An apology of so many words has nothing behind it.
const BARE: usize = 3;

/// The views of all turns. `signs` has one entry per turn.
pub(super) fn views(dialogue: &Dialogue, signs: &[TurnSigns], embedder: Option<&Embedder>) -> Vec<View> {
    let calm = without_bare_apologies(signs);
    let hits: Vec<_> = calm.iter().map(|signs| signs.hits.clone()).collect();
    let acts = acts::decide(dialogue, &calm, &scores::from_hits(&hits), None).acts;
    let mut views: Vec<View> = signs.iter().map(of_turn).collect();
    if let Some(embedder) = embedder {
        place(dialogue, &mut views, embedder);
    }
    for at in 0..views.len() {
        let heard = heard_by(dialogue, at);
        let mut grams = Grams::new();
        for &other in &heard {
            grams.extend(views[other].said.iter().filter(|gram| !gram.contains(' ')).cloned());
        }
        views[at].heard = grams;
        views[at].place = place_of(dialogue, &acts, at, &heard);
        if embedder.is_some() {
            let parts = heard.iter().map(|&other| (words(&views[other]), views[other].point.as_slice()));
            views[at].point_heard = middle(parts);
        }
    }
    views
}

fn of_turn(signs: &TurnSigns) -> View {
    let clauses: Vec<Clause> = clauses(&signs.words, |sentence| is_bare_apology(signs, sentence))
        .into_iter()
        .map(|range| Clause {
            bytes: signs.words.bytes(range.clone()),
            words: range.len(),
            said: grams(signs, range),
            point: Vec::new(),
        })
        .collect();
    let said = clauses.iter().flat_map(|clause| clause.said.iter().cloned()).collect();
    View { said, clauses, ..View::default() }
}

/// What the rules hear apart from bare apologies, so that these leave no trace in what follows.
fn without_bare_apologies(signs: &[TurnSigns]) -> Vec<TurnSigns> {
    let of_turn = |signs: &TurnSigns| {
        let bare = |words: &Range<usize>| is_bare_apology(signs, &signs.words.sentence(words.start));
        let apologises = |label: Label| label == Label::HollowApology;
        let kept = |&at: &usize| !(apologises(signs.hits[at].label) && bare(&signs.places[at]));
        let kept: Vec<usize> = (0..signs.hits.len()).filter(kept).collect();
        TurnSigns {
            words: signs.words.clone(),
            hits: kept.iter().map(|&at| signs.hits[at].clone()).collect(),
            places: kept.iter().map(|&at| signs.places[at].clone()).collect(),
            cues: signs.cues.iter().filter(|hit| hit.cue != Cue::Apology || !bare(&hit.words)).cloned().collect(),
        }
    };
    signs.iter().map(of_turn).collect()
}

/// "I'm sorry.": the rules hear it. The weights do not, or saying it ten times would count ten times.
fn is_bare_apology(signs: &TurnSigns, sentence: &Range<usize>) -> bool {
    let inside = |words: &Range<usize>| words.start < sentence.end && sentence.start < words.end;
    sentence.len() <= BARE && signs.cues.iter().any(|hit| hit.cue == Cue::Apology && inside(&hit.words))
}

/// Sentences, the very short ones joined to the one before.
fn clauses(words: &Words, pass_over: impl Fn(&Range<usize>) -> bool) -> Vec<Range<usize>> {
    let mut clauses: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let sentence = words.sentence(at);
        at = sentence.end;
        if pass_over(&sentence) {
            continue;
        }
        match clauses.last_mut() {
            Some(last) if last.end == sentence.start && (last.len() < SHORT || sentence.len() < SHORT - 1) => {
                last.end = sentence.end
            }
            _ => clauses.push(sentence),
        }
    }
    clauses
}

fn grams(signs: &TurnSigns, range: Range<usize>) -> Grams {
    let tokens = &signs.words.tokens[range.clone()];
    let mut grams: Grams = tokens.iter().map(|token| token.word.clone()).collect();
    grams.extend(tokens.windows(2).map(|pair| format!("{} {}", pair[0].word, pair[1].word)));
    if tokens.iter().any(|token| token.asked) {
        grams.insert("?".to_owned());
    }
    let inside = |words: &Range<usize>| words.start < range.end && range.start < words.end;
    grams.extend(signs.cues.iter().filter(|hit| inside(&hit.words)).map(|hit| format!("<{:?}>", hit.cue)));
    grams
}

/// Gives every clause and turn its point.
fn place(dialogue: &Dialogue, views: &mut [View], embedder: &Embedder) {
    let texts: Vec<&str> = dialogue
        .turns
        .iter()
        .zip(views.iter())
        .flat_map(|(turn, view)| view.clauses.iter().map(|clause| &turn.text[clause.bytes.clone()]))
        .collect();
    let mut points = embedder.points(&texts).into_iter();
    for view in views {
        for clause in &mut view.clauses {
            clause.point = points.next().as_deref().map(rounded).unwrap_or_default();
        }
        view.point = middle(view.clauses.iter().map(|clause| (clause.words, clause.point.as_slice())));
    }
}

/// Rounds away the last bits, in which one processor may differ from another.
fn rounded(point: &[f32]) -> Vec<f32> {
    point.iter().map(|x| (x * 4096.0).round() / 4096.0).collect()
}

/// The middle of several points, longer stretches weighing more; zeros if there is none.
fn middle<'a>(parts: impl Iterator<Item = (usize, &'a [f32])>) -> Vec<f32> {
    let mut middle = vec![0.0_f32; DIMENSIONS];
    for (words, point) in parts {
        for (sum, x) in middle.iter_mut().zip(point) {
            *sum += words as f32 * x;
        }
    }
    let length = middle.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        middle.iter_mut().for_each(|x| *x /= length);
    }
    middle
}

/// Where turn `at` stands.
fn place_of(dialogue: &Dialogue, acts: &[Vec<Act>], at: usize, heard: &[usize]) -> Grams {
    let side = Side::of(dialogue.turns[at].speaker);
    let done = |turns: &[usize]| -> BTreeSet<Label> {
        turns.iter().flat_map(|&turn| &acts[turn]).map(|act| act.label).collect()
    };
    let mut place: Grams = done(heard).into_iter().map(|label| format!("after {}", label.as_str())).collect();
    if heard.is_empty() {
        place.insert("opens".to_owned());
    } else if place.is_empty() {
        place.insert("after nothing".to_owned());
    }
    let just = done(heard);
    let soothed = [Label::HollowApology, Label::ScriptedFiller];
    if just.iter().any(|label| turns_away(*label)) {
        place.insert("turned away".to_owned());
    } else if just.iter().any(|label| soothed.contains(label)) {
        place.insert("soothed".to_owned());
    } else if !heard.is_empty() {
        place.insert("served".to_owned());
    }
    let own: Vec<usize> = (0..at).filter(|&before| Side::of(dialogue.turns[before].speaker) == side).collect();
    if own.is_empty() {
        place.insert("first".to_owned());
    } else if heard.last().is_some_and(|&heard| own.last().is_some_and(|&own| own > heard)) {
        place.insert("goes on".to_owned());
    }
    let before: Vec<usize> = (0..at).collect();
    let ever = done(&before);
    if ever.iter().any(|label| turns_away(*label)) {
        place.insert("since turned away".to_owned());
    }
    for label in [Label::Pushback, Label::Fulfilment, Label::Frustration] {
        if ever.contains(&label) {
            place.insert(format!("since {}", label.as_str()));
        }
    }
    place
}

fn words(view: &View) -> usize {
    view.clauses.iter().map(|clause| clause.words).sum()
}

/// The other party's latest turns before turn `at`, in order.
fn heard_by(dialogue: &Dialogue, at: usize) -> Vec<usize> {
    let speaker = dialogue.turns[at].speaker;
    let other = |role: Role| role == Role::Mixed || speaker == Role::Mixed || Side::of(role) != Side::of(speaker);
    let mut heard: Vec<usize> = (0..at)
        .rev()
        .skip_while(|&before| !other(dialogue.turns[before].speaker))
        .take_while(|&before| other(dialogue.turns[before].speaker))
        // Several parties on one channel: only the turn just before can be told to be the other's.
        .take(if speaker == Role::Mixed { 1 } else { usize::MAX })
        .collect();
    heard.reverse();
    heard
}
