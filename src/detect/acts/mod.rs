//! From suggestions to acts: the decision order of the annotation guide.
//!
//! Is it done or answered here? Does the agent undertake a step? Is the caller sent away, and do all four tests hold?
//! Is a rule the answer, is the caller put in the wrong, is it a plain no? Is there an apology, and for what?

mod agent;
mod caller;

use std::ops::Range;

use crate::domain::{Act, Confidence, Dialogue, Label, Role, Source};

use super::context::Context;
use super::learned::Opinion;
use super::rules::{Cue, TurnSigns};
use super::scores::{HOLDS, Score, TurnScores};

/// What every turn does, and how it came to that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The acts of each turn.
    pub acts: Vec<Vec<Act>>,
    /// The scores of each turn once the dialogue around it was taken into account.
    pub weighed: Vec<TurnScores>,
}

/// Decides what every turn does. `signs`, `scores` and, where there are any, `opinions` have one entry per turn.
pub fn decide(
    dialogue: &Dialogue,
    signs: &[TurnSigns],
    scores: &[TurnScores],
    opinions: Option<&[Opinion]>,
) -> Decision {
    let mut context = Context::default();
    let mut decision = Decision::default();
    for (at, turn) in dialogue.turns.iter().enumerate() {
        let signs = &signs[at];
        let mut turn_scores = Weighing { scores: scores[at].clone(), signs, context: &context, speaker: turn.speaker };
        if matches!(turn.speaker, Role::Caller | Role::Mixed) {
            turn_scores.as_caller();
        }
        if turn.speaker != Role::Caller {
            turn_scores.as_organisation();
        }
        if let Some(opinions) = opinions {
            let by_phrases = turn_scores.scores.clone();
            opinions[at].weigh_in(&mut turn_scores.scores);
            turn_scores.keep_the_order(&by_phrases);
        }
        let weighed = turn_scores.scores;
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
        decision.acts.push(decided);
        decision.weighed.push(weighed);
    }
    decision
}

/// The scores of one turn while the dialogue around it is taken into account.
struct Weighing<'a> {
    scores: TurnScores,
    signs: &'a TurnSigns,
    context: &'a Context,
    speaker: Role,
}

impl Weighing<'_> {
    fn strength(&self, label: Label) -> f32 {
        self.scores.strength(label)
    }

    fn holds(&self, label: Label) -> bool {
        self.strength(label) >= HOLDS
    }

    fn holds_any(&self, labels: &[Label]) -> bool {
        labels.iter().any(|label| self.holds(*label))
    }

    fn shift(&mut self, label: Label, by: f32) {
        if let Some(score) = self.scores.get(label).cloned() {
            self.scores.set(label, Score { strength: (score.strength + by).clamp(0.0, 0.99), ..score });
        }
    }

    /// Whether the words of both labels touch, so that they are one sentence and not two.
    fn same_words(&self, one: Label, other: Label) -> bool {
        match (self.scores.get(one), self.scores.get(other)) {
            (Some(one), Some(other)) => touch(&one.quote, &other.quote),
            _ => false,
        }
    }

    fn cue_in(&self, cue: Cue, quote: &Range<usize>) -> bool {
        let bytes = |words: &Range<usize>| self.signs.words.bytes(words.clone());
        self.signs.cues.iter().any(|hit| hit.cue == cue && touch(&bytes(&hit.words), quote))
    }

    /// A question in the turn, other than "anything else?".
    fn asks(&self) -> bool {
        self.signs.words.has_question() && !self.signs.has(Cue::AnythingElse)
    }
}

fn touch(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A score that the place in the dialogue gives.
fn by_context(strength: f32, quote: Range<usize>, why: &str) -> Score {
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
        let acts = decide(&dialogue, &signs, &from_hits(&hits), None).acts;
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
