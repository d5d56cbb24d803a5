//! The score of a call, small enough to be checked by hand.
//!
//! It asks what the caller got, not how the agent sounded: was there help, was the caller sent away, did he have to
//! insist, was a hardship met, was a rule or a lecture given for an answer, was said what has to be said. Only words
//! of the call can cost anything. Where the call gives no occasion there is no point to win or to lose.

use crate::domain::{
    Chain, Deflection, Dialogue, Empathy, Evidence, Label, Outcome, Point, Reason, Response, Role, Scorecard,
};

use super::Reading;
use super::playbook::{HouseReading, Said};

/// What each point is worth. They need not sum to 100; the score is a share of what was possible on the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The requests were met.
    pub got_help: f32,
    /// Nobody was sent away who could have been served.
    pub not_sent_away: f32,
    /// Nobody had to insist.
    pub no_insisting: f32,
    /// Hardship was named or at once mended.
    pub hardship_met: f32,
    /// No rule and no lecture for an answer.
    pub plain_answers: f32,
    /// Each text that had to be said.
    pub must_say: f32,
    /// House categories that cost something, by id.
    pub categories: Vec<(String, f32)>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            got_help: 40.0,
            not_sent_away: 20.0,
            no_insisting: 10.0,
            hardship_met: 15.0,
            plain_answers: 15.0,
            must_say: 5.0,
            categories: Vec::new(),
        }
    }
}

impl Weights {
    /// The weights as a playbook names them.
    pub(super) fn fields(&mut self) -> [(&'static str, &mut f32); 6] {
        [
            ("got_help", &mut self.got_help),
            ("not_sent_away", &mut self.not_sent_away),
            ("no_insisting", &mut self.no_insisting),
            ("hardship_met", &mut self.hardship_met),
            ("plain_answers", &mut self.plain_answers),
            ("must_say", &mut self.must_say),
        ]
    }

    /// Every weight with its name, the house categories last.
    pub fn points(&self) -> Vec<(String, f32)> {
        let mut copy = self.clone();
        let mut points: Vec<(String, f32)> = copy.fields().into_iter().map(|(name, weight)| (name.to_owned(), *weight)).collect();
        points.extend(self.categories.iter().map(|(id, weight)| (format!("house.{id}"), *weight)));
        points
    }
}

/// A half for what was met in part, or said too late.
const HALF: f32 = 0.5;

/// So many rules or lectures cost the whole point.
const REBUFFS_MOST: f32 = 3.0;

/// Scores a call; absent if no request was heard or no agent spoke. Points worth nothing are left out.
pub fn score(
    dialogue: &Dialogue,
    reading: &Reading,
    empathy: &Empathy,
    weights: &Weights,
    house: &HouseReading,
) -> Option<Scorecard> {
    let agent_spoke = dialogue.turns.iter().any(|turn| turn.speaker == Role::Agent);
    if reading.chains.is_empty() || !agent_spoke {
        return None;
    }
    let mut points = Vec::new();
    points.extend(got_help(&reading.chains, weights.got_help));
    points.push(not_sent_away(&reading.chains, weights.not_sent_away));
    points.extend(no_insisting(&reading.chains, weights.no_insisting));
    points.extend(hardship_met(empathy, weights.hardship_met));
    points.push(plain_answers(dialogue, reading, weights.plain_answers));
    points.extend(house.must_says.iter().filter_map(|(id, said)| must_say(id, said, weights.must_say)));
    points.extend(weights.categories.iter().map(|(id, weight)| category(id, reading, *weight)));
    points.retain(|point| point.possible() > 0.0);
    (!points.is_empty()).then_some(Scorecard { points })
}

/// Deflections that count: by a person, and not where the house itself sends its callers.
fn counted(chain: &Chain) -> Vec<&Deflection> {
    let cleared = |one: &&Deflection| one.playbook.as_ref().is_some_and(|verdict| verdict.could.clears_the_agent());
    chain.deflections.iter().filter(|one| one.by != Role::Ivr && !cleared(one)).collect()
}

/// Whether the playbook clears everything that happened to this request.
fn is_cleared(chain: &Chain) -> bool {
    let by_agent = chain.deflections.iter().any(|one| one.by != Role::Ivr);
    by_agent && counted(chain).is_empty()
}

fn with_all<'e>(reason: Reason, evidence: impl IntoIterator<Item = &'e Evidence>) -> Reason {
    evidence.into_iter().fold(reason, |reason, one| reason.with(one.clone()))
}

