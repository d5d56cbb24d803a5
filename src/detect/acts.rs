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
            Role::Agent | Role::Ivr => weigh_agent(&mut weighed, signs, &context, turn.speaker),
            Role::Mixed => {
                weigh_caller(&mut weighed, signs, &context);
                weigh_agent(&mut weighed, signs, &context, turn.speaker);
            }
        }
        let decided: Vec<Act> = weighed
            .iter()
            .filter(|(label, score)| score.strength >= HOLDS && label.fits(turn.speaker))
            // Where nobody knows who speaks, the place in the dialogue proves nothing.
            .filter(|(_, score)| turn.speaker != Role::Mixed || !matches!(score.source, Source::Context(_)))
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

/// Words a retort has at most, after a closed door and after a mere "sorry".
const RETORT_TO_A_NO: usize = 30;
const RETORT_TO_SORRY: usize = 16;

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
    // A short retort says it all; a longer turn brings something new and must object in words.
    let retort = |most: usize| context.first_reply && (3..=most).contains(&signs.words.len());
    let against = (context.turned_away && retort(RETORT_TO_A_NO)) || (context.soothed && retort(RETORT_TO_SORRY));
    if against && !agrees && !signs.has(Cue::AsksNew) && !context.was_asked {
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

fn weigh_agent(scores: &mut TurnScores, signs: &TurnSigns, context: &Context, speaker: Role) {
    if !context.caller_spoke && speaker != Role::Mixed {
        // Whoever reaches a recorded voice has called for something: it can send him away before he says what.
        let before_a_word = |label: Label| speaker == Role::Ivr && label.is_deflection();
        Label::ALL.into_iter().filter(|label| !before_a_word(*label)).for_each(|label| scores.clear(label));
        if speaker != Role::Ivr {
            return;
        }
    }
    let holds = |scores: &TurnScores, label| scores.strength(label) >= HOLDS;
    let holds_any = |scores: &TurnScores, labels: &[Label]| labels.iter().any(|label| holds(scores, *label));

    // Sent away? The four tests. A pointer that fails one is a pointer all the same.
    // Words do not mend what is broken: an answer there is half an answer.
    if context.trouble && !context.asked && scores.strength(Label::Fulfilment) < 0.8 {
        shift(scores, Label::Fulfilment, -0.1);
    }
    let done = scores.get(Label::Fulfilment).filter(|score| score.strength >= 0.8).map(|score| score.quote.clone());
    let answered =
        scores.get(Label::Fulfilment).filter(|score| score.strength >= HOLDS).map(|score| score.quote.clone());
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
            shift(
                scores,
                label,
                if cue_in(signs, Cue::Conditional, &score.quote) || !context.trouble { -0.3 } else { -0.15 },
            );
        }
    }
    let deflects = holds_any(scores, &DEFLECTIONS);
    if deflects {
        scores.clear(Label::LegitRedirect);
        // "Changes are done in the app" does nothing for the caller.
        for label in [Label::Fulfilment, Label::OfferAction] {
            let beside = scores.get(label).is_some_and(|score| {
                DEFLECTIONS
                    .into_iter()
                    .filter_map(|label| scores.get(label))
                    .all(|other| !touch(&score.quote, &other.quote))
            });
            if !beside || label == Label::Fulfilment {
                scores.clear(label);
            }
        }
    } else if holds(scores, Label::LegitRedirect) && !context.asked_pointer && done.is_none() {
        shift(scores, Label::LegitRedirect, -0.1);
    }

    // "Their number is ..." to a caller who asked for the number: that is the answer.
    if let (Some(pointer), Some(answer)) = (scores.get(Label::LegitRedirect), scores.get(Label::Fulfilment))
        && matches!(pointer.source, Source::Rule(_))
        && touch(&pointer.quote, &answer.quote)
        && !signs.has(Cue::UnknownHere)
    {
        scores.clear(Label::LegitRedirect);
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
    // "It was in the contract, you should have read it": a lecture, whatever it cites.
    if let (Some(lecture), Some(rule)) = (scores.get(Label::BlameLecture), scores.get(Label::PolicyQuote))
        && lecture.strength >= HOLDS
        && touch(&lecture.quote, &rule.quote)
    {
        scores.clear(Label::PolicyQuote);
    }
    if signs.has(Cue::WayOut) {
        shift(scores, Label::PolicyQuote, -0.3);
        shift(scores, Label::RefusalWithoutAlternative, -0.3);
    }
    if deflects {
        shift(scores, Label::RefusalWithoutAlternative, -0.2);
    }
    let goes_on = [
        Label::OfferAction,
        Label::Ownership,
        Label::WarmTransfer,
        Label::ClarifyingQuestion,
        Label::SecureMove,
        Label::LegitRedirect,
    ];
    if holds_any(scores, &goes_on) || (signs.words.has_question() && !signs.has(Cue::AnythingElse)) {
        scores.clear(Label::RefusalWithoutAlternative);
    }
    let closes = [Label::RefusalWithoutAlternative, Label::BlameLecture, Label::PolicyQuote];
    if holds_any(scores, &closes) && done.is_none() {
        scores.clear(Label::Fulfilment);
    }

    // Nothing else in the turn, and the caller waits for an answer: what is said is the answer.
    let unhelpful = [Label::PolicyQuote, Label::BlameLecture, Label::RefusalWithoutAlternative, Label::ScriptedFiller];
    if !deflects && !holds_any(scores, &unhelpful) && !holds_any(scores, &STEPS) && !holds(scores, Label::LegitRedirect)
    {
        let said =
            states(signs).filter(|_| (context.asked || context.waits) && !context.complained && !context.trouble);
        if let Some(said) = said {
            scores.set(Label::Fulfilment, context_score(0.55, said, "an answer"));
        } else {
            shift(scores, Label::Fulfilment, -0.2);
        }
    }

    // An apology: for the case, for the trouble, or with a step.
    let steps =
        [Label::OfferAction, Label::Ownership, Label::WarmTransfer, Label::ClarifyingQuestion, Label::SecureMove]
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

#[cfg(test)]
mod tests {
    use super::super::rules::Rules;
    use super::super::scores::from_hits;
    use super::*;
    use crate::domain::{TimeSpan, Turn};

    /// The labels of the last of `lines`; `c` is the caller, `a` the agent.
    fn last(lines: &[(char, &str)]) -> Vec<Label> {
        let turn = |(i, (who, text)): (usize, &(char, &str))| Turn {
            i,
            speaker: if *who == 'c' { Role::Caller } else { Role::Agent },
            channel: None,
            span: TimeSpan::default(),
            text: (*text).into(),
            words: Vec::new(),
            confidence: 1.0,
            backchannel: false,
        };
        let dialogue = Dialogue { turns: lines.iter().enumerate().map(turn).collect(), ..Dialogue::default() };
        let signs = Rules::built_in().read(&dialogue);
        let hits: Vec<_> = signs.iter().map(|signs| signs.hits.clone()).collect();
        let acts = decide(&dialogue, &signs, &from_hits(&hits));
        acts.last().unwrap().iter().map(|act| act.label).collect()
    }

    #[test]
    fn the_same_words_are_a_deflection_or_not() {
        let pointer = ('a', "You can do that on our website.");
        assert_eq!(last(&[('c', "Can you book me in for Friday?"), pointer]), [Label::ChannelDeflection]);
        let asked_for = last(&[('c', "Can I do that online?"), pointer]);
        assert!(asked_for.contains(&Label::LegitRedirect) && !asked_for.contains(&Label::ChannelDeflection));
        assert_eq!(last(&[pointer]), []);
    }

    #[test]
    fn only_a_closed_door_can_be_pushed_against() {
        let insists = ('c', "They told me to call you.");
        let sent_away = [('c', "You charged me twice."), ('a', "You'd need to ring the billing department."), insists];
        assert!(last(&sent_away).contains(&Label::Pushback));
        let asked = [('c', "You charged me twice."), ('a', "Who told you to call here?"), insists];
        assert!(!last(&asked).contains(&Label::Pushback));
    }

    #[test]
    fn an_apology_is_judged_by_what_comes_with_it() {
        let trouble = ('c', "My parcel never came.");
        assert_eq!(last(&[trouble, ('a', "We're sorry for the inconvenience.")]), [Label::HollowApology]);
        assert!(
            !last(&[trouble, ('a', "Sorry about that. Let me check where it is.")]).contains(&Label::HollowApology)
        );
        assert_eq!(last(&[trouble, ('a', "I'm sorry your parcel never came.")]), [Label::Acknowledgement]);
    }
}
