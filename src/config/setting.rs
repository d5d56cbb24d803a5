//! What can be set: one list for flags, environment, file and template.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::jobs::Pattern;
use crate::webhooks::address::Network;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A file or folder.
    Path,
    /// An IP address with port.
    Address,
    /// A whole number within these bounds.
    Number(u64, u64),
    /// A number of bytes, with or without unit.
    Bytes,
    /// A stretch of time with its unit.
    Time,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An IP address.
    Host,
    /// A network.
    Network,
    /// An address of a web site, without path.
    Site,
    /// A pattern of file names.
    Naming,
}

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// In the file: `listen`, or with its table `limits.upload`.
    pub name: &'static str,
    /// Without the dashes.
    pub flag: &'static str,
    /// Name of the environment variable.
    pub variable: &'static str,
    /// What it looks like.
    pub kind: Kind,
    /// Whether there may be several.
    pub list: bool,
    /// As texts; empty if there is none.
    pub default: &'static [&'static str],
    /// For the template, where there is no default.
    pub example: &'static str,
    /// What you get, in a sentence or two.
    pub doc: &'static str,
}

const fn setting(
    name: &'static str,
    flag: &'static str,
    variable: &'static str,
    kind: Kind,
    default: &'static [&'static str],
    doc: &'static str,
) -> Setting {
    Setting { name, flag, variable, kind, list: false, default, example: "", doc }
}

impl Setting {
    const fn or(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    const fn many(mut self) -> Self {
        self.list = true;
        self
    }

    /// Checks a value and says what to write instead.
    pub(super) fn check(&self, texts: &[String]) -> Result<(), String> {
        if !self.list && texts.len() > 1 {
            return Err("write one value, not several".to_owned());
        }
        texts.iter().try_for_each(|text| self.kind.check(text))
    }

    /// A value as it is written in the file.
    pub(super) fn written(&self, texts: &[String]) -> String {
        let bare = matches!(self.kind, Kind::Number(..) | Kind::Flag)
            || (self.kind == Kind::Bytes && texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit())));
        let one = |text: &String| if bare { text.clone() } else { toml::Value::from(text.clone()).to_string() };
        if self.list {
            return format!("[{}]", texts.iter().map(one).collect::<Vec<_>>().join(", "));
        }
        texts.first().map_or_else(|| "\"\"".to_owned(), one)
    }

    /// A line of the file with the default or an example.
    pub(super) fn line(&self) -> String {
        let key = self.name.rsplit('.').next().unwrap_or_default();
        let texts: Vec<String> = if self.default.is_empty() && !self.example.is_empty() {
            vec![self.example.to_owned()]
        } else {
            self.default.iter().map(|text| (*text).to_owned()).collect()
        };
        format!("{key} = {}", self.written(&texts))
    }
}

impl Kind {
    fn check(self, text: &str) -> Result<(), String> {
        let fits = match self {
            Self::Text | Self::Path => !text.trim().is_empty(),
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Number(least, most) => text.parse().is_ok_and(|number: u64| (least..=most).contains(&number)),
            Self::Bytes => bytes(text).is_some(),
            Self::Time => time(text).is_some(),
            Self::Flag => matches!(text, "true" | "false"),
            Self::Word(words) => words.contains(&text),
            Self::Host => text.parse::<IpAddr>().is_ok(),
            Self::Network => text.parse::<Network>().is_ok(),
            Self::Site => is_site(text),
            Self::Naming => Pattern::parse(text).is_ok(),
        };
        if fits { Ok(()) } else { Err(self.cure()) }
    }

    fn cure(self) -> String {
        match self {
            Self::Text => "write something or take it out".to_owned(),
            Self::Path => "write the path of a file or folder".to_owned(),
            Self::Address => "write an IP address and a port, like 127.0.0.1:8080 or [::]:8080".to_owned(),
            Self::Number(least, most) => format!("write a whole number from {least} to {most}"),
            Self::Bytes => "write a number of bytes, like 1073741824, \"512 MiB\" or \"2 GiB\"".to_owned(),
            Self::Time => "write a time with its unit, like \"10s\", \"5m\", \"24h\" or \"30d\"".to_owned(),
            Self::Flag => "write true or false".to_owned(),
            Self::Word(words) => format!("write {}", words.join(" or ")),
            Self::Host => "write IP addresses like \"10.20.0.5\"".to_owned(),
            Self::Network => "write networks like \"10.20.0.0/16\" or \"192.168.7.9\"".to_owned(),
            Self::Site => "write it like https://calls.example.com, without a path".to_owned(),
            Self::Naming => "write fields in braces, like {agent}_{queue}_{started_at}_{external_id}".to_owned(),
        }
    }

    /// What stands behind the flag in the help.
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Path => "PATH",
            Self::Address => "ADDRESS:PORT",
            Self::Number(..) => "N",
            Self::Bytes => "BYTES",
            Self::Time => "TIME",
            Self::Flag => "BOOL",
            Self::Word(_) => "WORD",
            Self::Host => "ADDRESS",
            Self::Network => "NETWORK",
            Self::Site => "URL",
            Self::Naming => "PATTERN",
        }
    }
}

