//! The languages in which telephone systems hand over a call while it is spoken.
//!
//! One file per protocol, no sockets inside: messages go in, [`Wire`] comes out. Whatever a peer sends, nothing here
//! panics, waits or remembers more than a few frames; order and gaps are the business of [`super::gaps`].

pub mod asterisk;
pub mod audiosocket;
pub mod g711;
pub mod pcm;
pub mod signature;
pub mod twilio;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{ChannelId, Role};

/// Longest message of any protocol, in bytes.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// Sample rates a call may have.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// Longest text of metadata, in characters.
const TEXT_MAX: usize = 200;

/// One message of a socket.
#[derive(Clone, Copy, Debug)]
pub enum Message<'m> {
    /// Text.
    Text(&'m str),
    /// Bytes.
    Binary(&'m [u8]),
}

/// What a message means.
#[derive(Clone, Debug, PartialEq)]
pub enum Wire {
    /// This socket carries one side of the call with this name.
    Pair(Uuid),
    /// The call begins; audio follows.
    Begin(Hello),
    /// This socket goes on with the call whose connection broke.
    Resume {
        /// Which.
        call: Uuid,
        /// Samples a second, as it began.
        rate_hz: u32,
        /// Channels, as it began.
        channels: u8,
    },
    /// Sound of one channel.
    Audio {
        /// Which.
        channel: ChannelId,
        /// Where on the axis of the call.
        place: Place,
        /// At the rate of the call.
        samples: Vec<i16>,
    },
    /// A key, signalled by the network.
    Digit {
        /// Who pressed it.
        channel: ChannelId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// Something the people in charge should know, by its stable name.
    Warn(&'static str),
    /// The call is over.
    End,
}

/// Where a piece of sound belongs, in samples of its channel since the call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// After the piece before: the transport loses nothing.
    Next,
    /// After the piece before, as the peer counts its pieces; its clock says where, more or less.
    Near(u64),
    /// Here: pieces may be missing before it.
    At(u64),
}

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// 16 bits, little-endian.
    PcmS16le,
    /// G.711 as in America and Japan.
    Mulaw,
    /// G.711 as elsewhere.
    Alaw,
}

impl Encoding {
    /// Bytes of a sample.
    pub const fn width(self) -> usize {
        match self {
            Self::PcmS16le => 2,
            Self::Mulaw | Self::Alaw => 1,
        }
    }

    /// The samples in `bytes`; a last half sample is left out.
    pub fn decode(self, bytes: &[u8]) -> Vec<i16> {
        match self {
            Self::PcmS16le => bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
            Self::Mulaw => bytes.iter().map(|byte| g711::mulaw(*byte)).collect(),
            Self::Alaw => bytes.iter().map(|byte| g711::alaw(*byte)).collect(),
        }
    }

    /// The other way.
    pub fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::PcmS16le => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            Self::Mulaw => samples.iter().map(|sample| g711::to_mulaw(*sample)).collect(),
            Self::Alaw => samples.iter().map(|sample| g711::to_alaw(*sample)).collect(),
        }
    }

    /// As the protocols of providers spell it: `audio/x-mulaw`, `PCMU`, `L16`, `slin`.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["mulaw", "ulaw", "pcmu", "mu-law"]) {
            Some(Self::Mulaw)
        } else if has(&["alaw", "pcma", "a-law"]) {
            Some(Self::Alaw)
        } else if has(&["l16", "linear", "s16le", "slin", "raw"]) {
            Some(Self::PcmS16le)
        } else {
            None
        }
    }
}

/// What a peer says when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// Samples a second of every channel.
    pub rate_hz: u32,
    /// One or two.
    pub channels: u8,
    /// Who speaks on which channel, if the peer said it or the protocol does.
    pub roles: Option<Vec<Role>>,
    /// The rest.
    pub facts: Facts,
}

