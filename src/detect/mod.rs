//! A dialogue becomes acts, chains and findings.
//!
//! Three storeys: *acts* (what each turn does, from phrase rules, likeness to examples and learned weights),
//! the *chain* of each request, and *findings* a reviewer reads. Nothing here does IO, knows a clock or fails:
//! any dialogue gets an answer.

pub mod acts;
pub mod chain;
pub mod context;
pub mod empathy;
pub mod findings;
pub mod hardship;
pub mod judge;
pub mod phrase;
pub mod playbook;
pub mod redact;
pub mod rules;
pub mod scorecard;
pub mod scores;
pub mod text;

use crate::domain::{Act, Chain, Dialogue, Empathy, Finding, Scorecard, Verdict};

use findings::Scene;
use playbook::Playbook;
use rules::Rules;

pub use findings::manual;

/// What detection says about a dialogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The acts of each turn: `acts[n]` belongs to `dialogue.turns[n]`.
    pub acts: Vec<Vec<Act>>,
    /// One per request, in order.
    pub chains: Vec<Chain>,
    /// The call in one line.
    pub verdict: Verdict,
    /// In the order of time.
    pub findings: Vec<Finding>,
}

/// What a reading means to those who judge calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Hardship stated, and what the agent made of it.
    pub empathy: Empathy,
    /// The score with its reasons; absent where no request was heard.
    pub scorecard: Option<Scorecard>,
}

/// Judges a reading by the house's playbook, if there is one. Verdicts and findings of the house go into the reading.
pub fn assess(dialogue: &Dialogue, reading: &mut Reading, playbook: Option<&Playbook>) -> Assessment {
    let house = playbook.map(|playbook| playbook.apply(dialogue, reading)).unwrap_or_default();
    let empathy = empathy::read(dialogue, &reading.acts);
    let weights = playbook.map(|playbook| playbook.weights().clone()).unwrap_or_default();
    let scorecard = scorecard::score(dialogue, reading, &empathy, &weights, &house);
    Assessment { empathy, scorecard }
}

/// Rules, examples and weights, loaded once and shared by all calls.
pub struct Detectors {
    rules: Rules,
    digest: String,
}

impl Detectors {
    /// The rules that ship with the program, without a model.
    pub fn rules_only() -> Self {
        Self { rules: Rules::built_in(), digest: rules::digest(rules::BUILT_IN) }
    }

    /// Rule files of your own, as name and content, in place of the ones that ship.
    ///
    /// # Errors
    /// Names the file and the line, and says what is wrong there.
    pub fn with_rules(files: &[(String, String)]) -> Result<Self, rules::Error> {
        let files = files.iter().map(|(name, content)| (name.as_str(), content.as_str()));
        Ok(Self { rules: Rules::parse(files.clone())?, digest: rules::digest(files) })
    }

    /// The phrase rules in use.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Hash of all rules, examples and weights in use, lower-case hex.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    /// Which storeys run: `rules`, `semantic`, `learned`.
    pub fn storeys(&self) -> Vec<String> {
        vec!["rules".to_owned()]
    }

    /// Reads a dialogue.
    pub fn read(&self, dialogue: &Dialogue) -> Reading {
        let signs = self.rules.read(dialogue);
        let hits: Vec<_> = signs.iter().map(|signs| signs.hits.clone()).collect();
        let acts = acts::decide(dialogue, &signs, &scores::from_hits(&hits));
        let (chains, verdict) = chain::tell(dialogue, &acts, &signs);
        let findings = findings::find(Scene { dialogue, acts: &acts, signs: &signs, chains: &chains });
        Reading { acts, chains, verdict, findings }
    }
}
