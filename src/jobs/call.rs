//! What is known about an accepted call besides its report.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of an accepted call, made by this program; ids that came later are greater. Never taken from a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(Uuid);

impl CallId {
    /// A new one.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for CallId {
    type Err = ();

    /// Only the form that [`Display`](fmt::Display) gives: one call has one address.
    fn from_str(text: &str) -> Result<Self, ()> {
        let id = Self(Uuid::try_parse(text).map_err(|_| ())?);
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// The report is there.
    Done,
    /// The recording cannot be analysed; the error says why.
    Failed,
    /// It ended its worker again and again; put aside so that the others go on.
    Quarantined,
}

/// Why a call has no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable name, as in problem documents.
    pub code: String,
    /// A sentence for people, without any spoken words.
    pub detail: String,
}

impl Failure {
    /// Puts both together.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// How far the work on a call got, in audio time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// So much of the call is done, in milliseconds.
    pub done_ms: u64,
    /// Of so much; 0 while the worker has not said it.
    pub total_ms: u64,
}

/// An accepted call, as kept in `call.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// Name of the uploaded file, for people only.
    pub name: String,
    /// Size of the recording.
    pub bytes: u64,
    /// Hash of the recording, lower-case hex.
    pub sha256: String,
    /// Who speaks on which channel, as the sender named it: `caller,agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// When it was accepted, in RFC 3339.
    pub received_at: String,
    /// When its last work ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Where it stands.
    pub state: State,
    /// How often a worker was started on it.
    pub attempt: u32,
    /// How often that worker crashed.
    pub crashes: u32,
    /// How often the server died meanwhile.
    pub losses: u32,
    /// Why there is no report (failed, quarantined), or what it waits for (queued).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Call {
    pub(super) fn end(&mut self, state: State, error: Option<Failure>) {
        self.state = state;
        self.error = error;
        self.ended_at = Some(now());
    }
}

/// The wall clock, to the second.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling_and_grow() {
        let (a, b) = (CallId::generate(), CallId::generate());
        assert!(a < b);
        assert_eq!(a.to_string().parse(), Ok(a));
        for wrong in ["", "..", &a.to_string().to_uppercase(), &a.to_string().replace('-', "")] {
            assert!(wrong.parse::<CallId>().is_err(), "{wrong}");
        }
    }
}
