//! The phrase language of the rule files, and how a phrase finds itself in a stream of words.
//!
//! `just go to <site>` means those words with any member of the class `site` in the last place. `(a|b c)` is a choice,
//! `[a b]` may be left out, `..3` stands for up to three words, `book*` for every word that begins so, `<name>` for a
//! word with a capital, `^` and `$` for the ends of a sentence, `,` for the start of a clause. A phrase never runs over the end of a sentence.
//! A choice inside a phrase is tried from left to right; patterns are small, so plain backtracking is fast.

mod writer;

use std::collections::{BTreeMap, HashMap};

use crate::domain::Target;

use super::text::{Break, Token, plain};

/// Number of a word in the [`Vocabulary`]; 0 is any word that no rule uses.
type WordId = u32;

/// Words and word classes that the rules use.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: HashMap<String, WordId>,
    stems: Vec<String>,
    classes: HashMap<String, usize>,
    targets: Vec<Option<Target>>,
    /// Members of all classes, word by word: (place in the tree, next word) gives the next place.
    tree: HashMap<(usize, WordId), usize>,
    /// Classes that have a member ending at this place of the tree.
    ends: Vec<Vec<usize>>,
}

impl Vocabulary {
    /// An empty one.
    pub fn new() -> Self {
        Self { ends: vec![Vec::new()], ..Self::default() }
    }

    /// Adds the class `name` with its `members`, each one word or several.
    pub fn add_class(&mut self, name: &str, target: Option<Target>, members: &[String]) {
        let class = self.targets.len();
        self.classes.insert(name.to_owned(), class);
        self.targets.push(target);
        for member in members {
            let mut place = 0;
            for word in member.split([' ', '-']).filter(|word| !word.is_empty()) {
                let word = self.id(&plain(word));
                let fresh = self.ends.len();
                place = *self.tree.entry((place, word)).or_insert(fresh);
                if place == fresh {
                    self.ends.push(Vec::new());
                }
            }
            if !self.ends[place].contains(&class) {
                self.ends[place].push(class);
            }
        }
    }

    /// Where the words behind a class lead. A class made of others, such as all places, leads where the one leads
    /// that these very words belong to.
    fn target_of(&self, class: usize, length: usize, here: &[(usize, usize)]) -> Option<Target> {
        self.targets[class]
            .or_else(|| here.iter().filter(|(_, words)| *words == length).find_map(|(class, _)| self.targets[*class]))
    }

    fn id(&mut self, word: &str) -> WordId {
        let fresh = self.words.len() as WordId + 1;
        *self.words.entry(word.to_owned()).or_insert(fresh)
    }
}

/// The words of a turn looked up once: their numbers, and which classes begin where.
#[derive(Debug)]
pub struct Stream<'a> {
    tokens: &'a [Token],
    ids: Vec<WordId>,
    /// For each place: the classes with a member that begins here, and how many words it takes; long ones first.
    classes: Vec<Vec<(usize, usize)>>,
}

impl<'a> Stream<'a> {
    /// Looks `tokens` up in `vocabulary`.
    pub fn new(tokens: &'a [Token], vocabulary: &Vocabulary) -> Self {
        let ids: Vec<WordId> =
            tokens.iter().map(|token| vocabulary.words.get(&token.word).copied().unwrap_or(0)).collect();
        let mut classes = Vec::with_capacity(ids.len());
        for start in 0..ids.len() {
            let mut found = Vec::new();
            let mut place = 0;
            for at in start..ids.len() {
                if at > start && tokens[at].parted == Break::Sentence {
                    break;
                }
                let Some(&next) = vocabulary.tree.get(&(place, ids[at])) else { break };
                place = next;
                found.extend(vocabulary.ends[place].iter().map(|&class| (class, at + 1 - start)));
            }
            found.reverse();
            classes.push(found);
        }
        Self { tokens, ids, classes }
    }
}

/// One step of a compiled phrase.
#[derive(Clone, Debug)]
enum Step {
    Word(WordId),
    Stem(usize),
    Class(usize),
    AnyWord,
    Name,
    SentenceStart,
    ClauseStart,
    SentenceEnd,
    /// Try the first way, then the second.
    Either(usize, usize),
    Jump(usize),
    Found,
}

