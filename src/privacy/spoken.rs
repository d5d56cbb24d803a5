//! Speech as a stream of atoms: figures, number words, words that may stand between digits, and everything else.
//!
//! A transcriber writes "4111-1111", "41 11", "forty-one eleven", "four triple one" or "for won won won" for the same
//! sound, so every piece is taken apart before anybody counts digits.

use std::ops::Range;

/// What an atom can mean for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Figures as written.
    Figures,
    /// `zero` to `nine`.
    Unit(u8),
    /// `ten` to `nineteen`.
    Teen(u8),
    /// `twenty` to `ninety`.
    Ten(u8),
    /// `hundred`.
    Hundred,
    /// `thousand`.
    Thousand,
    /// `double`, `triple`: the next digit so many times.
    Repeat(u8),
    /// Sounds like a digit: `for`, `to`, `oh`.
    Soft(u8),
    /// Day of a month, `first` to `thirty-first`.
    Ordinal(u8),
    /// Name of a month.
    Month(u8),
    /// Says nothing by itself and may stand between two digits.
    Filler,
    /// Any other word.
    Word,
}

/// The smallest piece of what was said.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    /// Index of the turn in the dialogue.
    pub(super) turn: usize,
    /// Bytes of the turn's text.
    pub(super) range: Range<usize>,
    /// In small letters.
    pub(super) lower: String,
    pub(super) meaning: Meaning,
    /// Written as an amount, a share or a time of day: `$24.50`, `3:15`.
    pub(super) ordinary: bool,
}

impl Atom {
    /// A number whatever stands around it.
    pub(super) fn is_hard(&self) -> bool {
        use Meaning::{Figures, Hundred, Repeat, Teen, Ten, Thousand, Unit};
        matches!(self.meaning, Figures | Unit(_) | Teen(_) | Ten(_) | Hundred | Thousand | Repeat(_))
    }

    pub(super) fn is_soft(&self) -> bool {
        matches!(self.meaning, Meaning::Soft(_))
    }

    pub(super) fn is_date(&self) -> bool {
        matches!(self.meaning, Meaning::Month(_) | Meaning::Ordinal(_))
    }

    pub(super) fn is_filler(&self) -> bool {
        self.meaning == Meaning::Filler
    }
}

const UNITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] =
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const MONTHS_SHORT: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What a digit is taken for, and what stands for a digit only beside another.
const SOUNDS: [(&str, u8); 36] = [
    ("oh", 0),
    ("o", 0),
    ("owe", 0),
    ("ow", 0),
    ("ohh", 0),
    ("null", 0),
    ("won", 1),
    ("wan", 1),
    ("wun", 1),
    ("to", 2),
    ("too", 2),
    ("tu", 2),
    ("tew", 2),
    ("tree", 3),
    ("free", 3),
    ("thee", 3),
    ("threes", 3),
    ("for", 4),
    ("fore", 4),
    ("far", 4),
    ("fife", 5),
    ("hive", 5),
    ("fives", 5),
    ("sex", 6),
    ("sicks", 6),
    ("sick", 6),
    ("sics", 6),
    ("sixes", 6),
    ("heaven", 7),
    ("sevens", 7),
    ("ate", 8),
    ("aid", 8),
    ("eights", 8),
    ("nein", 9),
    ("niner", 9),
    ("mine", 9),
];

const FILLERS: [&str; 74] = [
    "uh", "um", "er", "erm", "ah", "hmm", "hm", "mm", "mhm", "mmhmm", "huh", "and", "then", "dash", "hyphen", "space",
    "slash", "point", "comma", "that's", "thats", "it's", "its", "it", "is", "so", "okay", "ok", "next", "sorry", "no",
    "wait", "hang", "hold", "on", "let", "me", "see", "actually", "i", "mean", "scratch", "that", "yes", "yeah", "yep",
    "yup", "right", "correct", "go", "got", "ahead", "please", "a", "the", "well", "alright", "sure", "again", "say",
    "make", "not", "like", "followed", "by", "thanks", "thank", "you", "are", "all", "s", "my", "of", "just",
];

/// The atoms of one turn's text, in order.
pub(super) fn atoms(turn: usize, text: &str) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut start = 0;
    for piece in text.split(' ') {
        split(turn, start, piece, &mut atoms);
        start += piece.len() + 1;
    }
    atoms
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Figure,
    Letter,
    Mark,
}

fn class(c: char) -> Class {
    if c.is_ascii_digit() {
        Class::Figure
    } else if c.is_alphabetic() || c == '\'' || c == '’' {
        Class::Letter
    } else {
        Class::Mark
    }
}