/// `1024`, `512 MiB`, `2GiB`, `1 GB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// `500ms`, `10s`, `5m`, `24h`, `30d`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(ms).map(Duration::from_millis)
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

fn is_site(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.path() == "/"
            && url.username().is_empty()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// The names that stand directly in the table `outer`.
pub(super) fn names_in(outer: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for setting in &SETTINGS {
        let rest = if outer.is_empty() {
            Some(setting.name)
        } else {
            setting.name.strip_prefix(outer).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The file with all settings, each commented out and explained.
pub fn template() -> String {
    let mut text = String::from(
        "# Settings of `runaround serve`. What is commented out is the default, or an example where there is none.\n\
         # Flags win over the environment, the environment over this file. Check it with `runaround config check`.\n",
    );
    let mut table = "";
    for setting in &SETTINGS {
        let of = setting.name.rsplit_once('.').map_or("", |(table, _)| table);
        if of != table {
            table = of;
            text += &format!("\n[{table}]\n");
        }
        text += "\n";
        for line in wrapped(setting.doc, 110) {
            text += &format!("# {line}\n");
        }
        text += &format!("# (--{}, {})\n#{}\n", setting.flag, setting.variable, setting.line());
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.len() + word.len() >= width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// All of them; those of one table stand together.
pub const SETTINGS: [Setting; 27] = [
    setting(
        "listen",
        "listen",
        "RUNAROUND_LISTEN",
        Kind::Address,
        &["127.0.0.1:8080"],
        "Address and port to answer on. 127.0.0.1 is reached from this machine only.",
    ),
    setting(
        "public_url",
        "public-url",
        "RUNAROUND_PUBLIC_URL",
        Kind::Site,
        &[],
        "How people reach this server from outside, as their browser shows it. Links use it, and requests must name \
         its host.",
    )
    .or("https://calls.example.com"),
    setting(
        "trusted_proxies",
        "trusted-proxy",
        "RUNAROUND_TRUSTED_PROXIES",
        Kind::Host,
        &[],
        "Proxies in front of this server whose X-Forwarded headers are believed. Everybody else's are ignored.",
    )
    .many()
    .or("10.20.0.5"),
    setting(
        "no_auth",
        "no-auth",
        "RUNAROUND_NO_AUTH",
        Kind::Flag,
        &["false"],
        "Without accounts, to try it out: whoever sits at this machine may do everything. Only with a loopback address.",
    ),
    setting(
        "data",
        "data",
        "RUNAROUND_DATA",
        Kind::Path,
        &["runaround-data"],
        "Folder for the database and the recordings. It belongs to one server alone, on a local disk.",
    ),
    setting(
        "disk_reserve",
        "disk-reserve",
        "RUNAROUND_DISK_RESERVE",
        Kind::Bytes,
        &["1 GiB"],
        "Recordings are refused when less than this would be free on the disk of the data folder, so that the database \
         never fills it.",
    ),
    setting(
        "workers",
        "workers",
        "RUNAROUND_WORKERS",
        Kind::Number(1, 256),
        &["1"],
        "Calls analysed at once. Each takes one core and about half a gigabyte of memory.",
    ),
    setting(
        "model",
        "model",
        "RUNAROUND_MODEL",
        Kind::Text,
        &["base"],
        "Speech model. `runaround models list` shows what there is; larger ones hear better and take longer.",
    ),
    setting(
        "models",
        "models",
        "RUNAROUND_MODELS",
        Kind::Path,
        &[],
        "Folder of the model files. Without it, the usual one (`runaround models list` prints it).",
    )
    .or("/var/lib/runaround/models"),
    setting(
        "naming",
        "naming",
        "RUNAROUND_NAMING",
        Kind::Naming,
        &[],
        "How recorders name their files; what stands there is taken over unless the sender says otherwise. Times are \
         UTC, {*} is skipped.",
    )
    .or("{agent}_{queue}_{started_at}_{external_id}"),
    setting("limits.upload", "max-upload", "RUNAROUND_MAX_UPLOAD", Kind::Bytes, &["2 GiB"], "Largest recording."),
    setting(
        "limits.connections",
        "max-connections",
        "RUNAROUND_MAX_CONNECTIONS",
        Kind::Number(1, 65_536),
        &["4096"],
        "Connections at once; more wait.",
    ),
    setting(
        "limits.connections_per_address",
        "connections-per-address",
        "RUNAROUND_CONNECTIONS_PER_ADDRESS",
        Kind::Number(1, 65_536),
        &["100"],
        "Connections at once from one other machine; more are closed. Proxies that are trusted may have any number.",
    ),
    setting(
        "limits.requests_per_second",
        "requests-per-second",
        "RUNAROUND_REQUESTS_PER_SECOND",
        Kind::Number(1, 1_000_000),
        &["300"],
        "Requests of one person or key.",
    ),
    setting(
        "limits.time",
        "time-limit",
        "RUNAROUND_TIME_LIMIT",
        Kind::Number(1, 1_000),
        &["4"],
        "A call's analysis is given up after so many times the length of the call, though never before a minute.",
    ),
    setting(
        "live.calls",
        "live",
        "RUNAROUND_LIVE",
        Kind::Number(0, 1_000),
        &["0"],
        "Live calls at once; one more is refused. 0 closes the doors for live calls.",
    ),
    setting(
        "live.threads",
        "live-threads",
        "RUNAROUND_LIVE_THREADS",
        Kind::Number(1, 256),
        &["2"],
        "Threads that transcribe live calls, beside the workers. With one there are no drafts of what is being said.",
    ),
    setting(
        "live.audiosocket",
        "live-audiosocket",
        "RUNAROUND_LIVE_AUDIOSOCKET",
        Kind::Address,
        &[],
        "Address and port for Asterisk's AudioSocket. It knows no passwords: keep it in the telephone system's network.",
    )
    .or("127.0.0.1:9092"),
    setting(
        "live.twilio_token_file",
        "live-twilio-token-file",
        "RUNAROUND_LIVE_TWILIO_TOKEN_FILE",
        Kind::Path,
        &[],
        "File with the token that Twilio signs its requests with. With accounts, its streams are refused without.",
    )
    .or("/etc/runaround/twilio.token"),
    setting(
        "session.idle",
        "session-idle",
        "RUNAROUND_SESSION_IDLE",
        Kind::Time,
        &["60m"],
        "People are signed out after so long without a request. Long enough to listen through a call, which is none.",
    ),
    setting(
        "watch.folders",
        "watch",
        "RUNAROUND_WATCH",
        Kind::Path,
        &[],
        "Folders where a telephone system writes recordings. Each file is taken once; it stays where it is.",
    )
    .many()
    .or("/var/spool/asterisk/monitor"),
    setting(
        "watch.settle",
        "watch-settle",
        "RUNAROUND_WATCH_SETTLE",
        Kind::Time,
        &["10s"],
        "A file counts as finished when it did not change for so long and nobody has it open for writing.",
    ),
    setting(
        "watch.team",
        "watch-team",
        "RUNAROUND_WATCH_TEAM",
        Kind::Text,
        &[],
        "Team of the recordings from watch folders, unless their sidecar names one.",
    )
    .or("everyone"),
    setting(
        "retention.days",
        "retention-days",
        "RUNAROUND_RETENTION_DAYS",
        Kind::Number(0, 36_500),
        &["0"],
        "Calls of teams that set nothing themselves are erased so many days after they came. 0 keeps them.",
    ),
    setting(
        "webhooks.allow_private",
        "webhook-network",
        "RUNAROUND_WEBHOOK_NETWORKS",
        Kind::Network,
        &[],
        "Networks of your own that webhooks may go to, also with plain http and on any port. Everything else must be \
         public and https.",
    )
    .many()
    .or("10.20.0.0/16"),
    setting(
        "log.format",
        "log",
        "RUNAROUND_LOG_FORMAT",
        Kind::Word(&["text", "json"]),
        &["text"],
        "How log lines are written to the standard error output. Spoken words never get there.",
    ),
    setting(
        "log.level",
        "log-level",
        "RUNAROUND_LOG",
        Kind::Text,
        &["warn,runaround=info"],
        "What is logged: error, warn, info, debug, also by module, like `warn,runaround=debug`.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_flags_and_variables_stand_once_and_defaults_fit() {
        for pick in [|s: &Setting| s.name, |s: &Setting| s.flag, |s: &Setting| s.variable] {
            let all: BTreeSet<&str> = SETTINGS.iter().map(pick).collect();
            assert_eq!(all.len(), SETTINGS.len());
        }
        for setting in &SETTINGS {
            let default: Vec<String> = setting.default.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(setting.check(&default), Ok(()), "{}", setting.name);
            assert!(setting.variable.starts_with("RUNAROUND_"));
            assert!(!default.is_empty() || setting.kind.check(setting.example).is_ok(), "{}", setting.name);
        }
    }

    #[test]
    fn sizes_and_times_have_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("512 MiB", Some(512 << 20)),
            ("2GiB", Some(2 << 30)),
            ("1 GB", Some(1_000_000_000)),
            ("-1", None),
            ("1.5 GiB", None),
            ("GiB", None),
            ("5 bananas", None),
            ("99999999999 TiB", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for (text, expected) in
            [("10s", Some(10_000)), ("250 ms", Some(250)), ("24h", Some(86_400_000)), ("10", None), ("s", None)]
        {
            assert_eq!(time(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_site_is_scheme_and_host() {
        for (text, fits) in [
            ("https://calls.example.com", true),
            ("https://calls.example.com:8443/", true),
            ("http://localhost:8080", true),
            ("calls.example.com", false),
            ("https://calls.example.com/x", false),
            ("https://a@calls.example.com", false),
            ("ftp://calls.example.com", false),
        ] {
            assert_eq!(is_site(text), fits, "{text}");
        }
    }
}