/// A compiled phrase.
#[derive(Clone, Debug)]
pub struct Phrase {
    steps: Vec<Step>,
}

/// Where a phrase was found, in word numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// First word.
    pub start: usize,
    /// One past the last word.
    pub end: usize,
    /// Where to, if a class in the phrase says so.
    pub target: Option<Target>,
}

impl Phrase {
    /// Compiles `text`.
    ///
    /// # Errors
    /// Says what is wrong in words a writer of rules understands.
    pub fn compile(text: &str, vocabulary: &mut Vocabulary) -> Result<Self, String> {
        let mut steps = writer::write(text, vocabulary)?;
        steps.push(Step::Found);
        let phrase = Phrase { steps };
        if phrase.begins_with_gap() {
            return Err("a phrase must not begin with a gap or an optional word; leave it out".to_owned());
        }
        Ok(phrase)
    }

    /// Every place where the phrase begins, each with its first way of ending there.
    pub fn find_all<'s>(&'s self, stream: &'s Stream, vocabulary: &'s Vocabulary) -> impl Iterator<Item = Found> + 's {
        (0..stream.ids.len()).filter_map(move |start| self.at(start, stream, vocabulary))
    }

    /// The phrase at exactly `start`.
    pub fn at(&self, start: usize, stream: &Stream, vocabulary: &Vocabulary) -> Option<Found> {
        let (end, target) = self.run(0, start, start, stream, vocabulary)?;
        (end > start).then_some(Found { start, end, target })
    }

    fn run(
        &self,
        step: usize,
        start: usize,
        at: usize,
        stream: &Stream,
        vocabulary: &Vocabulary,
    ) -> Option<(usize, Option<Target>)> {
        let inside = at < stream.ids.len() && (at == start || stream.tokens[at].parted != Break::Sentence);
        let onward = |next, at| self.run(next, start, at, stream, vocabulary);
        match self.steps[step] {
            Step::Word(word) => (inside && stream.ids[at] == word).then(|| onward(step + 1, at + 1))?,
            Step::Stem(stem) => {
                let fits = inside && stream.tokens[at].word.starts_with(&vocabulary.stems[stem]);
                fits.then(|| onward(step + 1, at + 1))?
            }
            Step::AnyWord => inside.then(|| onward(step + 1, at + 1))?,
            Step::Name => (inside && stream.tokens[at].name).then(|| onward(step + 1, at + 1))?,
            Step::Class(class) if inside => {
                let lengths = stream.classes[at].iter().filter(|(found, _)| *found == class).map(|(_, length)| *length);
                let (length, (end, target)) =
                    lengths.into_iter().find_map(|length| Some((length, onward(step + 1, at + length)?)))?;
                Some((end, vocabulary.target_of(class, length, &stream.classes[at]).or(target)))
            }
            Step::Class(_) => None,
            Step::SentenceStart => {
                (at < stream.ids.len() && stream.tokens[at].parted == Break::Sentence).then(|| onward(step + 1, at))?
            }
            Step::ClauseStart => {
                (at < stream.ids.len() && stream.tokens[at].parted >= Break::Clause).then(|| onward(step + 1, at))?
            }
            Step::SentenceEnd => {
                let over = at == stream.ids.len() || stream.tokens[at].parted == Break::Sentence;
                over.then(|| onward(step + 1, at))?
            }
            Step::Either(first, second) => onward(first, at).or_else(|| onward(second, at)),
            Step::Jump(next) => onward(next, at),
            Step::Found => Some((at, None)),
        }
    }

    fn begins_with_gap(&self) -> bool {
        let mut open = vec![0];
        while let Some(step) = open.pop() {
            match self.steps[step] {
                Step::AnyWord | Step::Found => return true,
                Step::SentenceStart | Step::ClauseStart => open.push(step + 1),
                Step::Either(first, second) => open.extend([first, second]),
                Step::Jump(next) => open.push(next),
                _ => {}
            }
        }
        false
    }

    /// What a phrase can begin with; `None` among them means that only trying tells.
    pub fn openings(&self) -> Vec<Option<Opening>> {
        let (mut open, mut found) = (vec![0], Vec::new());
        while let Some(step) = open.pop() {
            match self.steps[step] {
                Step::Word(word) => found.push(Some(Opening::Word(word))),
                Step::Class(class) => found.push(Some(Opening::Class(class))),
                Step::Either(first, second) => open.extend([first, second]),
                Step::Jump(next) => open.push(next),
                Step::SentenceStart | Step::ClauseStart => open.push(step + 1),
                _ => found.push(None),
            }
        }
        found
    }
}