/// Takes a piece without blanks apart.
fn split(turn: usize, start: usize, piece: &str, atoms: &mut Vec<Atom>) {
    let ordinary = is_amount(piece) || is_clock(piece);
    let mut runs: Vec<(Class, Range<usize>)> = Vec::new();
    for (at, c) in piece.char_indices() {
        let end = at + c.len_utf8();
        match runs.last_mut() {
            Some((last, range)) if *last == class(c) => range.end = end,
            _ => runs.push((class(c), at..end)),
        }
    }
    let mut n = 0;
    while n < runs.len() {
        let (kind, range) = runs[n].clone();
        n += 1;
        let mut push = |range: Range<usize>, meaning, ordinary| {
            let lower = piece[range.clone()].replace('’', "'").to_lowercase();
            atoms.push(Atom { turn, range: start + range.start..start + range.end, lower, meaning, ordinary });
        };
        match kind {
            Class::Mark => {}
            Class::Letter => {
                let lower = piece[range.clone()].replace('’', "'").to_lowercase();
                push(range, meaning(&lower), false);
            }
            Class::Figure => {
                let glued = runs.get(n).filter(|(kind, _)| *kind == Class::Letter).cloned();
                let before = n >= 2 && runs[n - 2].0 == Class::Letter;
                match glued {
                    Some((_, letters)) if is_ordinal_ending(&piece[letters.clone()]) && range.len() <= 2 => {
                        let day = piece[range.clone()].parse().unwrap_or(0);
                        n += 1;
                        push(range.start..letters.end, Meaning::Ordinal(day), false);
                    }
                    // "A1", "3pm", "20x": a name or a measure, unless it is too long to be one.
                    Some(_) if range.len() < 4 => push(range, Meaning::Word, true),
                    None if before && range.len() < 4 => push(range, Meaning::Word, true),
                    _ => push(range, Meaning::Figures, ordinary),
                }
            }
        }
    }
}

fn is_ordinal_ending(letters: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|ending| letters.eq_ignore_ascii_case(ending))
}

/// `$24`, `£1,200.50`, `15%`, `24.50`.
fn is_amount(piece: &str) -> bool {
    let core = piece.trim_end_matches(|c: char| ".,?!;:".contains(c));
    let figures = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
    let counted = |text: &str| figures(text) && text.chars().filter(char::is_ascii_digit).count() <= 8;
    if let Some(rest) = core.strip_prefix(['$', '£', '€']) {
        return counted(rest);
    }
    if let Some(rest) = core.strip_suffix(['%', '$', '£', '€']) {
        return counted(rest);
    }
    core.rsplit_once('.').is_some_and(|(whole, cents)| counted(whole) && cents.len() == 2 && figures(cents))
}

