//! From suggestions to acts: the decision order of the annotation guide.
//!
//! Is it done or answered here? Does the agent undertake a step? Is the caller sent away, and do all four tests hold?
//! Is a rule the answer, is the caller put in the wrong, is it a plain no? Is there an apology, and for what?

use crate::domain::{Act, Confidence, Dialogue, Label, Role, Source};

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
        let labels: Vec<Label> = decided.iter().map(|act| act.label).collect();
        context.pass(dialogue, at, signs, &labels);
        acts.push(decided);
    }
    acts
}

fn weigh_caller(scores: &mut TurnScores, signs: &TurnSigns, context: &Context) {
    let whole = || signs.words.bytes(0..signs.words.len());
    let holds = |scores: &TurnScores, label| scores.strength(label) >= HOLDS;
    // Push-back needs something to push against.
    if context.turned_away {
        shift(scores, Label::Pushback, 0.25);
    } else if context.turned_away_before && !context.was_met {
        shift(scores, Label::Pushback, -0.1);
    } else {
        shift(scores, Label::Pushback, -0.4);
    }
    if !context.caller_spoke && scores.strength(Label::Request) < HOLDS && signs.words.len() >= 5 {
        scores.set(Label::Request, context_score(0.6, whole(), "first words"));
    }
    if !(context.was_offered || context.was_asked || context.turned_away || context.was_met) {
        scores.clear(Label::Acceptance);
    }
    if holds(scores, Label::Pushback) {
        scores.clear(Label::Acceptance);
        if !signs.has(Cue::Asks) {
            shift(scores, Label::Request, -0.4);
        }
    }
    // An answer to a question is no new request.
    if context.was_asked && !signs.has(Cue::Asks) && !signs.words.has_question() {
        shift(scores, Label::Request, -0.35);
    }
}

fn weigh_agent(scores: &mut TurnScores, signs: &TurnSigns, context: &Context) {
    let deflections = [Label::ChannelDeflection, Label::CallbackDeflection, Label::TransferDeflection];
    let holds = |scores: &TurnScores, label| scores.strength(label) >= HOLDS;

    // 1. Done or answered here?
    if !context.open && !context.asked {
        shift(scores, Label::Fulfilment, -0.2);
    }
    let done = holds(scores, Label::Fulfilment);

    // 3. Sent away? The four tests.
    let why_not = if !context.caller_spoke || context.content {
        Some("nothing was asked")
    } else if context.asked_pointer {
        Some("the caller asked for it")
    } else if done {
        Some("besides the answer")
    } else if signs.has(Cue::OnlyThere) || signs.has(Cue::UnknownHere) {
        Some("only there")
    } else if signs.has(Cue::OnTop) {
        Some("an extra")
    } else {
        None
    };
    for label in deflections {
        let Some(score) = scores.get(label).cloned() else { continue };
        if let Some(why) = why_not {
            scores.clear(label);
            if score.strength >= HOLDS && context.caller_spoke {
                scores.raise(Label::LegitRedirect, Score { source: Source::Context(why.to_owned()), ..score });
            }
            continue;
        }
        if signs.has(Cue::Undertakes) {
            shift(scores, label, -0.3);
        }
        if holds(scores, Label::SecureMove) {
            shift(scores, label, -0.4);
        }
        if signs.has(Cue::Steps) && label != Label::TransferDeflection {
            shift(scores, label, -0.4);
        }
    }
    let deflects = deflections.into_iter().any(|label| holds(scores, label));
    if deflects {
        scores.clear(Label::LegitRedirect);
    } else if scores.strength(Label::LegitRedirect) < 0.6 && !context.asked_pointer && !done {
        scores.clear(Label::LegitRedirect);
    }

    // 4. A rule, a lecture, a no.
    if context.asked_rule && !context.complained {
        shift(scores, Label::PolicyQuote, -0.3);
    }
    if context.complained {
        shift(scores, Label::PolicyQuote, 0.1);
    }
    if signs.has(Cue::WayOut) {
        shift(scores, Label::PolicyQuote, -0.3);
        shift(scores, Label::RefusalWithoutAlternative, -0.3);
    }
    if deflects || holds(scores, Label::PolicyQuote) {
        shift(scores, Label::RefusalWithoutAlternative, -0.2);
    }

    // 5. Apology: for the case, for the trouble, or with a step.
    let step = [
        Label::OfferAction,
        Label::Ownership,
        Label::WarmTransfer,
        Label::ClarifyingQuestion,
        Label::Fulfilment,
        Label::SecureMove,
    ]
    .into_iter()
    .any(|label| holds(scores, label));
    if step || holds(scores, Label::Acknowledgement) {
        scores.clear(Label::HollowApology);
    }
    if !context.caller_spoke {
        for label in [Label::ScriptedFiller, Label::PolicyQuote, Label::BlameLecture, Label::Fulfilment, Label::OfferAction, Label::ClarifyingQuestion] {
            scores.clear(label);
        }
    }
    if step || done || deflects {
        shift(scores, Label::ScriptedFiller, -0.35);
    }
}

fn shift(scores: &mut TurnScores, label: Label, by: f32) {
    if let Some(score) = scores.get(label).cloned() {
        scores.set(label, Score { strength: (score.strength + by).clamp(0.0, 0.99), ..score });
    }
}

fn context_score(strength: f32, quote: std::ops::Range<usize>, why: &str) -> Score {
    Score { strength, quote, source: Source::Context(why.to_owned()), target: None }
}
