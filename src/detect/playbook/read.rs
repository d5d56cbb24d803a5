//! From the TOML of the QA team to a playbook. Reads everything it can and notes every mistake on the way.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Unnamed;
use toml::de::DeValue;

use crate::detect::scorecard::Weights;
use crate::domain::{Dialogue, Label, Role, Target, TimeSpan, Turn};

use super::category::{Category, Relation, Window};
use super::event::{By, Event, Near, Pattern, Scene, Sound, What};
use super::intent::{Ability, AllowedTarget, Intent, Precondition, fitting};
use super::lexicon::{Lexicon, PhraseId};
use super::mistake::{Mistakes, Notes, meant};
use super::must_say::{CallsFor, MustSay};
use super::page::{self, Section, Text};
use super::Playbook;

/// Bytes of one playbook; far more than any team writes by hand.
const FILE_BYTES_MOST: usize = 1 << 20;

/// Reads the playbook `text`; `file` is its name in messages.
pub(super) fn read(file: &str, text: &str) -> Result<Playbook, Mistakes> {
    let mut notes = Notes::new(text);
    if text.len() > FILE_BYTES_MOST {
        notes.add(&(0..0), "the file is larger than 1 MiB", "split it into one playbook per line");
        return notes.settle(file, ()).map(|()| unreachable!("a mistake was noted"));
    }
    let table = page::parse(text, &mut notes);
    let mut top = Section::new(&table, "the playbook");
    let mut reader = Reader { notes, lexicon: Lexicon::new(), ids: BTreeMap::new(), examples: Vec::new() };

    let name = top.wanted_text("name", "whose playbook this is", &mut reader.notes);
    if let Some(words) = top.section("words", &mut reader.notes) {
        reader.word_classes(&words);
    }
    let mut said_in: BTreeMap<String, String> = BTreeMap::new();
    let sections = top.sections("intent", "[[intent]]", &mut reader.notes);
    let intents: Vec<Intent> =
        sections.into_iter().enumerate().filter_map(|(n, section)| reader.intent(n, section, &mut said_in)).collect();
    let mut categories: Vec<Category> = Vec::new();
    for (n, section) in top.sections("category", "[[category]]", &mut reader.notes).into_iter().enumerate() {
        categories.extend(reader.category(n, section, &categories));
    }
    let mut must_says = Vec::new();
    for section in top.sections("must_say", "[[must_say]]", &mut reader.notes) {
        must_says.extend(reader.must_say(section, &intents, &categories));
    }
    let scorecard = top.section("scorecard", &mut reader.notes);
    let weights = scorecard.map_or_else(Weights::default, |section| reader.weights(section, &categories));
    top.finish(&mut reader.notes);
    if intents.is_empty() && categories.is_empty() && must_says.is_empty() && !reader.notes.any() {
        reader.notes.add(&(0..0), "the playbook says nothing", "add an [[intent]], a [[must_say]] or a [[category]]; `runaround playbook example` prints one");
    }

    reader.lexicon.seal();
    let Reader { mut notes, lexicon, examples, .. } = reader;
    let mut playbook =
        Playbook { name: name.map_or_else(String::new, |name| name.words), sha256: String::new(), lexicon, intents, categories, must_says, weights };
    if !notes.any() {
        for example in &examples {
            example.check(&playbook, &mut notes);
        }
    }
    playbook.sha256 = super::digest(text);
    notes.settle(file, playbook)
}

struct Reader<'t> {
    notes: Notes<'t>,
    lexicon: Lexicon,
    /// Every id of the file and where it was given.
    ids: BTreeMap<String, Range<usize>>,
    examples: Vec<Example>,
}

/// A sentence that has to be recognised, or has not to be.
struct Example {
    text: Text,
    of: Owner,
    fits: bool,
}

enum Owner {
    Intent(usize),
    Category(usize),
}

