//! Payments over the telephone: who asks how, who answers in how many turns, what is read back.

use runaround::domain::Role;

use super::speech::{Dice, Line, group, readable};

/// Which secret a scene is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Card,
    Code,
    Expiry,
}

pub(super) struct Said {
    pub(super) speaker: Role,
    pub(super) text: String,
    /// Digits that a reader finds in the words around the secret.
    pub(super) harmless: usize,
}

pub(super) struct Scene {
    pub(super) what: What,
    pub(super) turns: Vec<Said>,
}

impl Scene {
    fn plain(&mut self, speaker: Role, text: &str) {
        self.turns.push(Said { speaker, text: text.to_owned(), harmless: readable(text) });
    }

    /// `before` and `after` are harmless, `secret` is not.
    fn secret(&mut self, speaker: Role, before: &str, secret: &str, after: &str) {
        let parts = [before, secret, after].into_iter().filter(|part| !part.is_empty());
        let text = parts.collect::<Vec<_>>().join(" ");
        self.turns.push(Said { speaker, text, harmless: readable(before) + readable(after) });
    }
}

/// A number of 13 to 19 digits whose check digit fits.
fn card(dice: &mut Dice) -> (String, Vec<usize>) {
    let (start, groups): (&str, &[usize]) = match dice.below(10) {
        0..=3 => ("4", &[4, 4, 4, 4]),
        4 | 5 => ("5", &[4, 4, 4, 4]),
        6 => ("37", &[4, 6, 5]),
        7 => ("6", &[4, 4, 4, 4, 3]),
        8 => ("4", &[4, 3, 3, 3]),
        _ => ("30", &[4, 6, 4]),
    };
    let len: usize = groups.iter().sum();
    // Real numbers repeat digits more often than chance would.
    let mut number = start.to_owned();
    while number.len() < len - 1 {
        let last = number.chars().last().unwrap();
        let next = if dice.percent(30) { last } else { char::from(b'0' + dice.below(10) as u8) };
        number.push(next);
    }
    let check = (0..10).map(|digit| format!("{number}{digit}")).find(|number| luhn(number)).unwrap();
    (check, groups.to_vec())
}

fn luhn(number: &str) -> bool {
    let sum: u32 = number
        .chars()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let digit = digit.to_digit(10).unwrap();
            if n % 2 == 1 { (digit * 2) / 10 + (digit * 2) % 10 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn line(dice: &mut Dice) -> Line {
    match dice.below(4) {
        0 => Line { misheard: 0, lost: 0, fillers: 0 },
        1 => Line { misheard: 8, lost: 0, fillers: 20 },
        2 => Line { misheard: 4, lost: 12, fillers: 30 },
        _ => Line { misheard: 15, lost: 5, fillers: 10 },
    }
}

const ASKS_CARD: [&str; 16] = [
    "What's the card number?",
    "Can I have the long number across the front of your card, please?",
    "Go ahead with the card number whenever you're ready.",
    "And which card would you like to use? Could you read me the number on the front?",
    "I just need your credit card number.",
    "Okay, what's the sixteen digit number on the card?",
    "Could I take your card details?",
    "Alright. Debit card number, please.",
    "And the number on the card?",
    "Is that a Visa or a Mastercard? Great, go ahead.",
    "Perfect. I'll take the card whenever you are ready, the card number first.",
    "Please say or enter your card number.",
    "So you want to pay the balance. Card number?",
    "May I have your payment card number, starting with the first block?",
    "Sure, I can take a payment over the phone. Read me the card when you're ready.",
    "and the account number on the card please",
];
const OPENS_CARD: [&str; 14] = [
    "",
    "",
    "",
    "It's",
    "Yes, it's",
    "Sure.",
    "Okay, so that's",
    "Uh, let me see.",
    "Hang on, let me get it. Okay.",
    "It's a Visa,",
    "My card number is",
    "The number is",
    "It starts",
    "yeah",
];
const OWN_CARD: [&str; 6] = [
    "I want to pay with my credit card, the number is",
    "My card number is",
    "Can you charge my Visa, that's",
    "You should have my card, it's",
    "Here's my debit card:",
    "I'd like to update the card on file. The new card is",
];
const GOES_ON: [&str; 12] = [
    "Mm-hm.",
    "Yes.",
    "Go on.",
    "Okay.",
    "Uh-huh.",
    "Got it.",
    "Right.",
    "Yep, go ahead.",
    "mhm",
    "And then?",
    "Okay, next.",
    "Sure.",
];
const BETWEEN: [&str; 9] = ["uh", "um", "and then", "then", "dash", "space", "and", "that's", "next is"];
const CORRECTS: [&str; 6] = ["sorry, no,", "no wait,", "scratch that,", "I mean", "sorry, that's", "hang on, no,"];

/// The groups with what people put between them; `None` is a change of speaker.
fn spoken(dice: &mut Dice, number: &str, groups: &[usize], line: Line, splits: bool) -> Vec<Vec<String>> {
    let mut turns = vec![Vec::new()];
    let mut at = 0;
    for (n, len) in groups.iter().enumerate() {
        let digits = &number[at..at + len];
        at += len;
        let parts = turns.last_mut().unwrap();
        if n > 0 && dice.percent(line.fillers) {
            parts.push(dice.one_of(&BETWEEN).to_owned());
        }
        parts.push(group(dice, digits, line));
        if dice.percent(4) {
            parts.push(dice.one_of(&CORRECTS).to_owned());
            parts.push(group(dice, digits, line));
        }
        if splits && n + 1 < groups.len() && dice.percent(70) {
            turns.push(Vec::new());
        }
    }
    turns
}

fn written(dice: &mut Dice, parts: &[String]) -> String {
    let joint = dice.one_of(&[" ", ", ", ". ", " "]);
    let mut out = String::new();
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            out.push_str(if part.starts_with(|c: char| c.is_ascii_digit()) { joint } else { " " });
        }
        out.push_str(part);
    }
    if dice.percent(60) {
        out.push('.');
    }
    out
}

