//! From suggestions to acts: the decision order of the annotation guide.
//!
//! Is it done or answered here? Does the agent undertake a step? Is the caller sent away, and do all four tests hold?
//! Is a rule the answer, is the caller put in the wrong, is it a plain no? Is there an apology, and for what?

use std::ops::Range;

use crate::domain::{Act, Confidence, Dialogue, Label, Role, Source, Target};

use super::context::Context;
use super::rules::{Cue, TurnSigns};
use super::scores::{HOLDS, Score, TurnScores};

/// Decides what every turn does. `signs` and `scores` have one entry per turn.
pub fn decide(dialogue: &Dialogue, signs: &[TurnSigns], scores: &[TurnScores]) -> Vec<Vec<Act>> {
    let mut context = Context::default();
    let mut acts = Vec::with_capacity(dialogue.turns.len());
    for (at, turn) in dialogue.turns.iter().enumerate() {
        let mut weighed = scores[at].clone();
        let signs = &signs[at];
        match turn.speaker {
            Role::Caller => weigh_caller(&mut weighed, signs, &context),
            Role::Agent | Role::Ivr => weigh_agent(&mut weighed, signs, &context),
            Role::Mixed => {
                weigh_caller(&mut weighed, signs, &context);
                weigh_agent(&mut weighed, signs, &context);
            }
        }
        let decided: Vec<Act> = weighed
            .iter()
            .filter(|(label, score)| score.strength >= HOLDS && label.fits(turn.speaker))
            .map(|(label, score)| Act {
                label,
                quote: score.quote.clone(),
                confidence: Confidence::new(score.strength),
                source: score.source.clone(),
                target: score.target,
            })
            .collect();
        context.pass(dialogue, at, signs, &decided);
        acts.push(decided);
    }
    acts
}

fn weigh_caller(scores: &mut TurnScores, signs: &TurnSigns, context: &Context) {
    let whole = || signs.words.bytes(0..signs.words.len());
    let holds = |scores: &TurnScores, label| scores.strength(label) >= HOLDS;
    weigh_pushback(scores, signs, context);
    if !context.caller_spoke && scores.strength(Label::Request) < HOLDS && signs.words.len() >= 5 {
        scores.set(Label::Request, context_score(0.6, whole(), "first words"));
    }
    if !(context.was_offered || context.was_asked || context.turned_away || context.soothed || context.was_met) {
        scores.clear(Label::Acceptance);
    }
    if holds(scores, Label::Pushback) {
        scores.clear(Label::Acceptance);
        if !signs.has(Cue::AsksNew) {
            shift(scores, Label::Request, -0.4);
        }
    }
    // "Thank you, that's all": nothing is asked.
    if scores.strength(Label::Gratitude) >= HOLDS && !signs.has(Cue::Asks) && !signs.words.has_question() {
        shift(scores, Label::Request, -0.35);
    }
    // An answer to a question is no new request.
    if context.was_asked && !signs.has(Cue::Asks) && !signs.words.has_question() {
        shift(scores, Label::Request, -0.35);
    }
}

/// Push-back needs something to push against: after a closed door nearly every reply that neither thanks, agrees nor
/// asks something new is one; elsewhere even strong words are a report or plain anger.
fn weigh_pushback(scores: &mut TurnScores, signs: &TurnSigns, context: &Context) {
    let agrees = scores.strength(Label::Gratitude) >= HOLDS || scores.strength(Label::Acceptance) >= HOLDS;
    let objects = signs.has(Cue::Objects);
    let at_once = context.first_reply || objects;
    let by = match (context.turned_away && at_once, context.turned_away || context.soothed) {
        (true, _) => 0.25,
        (false, true) => 0.1,
        (false, false) => -0.35,
    };
    shift(scores, Label::Pushback, by);
    let against = (context.turned_away && at_once) || (context.soothed && context.first_reply);
    if against && !agrees && !signs.has(Cue::AsksNew) && !context.was_asked && signs.words.len() >= 3 {
        let quote = signs.words.bytes(0..signs.words.len());
        scores.raise(Label::Pushback, context_score(0.55, quote, "right after being turned away"));
    }
    if agrees && !objects {
        shift(scores, Label::Pushback, -0.4);
    }
    if signs.has(Cue::AsksNew) && !objects {
        shift(scores, Label::Pushback, -0.3);
    }
    if context.was_asked {
        shift(scores, Label::Pushback, -0.15);
    }
}

