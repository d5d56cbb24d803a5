//! Numbers as people say them: in pieces, with breath, corrections and the other party's "mm-hm" between.
//!
//! A run is all that one speaker says of one number, over as many turns as it takes. Every run knows what was asked for
//! when it began; [`super::judge`] decides what it is.

use std::collections::HashMap;

use crate::domain::{ChannelId, Dialogue, Role, Turn};

use super::spoken::{self, Atom, Meaning};
use super::topic::{self, Cue, Topic};

/// Other words between two digits that do not end a number: misheard digits, a word of doubt.
const STRANGE_MAX: usize = 2;
/// Words without meaning between two digits.
const FILLERS_MAX: usize = 16;
/// A turn of the other party with no more words than this does not end a number.
const ASIDE_WORDS: usize = 4;
/// A question is forgotten after so many turns, or so much time.
const TOPIC_TURNS: usize = 12;
const TOPIC_MS: u64 = 120_000;

/// What one speaker said of one number.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Indices of atoms, numbers only, in order.
    pub(super) atoms: Vec<usize>,
    /// What was asked for or announced last.
    pub(super) topic: Option<Topic>,
    /// What the number was named, if it is something that may be kept.
    pub(super) name: Option<Name>,
    /// A card was mentioned before.
    pub(super) mention: bool,
    /// Some of its turns hold little else.
    pub(super) answer: bool,
}

/// All turns as atoms, and the runs in them.
pub(super) struct Stream {
    pub(super) atoms: Vec<Atom>,
    /// Range of atoms of each turn.
    pub(super) turns: Vec<std::ops::Range<usize>>,
    pub(super) cues: Vec<Vec<Cue>>,
}

impl Stream {
    pub(super) fn of(dialogue: &Dialogue) -> Self {
        let mut atoms = Vec::new();
        let mut turns = Vec::new();
        let mut cues = Vec::new();
        for (n, turn) in dialogue.turns.iter().enumerate() {
            let from = atoms.len();
            atoms.extend(spoken::atoms(n, &turn.text));
            turns.push(from..atoms.len());
            cues.push(topic::cues(&turn.text));
        }
        Self { atoms, turns, cues }
    }

    /// Whether a turn is little else than digits.
    pub(super) fn is_answer(&self, turn: usize) -> bool {
        let atoms = &self.atoms[self.turns[turn].clone()];
        let numbers = atoms.iter().filter(|atom| atom.is_hard() || atom.is_soft() || atom.is_date()).count();
        let words = atoms.iter().filter(|atom| atom.meaning == Meaning::Word && !atom.ordinary).count();
        numbers > 0 && words <= 1.max(numbers / 2)
    }
}

/// What is expected, carried from turn to turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) topic: Topic,
    turn: usize,
    at_ms: u64,
}

/// The name of the next number, until it was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    turn: usize,
    /// Byte after it.
    end: usize,
    /// `Named` or `Amount`.
    pub(super) topic: Topic,
    /// Nothing stands between the name and the number.
    pub(super) beside: bool,
}

/// Walks the dialogue and hands every run to `judge` as soon as it is complete; `judge` says what is expected next,
/// `None` to leave that as it is.
pub(super) fn walk(dialogue: &Dialogue, stream: &Stream, mut judge: impl FnMut(&Run) -> Option<Option<Topic>>) {
    let mut walk = Walk { stream, expected: None, name: None, mention: None, open: HashMap::new() };
    for (n, turn) in dialogue.turns.iter().enumerate() {
        walk.forget(n, turn.span.start().ms());
        let me = (turn.speaker, turn.channel);
        walk.others_speak(n, me, &mut judge);
        let mut cues = stream.cues[n].iter().peekable();
        for at in stream.turns[n].clone() {
            let atom = &stream.atoms[at];
            while let Some(cue) = cues.next_if(|cue| cue.range.end <= atom.range.start) {
                walk.close(me, &mut judge);
                walk.hear(cue, n, turn);
            }
            // A number inside a cue, "the three digits", belongs to it.
            let inside = cues.peek().is_some_and(|cue| cue.range.start <= atom.range.start);
            if inside {
                continue;
            }
            walk.take(at, n, turn, me, &mut judge);
        }
        for cue in cues {
            walk.close(me, &mut judge);
            walk.hear(cue, n, turn);
        }
    }
    let mut rest: Vec<Speaker> = walk.open.keys().copied().collect();
    rest.sort();
    for speaker in rest {
        walk.close(speaker, &mut judge);
    }
}