impl Reader<'_> {
    fn word_classes(&mut self, section: &Section) {
        for key in section.keys() {
            if key.words == "name" || !is_id(&key.words) {
                self.notes.add(&key.span, format!("{:?} cannot be the name of a word class", key.words), "use small letters, figures and _, and not name, which stands for any word with a capital");
                continue;
            }
            let members = section.texts_of(&key.words, &mut self.notes);
            for member in &members {
                if member.words.chars().any(|sign| !(sign.is_alphanumeric() || " '’-&".contains(sign))) {
                    self.notes.add(&member.span, format!("{:?} is not made of plain words", member.words), "write only words into a class; signs belong into phrases");
                }
            }
            let members: Vec<String> = members.into_iter().map(|member| member.words).collect();
            self.lexicon.add_class(&key.words, &members);
        }
    }

    fn id(&mut self, section: &mut Section) -> Option<String> {
        let id = section.wanted_text("id", "small letters, figures and _; it is how reports name it", &mut self.notes)?;
        if !is_id(&id.words) {
            self.notes.add(&id.span, format!("the id {:?} has other signs than small letters, figures and _", id.words), "write it like book_appointment");
            return None;
        }
        if self.ids.contains_key(&id.words) {
            self.notes.add(&id.span, format!("the id {:?} is used twice", id.words), "give one of them another id");
            return None;
        }
        self.ids.insert(id.words.clone(), id.span);
        Some(id.words)
    }

    fn phrases(&mut self, texts: &[Text], goodwill: bool) -> Vec<PhraseId> {
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            let words = &text.words;
            let compiled = if goodwill { self.lexicon.with_goodwill(words) } else { self.lexicon.to_the_letter(words) };
            match compiled {
                Ok(id) => ids.push(id),
                Err(problem) => {
                    let cure = "write plain words, (a|b) for a choice, [a] for what may be missing, ..3 for up to three words, book* for a beginning, <name> for a class of [words]";
                    self.notes.add(&text.span, format!("the phrase {:?} cannot be read: {problem}", text.words), cure);
                }
            }
        }
        ids
    }

    fn phrases_under(&mut self, section: &mut Section, key: &'static str, goodwill: bool) -> Vec<PhraseId> {
        let texts = section.texts(key, &mut self.notes);
        self.phrases(&texts, goodwill)
    }

    fn examples(&mut self, section: &mut Section, of: impl Fn() -> Owner) {
        for (key, fits) in [("examples", true), ("counter_examples", false)] {
            let texts = section.texts(key, &mut self.notes);
            self.examples.extend(texts.into_iter().map(|text| Example { text, of: of(), fits }));
        }
    }

    fn intent(&mut self, n: usize, mut section: Section, said_in: &mut BTreeMap<String, String>) -> Option<Intent> {
        let id = self.id(&mut section);
        let texts = section.texts("phrases", &mut self.notes);
        if !section.has("phrases") {
            self.notes.add(&section.span, "[[intent]] has no phrases", "add phrases = [\"...\"]: how callers ask for it");
        }
        for text in &texts {
            let this = id.clone().unwrap_or_default();
            if let Some(other) = said_in.insert(text.words.to_lowercase(), this.clone()) {
                let problem = if other == this { "twice".to_owned() } else { format!("in the intent {other} too") };
                self.notes.add(&text.span, format!("the phrase {:?} is {problem}", text.words), "keep it in one place; a request that fits two intents gets no verdict");
            }
        }
        let phrases = self.phrases(&texts, true);
        let not = self.phrases_under(&mut section, "not", true);
        self.examples(&mut section, || Owner::Intent(n));
        let ability = self.ability(&mut section);
        let mut targets = Vec::new();
        for entry in section.sections("targets_allowed", "targets_allowed", &mut self.notes) {
            targets.extend(self.allowed_target(entry));
        }
        let better = section.text("better", &mut self.notes).map(|text| text.words);
        section.finish(&mut self.notes);
        // Placeholders keep the numbers of the intents after a mistake; the playbook is not used then.
        Some(Intent { id: id.unwrap_or_default(), phrases, not, ability: ability?, targets, better })
    }

    fn ability(&mut self, section: &mut Section) -> Option<Ability> {
        let span = section.at("agent_can");
        let can = section.raw("agent_can").map(|value| value.get_ref());
        let procedure = section.text("procedure", &mut self.notes).map(|text| text.words);
        let step = section.text("step", &mut self.notes).map(|text| text.words);
        let rule = section.text("rule", &mut self.notes).map(|text| text.words);
        let mut preconditions = Vec::new();
        for entry in section.sections("preconditions", "preconditions", &mut self.notes) {
            preconditions.extend(self.precondition(entry));
        }
        let notes = &mut self.notes;
        let mut misplaced = |key: &str, cure: &str| {
            let at = section.at(key);
            notes.add(&at, format!("{key} does not go with this agent_can"), cure);
        };
        match can {
            Some(DeValue::Boolean(false)) => {
                for key in ["procedure", "step", "preconditions", "better"].into_iter().filter(|key| section.has(key)) {
                    misplaced(key, "take it out, or say agent_can = true or \"after\"");
                }
                if rule.is_none() {
                    notes.add(&span, "agent_can = false has no rule", "add rule = \"...\": why it is not allowed");
                }
                Some(Ability::Cannot { rule: rule? })
            }
            Some(value @ (DeValue::Boolean(true) | DeValue::String(_))) => {
                let after = match value {
                    DeValue::String(word) if word == "after" => true,
                    DeValue::String(word) => {
                        notes.add(&span, format!("agent_can = {word:?} says nothing"), "write true, false or \"after\"");
                        return None;
                    }
                    _ => false,
                };
                if section.has("rule") {
                    misplaced("rule", "take it out, or say agent_can = false");
                }
                let comes_first = step.is_some() || preconditions.iter().any(|one| !one.heard.is_empty());
                if after && !comes_first {
                    notes.add(&span, "agent_can = \"after\" does not say after what", "add step = \"...\", or preconditions with heard = [...]");
                }
                if !after && comes_first {
                    notes.add(&span, "agent_can = true, but something comes first", "write agent_can = \"after\", or take step and heard out");
                }
                if procedure.is_none() {
                    notes.add(&span, "it is not said how the agent does it", "add procedure = \"...\", for instance \"Book appointment, step 3\"");
                }
                Some(Ability::Can { procedure: procedure?, step, preconditions })
            }
            Some(other) => {
                notes.add(&span, format!("agent_can is a {}", other.type_str()), "write true, false or \"after\"");
                None
            }
            None => {
                notes.add(&section.span, "[[intent]] has no agent_can", "add agent_can = true, false or \"after\"");
                None
            }
        }
    }

    fn precondition(&mut self, mut section: Section) -> Option<Precondition> {
        let step = section.wanted_text("step", "what has to be done or to be so", &mut self.notes);
        let heard = self.phrases_under(&mut section, "heard", false);
        let broken_when = self.phrases_under(&mut section, "broken_when", false);
        if !section.has("heard") && !section.has("broken_when") {
            self.notes.add(&section.span, "a precondition without heard or broken_when cannot be seen in a call", "say which words show it, or use step = \"...\" in the intent");
        }
        section.finish(&mut self.notes);
        Some(Precondition { step: step?.words, heard, broken_when })
    }

    fn allowed_target(&mut self, mut section: Section) -> Option<AllowedTarget> {
        let reason = section.wanted_text("reason", "why callers are rightly sent there", &mut self.notes);
        let phrases = self.phrases_under(&mut section, "phrases", true);
        let target = section.wanted_text("target", "for instance form, branch or third_party", &mut self.notes);
        section.finish(&mut self.notes);
        let target = target.and_then(|word| {
            let known = Target::deserialize(word.words.as_str().into_deserializer());
            known.map_err(|error: Unnamed| self.notes.add(&word.span, format!("there is no target {:?}", word.words), error.to_string())).ok()
        });
        Some(AllowedTarget { target: target?, phrases, reason: reason?.words })
    }

    fn must_say(&mut self, mut section: Section, intents: &[Intent], categories: &[Category]) -> Option<MustSay> {
        let id = self.id(&mut section);
        let note = section.wanted_text("note", "what has to be said, for the reader of a report", &mut self.notes);
        let texts = self.phrases_under(&mut section, "texts", false);
        if !section.has("texts") {
            self.notes.add(&section.span, "[[must_say]] has no texts", "add texts = [\"...\"]: any one of them has to be said");
        }
        let by = self.by(&mut section, By::Organisation);
        let when = self.window(&mut section);
        let calls_for = section.section("when", &mut self.notes).and_then(|mut when| {
            let intent = when.text("intent", &mut self.notes);
            let calls_for = match intent {
                Some(intent) => match intents.iter().position(|other| other.id == intent.words) {
                    Some(n) => Some(CallsFor::Intent(n)),
                    None => {
                        self.no_such("intent", &intent, intents.iter().map(|intent| intent.id.as_str()));
                        None
                    }
                },
                None => self.event(&mut when, categories, By::Anyone).map(CallsFor::Event),
            };
            when.finish(&mut self.notes);
            calls_for
        });
        section.finish(&mut self.notes);
        Some(MustSay { id: id?, note: note?.words, texts, by, when, calls_for })
    }

    fn category(&mut self, n: usize, mut section: Section, above: &[Category]) -> Option<Category> {
        let id = self.id(&mut section);
        let quiet = section.flag("quiet", false, &mut self.notes);
        let note = if quiet {
            section.text("note", &mut self.notes)
        } else {
            section.wanted_text("note", "one sentence for the reader of a report", &mut self.notes)
        };
        let event = self.event(&mut section, above, By::Anyone);
        let when = self.window(&mut section);
        let after = self.relation("after", &mut section, above);
        let before = self.relation("before", &mut section, above);
        let absent = section.flag("absent", false, &mut self.notes);
        let with = self.categories("with", &mut section, above);
        let without = self.categories("without", &mut section, above);
        let times = section.count("times", 1..1_001, &mut self.notes).unwrap_or(1);
        self.examples(&mut section, || Owner::Category(n));
        let words_only = event.as_ref().is_none_or(|event| matches!(&event.what, What::Words(pattern) if pattern.labels.is_empty()));
        for key in ["examples", "counter_examples"].into_iter().filter(|key| section.has(key) && !words_only) {
            self.notes.add(&section.at(key), format!("{key} go with match and near alone"), "take them out; a sentence alone has no label, no sound and no other category");
        }
        if absent && event.as_ref().is_some_and(|event| !matches!(event.what, What::Words(_))) {
            self.notes.add(&section.at("absent"), "absent goes with match, near and label", "say which words or label were missing");
        }
        if absent && after.is_some() && before.is_some() {
            self.notes.add(&section.at("absent"), "absent goes with after or with before, not with both", "make two categories of it");
        }
        section.finish(&mut self.notes);
        let note = note.map(|note| note.words).unwrap_or_default();
        // Without its event a category is kept as an empty place, so that the ones below keep their numbers.
        let event = event.unwrap_or(Event { what: What::Words(Pattern::default()), by: By::Anyone });
        Some(Category { id: id.unwrap_or_default(), note, quiet, event, when, after, before, absent, with, without, times })
    }

    /// `match`, `near`, `label`, `sound`, `category` or `order`, by whom.
    fn event(&mut self, section: &mut Section, above: &[Category], default: By) -> Option<Event> {
        let by = self.by(section, default);
        let phrases = self.phrases_under(section, "match", false);
        let mut near = Vec::new();
        for entry in section.sections("near", "near = [{ words = [...], within = 5 }]", &mut self.notes) {
            near.extend(self.near(entry));
        }
        let labels = self.labels(section, by);
        let not = self.phrases_under(section, "not", false);
        let not_near = section.section("not_near", &mut self.notes).and_then(|entry| self.near(entry));
        let sound = self.choice("sound", section, &Sound::ALL);
        let at_least_ms = section.seconds("at_least_s", &mut self.notes);
        let which = self.categories("category", section, above);
        let order = self.categories("order", section, above);

        let said = ["match", "near", "label"].iter().any(|key| section.has(key));
        let kinds = [said, section.has("sound"), section.has("category"), section.has("order")];
        let given = kinds.iter().filter(|given| **given).count();
        if given != 1 {
            let problem = if given == 0 { "it is not said what happens" } else { "several kinds of things are to happen at once" };
            self.notes.add(&section.span, problem, "give match, near and label (they may go together), or sound, or category, or order");
            return None;
        }
        for key in ["not", "not_near"].into_iter().filter(|key| section.has(key) && !said) {
            self.notes.add(&section.at(key), format!("{key} goes with match, near and label"), "take it out");
        }
        if at_least_ms.is_some() && sound.is_none() {
            self.notes.add(&section.at("at_least_s"), "at_least_s goes with sound", "take it out, or add sound = \"silence\"");
        }
        if section.has("not_near") && !section.has("match") && !section.has("near") {
            self.notes.add(&section.at("not_near"), "not_near needs words to be near to", "add match or near");
        }
        if order.len() == 1 {
            self.notes.add(&section.at("order"), "one category has no order", "name at least two");
        }
        let what = if said {
            What::Words(Pattern { phrases, near, labels, not, not_near })
        } else if let Some(sound) = sound {
            What::Sound { sound, at_least_ms: at_least_ms.unwrap_or(0) }
        } else if section.has("order") {
            What::Order(order)
        } else {
            What::Category(which)
        };
        Some(Event { what, by })
    }

    fn relation(&mut self, key: &'static str, section: &mut Section, above: &[Category]) -> Option<Relation> {
        let mut entry = section.section(key, &mut self.notes)?;
        let event = self.event(&mut entry, above, By::Anyone);
        let within_ms = entry.seconds("within_s", &mut self.notes);
        entry.finish(&mut self.notes);
        Some(Relation { event: event?, within_ms })
    }

    fn near(&mut self, mut section: Section) -> Option<Near> {
        let phrases = self.phrases_under(&mut section, "words", false);
        let within = section.count("within", 0..101, &mut self.notes);
        for key in ["words", "within"].into_iter().filter(|key| !section.has(key)) {
            self.notes.add(&section.span, format!("{key} is missing"), "write { words = [\"refund\", \"days\"], within = 5 }");
        }
        section.finish(&mut self.notes);
        Some(Near { phrases, within: within? })
    }

    fn labels(&mut self, section: &mut Section, by: By) -> Vec<Label> {
        let mut labels = Vec::new();
        for word in section.texts("label", &mut self.notes) {
            let Some(label) = Label::parse(&word.words) else {
                self.no_such("label", &word, Label::ALL.map(Label::as_str));
                continue;
            };
            let impossible = match by {
                By::Caller => !label.is_callers(),
                By::Agent | By::Ivr | By::Organisation => label.is_callers(),
                By::Anyone => false,
            };
            if impossible {
                let side = if label.is_callers() { "the caller" } else { "the agent" };
                self.notes.add(&word.span, format!("{} is what {side} does", word.words), "change said_by or take it out");
            }
            labels.push(label);
        }
        labels
    }

    fn categories(&mut self, key: &'static str, section: &mut Section, above: &[Category]) -> Vec<usize> {
        let mut numbers = Vec::new();
        for word in section.texts(key, &mut self.notes) {
            match above.iter().position(|category| category.id == word.words) {
                Some(n) => numbers.push(n),
                None => self.no_such("category above this one", &word, above.iter().map(|category| category.id.as_str())),
            }
        }
        numbers
    }

    fn by(&mut self, section: &mut Section, default: By) -> By {
        self.choice("said_by", section, &By::ALL).unwrap_or(default)
    }

    fn choice<T: Copy>(&mut self, key: &'static str, section: &mut Section, choices: &[(&'static str, T)]) -> Option<T> {
        let word = section.text(key, &mut self.notes)?;
        let found = choices.iter().find(|(name, _)| *name == word.words).map(|(_, value)| *value);
        if found.is_none() {
            self.no_such(key, &word, choices.iter().map(|(name, _)| *name));
        }
        found
    }

    fn window(&mut self, section: &mut Section) -> Window {
        let first = section.seconds("first_s", &mut self.notes);
        let last = section.seconds("last_s", &mut self.notes);
        match (first, last) {
            (None, None) => Window::All,
            (Some(ms), None) => Window::First(ms),
            (None, Some(ms)) => Window::Last(ms),
            (Some(_), Some(ms)) => {
                self.notes.add(&section.at("last_s"), "first_s and last_s at once", "keep one of them");
                Window::Last(ms)
            }
        }
    }

    fn weights(&mut self, mut section: Section, categories: &[Category]) -> Weights {
        let mut weights = Weights::default();
        for (name, weight) in weights.fields() {
            if let Some(number) = section.number(name, &mut self.notes) {
                *weight = number as f32;
            }
        }
        if let Some(costs) = section.section("categories", &mut self.notes) {
            for id in costs.keys() {
                match categories.iter().find(|category| category.id == id.words) {
                    Some(category) if category.quiet => {
                        self.notes.add(&id.span, format!("the category {} is quiet", id.words), "a score has to be visible: take quiet out of the category");
                    }
                    Some(_) => {
                        let cost = costs.number_of(&id.words, &mut self.notes).unwrap_or(0.0);
                        weights.categories.push((id.words, cost as f32));
                    }
                    None => self.no_such("category", &id, categories.iter().map(|category| category.id.as_str())),
                }
            }
        }
        section.finish(&mut self.notes);
        weights
    }

    fn no_such<'k>(&mut self, what: &str, word: &Text, known: impl IntoIterator<Item = &'k str>) {
        let known: Vec<&str> = known.into_iter().filter(|name| !name.is_empty()).collect();
        let cure = match meant(&word.words, known.iter().copied()) {
            Some(close) => format!("did you mean {close}?"),
            None if known.is_empty() => "there is none yet".to_owned(),
            None => format!("there are {}", known.join(", ")),
        };
        self.notes.add(&word.span, format!("there is no {what} {:?}", word.words), cure);
    }
}