const DEFLECTIONS: [Label; 3] = [Label::ChannelDeflection, Label::CallbackDeflection, Label::TransferDeflection];

/// Labels that move the caller's case forward.
const STEPS: [Label; 6] = [
    Label::OfferAction,
    Label::Ownership,
    Label::WarmTransfer,
    Label::ClarifyingQuestion,
    Label::Fulfilment,
    Label::SecureMove,
];

fn weigh_agent(scores: &mut TurnScores, signs: &TurnSigns, context: &Context) {
    if !context.caller_spoke {
        *scores = TurnScores::default();
        return;
    }
    let holds = |scores: &TurnScores, label| scores.strength(label) >= HOLDS;
    let holds_any = |scores: &TurnScores, labels: &[Label]| labels.iter().any(|label| holds(scores, *label));

    // Sent away? The four tests. A pointer that fails one is a pointer all the same.
    // Words do not mend what is broken: an answer there is half an answer.
    if context.trouble && !context.asked && scores.strength(Label::Fulfilment) < 0.8 {
        shift(scores, Label::Fulfilment, -0.1);
    }
    let done = scores.get(Label::Fulfilment).filter(|score| score.strength >= 0.8).map(|score| score.quote.clone());
    let answered = scores.get(Label::Fulfilment).filter(|score| score.strength >= HOLDS).map(|score| score.quote.clone());
    for label in DEFLECTIONS {
        let Some(score) = scores.get(label).cloned() else { continue };
        let apart = |quote: &Option<Range<usize>>| quote.as_ref().is_some_and(|quote| !touch(quote, &score.quote));
        let why_not = if !context.open && (context.content || context.ever_met) {
            Some("nothing was asked")
        } else if context.asked_pointer {
            Some("the caller asked for it")
        } else if apart(&done) {
            Some("besides finished work")
        } else if signs.has(Cue::OnlyThere) {
            Some("only there")
        } else if signs.has(Cue::UnknownHere) && label != Label::CallbackDeflection {
            Some("not known here")
        } else if cue_in(signs, Cue::OnTop, &score.quote) {
            Some("an extra")
        } else {
            None
        };
        if let Some(why) = why_not {
            scores.clear(label);
            if score.strength >= HOLDS {
                scores.raise(Label::LegitRedirect, Score { source: Source::Context(why.to_owned()), ..score });
            }
            continue;
        }
        if cue_in(signs, Cue::Undertakes, &(score.quote.start..usize::MAX)) {
            shift(scores, label, -0.3);
        }
        if holds(scores, Label::SecureMove) {
            shift(scores, label, -0.4);
        }
        // Looking for a fault together, a page of steps is the next step; "call us" is not.
        if label == Label::ChannelDeflection && shows(score.target) && (signs.has(Cue::Steps) || context.live_help) {
            shift(scores, label, -0.4);
        }
        if label == Label::CallbackDeflection && signs.has(Cue::Steps) {
            shift(scores, label, -0.4);
        }
        if apart(&answered) && context.asked {
            shift(scores, label, if cue_in(signs, Cue::Conditional, &score.quote) { -0.4 } else { -0.15 });
        }
    }
    let deflects = holds_any(scores, &DEFLECTIONS);
    if deflects {
        scores.clear(Label::LegitRedirect);
        // "Changes are done in the app" does nothing for the caller.
        for label in [Label::Fulfilment, Label::OfferAction] {
            let beside = scores.get(label).is_some_and(|score| {
                DEFLECTIONS.into_iter().filter_map(|label| scores.get(label)).all(|other| !touch(&score.quote, &other.quote))
            });
            if !beside || label == Label::Fulfilment {
                scores.clear(label);
            }
        }
    } else if holds(scores, Label::LegitRedirect) && !context.asked_pointer && done.is_none() {
        shift(scores, Label::LegitRedirect, -0.1);
    }

    // A rule, a lecture, a no.
    if context.asked_rule && !context.complained {
        shift(scores, Label::PolicyQuote, -0.3);
    }
    if context.pushed {
        shift(scores, Label::PolicyQuote, 0.15);
    }
    if !context.complained && (done.is_some() || holds(scores, Label::OfferAction)) {
        shift(scores, Label::PolicyQuote, -0.3);
    }
    if signs.has(Cue::WayOut) {
        shift(scores, Label::PolicyQuote, -0.3);
        shift(scores, Label::RefusalWithoutAlternative, -0.3);
    }
    if deflects {
        shift(scores, Label::RefusalWithoutAlternative, -0.2);
    }
    let goes_on = [Label::OfferAction, Label::Ownership, Label::WarmTransfer, Label::ClarifyingQuestion, Label::SecureMove, Label::LegitRedirect];
    if holds_any(scores, &goes_on) || (signs.words.has_question() && !signs.has(Cue::AnythingElse)) {
        scores.clear(Label::RefusalWithoutAlternative);
    }
    if holds(scores, Label::RefusalWithoutAlternative) && done.is_none() {
        scores.clear(Label::Fulfilment);
    }

    // Nothing else in the turn, and the caller waits for an answer: what is said is the answer.
    let unhelpful = [Label::PolicyQuote, Label::BlameLecture, Label::RefusalWithoutAlternative, Label::ScriptedFiller];
    if !deflects && !holds_any(scores, &unhelpful) && !holds_any(scores, &STEPS) && !holds(scores, Label::LegitRedirect) {
        let said = states(signs).filter(|_| (context.asked || context.waits) && !context.complained && !context.trouble);
        if let Some(said) = said {
            scores.set(Label::Fulfilment, context_score(0.55, said, "an answer"));
        } else {
            shift(scores, Label::Fulfilment, -0.2);
        }
    }

    // An apology: for the case, for the trouble, or with a step.
    let steps = [Label::OfferAction, Label::Ownership, Label::WarmTransfer, Label::ClarifyingQuestion, Label::SecureMove]
        .into_iter()
        .any(|label| holds(scores, label))
        || scores.strength(Label::Fulfilment) >= if context.complained { 0.8 } else { 0.6 }
        || (signs.words.has_question() && !signs.has(Cue::AnythingElse));
    if steps || holds(scores, Label::Acknowledgement) || !context.open {
        scores.clear(Label::HollowApology);
    }
    // "I'm sorry, we can't": a softener.
    if scores.strength(Label::HollowApology) < 0.7 && signs.has(Cue::SaysNo) {
        scores.clear(Label::HollowApology);
    }
    if holds(scores, Label::HollowApology) {
        scores.clear(Label::Fulfilment);
    }
    if steps || deflects {
        shift(scores, Label::ScriptedFiller, -0.35);
    }
}