fn got_help(chains: &[Chain], weight: f32) -> Option<Point> {
    let lost = |chain: &Chain| match chain.outcome {
        Outcome::Fulfilled | Outcome::FulfilledAfterPushback | Outcome::LegitimatelyRedirected => Some(0.0),
        Outcome::Partially => Some(HALF),
        Outcome::DeflectedUnresolved | Outcome::Unresolved => Some(1.0),
        Outcome::Unclear => None,
    };
    let judged: Vec<(&Chain, f32)> = chains
        .iter()
        .filter_map(|chain| Some((chain, lost(chain)?)))
        // What the house does not allow, or rightly sends elsewhere, could not have been met here.
        .filter(|(chain, lost)| *lost == 0.0 || !is_cleared(chain))
        .collect();
    let each = weight / judged.len().max(1) as f32;
    let reasons = judged.iter().map(|(chain, lost)| {
        let note = format!("Request {}", chain.outcome.title());
        let reason = Reason::costs(each * lost, note, chain.request.clone());
        with_all(reason, chain.deflections.iter().map(|one| &one.evidence).filter(|_| *lost > 0.0).chain(&chain.proof))
    });
    let reasons: Vec<Reason> = reasons.collect();
    (!reasons.is_empty()).then(|| Point::new("got_help", "The caller got help", weight, reasons))
}

fn not_sent_away(chains: &[Chain], weight: f32) -> Point {
    let each = weight / chains.len() as f32;
    let reasons = chains.iter().filter_map(|chain| {
        let bounces = counted(chain);
        let first = bounces.first()?;
        let could = first.playbook.as_ref().map(|verdict| format!("; {}", verdict.could.title())).unwrap_or_default();
        let note = format!("Sent to {}{could}", first.target.phrase());
        let reason = Reason::costs(each, note, first.evidence.clone());
        Some(with_all(reason, bounces[1..].iter().map(|one| &one.evidence)))
    });
    Point::new("not_sent_away", "Nobody was sent away", weight, reasons.collect())
}

fn no_insisting(chains: &[Chain], weight: f32) -> Option<Point> {
    let judged: Vec<&Chain> = chains.iter().filter(|chain| !is_cleared(chain)).collect();
    let each = weight / judged.len().max(1) as f32;
    let reasons = judged.iter().filter_map(|chain| {
        let (first, more) = chain.pushbacks.split_first()?;
        let note = match more.len() + 1 {
            1 => "The caller had to insist".to_owned(),
            n => format!("The caller had to insist {n} times"),
        };
        Some(with_all(Reason::costs(each, note, first.clone()), more))
    });
    (!judged.is_empty()).then(|| Point::new("no_insisting", "Asking once was enough", weight, reasons.collect()))
}

fn hardship_met(empathy: &Empathy, weight: f32) -> Option<Point> {
    let each = weight / empathy.opportunities.len().max(1) as f32;
    let reasons = empathy.opportunities.iter().map(|one| {
        let cost = match one.response {
            Response::Acknowledged | Response::NeededNothing => 0.0,
            Response::Hollow | Response::Missed => each,
        };
        let note = format!("{}: {}", capital(one.burden.title()), one.response.title());
        Reason::costs(cost, note, one.said.clone()).with(one.answer.clone())
    });
    (!empathy.opportunities.is_empty())
        .then(|| Point::new("hardship_met", "Stated hardship was met", weight, reasons.collect()))
}

fn plain_answers(dialogue: &Dialogue, reading: &Reading, weight: f32) -> Point {
    let each = weight / REBUFFS_MOST;
    let reasons = dialogue.turns.iter().zip(&reading.acts).filter(|(turn, _)| turn.speaker == Role::Agent);
    let reasons = reasons.flat_map(|(turn, acts)| {
        let rebuffs = acts.iter().filter(|act| matches!(act.label, Label::PolicyQuote | Label::BlameLecture));
        rebuffs.map(|act| {
            let note = if act.label == Label::PolicyQuote { "A rule given as the answer" } else { "The caller was put in the wrong" };
            Reason::costs(each, note, Evidence::from_turn(turn, act.quote.clone()))
        })
    });
    Point::new("plain_answers", "Answers instead of rules and lectures", weight, reasons.collect())
}

fn must_say(id: &str, said: &Said, weight: f32) -> Option<Point> {
    let finding = format!("house.{id}");
    let reason = match said {
        Said::NotDue => return None,
        Said::InTime(evidence) => Reason::earns("Said", evidence.clone()),
        Said::OutOfTime(evidence) => {
            Reason::costs(weight * HALF, "Said, but not in time", evidence.clone()).of_finding(&finding)
        }
        Said::Never(evidence) => Reason::costs(weight, "Not said", evidence.clone()).of_finding(&finding),
    };
    Some(Point::new(format!("must_say.{id}"), "Said what has to be said", weight, vec![reason]))
}

fn category(id: &str, reading: &Reading, weight: f32) -> Point {
    let detector = format!("house.{id}");
    let found = reading.findings.iter().find(|finding| finding.detector == detector);
    let reason = found.and_then(|finding| {
        let (first, more) = finding.evidence().split_first()?;
        Some(with_all(Reason::costs(weight, finding.note.clone(), first.clone()).of_finding(&detector), more))
    });
    Point::new(detector.clone(), "A rule of the house", weight, reason.into_iter().collect())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