impl Example {
    fn check(&self, playbook: &Playbook, notes: &mut Notes) {
        let say = |speaker| one_turn(&self.text.words, speaker);
        match self.of {
            Owner::Intent(n) => {
                let dialogue = say(Role::Caller);
                let fits = fitting(0, None, &playbook.intents, &playbook.lexicon.listen(&dialogue));
                let others = fits.iter().filter(|&&other| other != n).map(|&other| playbook.intents[other].id.as_str());
                let others = others.collect::<Vec<_>>().join(", ");
                match (self.fits, fits.contains(&n)) {
                    (true, false) => notes.add(&self.text.span, "the example is not recognised", "add a phrase made of its telling words, or a word class"),
                    (false, true) => notes.add(&self.text.span, "the counter-example is recognised", "make the phrases longer, or add not = [\"...\"]"),
                    (true, true) if !others.is_empty() => {
                        notes.add(&self.text.span, format!("the example fits {others} too"), "make the phrases of one of them longer, or add not = [\"...\"]; what fits two intents gets no verdict");
                    }
                    _ => {}
                }
            }
            Owner::Category(n) => {
                let event = &playbook.categories[n].event;
                let speaker = if event.by == By::Caller { Role::Caller } else if event.by == By::Ivr { Role::Ivr } else { Role::Agent };
                let dialogue = say(speaker);
                let heard = playbook.lexicon.listen(&dialogue);
                let scene = Scene { dialogue: &dialogue, acts: &[], heard: &heard, categories: &[] };
                match (self.fits, event.occurrences(&scene).is_empty()) {
                    (true, true) => notes.add(&self.text.span, "the example is not matched", "compare it with match, near and not, word by word"),
                    (false, false) => notes.add(&self.text.span, "the counter-example is matched", "make the match longer, or add not = [\"...\"]"),
                    _ => {}
                }
            }
        }
    }
}

fn one_turn(text: &str, speaker: Role) -> Dialogue {
    let span = TimeSpan::from_ms(0, 1_000);
    let turn = Turn { i: 0, speaker, channel: None, span, text: text.into(), words: Vec::new(), confidence: 1.0, backchannel: false };
    Dialogue { turns: vec![turn], duration_ms: 1_000, ..Dialogue::default() }
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
