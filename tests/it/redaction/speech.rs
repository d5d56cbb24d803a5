//! How people say digits and how transcribers write them, and an independent reader of what is left.

/// A small generator of our own: the same numbers on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        dice.below(2);
        dice
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }

    pub(super) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(super) fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    pub(super) fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

const UNITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] =
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// What a transcriber makes of a digit on a bad line.
const MISHEARD: [(char, &[&str]); 8] = [
    ('1', &["won", "wan"]),
    ('2', &["to", "too"]),
    ('3', &["free", "tree"]),
    ('4', &["for", "fore"]),
    ('6', &["sicks", "sex"]),
    ('7', &["heaven", "sven"]),
    ('8', &["ate", "aid"]),
    ('9', &["nine's", "mine"]),
];

/// How careful the line is.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Percent of digit words that become another word.
    pub(super) misheard: usize,
    /// Percent of groups that lose a digit.
    pub(super) lost: usize,
    /// Percent of gaps with a filler.
    pub(super) fillers: usize,
}

fn unit(dice: &mut Dice, digit: char, line: Line) -> String {
    if dice.percent(line.misheard)
        && let Some((_, words)) = MISHEARD.iter().find(|(known, _)| *known == digit)
    {
        return dice.one_of(words).to_owned();
    }
    if digit == '0' {
        return dice.one_of(&["zero", "oh", "oh", "nought", "zero", "o"]).to_owned();
    }
    UNITS[digit as usize - '0' as usize].to_owned()
}

fn pair(dice: &mut Dice, two: &str, line: Line) -> String {
    let value: usize = two.parse().unwrap();
    match value {
        0..10 => format!("{} {}", unit(dice, '0', line), unit(dice, char::from(b'0' + value as u8), line)),
        10..20 => TEENS[value - 10].to_owned(),
        _ if value.is_multiple_of(10) => TENS[value / 10 - 2].to_owned(),
        _ => {
            let joint = dice.one_of(&["-", " ", "-"]);
            format!("{}{joint}{}", TENS[value / 10 - 2], UNITS[value % 10])
        }
    }
}

/// One group of digits, as it could stand in a transcript.
pub(super) fn group(dice: &mut Dice, digits: &str, line: Line) -> String {
    let mut digits = digits.to_owned();
    if digits.len() > 2 && dice.percent(line.lost) {
        let at = dice.below(digits.len());
        digits.remove(at);
    }
    let chars: Vec<char> = digits.chars().collect();
    match dice.below(12) {
        0 | 1 => digits,
        2 => chars.iter().map(char::to_string).collect::<Vec<_>>().join("-"),
        3 => chars.iter().map(char::to_string).collect::<Vec<_>>().join(" "),
        4 => chars.chunks(2).map(|two| two.iter().collect::<String>()).collect::<Vec<_>>().join(" "),
        5 => chars.iter().map(char::to_string).collect::<Vec<_>>().join(", "),
        6 if digits.len() == 4 && digits.ends_with("00") && !digits.starts_with('0') => {
            format!("{} hundred", pair(dice, &digits[..2], line))
        }
        6 | 7 if digits.len().is_multiple_of(2) => {
            let pairs: Vec<String> =
                (0..digits.len()).step_by(2).map(|at| pair(dice, &digits[at..at + 2], line)).collect();
            pairs.join(dice.one_of(&[" ", ", "]))
        }
        8 if chars.len() == 4 => {
            let words: Vec<String> = chars[..2].iter().map(|digit| unit(dice, *digit, line)).collect();
            format!("{} {}", words.join(" "), &digits[2..])
        }
        _ => {
            let mut words = Vec::new();
            let mut at = 0;
            while at < chars.len() {
                let same = chars[at..].iter().take_while(|digit| **digit == chars[at]).count();
                if same >= 3 && dice.percent(40) {
                    words.push(format!(
                        "{} {}",
                        dice.one_of(&["triple", "treble"]),
                        unit(dice, chars[at], Line { misheard: 0, ..line })
                    ));
                    at += 3;
                } else if same >= 2 && dice.percent(40) {
                    words.push(format!("double {}", unit(dice, chars[at], Line { misheard: 0, ..line })));
                    at += 2;
                } else {
                    words.push(unit(dice, chars[at], line));
                    at += 1;
                }
                if at < chars.len() && dice.percent(line.fillers / 3) {
                    words.push(dice.one_of(&["uh", "um,", "er"]).to_owned());
                }
            }
            words.join(if dice.percent(15) { ", " } else { " " })
        }
    }
}

/// How many digits a reader finds in `text`: figures, number words, and what sounds like them.
pub(super) fn readable(text: &str) -> usize {
    let lower = text.to_lowercase();
    let pieces = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| {
            let figures = piece.chars().filter(char::is_ascii_digit).count();
            let word = UNITS.contains(&piece) || ["oh", "o", "nought", "double", "triple", "treble"].contains(&piece);
            let long = TEENS.contains(&piece) || TENS.contains(&piece) || piece == "hundred";
            let sound =
                MISHEARD.iter().any(|(_, words)| words.contains(&piece) && piece != "heaven" && piece != "sven");
            figures + usize::from(word || sound) + 2 * usize::from(long)
        })
        .sum()
}
