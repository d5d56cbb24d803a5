//! Card numbers, codes and the like never reach stable storage: masked in text, muted in sound.
//!
//! [`redact`] works on the dialogue before anybody detects anything in it, so whatever is said about the call later is
//! said about masked words. It reads the way people talk: [`spoken`] takes speech apart into atoms, [`topic`] hears what
//! is asked for, [`run`] puts the pieces of a number together over turns, and [`judge`] decides. Where it is not sure
//! about a payment it masks.

mod card;
mod contact;
mod judge;
mod keys;
mod mask;
mod run;
mod spoken;
mod topic;

use std::collections::BTreeMap;

use crate::domain::redaction::{Redacted, Redaction};
use crate::domain::{Dialogue, SecretKind, TimeSpan, Turn};

use mask::Cover;
use run::Stream;
use topic::Topic;

/// Words between two parts of one secret that go with it: they may be digits that were misheard.
const BRIDGE_WORDS: usize = 3;
/// Sound is silent so long before and after a secret: word times are not exact.
const PAD_MS: u64 = 250;
/// Silences closer than this become one.
const JOIN_MS: u64 = 600;

/// Masks every secret in the words and keys of `dialogue`, and says when they were heard.
pub fn redact(dialogue: &mut Dialogue) -> Redaction {
    let stream = Stream::of(dialogue);
    let mut covers: BTreeMap<usize, Vec<Cover>> = BTreeMap::new();
    let mut known = judge::Known::default();
    let mut questions = Vec::new();
    run::walk(dialogue, &stream, |run| {
        let verdict = judge::judge(run, &stream, &mut known)?;
        cover(&stream, &verdict, &mut covers);
        verdict.next
    });
    let mut asked = false;
    for n in 0..dialogue.turns.len() {
        let text = dialogue.turns[n].text.as_str();
        let cues = &stream.cues[n];
        asked = cues.iter().any(|cue| cue.topic == Topic::Email) || (asked && cues.is_empty());
        let from = stream.turns[n].start;
        let atoms = &stream.atoms[stream.turns[n].clone()];
        for address in contact::emails(text, atoms, asked) {
            let (first, last) = (&stream.atoms[from + address.start], &stream.atoms[from + address.end - 1]);
            let range = first.range.start..last.range.end;
            covers.entry(n).or_default().push(Cover { range, kind: SecretKind::Email });
        }
        let secret = |topic: Topic| topic.is_secret() && topic != Topic::Phone;
        if dialogue.turns[n].speaker.is_organisation() && cues.iter().any(|cue| secret(cue.topic)) {
            questions.push(dialogue.turns[n].span.end().ms());
        }
    }

    let mut redaction = Redaction::default();
    let mut silent = Vec::new();
    for (n, covers) in covers {
        let covers = apart(covers);
        let turn = &mut dialogue.turns[n];
        let whole = mostly(turn, &covers);
        for (kind, span) in mask::mask(turn, &covers) {
            redaction.secrets.push(Redacted { kind, span });
            silent.push(if whole { turn.span.join(span) } else { span });
        }
    }
    for span in keys::mask(&mut dialogue.digits, &questions) {
        redaction.secrets.push(Redacted { kind: SecretKind::Keys, span });
        silent.push(span);
    }
    redaction.secrets.sort_by_key(|secret| (secret.span, secret.kind));
    redaction.silent = silence(silent, dialogue.duration_ms);
    redaction
}

/// Adds the verdict's atoms as stretches of text, with what stands between them.
fn cover(stream: &Stream, verdict: &judge::Verdict, covers: &mut BTreeMap<usize, Vec<Cover>>) {
    let mut last: Option<usize> = None;
    for at in &verdict.atoms {
        let atom = &stream.atoms[*at];
        let list = covers.entry(atom.turn).or_default();
        match (last, list.last_mut()) {
            (Some(before), Some(open)) if stream.atoms[before].turn == atom.turn && at - before <= BRIDGE_WORDS + 1 => {
                open.range.end = atom.range.end;
            }
            _ => list.push(Cover { range: atom.range.clone(), kind: verdict.kind }),
        }
        last = Some(*at);
    }
}

/// The covers of one turn in order, none touching another.
fn apart(mut covers: Vec<Cover>) -> Vec<Cover> {
    covers.sort_by_key(|cover| (cover.range.start, cover.range.end));
    let mut out: Vec<Cover> = Vec::new();
    for cover in covers {
        match out.last_mut() {
            Some(last) if cover.range.start < last.range.end => last.range.end = last.range.end.max(cover.range.end),
            _ => out.push(cover),
        }
    }
    out
}

/// Whether a turn is little else than secrets. A transcriber that loses digits gives their time to nobody, so the whole
/// turn is silent then.
fn mostly(turn: &Turn, covers: &[Cover]) -> bool {
    let secret: usize = covers.iter().map(|cover| cover.range.len()).sum();
    secret * 2 >= turn.text.len()
}

/// Padded, joined, in order, inside the call.
fn silence(mut spans: Vec<TimeSpan>, duration_ms: u64) -> Vec<TimeSpan> {
    spans.sort();
    let mut out: Vec<TimeSpan> = Vec::new();
    for span in spans {
        let padded = TimeSpan::new(span.start().minus_ms(PAD_MS), span.end().plus_ms(PAD_MS))
            .clamp_to(TimeSpan::from_ms(0, duration_ms.max(span.end().ms())));
        match out.last_mut() {
            Some(last) if padded.start().ms() <= last.end().ms() + JOIN_MS => *last = last.join(padded),
            _ => out.push(padded),
        }
    }
    out
}
