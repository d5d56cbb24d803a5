//! Empathy as opportunity, acknowledgement, action: for each hardship that a caller states, what the agent's next turns
//! made of it.
//!
//! An apology is never counted for anything: an acknowledgement has to name something, and where only stock phrases
//! come the answer is hollow, which is worth as much as none. So no number of apologies can better a call.

use std::ops::Range;

use crate::domain::{Act, Burden, Dialogue, Empathy, Evidence, Label, Opportunity, Response, Role, Turn};

use super::hardship::Hardships;
use super::text::Words;

/// Times the agent takes the floor among which the step that followed is looked for.
const FLOORS: usize = 3;

/// Reads the opportunities of a call that an agent had a chance to answer. `acts[n]` belongs to `dialogue.turns[n]`.
pub fn read(dialogue: &Dialogue, acts: &[Vec<Act>]) -> Empathy {
    let mut opportunities = Vec::new();
    let mut open: Option<Stated> = None;
    for turn in dialogue.turns.iter().filter(|turn| !turn.backchannel) {
        match turn.speaker {
            // The caller goes on before anyone answers: it is one opportunity, and its heaviest part counts.
            Role::Caller => {
                if let Some(stated) = stated(turn, acts_of(acts, turn.i)) {
                    let heavier = open.as_ref().is_none_or(|before| stated.burden < before.burden);
                    if heavier {
                        open = Some(stated);
                    }
                }
            }
            Role::Agent => {
                if let Some(stated) = open.take() {
                    opportunities.push(answered(&stated, turn.i, dialogue, acts));
                }
            }
            Role::Ivr | Role::Mixed => {}
        }
    }
    Empathy { opportunities }
}

/// A hardship put into words.
struct Stated {
    burden: Burden,
    said: Evidence,
}

fn stated(turn: &Turn, acts: &[Act]) -> Option<Stated> {
    let (burden, quote): (Burden, Range<usize>) = match Hardships::built_in().heaviest(&turn.text) {
        Some(cue) => cue,
        None => (Burden::Frustration, acts.iter().find(|act| act.label == Label::Frustration)?.quote.clone()),
    };
    Some(Stated { burden, said: Evidence::from_turn(turn, quote) })
}

/// What the agent did from turn `first` on.
fn answered(stated: &Stated, first: usize, dialogue: &Dialogue, acts: &[Vec<Act>]) -> Opportunity {
    let floors = floors(first, dialogue);
    // A question or a "one moment" decides nothing yet; then the next time the agent speaks counts too.
    let open = floors[0].iter().all(|turn| acts_of(acts, turn.i).iter().all(|act| act.label == Label::ClarifyingQuestion));
    let answer: Vec<&Turn> = floors[..if open { floors.len().min(2) } else { 1 }].concat();
    let find = |turns: &[&Turn], wanted: &dyn Fn(&Turn, &Act) -> bool| {
        turns.iter().find_map(|turn| {
            let act = acts_of(acts, turn.i).iter().find(|act| wanted(turn, act))?;
            Some(Evidence::from_turn(turn, act.quote.clone()))
        })
    };
    let acknowledged = find(&answer, &|turn, act| act.label == Label::Acknowledgement && names_something(turn, act));
    let done = find(&answer, &|_, act| act.label == Label::Fulfilment);
    let stepped = find(&answer, &|_, act| is_step(act.label));
    let brushed_off = find(&answer, &|_, act| is_brush_off(act.label));
    let hollow = find(&answer, &|_, act| {
        matches!(act.label, Label::HollowApology | Label::ScriptedFiller | Label::Acknowledgement)
    });
    let action = find(&floors.concat(), &|_, act| is_step(act.label));

    // A death wants a word even where all is done at once. Else help is an answer, unless it comes with a rebuff.
    let met_by_help = match (&done, &brushed_off) {
        _ if stated.burden == Burden::Bereavement => None,
        (Some(done), _) => Some(done.clone()),
        (None, None) => stepped,
        (None, Some(_)) => None,
    };
    let (response, answer) = if let Some(words) = acknowledged {
        (Response::Acknowledged, words)
    } else if let Some(help) = met_by_help {
        (Response::NeededNothing, help)
    } else if let Some(words) = hollow {
        (Response::Hollow, words)
    } else {
        (Response::Missed, brushed_off.unwrap_or_else(|| Evidence::whole_turn(answer[0])))
    };
    Opportunity { burden: stated.burden, said: stated.said.clone(), response, answer, action }
}

/// The agent's turns from turn `first` on, parted where the caller speaks; at most [`FLOORS`] groups, at least one.
fn floors(first: usize, dialogue: &Dialogue) -> Vec<Vec<&Turn>> {
    let mut floors: Vec<Vec<&Turn>> = vec![Vec::new()];
    for turn in dialogue.turns[first..].iter().filter(|turn| !turn.backchannel) {
        let resting = floors.last().is_some_and(Vec::is_empty);
        match turn.speaker {
            Role::Agent => floors.last_mut().expect("begun with one group").push(turn),
            Role::Caller if !resting && floors.len() == FLOORS => break,
            Role::Caller if !resting => floors.push(Vec::new()),
            _ => {}
        }
    }
    floors.retain(|floor| !floor.is_empty());
    floors
}

fn acts_of(acts: &[Vec<Act>], turn: usize) -> &[Act] {
    acts.get(turn).map_or(&[], Vec::as_slice)
}

fn is_step(label: Label) -> bool {
    matches!(label, Label::OfferAction | Label::Ownership | Label::WarmTransfer | Label::Fulfilment)
}

fn is_brush_off(label: Label) -> bool {
    label.is_deflection()
        || matches!(label, Label::PolicyQuote | Label::BlameLecture | Label::RefusalWithoutAlternative)
}

/// Words of which apologies are made. What is left of an acknowledgement without them is what it names.
const APOLOGY: [&str; 44] = [
    "i", "im", "am", "we", "were", "are", "my", "our", "so", "very", "really", "truly", "terribly", "deeply", "sincerely",
    "sincere", "sorry", "apology", "apologies", "apologize", "apologise", "regret", "pardon", "for", "to", "hear", "about",
    "that", "this", "it", "the", "any", "all", "inconvenience", "trouble", "do", "please", "accept", "and", "oh", "again",
    "on", "behalf", "of",
];

fn names_something(turn: &Turn, act: &Act) -> bool {
    let quote = turn.text.get(act.quote.clone()).unwrap_or(&turn.text);
    Words::of(quote).tokens.iter().any(|token| !APOLOGY.contains(&token.word.as_str()))
}
