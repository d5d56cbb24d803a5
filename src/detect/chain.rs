//! The story of each request: asked, turned away, insisted, and how it ended.

use crate::domain::{Act, Chain, DeflectionKind, Dialogue, Label, Outcome, Role, Verdict};

/// The chains of a decided dialogue, and the call in one line.
pub fn tell(dialogue: &Dialogue, acts: &[Vec<Act>]) -> (Vec<Chain>, Verdict) {
    let by = |role: Role| {
        dialogue.turns.iter().zip(acts).filter(move |(turn, _)| turn.speaker == role).flat_map(|(_, acts)| acts)
    };
    let mut kinds: Vec<DeflectionKind> = by(Role::Agent).filter_map(|act| DeflectionKind::of(act.label)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let pushed_back = by(Role::Caller).any(|act| act.label == Label::Pushback);
    let verdict = Verdict {
        deflected: !kinds.is_empty(),
        deflection_kinds: kinds,
        ivr_deflected: by(Role::Ivr).any(|act| act.label.is_deflection()),
        pushed_back,
        outcome: Outcome::Unclear,
        request: String::new(),
    };
    (Vec::new(), verdict)
}