type Speaker = (Role, Option<ChannelId>);

struct Open {
    run: Run,
    fillers: usize,
    strange: usize,
}

struct Walk<'s> {
    stream: &'s Stream,
    expected: Option<Expected>,
    name: Option<Name>,
    mention: Option<usize>,
    open: HashMap<Speaker, Open>,
}

type Judge<'j> = dyn FnMut(&Run) -> Option<Option<Topic>> + 'j;

impl Walk<'_> {
    fn forget(&mut self, turn: usize, now_ms: u64) {
        let old = |expected: &Expected| {
            let payment = expected.topic == Topic::Payment;
            let turns = if payment { TOPIC_TURNS / 2 } else { TOPIC_TURNS };
            turn > expected.turn + turns || now_ms > expected.at_ms + TOPIC_MS
        };
        self.expected = self.expected.filter(|expected| !old(expected));
        self.name = self.name.filter(|name| turn <= name.turn + 2);
        self.mention = self.mention.filter(|mention| turn <= mention + TOPIC_TURNS);
    }

    fn hear(&mut self, cue: &Cue, n: usize, turn: &Turn) {
        match cue.topic {
            Topic::Named | Topic::Amount => {
                self.name = Some(Name { turn: n, end: cue.range.end, topic: cue.topic, beside: false });
            }
            Topic::Mention => self.mention = Some(n),
            topic => {
                self.expected = Some(Expected { topic, turn: n, at_ms: turn.span.end().ms() });
                self.name = None;
                if topic.is_payment() {
                    self.mention = Some(n);
                }
            }
        }
    }

    /// A turn begins: whoever else was in the middle of a number stays there only if this is no more than an aside.
    fn others_speak(&mut self, n: usize, me: Speaker, judge: &mut Judge<'_>) {
        let atoms = &self.stream.atoms[self.stream.turns[n].clone()];
        let words = atoms.iter().filter(|atom| atom.meaning == Meaning::Word).count();
        let aside = self.stream.cues[n].iter().all(|cue| cue.topic == Topic::Mention)
            && (words <= ASIDE_WORDS || self.stream.is_answer(n));
        if aside {
            return;
        }
        let mut others: Vec<Speaker> = self.open.keys().copied().filter(|speaker| *speaker != me).collect();
        others.sort();
        for speaker in others {
            self.close(speaker, judge);
        }
    }

    fn take(&mut self, at: usize, n: usize, turn: &Turn, me: Speaker, judge: &mut Judge<'_>) {
        let stream = self.stream;
        let atom = &stream.atoms[at];
        if self.is_number(at, n, me) {
            let run = match self.open.entry(me) {
                std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::hash_map::Entry::Vacant(room) => {
                    let beside = |name: Name| name.turn == n && between_is_empty(stream, n, name.end, atom.range.start);
                    let name = self.name.map(|name| Name { beside: beside(name), ..name });
                    room.insert(Open {
                        run: Run {
                            atoms: Vec::new(),
                            topic: self
                                .expected
                                .filter(|expected| expected.topic.is_secret())
                                .map(|expected| expected.topic)
                                .or_else(|| said_after(stream, n, at)),
                            name,
                            mention: self.mention.is_some(),
                            answer: false,
                        },
                        fillers: 0,
                        strange: 0,
                    })
                }
            };
            run.run.atoms.push(at);
            run.run.answer |= stream.is_answer(n);
            (run.fillers, run.strange) = (0, 0);
            if let Some(expected) = &mut self.expected {
                // As long as digits come, the question stands.
                (expected.turn, expected.at_ms) = (n, turn.span.end().ms());
            }
            return;
        }
        let Some(open) = self.open.get_mut(&me) else { return };
        if atom.is_filler() {
            open.fillers += 1;
        } else {
            open.strange += 1;
        }
        if open.fillers > FILLERS_MAX || open.strange > STRANGE_MAX {
            self.close(me, judge);
        }
    }

    fn close(&mut self, speaker: Speaker, judge: &mut Judge<'_>) {
        let Some(open) = self.open.remove(&speaker) else { return };
        let last = open.run.atoms.last().map_or(0, |at| self.stream.atoms[*at].turn);
        if open.run.name.is_some() {
            // Said: the next number needs a name of its own.
            self.name = self.name.filter(|name| name.turn > last);
        }
        if let Some(next) = judge(&open.run) {
            let at_ms = self.expected.map_or(0, |expected| expected.at_ms);
            // A question asked since then is newer.
            if self.expected.is_none_or(|expected| expected.topic == open.run.topic.unwrap_or(expected.topic)) {
                self.expected = next.map(|topic| Expected { topic, turn: last, at_ms });
            }
        }
    }

    /// Whether the atom is a number here: hard ones always; dates where one is expected; sounds like "for" beside a
    /// digit, or in an answer that is nothing but digits.
    fn is_number(&self, at: usize, n: usize, me: Speaker) -> bool {
        let stream = self.stream;
        let atom = &stream.atoms[at];
        if atom.is_hard() {
            return true;
        }
        let secret = self.expected.is_some_and(|expected| expected.topic.is_secret());
        let turn = stream.turns[n].clone();
        let neighbour = |n: Option<usize>| n.filter(|n| turn.contains(n)).map(|n| &stream.atoms[n]);
        let (before, after) = (neighbour(at.checked_sub(1)), neighbour(Some(at + 1)));
        let hard = |atom: Option<&Atom>| atom.is_some_and(|atom| atom.is_hard() && !atom.ordinary);
        if atom.is_date() {
            let dated = |atom: Option<&Atom>| atom.is_some_and(|atom| atom.is_hard() || atom.is_date());
            // "may", "march" and "second" are other words as well.
            let doubtful = ["may", "march", "second", "mar", "jan", "sept", "first"].contains(&atom.lower.as_str());
            let beside =
                dated(before) || dated(after) || after.is_some_and(|atom| atom.lower == "of" || atom.lower == "the");
            return secret && (beside || !doubtful || stream.is_answer(n));
        }
        if !atom.is_soft() {
            return false;
        }
        let soft = |atom: Option<&Atom>| atom.is_some_and(|atom| atom.is_soft());
        let quiet = |atom: Option<&Atom>| atom.is_none_or(|atom| atom.is_filler());
        let digit = |atom: Option<&Atom>| hard(atom) || soft(atom);
        if digit(before) && digit(after) {
            return hard(before) || hard(after) || stream.is_answer(n);
        }
        let open = self.open.contains_key(&me);
        if (hard(before) && quiet(after)) || (hard(after) && quiet(before)) {
            return secret || open || stream.is_answer(n);
        }
        // While a code is said, whatever sounds like a digit in a row with one is one: masking a "for" too many hurts
        // nobody.
        if self.expected.is_some_and(|expected| expected.topic.is_payment()) {
            let breath = |at: &usize| ["uh", "um", "er"].contains(&stream.atoms[*at].lower.as_str());
            let goes_on = (at + 1..turn.end).find(|at| !breath(at) && !stream.atoms[*at].is_soft());
            let last = (turn.start..at).rev().find(|at| !breath(at));
            let in_run = self.open.get(&me).and_then(|open| open.run.atoms.last().copied());
            if goes_on.is_some_and(|at| hard(Some(&stream.atoms[at]))) || (last.is_some() && last == in_run) {
                return true;
            }
        }
        secret && stream.is_answer(n) && (soft(before) || soft(after) || open)
    }
}

/// "... is the code on the back": what a number is called after it was said, if it is.
fn said_after(stream: &Stream, turn: usize, at: usize) -> Option<Topic> {
    let cue = stream.cues[turn].iter().find(|cue| cue.range.start >= stream.atoms[at].range.end)?;
    let rest = stream.atoms[at..stream.turns[turn].end].iter().skip_while(|atom| {
        atom.is_hard() || atom.is_soft() || atom.lower == "and" || atom.lower == "uh" || atom.lower == "um"
    });
    let between: Vec<&Atom> = rest.take_while(|atom| atom.range.start < cue.range.start).collect();
    let names =
        between.first().is_none_or(|atom| ["is", "was", "that's", "for", "as", "on"].contains(&atom.lower.as_str()));
    (names && between.len() <= 3 && cue.topic.is_secret()).then_some(cue.topic)
}

/// Whether only fillers stand between two bytes of a turn.
fn between_is_empty(stream: &Stream, turn: usize, from: usize, to: usize) -> bool {
    let atoms = &stream.atoms[stream.turns[turn].clone()];
    atoms.iter().filter(|atom| atom.range.start >= from && atom.range.end <= to).all(Atom::is_filler)
}
