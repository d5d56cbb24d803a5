//! Numbers that a report needs: orders, amounts, dates, menus. Telephone numbers and birth dates are personal and may be
//! masked, but not as a card.

use runaround::domain::Role;

use super::speech::{Dice, Line, group};

pub(super) struct Other {
    pub(super) turns: Vec<(Role, String)>,
    /// Holds a telephone number or a date of birth.
    pub(super) personal: bool,
}

const CLEAN: Line = Line { misheard: 0, lost: 0, fillers: 15 };

fn number(dice: &mut Dice, len: usize) -> String {
    let digits = dice.digits(len);
    let chunks: Vec<String> =
        digits.as_bytes().chunks(4).map(|chunk| String::from_utf8_lossy(chunk).into_owned()).collect();
    let said: Vec<String> = chunks.iter().map(|chunk| group(dice, chunk, CLEAN)).collect();
    said.join(" ")
}

/// The line of `seed`.
pub(super) fn line(seed: u64) -> Other {
    let mut dice = Dice::new(seed ^ 0xabcd_0000);
    let dice = &mut dice;
    let mut personal = false;
    let caller = |text: String| (Role::Caller, text);
    let agent = |text: &str| (Role::Agent, text.to_owned());
    let turns = match dice.below(16) {
        0 => {
            let name = dice.one_of(&[
                "order",
                "confirmation",
                "reference",
                "case",
                "booking",
                "tracking",
                "invoice",
                "account",
                "policy",
            ]);
            let len = 5 + dice.below(8);
            let said = number(dice, len);
            vec![agent(&format!("Can I get your {name} number?")), caller(format!("Sure, it's {said}."))]
        }
        1 => {
            let len = 5 + dice.below(7);
            let said = number(dice, len);
            vec![caller(format!("Hi, my order number is {said} and it hasn't arrived."))]
        }
        2 => {
            let said = number(dice, 6);
            vec![
                caller("I paid by credit card last week.".to_owned()),
                agent("And what's the order number?"),
                caller(said),
                agent("Thanks, I see it."),
            ]
        }
        3 => {
            let (whole, cents) = (dice.below(900) + 5, dice.below(100));
            let said = match dice.below(4) {
                0 => format!("${whole}.{cents:02}"),
                1 => format!("{whole} dollars and {cents} cents"),
                2 => format!("${whole}"),
                _ => format!("{} dollars", group(dice, &whole.to_string(), CLEAN)),
            };
            vec![agent(&format!("Your card was charged {said} on Monday."))]
        }
        4 => {
            let n = 2 + dice.below(50);
            vec![caller(format!(
                "I've been on hold for {n} minutes, and this is the {} time I call.",
                ["second", "third", "fourth"][dice.below(3)]
            ))]
        }
        5 => {
            let (day, hour) = (1 + dice.below(28), 1 + dice.below(11));
            vec![agent(&format!("I can offer you March {day}th at {hour}:{}0, would that work?", dice.below(6)))]
        }
        6 => {
            let first = dice.one_of(&["one", "1"]);
            vec![(Role::Ivr, format!("For billing, press {first}. For support, press two. For all else, press 0."))]
        }
        7 => {
            personal = true;
            let digits = format!("{}{}", ["415", "212", "602"][dice.below(3)], dice.digits(7));
            let said = match dice.below(3) {
                0 => format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]),
                1 => format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]),
                _ => format!(
                    "{} {} {}",
                    group(dice, &digits[..3], CLEAN),
                    group(dice, &digits[3..6], CLEAN),
                    group(dice, &digits[6..], CLEAN)
                ),
            };
            vec![agent("What's the best number to reach you?"), caller(format!("It's {said}."))]
        }
        8 => {
            personal = true;
            let (month, day, year) =
                (["March", "June", "October"][dice.below(3)], 1 + dice.below(28), 1940 + dice.below(65));
            vec![agent("And your date of birth?"), caller(format!("{month} {day}, {year}."))]
        }
        9 => {
            let zip = number(dice, 5);
            vec![agent("What's your zip code?"), caller(zip)]
        }
        10 => {
            let (low, high) = (2 + dice.below(4), 7 + dice.below(5));
            vec![agent(&format!("The refund takes {low} to {high} business days to show on your card."))]
        }
        11 => {
            let reading = number(dice, 5);
            vec![agent("What's the meter reading?"), caller(format!("It says {reading}."))]
        }
        12 => {
            let flight = dice.below(900) + 100;
            vec![caller(format!("I'm on flight {flight}, seat 14C, two adults and one child, in room 312."))]
        }
        13 => {
            let (n, year) = (2 + dice.below(60), 2025 + dice.below(9));
            let hard = [
                format!("I used my card twice, once for {n} dollars and once for 120."),
                format!("The offer expires in {n} days, so you have {n} days."),
                format!("My subscription expires in {year}, I checked."),
                format!("They sent the code but I had to try it {n} times."),
                format!("I bought {n} gift cards in {year}."),
                format!("It's for two to three people, {n} euros each, for one night."),
                format!("The card reader in store {n} is broken, I was charged ${n}.99."),
                format!("I called at {n} past three and was number 17 in the queue, oh for one hour."),
            ];
            vec![caller(hard[dice.below(hard.len())].clone())]
        }
        14 => {
            // A payment went before; what comes after it must stay.
            let said = number(dice, 6);
            vec![
                agent("That went through, I have charged the card."),
                agent(&format!("Your confirmation number is {said}, and it ships in 3 to 5 days.")),
            ]
        }
        _ => {
            let promo = number(dice, 4);
            let n = 2 + dice.below(3);
            vec![
                agent("Do you have a promo code?"),
                caller(format!("Yes, it's {promo}, and I'd like {n} tickets for the 2026 season.")),
            ]
        }
    };
    Other { turns, personal }
}
