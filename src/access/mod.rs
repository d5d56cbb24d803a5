//! Who may do what.
//!
//! Every request has an [`Actor`]: a signed-in person, a key, or, on a loopback trial without accounts, anyone. Roles
//! say what may be done at all; teams say on whose calls.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a person is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reviews calls of their teams.
    Qa,
    /// Also coaches, and watches live calls.
    Supervisor,
    /// Also runs the place: people, keys, playbooks, settings; sees every team.
    Admin,
}

impl Role {
    /// The word used in files and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qa => "qa",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// The role written `name`.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Qa, Self::Supervisor, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// Whose calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teams {
    /// Everybody's.
    All,
    /// Those of these teams, by id.
    These(BTreeSet<String>),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `person:<id>`, `key:<id>` or `anyone`, as in the audit log.
    pub id: String,
    /// Shown beside what they did.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// On whose calls.
    pub teams: Teams,
}

impl Actor {
    /// Whoever sits at this machine, on a trial without accounts.
    pub fn anyone() -> Self {
        Self { id: "anyone".to_owned(), name: "anyone".to_owned(), role: Role::Admin, teams: Teams::All }
    }

    /// Whether calls of the team with this id are theirs to see. What they may not see does not exist for them.
    pub fn sees(&self, team: &str) -> bool {
        match &self.teams {
            Teams::All => true,
            Teams::These(teams) => teams.contains(team),
        }
    }
}
