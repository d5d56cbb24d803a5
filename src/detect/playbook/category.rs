//! The house's own categories: an event, where in the call it counts, what has to come before or after it, and whether
//! the event or its absence is the point.

use crate::domain::{Category as Family, Confidence, Dialogue, Evidence, Finding};

use super::event::{By, Event, Occurrence, Scene};

/// So many quotes of one finding are enough for any reader.
const QUOTES_MOST: usize = 10;

/// One `[[category]]`.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) id: String,
    pub(super) note: String,
    /// A building block for other categories; it is not reported.
    pub(super) quiet: bool,
    pub(super) event: Event,
    pub(super) when: Window,
    pub(super) after: Option<Relation>,
    pub(super) before: Option<Relation>,
    /// The point is that it did *not* happen.
    pub(super) absent: bool,
    /// Categories that have to be found in the call too, by their numbers.
    pub(super) with: Vec<usize>,
    /// Categories that must not.
    pub(super) without: Vec<usize>,
    /// It has to happen so often.
    pub(super) times: usize,
}

/// Another event and how near it has to be.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) event: Event,
    pub(super) within_ms: Option<u64>,
}

/// A part of the call, seen from the one who has to say it: counted from his first word and back from his last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    All,
    First(u64),
    Last(u64),
}

impl Window {
    /// Whether `one` begins in the window (or, at the end of a call, ends in it).
    pub(super) fn holds(self, one: &Occurrence, by: By, dialogue: &Dialogue) -> bool {
        let turns = || dialogue.turns.iter().filter(|turn| by.fits(turn.speaker));
        match self {
            Window::All => true,
            Window::First(ms) => {
                turns().map(|turn| turn.span.start()).min().is_some_and(|first| one.span.start() <= first.plus_ms(ms))
            }
            Window::Last(ms) => {
                turns().map(|turn| turn.span.end()).max().is_some_and(|last| one.span.end() >= last.minus_ms(ms))
            }
        }
    }
}

/// A category found: the words of the event and of what called for it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) at: Occurrence,
    pub(super) cause: Option<Occurrence>,
}

impl Category {
    /// Every time that the category holds, in the order of time.
    pub(super) fn find(&self, scene: &Scene) -> Vec<Found> {
        let holds = |n: &usize| !scene.categories[*n].is_empty();
        if !self.with.iter().all(holds) || self.without.iter().any(holds) {
            return Vec::new();
        }
        let mut events = self.event.occurrences(scene);
        events.retain(|one| self.when.holds(one, self.event.by, scene.dialogue));
        let found = if self.absent { self.absences(&events, scene) } else { self.presences(events, scene) };
        if found.len() < self.times { Vec::new() } else { found }
    }

    fn presences(&self, events: Vec<Occurrence>, scene: &Scene) -> Vec<Found> {
        let after = self.after.as_ref().map(|relation| (relation, relation.event.occurrences(scene)));
        let before = self.before.as_ref().map(|relation| (relation, relation.event.occurrences(scene)));
        let mut found = Vec::new();
        for at in events {
            // The last cause before it and the first consequence after it are the nearest.
            let cause = match &after {
                None => None,
                Some((relation, causes)) => match causes.iter().rfind(|cause| relation.joins(cause, &at)) {
                    Some(cause) => Some(cause.clone()),
                    None => continue,
                },
            };
            let cause = match &before {
                None => cause,
                Some((relation, consequences)) => match consequences.iter().find(|next| relation.joins(&at, next)) {
                    Some(next) => cause.or_else(|| Some(next.clone())),
                    None => continue,
                },
            };
            found.push(Found { at, cause });
        }
        found
    }

    fn absences(&self, events: &[Occurrence], scene: &Scene) -> Vec<Found> {
        let found = |at: Occurrence| Found { at, cause: None };
        if let Some(relation) = &self.after {
            let causes = relation.event.occurrences(scene).into_iter();
            let unmet = causes.filter(|cause| !events.iter().any(|one| relation.joins(cause, one)));
            return unmet.filter(|cause| self.had_the_chance(cause, relation, scene.dialogue)).map(found).collect();
        }
        if let Some(relation) = &self.before {
            let consequences = relation.event.occurrences(scene).into_iter();
            return consequences.filter(|next| !events.iter().any(|one| relation.joins(one, next))).map(found).collect();
        }
        let mut turns = scene.dialogue.turns.iter().filter(|turn| self.event.by.fits(turn.speaker));
        let called_for = match self.when {
            Window::Last(_) => turns.max_by_key(|turn| (turn.span.end(), turn.i)),
            Window::All | Window::First(_) => turns.next(),
        };
        let silent = events.is_empty();
        called_for.filter(|_| silent).map(|turn| found(Occurrence::whole(turn))).into_iter().collect()
    }

    /// Whether it could have happened after `cause`: its speaker had a turn in time, or the whole time passed.
    fn had_the_chance(&self, cause: &Occurrence, relation: &Relation, dialogue: &Dialogue) -> bool {
        let end = cause.span.end();
        let spoke = dialogue.turns.iter().any(|turn| {
            let in_time = relation.within_ms.is_none_or(|ms| turn.span.start() <= end.plus_ms(ms));
            self.event.by.fits(turn.speaker) && turn.span.start() > cause.span.start() && !turn.backchannel && in_time
        });
        let passed = relation.within_ms.is_some_and(|ms| end.plus_ms(ms).ms() <= dialogue.duration_ms);
        let ever = dialogue.turns.iter().any(|turn| self.event.by.fits(turn.speaker));
        spoke || (passed && ever)
    }

    /// The finding for `found`, which is not empty.
    pub(super) fn finding(&self, found: &[Found], dialogue: &Dialogue) -> Option<Finding> {
        let (first, more) = found.split_first()?;
        let sure = found.iter().map(|one| one.at.confidence.get()).fold(0.0, f32::max);
        let note = match found.len() {
            1 => self.note.clone(),
            n => format!("{} ({n} times)", self.note),
        };
        let mut finding =
            Finding::new(&super::detector(&self.id), Family::House, Confidence::new(sure), note, first.at.evidence(dialogue));
        let rest = first.cause.iter().chain(more.iter().flat_map(|one| std::iter::once(&one.at).chain(&one.cause)));
        let mut quoted: Vec<Evidence> = Vec::new();
        for evidence in rest.map(|one| one.evidence(dialogue)).take(QUOTES_MOST) {
            if evidence != finding.evidence()[0] && !quoted.contains(&evidence) {
                quoted.push(evidence.clone());
                finding = finding.with(evidence);
            }
        }
        Some(finding)
    }
}

impl Relation {
    /// Whether `later` comes after `earlier`, near enough.
    fn joins(&self, earlier: &Occurrence, later: &Occurrence) -> bool {
        earlier.precedes(later) && self.within_ms.is_none_or(|ms| earlier.span.gap_ms(later.span) <= ms)
    }
}
