//! What the house's own playbook says about one deflection.
//!
//! The playbook is the QA team's word on what an agent of this line can do. Where it is silent, or the call leaves it
//! open which of its entries is meant, the verdict is `unknown` and says why: nobody is blamed on a guess.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The playbook's verdict on one deflection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookVerdict {
    /// Id of the intent that the request was recognised as; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Whether it could have been done here.
    #[serde(flatten)]
    pub could: Could,
    /// How it can be said better, in the playbook's words; for coaching, where something could have been done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<String>,
}

/// Whether the agent could have done on this call what the caller was sent away for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Could {
    /// Yes, at once.
    CouldHave {
        /// By which procedure of the house.
        procedure: String,
    },
    /// Yes, once something else was done.
    CouldAfter {
        /// What had to be done first.
        step: String,
    },
    /// No.
    NotAllowed {
        /// Which rule of the house forbids it.
        rule: String,
    },
    /// The house sends callers there for this on purpose.
    RightTarget {
        /// Why.
        reason: String,
    },
    /// The playbook does not say, or the call does not tell.
    Unknown {
        /// What is missing.
        why: String,
    },
}

impl Could {
    /// The word used in files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CouldHave { .. } => "could_have",
            Self::CouldAfter { .. } => "could_after",
            Self::NotAllowed { .. } => "not_allowed",
            Self::RightTarget { .. } => "right_target",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What a reader of the report sees before [`Could::because`].
    pub const fn title(&self) -> &'static str {
        match self {
            Self::CouldHave { .. } => "could have been done on this call",
            Self::CouldAfter { .. } => "could have been done on this call, after one step",
            Self::NotAllowed { .. } => "could not be done on this call",
            Self::RightTarget { .. } => "the playbook sends callers there",
            Self::Unknown { .. } => "the playbook does not tell",
        }
    }

    /// The procedure, step, rule or reason in the playbook's words, or what is missing.
    pub fn because(&self) -> &str {
        match self {
            Self::CouldHave { procedure: words }
            | Self::CouldAfter { step: words }
            | Self::NotAllowed { rule: words }
            | Self::RightTarget { reason: words }
            | Self::Unknown { why: words } => words,
        }
    }

    /// Whether the house itself wanted the caller to go there, so that nobody is to be charged for it.
    pub const fn clears_the_agent(&self) -> bool {
        matches!(self, Self::NotAllowed { .. } | Self::RightTarget { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_one_flat_object() {
        let verdict = PlaybookVerdict {
            intent: Some("book".into()),
            could: Could::CouldAfter { step: "verify the caller".into() },
            better: None,
        };
        let json = serde_json::json!({ "intent": "book", "verdict": "could_after", "step": "verify the caller" });
        assert_eq!(serde_json::to_value(&verdict).unwrap(), json);
        assert_eq!(serde_json::from_value::<PlaybookVerdict>(json).unwrap(), verdict);
    }

    #[test]
    fn the_word_in_files_is_the_word_in_code() {
        let all = [
            Could::CouldHave { procedure: String::new() },
            Could::CouldAfter { step: String::new() },
            Could::NotAllowed { rule: String::new() },
            Could::RightTarget { reason: String::new() },
            Could::Unknown { why: String::new() },
        ];
        for could in all {
            assert_eq!(serde_json::to_value(&could).unwrap()["verdict"], could.as_str());
        }
    }
}
