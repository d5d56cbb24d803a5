//! What a number is: by its length and check digit, by what was asked, and by what is known already.

use crate::domain::SecretKind;

use super::card;
use super::contact;
use super::run::{Name, Run, Stream};
use super::spoken::{self, Atom, Meaning};
use super::topic::Topic;

/// From so many digits on a number that nobody named is a card's that lost some: nobody reads out anything longer.
const UNNAMED: usize = 11;
/// From so many digits on a number after the word "card" is one.
const MENTIONED: usize = 9;
/// Digits of an amount that is said without its currency.
const AMOUNT_MAX: usize = 6;
/// A code is no longer.
const CODE_MAX: usize = 8;
/// Digits in a row that a reader could find in a card's number.
const PART: usize = 4;

/// What follows an amount, a time or a count.
const COUNTED: [&str; 62] = [
    "dollars",
    "dollar",
    "bucks",
    "cents",
    "cent",
    "pounds",
    "pound",
    "quid",
    "pence",
    "euros",
    "euro",
    "percent",
    "minutes",
    "minute",
    "hours",
    "hour",
    "days",
    "day",
    "weeks",
    "week",
    "months",
    "month",
    "years",
    "year",
    "seconds",
    "am",
    "pm",
    "o'clock",
    "times",
    "people",
    "nights",
    "night",
    "items",
    "item",
    "miles",
    "business",
    "working",
    "more",
    "digits",
    "digit",
    "numbers",
    "cards",
    "card",
    "kids",
    "grand",
    "children",
    "tickets",
    "bags",
    "boxes",
    "rooms",
    "guests",
    "adults",
    "kilometers",
    "kilos",
    "units",
    "payments",
    "installments",
    "orders",
    "calls",
    "pieces",
    "copies",
    "points",
];

/// Numbers of this call that are known, so that they are known again when they are read back.
#[derive(Default)]
pub(super) struct Known {
    cards: Vec<String>,
    codes: Vec<String>,
    named: Vec<String>,
}

/// What becomes of a run.
pub(super) struct Verdict {
    /// Indices of its atoms, and what they are.
    pub(super) atoms: Vec<usize>,
    pub(super) kind: SecretKind,
    /// What is expected next.
    pub(super) next: Option<Option<Topic>>,
}

/// Judges `run`; `None` if it may be kept.
pub(super) fn judge(run: &Run, stream: &Stream, known: &mut Known) -> Option<Verdict> {
    let kept = counted(run, stream);
    if kept.is_empty() {
        return None;
    }
    let atoms: Vec<&Atom> = kept.iter().map(|at| &stream.atoms[*at]).collect();
    let hard = spoken::digits(atoms.iter().copied().filter(|atom| !atom.is_soft()));
    let all = spoken::digits(atoms.iter().copied());
    let len = all.len();
    let is_card = [&hard, &all].into_iter().any(|digits| card::is_number(digits));
    let kind = if !is_card && run.name.is_some_and(|name| name.covers(len)) {
        None
    } else if known.is_card_part(&all) {
        Some(SecretKind::CardNumber)
    } else if known.named.contains(&all) {
        None
    } else if let Some(kind) = by_topic(run, stream, &atoms, &all) {
        Some(kind)
    } else if run.name.is_some() && !is_card {
        None
    } else if known.codes.contains(&all) && len >= 3 && run.topic.is_some() {
        Some(SecretKind::SecurityCode)
    } else {
        by_shape(run, &atoms, &all, is_card)
    };
    let Some(kind) = kind else {
        if run.name.is_some() && len >= 3 {
            known.named.push(all);
        }
        return None;
    };
    let next = match kind {
        SecretKind::CardNumber => {
            known.cards.push(all.clone());
            if hard != all {
                known.cards.push(hard);
            }
            let whole: usize = known.cards.iter().map(String::len).sum();
            // The rest of the number may be still to come.
            (whole >= *card::LEN.start()).then_some(Some(Topic::Payment))
        }
        SecretKind::SecurityCode => {
            known.codes.push(all);
            (len >= 3).then_some(Some(Topic::Payment))
        }
        SecretKind::Expiry => Some(Some(Topic::Payment)),
        SecretKind::BirthDate => (len >= 4).then_some(None),
        SecretKind::Phone => (len >= 7).then_some(None),
        SecretKind::NationalId => (len >= 9).then_some(None),
        SecretKind::Email | SecretKind::Keys => None,
    };
    Some(Verdict { atoms: kept, kind, next })
}

impl Name {
    /// Whether a number of so many digits is what was named, even while a card is being read.
    fn covers(self, len: usize) -> bool {
        match self.topic {
            Topic::Named => len < *card::LEN.start(),
            _ => self.beside && len <= AMOUNT_MAX,
        }
    }
}

impl Known {
    fn is_card_part(&self, digits: &str) -> bool {
        if digits.len() < PART {
            return false;
        }
        if self.cards.iter().any(|card| card.len() > digits.len() && card.contains(digits)) {
            return true;
        }
        // Read back with a digit lost here or a group corrected there.
        let parts = digits.len() + 1 - PART;
        let known =
            (0..parts).filter(|at| self.cards.iter().any(|card| card.contains(&digits[*at..at + PART]))).count();
        parts > PART && known * 2 >= parts
    }
}

