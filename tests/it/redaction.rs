//! Secrets spoken in ten thousand ways, and five thousand numbers that are none.

mod negatives;
mod payments;
mod speech;

use runaround::domain::{Dialogue, Role, SecretKind, TimeSpan, Turn};
use runaround::privacy::redact;

use speech::readable;

/// A dialogue from speakers and texts, each turn as long as its letters.
fn dialogue(turns: &[(Role, String)]) -> Dialogue {
    let mut now = 0;
    let mut dialogue = Dialogue::default();
    for (i, (speaker, text)) in turns.iter().enumerate() {
        let end = now + 300 + 60 * text.len() as u64;
        dialogue.turns.push(Turn {
            i,
            speaker: *speaker,
            channel: None,
            span: TimeSpan::from_ms(now, end),
            text: text.as_str().into(),
            words: Vec::new(),
            confidence: 1.0,
            backchannel: false,
        });
        now = end + 400;
    }
    dialogue.duration_ms = now;
    dialogue
}

/// What can still be read of the digits that each turn holds beside its harmless words.
fn leaked(scene: &payments::Scene, dialogue: &Dialogue) -> usize {
    let turns = scene.turns.iter().zip(&dialogue.turns);
    turns.map(|(said, kept)| readable(&kept.text).saturating_sub(said.harmless)).sum()
}

#[test]
fn ten_thousand_payments_keep_their_secrets() {
    let mut tally = std::collections::BTreeMap::<payments::What, (u32, u32, u32)>::new();
    let mut examples = Vec::new();
    for seed in 0..10_000 {
        let scene = payments::scene(seed);
        let turns: Vec<(Role, String)> = scene.turns.iter().map(|turn| (turn.speaker, turn.text.clone())).collect();
        let mut heard = dialogue(&turns);
        redact(&mut heard);
        let left = leaked(&scene, &heard);
        let (all, leaks, whole) = tally.entry(scene.what).or_default();
        *all += 1;
        let allowed = if scene.what == payments::What::Card { 4 } else { 0 };
        if left > allowed {
            *leaks += 1;
            if examples.len() < 25 {
                let said: Vec<&str> = turns.iter().map(|(_, text)| text.as_str()).collect();
                let kept: Vec<&str> = heard.turns.iter().map(|turn| turn.text.as_str()).collect();
                examples.push(format!("{seed} {:?} {left}\n  said {said:?}\n  kept {kept:?}", scene.what));
            }
        }
        if left == 0 {
            *whole += 1;
        }
    }
    for (what, (all, leaks, whole)) in &tally {
        let share = |n: u32| 100.0 * f64::from(n) / f64::from(*all);
        println!(
            "{what:?}: {all} utterances, recall {:.2} %, without a trace {:.2} %",
            100.0 - share(*leaks),
            share(*whole)
        );
    }
    let recall = |what| {
        let (all, leaks, _) = tally[&what];
        assert!(all > 1_500, "{all}");
        100.0 - 100.0 * f64::from(leaks) / f64::from(all)
    };
    let shown = examples.join("\n");
    assert!(recall(payments::What::Card) >= 99.9, "{shown}");
    assert!(recall(payments::What::Code) >= 99.5, "{shown}");
    assert!(recall(payments::What::Expiry) >= 99.0, "{shown}");
}

#[test]
fn five_thousand_other_numbers_stay() {
    let (mut wrong, mut personal_missed, mut personal) = (Vec::new(), 0, 0);
    for seed in 0..5_000 {
        let line = negatives::line(seed);
        let mut heard = dialogue(&line.turns);
        let redaction = redact(&mut heard);
        let payment = redaction.secrets.iter().any(|secret| {
            matches!(secret.kind, SecretKind::CardNumber | SecretKind::SecurityCode | SecretKind::Expiry)
        });
        let touched = !redaction.secrets.is_empty();
        if payment || (touched && !line.personal) {
            let kept: Vec<&str> = heard.turns.iter().map(|turn| turn.text.as_str()).collect();
            wrong.push(format!("{seed} {:?} -> {kept:?}", line.turns));
        }
        personal += u32::from(line.personal);
        personal_missed += u32::from(line.personal && !touched);
    }
    println!(
        "false alarms: {} of 5000; telephone numbers and birth dates missed: {personal_missed} of {personal}",
        wrong.len()
    );
    assert!(wrong.len() <= 50, "{}", wrong[..wrong.len().min(25)].join("\n"));
    assert!(personal_missed * 50 <= personal, "{personal_missed} of {personal}");
}