/// What a peer says about the call. Nothing of it is needed, all of it is cut to a sensible length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// Shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sender's own name for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Who answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The line it came in on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Whose call it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Who calls, as the sender writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_ref: Option<String>,
    /// Language spoken, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Facts {
    /// Cuts every text to a sensible length and drops what is empty.
    pub fn tidy(mut self) -> Self {
        for text in [
            &mut self.name,
            &mut self.external_id,
            &mut self.agent,
            &mut self.queue,
            &mut self.team,
            &mut self.caller_ref,
            &mut self.language,
        ] {
            *text = text.take().map(|text| tidy(&text)).filter(|text| !text.is_empty());
        }
        self
    }

    /// Sets the field `name`; an unknown name is not for us.
    fn set(&mut self, name: &str, text: &str) {
        let field = match name {
            "name" => &mut self.name,
            "external_id" => &mut self.external_id,
            "agent" => &mut self.agent,
            "queue" => &mut self.queue,
            "team" => &mut self.team,
            "caller_ref" => &mut self.caller_ref,
            "language" => &mut self.language,
            _ => return,
        };
        *field = Some(text.to_owned());
    }
}

fn tidy(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect::<String>().trim().to_owned()
}

/// `caller,agent` as roles of `channels` channels; `None` if it is anything else.
fn roles(text: &str, channels: u8) -> Option<Vec<Role>> {
    let roles: Option<Vec<Role>> = text.split(',').map(|word| role(word.trim())).collect();
    roles.filter(|roles| roles.len() == usize::from(channels))
}

fn role(word: &str) -> Option<Role> {
    [Role::Caller, Role::Agent, Role::Ivr, Role::Mixed].into_iter().find(|role| role.as_str() == word)
}

/// A key of a telephone.
fn key(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let key = chars.next().filter(|_| chars.next().is_none())?.to_ascii_uppercase();
    (key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D')).then_some(key)
}

/// Why a peer is not listened to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a message of this protocol.
    #[error("{0}")]
    Malformed(&'static str),
    /// Bytes where the protocol has text, or text where it has bytes.
    #[error("this protocol sends no such message; check which address the telephone system was given")]
    WrongKind,
    /// More than [`MESSAGE_MAX`].
    #[error("send messages of at most 64 KiB")]
    TooLong,
    /// A rate, an encoding or a number of channels that is not for us.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl Error {
    /// The WebSocket close code.
    pub const fn close_code(self) -> u16 {
        match self {
            Error::Malformed(_) | Error::Unsupported(_) => 4400,
            Error::WrongKind => 1003,
            Error::TooLong => 1009,
        }
    }
}

/// One socket of a message protocol.
pub trait Protocol: Send {
    /// Takes the next message and appends what it means.
    ///
    /// # Errors
    /// See [`Error`]; the socket is to be closed then.
    fn take(&mut self, message: Message<'_>, out: &mut Vec<Wire>) -> Result<(), Error>;
}

fn check_length(message: Message<'_>) -> Result<(), Error> {
    let length = match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
    };
    if length > MESSAGE_MAX { Err(Error::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod mutants;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_cut_to_size() {
        let facts = Facts { name: Some("x".repeat(1_000)), agent: Some(" \n".into()), ..Facts::default() }.tidy();
        assert_eq!(facts.name.unwrap().len(), TEXT_MAX);
        assert_eq!(facts.agent, None);
    }

    #[test]
    fn roles_need_the_right_number() {
        assert_eq!(roles("caller, agent", 2), Some(vec![Role::Caller, Role::Agent]));
        assert_eq!(roles("caller", 2), None);
        assert_eq!(roles("caller,boss", 2), None);
    }

    #[test]
    fn encodings_of_every_provider() {
        for (name, encoding) in [
            ("audio/x-mulaw", Encoding::Mulaw),
            ("PCMU", Encoding::Mulaw),
            ("PCMA", Encoding::Alaw),
            ("audio/x-l16;rate=8000", Encoding::PcmS16le),
            ("slin16", Encoding::PcmS16le),
            ("ulaw", Encoding::Mulaw),
        ] {
            assert_eq!(Encoding::of_name(name), Some(encoding), "{name}");
        }
        assert_eq!(Encoding::of_name("opus"), None);
    }
}