/// What was asked for decides, where it fits at all.
fn by_topic(run: &Run, stream: &Stream, atoms: &[&Atom], digits: &str) -> Option<SecretKind> {
    let len = digits.len();
    let topic = run.topic?;
    let payment = |short: SecretKind| {
        if len > CODE_MAX { long(digits) } else { short }
    };
    // "I have two of them": one small number among words.
    let lost = !run.answer && atoms.len() == 1 && len == 1;
    match topic {
        Topic::Card if !lost => Some(SecretKind::CardNumber),
        Topic::Code if !lost => Some(payment(SecretKind::SecurityCode)),
        Topic::Expiry if !lost => Some(payment(SecretKind::Expiry)),
        Topic::Payment if run.answer || same_turn_as_card(run, stream) => {
            Some(payment(if is_expiry(atoms, digits) { SecretKind::Expiry } else { SecretKind::SecurityCode }))
                .filter(|_| !lost && run.name.is_none())
        }
        Topic::BirthDate if !lost => {
            Some(if len >= *card::LEN.start() { SecretKind::CardNumber } else { SecretKind::BirthDate })
        }
        Topic::Phone if (4..*card::LEN.start()).contains(&len) => Some(SecretKind::Phone),
        Topic::Phone if run.answer && len < 4 => Some(SecretKind::Phone),
        Topic::NationalId if (3..*card::LEN.start()).contains(&len) || run.answer => Some(SecretKind::NationalId),
        _ => None,
    }
}

fn long(digits: &str) -> SecretKind {
    if contact::is_phone(digits) && digits.len() < 12 { SecretKind::Phone } else { SecretKind::CardNumber }
}

/// Expiry and code follow the card's number in one breath.
fn same_turn_as_card(run: &Run, stream: &Stream) -> bool {
    let first = run.atoms.first().map(|at| stream.atoms[*at].turn);
    first.is_some_and(|turn| {
        stream.cues[turn].iter().any(|cue| cue.topic.is_payment())
            || stream.atoms[stream.turns[turn].clone()].iter().filter(|atom| atom.is_hard()).count() > run.atoms.len()
    })
}

/// `11/29`, `oh four twenty-seven`, `November 2029`.
fn is_expiry(atoms: &[&Atom], digits: &str) -> bool {
    let month = digits.get(..2).and_then(|month| month.parse::<u8>().ok());
    contact::has_month(atoms) || (matches!(digits.len(), 4 | 6) && month.is_some_and(|month| (1..=12).contains(&month)))
}

/// Nobody asked, nobody said: the digits themselves.
fn by_shape(run: &Run, atoms: &[&Atom], digits: &str, is_card: bool) -> Option<SecretKind> {
    let len = digits.len();
    let groups: Vec<usize> = atoms.iter().map(|atom| atom.lower.len()).collect();
    let written = atoms.iter().all(|atom| atom.meaning == Meaning::Figures);
    if is_card || len >= *card::LEN.start() {
        return Some(SecretKind::CardNumber);
    }
    if written && contact::is_written_social(&groups) {
        return Some(SecretKind::NationalId);
    }
    if (written && contact::is_written_phone(&groups)) || (contact::is_phone(digits) && (!run.mention || len < 12)) {
        return Some(SecretKind::Phone);
    }
    (len >= UNNAMED || (run.mention && len >= MENTIONED)).then_some(SecretKind::CardNumber)
}

/// The atoms of the run without amounts, times and counts at its ends or among them.
fn counted(run: &Run, stream: &Stream) -> Vec<usize> {
    let secret = run.topic.is_some_and(Topic::is_secret);
    let mut keep = vec![true; run.atoms.len()];
    for n in 0..run.atoms.len() {
        let at = run.atoms[n];
        let atom = &stream.atoms[at];
        let answer = stream.is_answer(atom.turn);
        // A transcriber writes "1:23" and "$41.11" for digits too.
        if atom.ordinary && !(secret && answer) {
            keep[n] = false;
        }
        let last_of_phrase = run.atoms.get(n + 1).is_none_or(|next| *next != at + 1);
        let follows = stream.atoms.get(at + 1).filter(|next| next.turn == atom.turn);
        if last_of_phrase && follows.is_some_and(|next| COUNTED.contains(&next.lower.as_str())) {
            // The phrase: numbers without a word between.
            let mut from = n;
            while from > 0 && run.atoms[from - 1] + 1 == run.atoms[from] && stream.atoms[at].meaning != Meaning::Figures
            {
                from -= 1;
            }
            let digits = spoken::digits(run.atoms[from..=n].iter().map(|at| &stream.atoms[*at]));
            if digits.len() <= CODE_MAX {
                keep[from..=n].fill(false);
            }
        }
    }
    run.atoms.iter().zip(keep).filter(|(_, keep)| *keep).map(|(at, _)| *at).collect()
}