fn number(scene: &mut Scene, dice: &mut Dice, opening: &str) -> String {
    let (number, groups) = card(dice);
    let line = line(dice);
    let splits = dice.percent(35);
    let echo = dice.percent(20);
    let turns = spoken(dice, &number, &groups, line, splits);
    let mut at = 0;
    for (n, parts) in turns.iter().enumerate() {
        let text = written(dice, parts);
        scene.secret(Role::Caller, if n == 0 { opening } else { "" }, &text, "");
        if n + 1 < turns.len() {
            if echo && n < groups.len() {
                let heard = group(dice, &number[at..at + groups[n]], Line { misheard: 0, lost: 0, fillers: 0 });
                scene.secret(Role::Agent, "", &heard, dice.one_of(&["", "yes", "okay", "?"]));
            } else {
                let aside = dice.one_of(&GOES_ON);
                scene.plain(Role::Agent, aside);
            }
        }
        at += groups.get(n).copied().unwrap_or(0);
    }
    if dice.percent(15) {
        let clean = Line { misheard: 0, lost: 0, fillers: 0 };
        let read = spoken(dice, &number, &groups, clean, false).concat();
        let text = written(dice, &read);
        let opening = dice.one_of(&["So that's", "Let me read that back:", "Okay, I have", "Thank you. That was"]);
        scene.secret(Role::Agent, opening, &text, "");
        scene.plain(Role::Caller, dice.one_of(&["Yes.", "That's right.", "Correct."]));
    }
    number
}

const ASKS_CODE: [&str; 16] = [
    "And the three digits on the back?",
    "What's the security code?",
    "And the CVV, please?",
    "Can I get the last three digits on the back of the card?",
    "And the three digit security number?",
    "CVC?",
    "What's the C V V on that?",
    "And the code on the back of your card, on the signature strip?",
    "Thank you. Now the security code.",
    "The last three on the back, please.",
    "I'm going to text you a code. Could you read me the code we sent?",
    "For verification, what's your PIN?",
    "Please say your four digit PIN.",
    "I've sent you a one time passcode. What is the passcode?",
    "What's the verification code on your phone?",
    "And the four digits on the front of your Amex, the security code?",
];
const OPENS_CODE: [&str; 10] =
    ["", "", "", "It's", "That's", "Uh,", "Sure, it's", "The code is", "Okay, that says", "yeah it's"];
const OWN_CODE: [&str; 4] = ["And the security code is", "the CVV is", "The three digits on the back are", "My PIN is"];