/// The first thing a phrase wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opening {
    /// This word.
    Word(WordId),
    /// A member of this class.
    Class(usize),
}

/// Which phrases are worth trying at a word.
#[derive(Debug, Default)]
pub struct Index {
    by_opening: BTreeMap<Opening, Vec<usize>>,
    always: Vec<usize>,
}

impl Index {
    /// An index over `phrases`, by their place in the list.
    pub fn new<'p>(phrases: impl Iterator<Item = &'p Phrase>) -> Self {
        let mut index = Self::default();
        for (at, phrase) in phrases.enumerate() {
            let mut openings = phrase.openings();
            openings.sort_unstable();
            openings.dedup();
            if openings.contains(&None) {
                index.always.push(at);
                continue;
            }
            for opening in openings.into_iter().flatten() {
                index.by_opening.entry(opening).or_default().push(at);
            }
        }
        index
    }

    /// Fills `out` with the phrases that may begin at word `at`, each once.
    pub fn candidates(&self, stream: &Stream, at: usize, out: &mut Vec<usize>) {
        out.clear();
        out.extend(&self.always);
        let word = Opening::Word(stream.ids[at]);
        let classes = stream.classes[at].iter().map(|(class, _)| Opening::Class(*class));
        for opening in std::iter::once(word).chain(classes) {
            out.extend(self.by_opening.get(&opening).into_iter().flatten());
        }
        out.sort_unstable();
        out.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Words;
    use super::*;

    fn found(phrase: &str, text: &str) -> Option<String> {
        let mut vocabulary = Vocabulary::new();
        let sites = ["website", "web site", "portal"].map(str::to_owned);
        vocabulary.add_class("site", Some(Target::Website), &sites);
        let phrase = Phrase::compile(phrase, &mut vocabulary).unwrap();
        let words = Words::of(text);
        let stream = Stream::new(&words.tokens, &vocabulary);
        let hit = phrase.find_all(&stream, &vocabulary).next()?;
        Some(text[words.bytes(hit.start..hit.end)].to_owned())
    }

    #[test]
    fn words_classes_gaps_and_choices() {
        assert_eq!(
            found("visit ..2 <site>", "Just visit, uh, our web site.").as_deref(),
            Some("visit, uh, our web site")
        );
        assert_eq!(found("(ring|call [us] back)", "please call back").as_deref(), Some("call back"));
        assert_eq!(found("book* [it] on <site>", "booking on the portal"), None);
        assert_eq!(
            found("book* [it] on the <site>", "Booking on the portal").as_deref(),
            Some("Booking on the portal")
        );
        assert_eq!(found("visit ..3 <site>", "I visit often. Our website is down"), None);
        assert_eq!(found("^ visit", "please visit"), None);
        assert_eq!(found("visit $", "please visit").as_deref(), Some("visit"));
    }

    #[test]
    fn a_class_says_where_to() {
        let mut vocabulary = Vocabulary::new();
        vocabulary.add_class("site", Some(Target::Website), &["portal".to_owned()]);
        let phrase = Phrase::compile("on ..1 <site>", &mut vocabulary).unwrap();
        let words = Words::of("it is on the portal");
        let stream = Stream::new(&words.tokens, &vocabulary);
        assert_eq!(phrase.find_all(&stream, &vocabulary).next().unwrap().target, Some(Target::Website));
    }

    #[test]
    fn mistakes_are_named() {
        let complain = |text: &str| Phrase::compile(text, &mut Vocabulary::new()).unwrap_err();
        assert!(complain("go to <sight>").contains("no class <sight>"));
        assert!(complain("(a|b").contains("missing"));
        assert!(complain("..3 a").contains("must not begin"));
        assert!(complain("a ..99 b").contains("..12"));
        assert!(complain("what?").contains("not a word"));
    }
}