/// `3:15`.
fn is_clock(piece: &str) -> bool {
    let core = piece.trim_end_matches(|c: char| ".,?!;".contains(c));
    core.split_once(':').is_some_and(|(hours, minutes)| {
        let short =
            |text: &str, most: usize| (1..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
        short(hours, 2) && short(minutes, 2) && minutes.len() == 2
    })
}

fn place(list: &[&str], word: &str) -> Option<u8> {
    list.iter().position(|known| *known == word).map(|n| n as u8)
}

fn meaning(word: &str) -> Meaning {
    // "nine's" is a nine; "it's" is no number.
    if let Some(stem) = word.strip_suffix("'s")
        && place(&UNITS, stem).is_some()
    {
        return meaning(stem);
    }
    if let Some(n) = place(&UNITS, word) {
        return Meaning::Unit(n);
    }
    if let Some(n) = place(&TEENS, word) {
        return Meaning::Teen(10 + n);
    }
    if let Some(n) = place(&TENS, word) {
        return Meaning::Ten(2 + n);
    }
    if let Some(n) = place(&ORDINALS, word).or_else(|| (word == "thirtieth").then_some(29)) {
        return Meaning::Ordinal(n + 1);
    }
    if let Some(n) = place(&MONTHS, word).or_else(|| place(&MONTHS_SHORT, word)).or((word == "sept").then_some(8)) {
        return Meaning::Month(n + 1);
    }
    if let Some((_, digit)) = SOUNDS.iter().find(|(sound, _)| *sound == word) {
        return Meaning::Soft(*digit);
    }
    match word {
        "nought" | "naught" | "nil" | "zeros" | "zeroes" | "aught" => Meaning::Unit(0),
        "ones" => Meaning::Unit(1),
        "twos" => Meaning::Unit(2),
        "fours" => Meaning::Unit(4),
        "nines" => Meaning::Unit(9),
        "hundred" => Meaning::Hundred,
        "thousand" => Meaning::Thousand,
        "double" => Meaning::Repeat(2),
        "triple" | "treble" => Meaning::Repeat(3),
        "quadruple" => Meaning::Repeat(4),
        _ if FILLERS.contains(&word) => Meaning::Filler,
        _ => Meaning::Word,
    }
}

/// The digits that `atoms` say, in order: `forty-one hundred` is 4100, `double two` 22, `two thousand twenty nine` 2029.
pub(super) fn digits<'a>(atoms: impl Iterator<Item = &'a Atom>) -> String {
    let mut out = String::new();
    let mut repeat = 1;
    // The last spoken number below a hundred, which `hundred` or a unit may still build on.
    let mut open: Option<u32> = None;
    for atom in atoms {
        let close = |open: &mut Option<u32>, out: &mut String| {
            if let Some(value) = open.take() {
                out.push_str(&value.to_string());
            }
        };
        match atom.meaning {
            Meaning::Figures => {
                close(&mut open, &mut out);
                for _ in 0..repeat {
                    out.push_str(&atom.lower);
                }
                repeat = 1;
            }
            Meaning::Unit(digit) | Meaning::Soft(digit) => {
                match open {
                    Some(value) if repeat == 1 && digit > 0 && value >= 20 && value % 10 == 0 => {
                        open = Some(value + u32::from(digit));
                        if value < 100 {
                            close(&mut open, &mut out);
                        }
                    }
                    // What "hundred" can still build on.
                    _ if repeat == 1 && digit > 0 => {
                        close(&mut open, &mut out);
                        open = Some(u32::from(digit));
                    }
                    _ => {
                        close(&mut open, &mut out);
                        for _ in 0..repeat {
                            out.push(char::from(b'0' + digit));
                        }
                    }
                }
                repeat = 1;
            }
            Meaning::Teen(value) | Meaning::Ordinal(value) | Meaning::Month(value) => {
                match open {
                    Some(hundreds) if hundreds >= 100 && hundreds % 100 == 0 => {
                        open = Some(hundreds + u32::from(value))
                    }
                    _ => {
                        close(&mut open, &mut out);
                        open = Some(u32::from(value));
                    }
                }
                repeat = 1;
            }
            Meaning::Ten(tens) => {
                let value = u32::from(tens) * 10;
                match open {
                    Some(hundreds) if hundreds >= 100 && hundreds % 100 == 0 => open = Some(hundreds + value),
                    _ => {
                        close(&mut open, &mut out);
                        open = Some(value);
                    }
                }
                repeat = 1;
            }
            Meaning::Hundred => match open {
                Some(value) if value < 100 => open = Some(value * 100),
                _ => {
                    // "forty-one" was closed already: its digits stand, two zeros follow.
                    close(&mut open, &mut out);
                    out.push_str("00");
                }
            },
            Meaning::Thousand => match open {
                Some(value) if value < 100 => open = Some(value * 1000),
                _ => {
                    close(&mut open, &mut out);
                    out.push_str("000");
                }
            },
            Meaning::Repeat(times) => {
                close(&mut open, &mut out);
                repeat = usize::from(times);
            }
            Meaning::Filler | Meaning::Word => {
                if atom.lower != "and" {
                    close(&mut open, &mut out);
                }
            }
        }
    }
    if let Some(value) = open {
        out.push_str(&value.to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(text: &str, wanted: &str) {
        let atoms = atoms(0, text);
        let numbers = atoms.iter().filter(|atom| atom.is_hard() || atom.is_soft() || atom.is_date());
        assert_eq!(digits(numbers), wanted, "{text}");
    }

    #[test]
    fn numbers_become_their_digits() {
        says("four one one one", "4111");
        says("forty-one eleven", "4111");
        says("forty one hundred", "4100");
        says("4111-1111, 41 11", "411111114111");
        says("double two triple oh seven", "220007");
        says("two thousand twenty nine", "2029");
        says("nineteen eighty-two", "1982");
        says("for won ate to", "4182");
        says("twenty one twenty", "2120");
        says("one hundred", "100");
        says("oh four, twenty-seven", "0427");
        says("eleven twenty nine", "1129");
        says("fifty-five oh five", "5505");
    }

    #[test]
    fn amounts_times_and_names_are_told_apart() {
        let ordinary = |text: &str| atoms(0, text).iter().any(|atom| atom.ordinary);
        assert!(ordinary("$24.50") && ordinary("3:15,") && ordinary("15%") && ordinary("24.50") && ordinary("B12"));
        assert!(!ordinary("4111") && !ordinary("11/29") && !ordinary("1.1.1.1"));
        assert_eq!(atoms(0, "nine's")[0].meaning, Meaning::Unit(9));
        assert_eq!(atoms(0, "14th")[0].meaning, Meaning::Ordinal(14));
    }
}