fn code(scene: &mut Scene, dice: &mut Dice) {
    let len = [3, 3, 3, 3, 4, 6][dice.below(6)];
    let code = dice.digits(len);
    let line = line(dice);
    let said = group(dice, &code, Line { misheard: line.misheard.min(5), ..line });
    let after = dice.one_of(&["", "", "", ".", "please", "thank you"]);
    if dice.percent(20) {
        scene.secret(Role::Caller, dice.one_of(&OWN_CODE), &said, after);
    } else {
        scene.plain(Role::Agent, dice.one_of(&ASKS_CODE));
        if dice.percent(20) {
            scene.plain(
                Role::Caller,
                dice.one_of(&["Where do I find that?", "Um, let me turn it over.", "On the back?"]),
            );
            scene.plain(Role::Agent, dice.one_of(&["It's on the back, by the signature.", "Yes.", "Take your time."]));
        }
        scene.secret(Role::Caller, dice.one_of(&OPENS_CODE), &said, after);
        if dice.percent(15) {
            let back = group(dice, &code, Line { misheard: 0, lost: 0, fillers: 0 });
            scene.secret(Role::Agent, dice.one_of(&["", "So", "Okay,"]), &back, "?");
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ASKS_EXPIRY: [&str; 9] = [
    "And the expiration date?",
    "When does it expire?",
    "What's the expiry?",
    "And the expiry date on the card, please?",
    "Thank you and the expiration date",
    "Valid until?",
    "Can I have the month and year of expiry?",
    "What's the exp date?",
    "And the end date on the card?",
];
const OWN_EXPIRY: [&str; 4] = ["it expires", "The expiration date is", "expiry", "And it's valid until"];

fn expiry(scene: &mut Scene, dice: &mut Dice) {
    let (month, year) = (1 + dice.below(12), 26 + dice.below(9));
    let clean = Line { misheard: 2, lost: 0, fillers: 0 };
    let said = match dice.below(9) {
        0 => format!("{month:02}/{year}"),
        1 => format!("{month}/{year}"),
        2 => format!("{month:02}-{year}"),
        3 => format!("{} {}", MONTHS[month - 1], 2000 + year),
        4 => format!("{} {}", MONTHS[month - 1], group(dice, &year.to_string(), clean)),
        5 => format!("{} of twenty {}", MONTHS[month - 1].to_lowercase(), group(dice, &year.to_string(), clean)),
        6 => format!("{month:02}{year}"),
        7 => format!("{}, {}", group(dice, &format!("{month:02}"), clean), group(dice, &year.to_string(), clean)),
        _ => format!("{} two thousand {}", MONTHS[month - 1], group(dice, &year.to_string(), clean)),
    };
    if dice.percent(25) {
        scene.secret(Role::Caller, dice.one_of(&OWN_EXPIRY), &said, "");
    } else {
        scene.plain(Role::Agent, dice.one_of(&ASKS_EXPIRY));
        scene.secret(
            Role::Caller,
            dice.one_of(&["", "", "It's", "That's", "Uh,", "Sure."]),
            &said,
            dice.one_of(&["", ".", ""]),
        );
    }
}

/// The scene of `seed`; a third each are about the number, the code and the expiry date.
pub(super) fn scene(seed: u64) -> Scene {
    let mut dice = Dice::new(seed);
    let what = [What::Card, What::Code, What::Expiry][(seed % 3) as usize];
    let mut scene = Scene { what, turns: Vec::new() };
    if dice.percent(50) {
        scene.plain(
            Role::Caller,
            dice.one_of(&["Hi, I'd like to pay my bill.", "I want to book it.", "Can I pay over the phone?"]),
        );
    }
    match what {
        What::Card => match dice.below(10) {
            0 => {
                let opening = dice.one_of(&OWN_CARD);
                number(&mut scene, &mut dice, opening);
            }
            // Nobody named it: a recording that begins in the middle.
            1 => {
                number(&mut scene, &mut dice, "");
            }
            _ => {
                let asks = dice.one_of(&ASKS_CARD);
                let speaker = if asks.starts_with("Please say") { Role::Ivr } else { Role::Agent };
                scene.plain(speaker, asks);
                let opening = dice.one_of(&OPENS_CARD);
                number(&mut scene, &mut dice, opening);
            }
        },
        What::Code => code(&mut scene, &mut dice),
        What::Expiry => expiry(&mut scene, &mut dice),
    }
    let thanks = dice.one_of(&["Thank you, that went through.", "Great, all done.", "Perfect. Anything else?"]);
    scene.plain(Role::Agent, thanks);
    scene
}
