//! A dialogue becomes acts, chains and findings.
//!
//! Three storeys: *acts* (what each turn does, from phrase rules, likeness to examples and learned weights),
//! the *chain* of each request, and *findings* a reviewer reads. Nothing here does IO, knows a clock or fails:
//! any dialogue gets an answer.

pub mod acts;
pub mod chain;
pub mod context;
pub mod findings;
pub mod phrase;
pub mod rules;
pub mod scores;
pub mod semantic;
pub mod text;

use crate::domain::{Act, Chain, Dialogue, Finding, Verdict};

use findings::Scene;
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