/// The first sentence that states something: no question, no greeting, no regret.
fn states(signs: &TurnSigns) -> Option<Range<usize>> {
    let words = &signs.words;
    let mut at = 0;
    while at < words.len() {
        let sentence = words.sentence(at);
        at = sentence.end;
        let empty = [Cue::Courtesy, Cue::AnythingElse, Cue::Apology];
        let said = signs.cues.iter().any(|hit| empty.contains(&hit.cue) && touch(&hit.words, &sentence));
        if sentence.len() >= 3 && !said && !words.tokens[sentence.start].asked {
            return Some(words.bytes(sentence));
        }
    }
    None
}

/// Whether a pointer leads to something to read or use, and not to somebody.
fn shows(target: Option<Target>) -> bool {
    matches!(target, Some(Target::Website | Target::App | Target::HelpPage | Target::Form) | None)
}

fn touch(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn cue_in(signs: &TurnSigns, cue: Cue, quote: &Range<usize>) -> bool {
    signs.cues.iter().any(|hit| hit.cue == cue && touch(&signs.words.bytes(hit.words.clone()), quote))
}

fn shift(scores: &mut TurnScores, label: Label, by: f32) {
    if let Some(score) = scores.get(label).cloned() {
        scores.set(label, Score { strength: (score.strength + by).clamp(0.0, 0.99), ..score });
    }
}

fn context_score(strength: f32, quote: std::ops::Range<usize>, why: &str) -> Score {
    Score { strength, quote, source: Source::Context(why.to_owned()), target: None }
}
