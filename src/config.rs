//! Every setting of the server: file, environment and flags become one checked whole.
//!
//! [`setting`] is the one list of what can be set: flags, environment variables, the template of `config init` and the
//! checks all come from it. Flags win over the environment, the environment over the file, the file over the defaults.
//! What is unknown or does not fit is an error with the place and the cure; all of them are told at once.

pub mod setting;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::webhooks::address::Network;
use setting::{SETTINGS, Setting};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The file, at this line.
    File(usize),
    /// This environment variable.
    Environment(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::File(line) => write!(f, "file, line {line}"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// Something that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands: a line of the file, a variable or a flag.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.message, self.cure)
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the settings {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// The file, the environment or the flags are wrong.
    #[error("the settings are wrong:\n  {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
    Wrong(Vec<Mistake>),
}

/// A value that was checked, as text, with where it comes from. Lists have several texts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    texts: Vec<String>,
    source: Source,
}

/// All settings, checked. Names are those of [`SETTINGS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, Value>);

/// What flags or variables say, by the name of the setting.
pub type Said = BTreeMap<&'static str, Vec<String>>;

impl Settings {
    /// Gathers them from `file`, the variables of `environment` and the `flags`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn gather(file: Option<&Path>, environment: &Said, flags: &Said) -> Result<Self, Error> {
        let text = match file {
            Some(file) => std::fs::read_to_string(file).map_err(|cause| Error::Io(file.to_owned(), cause))?,
            None => String::new(),
        };
        let mut mistakes = Vec::new();
        let mut values: BTreeMap<&'static str, Value> = BTreeMap::new();
        for setting in &SETTINGS {
            let texts = setting.default.iter().map(|text| (*text).to_owned()).collect();
            values.insert(setting.name, Value { texts, source: Source::Default });
        }
        for (setting, line, texts) in read(&text, &mut mistakes) {
            values.insert(setting.name, Value { texts, source: Source::File(line) });
        }
        for setting in &SETTINGS {
            if let Some(texts) = environment.get(setting.name) {
                values.insert(
                    setting.name,
                    Value { texts: texts.clone(), source: Source::Environment(setting.variable) },
                );
            }
            if let Some(texts) = flags.get(setting.name) {
                values.insert(setting.name, Value { texts: texts.clone(), source: Source::Flag(setting.flag) });
            }
        }
        for setting in &SETTINGS {
            let value = &values[setting.name];
            if let Err(cure) = setting.check(&value.texts) {
                mistakes.push(Mistake {
                    place: value.source.to_string(),
                    message: format!("{} does not fit", setting.name),
                    cure,
                });
            }
        }
        if mistakes.is_empty() { Ok(Self(values)) } else { Err(Error::Wrong(mistakes)) }
    }

    /// What the environment of this process says. An empty variable says nothing.
    pub fn environment() -> Said {
        let said = |setting: &Setting| {
            let text = std::env::var(setting.variable).ok().filter(|text| !text.is_empty())?;
            Some((setting.name, if setting.list { split(&text) } else { vec![text] }))
        };
        SETTINGS.iter().filter_map(said).collect()
    }

    /// Each setting as `config show` prints it: name, value and source. None of them is a secret: passwords and keys
    /// are in the database, as hashes.
    pub fn shown(&self) -> Vec<(&'static str, String, String)> {
        let line = |setting: &Setting| {
            let value = &self.0[setting.name];
            (setting.name, setting.written(&value.texts), value.source.to_string())
        };
        SETTINGS.iter().map(line).collect()
    }

    /// Whether somebody set it.
    pub fn is_set(&self, name: &str) -> bool {
        self.0[name].source != Source::Default
    }

    /// A text; `None` if there is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0[name].texts.first().map(String::as_str)
    }

    /// A file or folder.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Files or folders.
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.0[name].texts.iter().map(PathBuf::from).collect()
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// A whole number or a number of bytes; 0 if there is none.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).map_or(0, |text| setting::bytes(text).expect("checked when gathered"))
    }

    /// A stretch of time.
    pub fn time(&self, name: &str) -> Duration {
        self.text(name).map_or(Duration::ZERO, |text| setting::time(text).expect("checked when gathered"))
    }

    /// An address with port.
    pub fn address(&self, name: &str) -> SocketAddr {
        self.text(name).and_then(|text| text.parse().ok()).expect("checked when gathered, and has a default")
    }

    /// Networks.
    pub fn networks(&self, name: &str) -> Vec<Network> {
        self.0[name].texts.iter().map(|text| text.parse().expect("checked when gathered")).collect()
    }

    /// Single addresses, for those who cannot use networks.
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.0[name].texts.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

/// `a, b` of an environment variable.
fn split(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// What a file says: setting, line, texts.
fn read(text: &str, mistakes: &mut Vec<Mistake>) -> Vec<(&'static Setting, usize, Vec<String>)> {
    let line_at = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            let line = line_at(error.span().map_or(0, |span| span.start));
            mistakes.push(Mistake {
                place: format!("line {line}"),
                message: format!("not TOML: {}", error.message().lines().next().unwrap_or_default()),
                cure: "mend the line, then check again".to_owned(),
            });
        }
        return Vec::new();
    }
    let mut found = Vec::new();
    collect("", table.get_ref(), &line_at, &mut found, mistakes);
    found
}

fn collect(
    outer: &str,
    table: &DeTable<'_>,
    line_at: &dyn Fn(usize) -> usize,
    found: &mut Vec<(&'static Setting, usize, Vec<String>)>,
    mistakes: &mut Vec<Mistake>,
) {
    for (key, value) in table {
        let name = if outer.is_empty() { key.get_ref().to_string() } else { format!("{outer}.{}", key.get_ref()) };
        let line = line_at(key.span().start);
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        let is_table =
            SETTINGS.iter().any(|setting| setting.name.strip_prefix(&name).is_some_and(|r| r.starts_with('.')));
        let mut wrong = |message: String, cure: String| {
            mistakes.push(Mistake { place: format!("line {line}"), message, cure });
        };
        match (setting, value.get_ref()) {
            (None, DeValue::Table(inner)) if is_table => collect(&name, inner, line_at, found, mistakes),
            (None, _) if is_table => wrong(format!("{name} is a table"), format!("write [{name}] above its settings")),
            (None, _) => {
                wrong(format!("unknown setting {name:?}"), format!("known here are {}", setting::names_in(outer)));
            }
            (Some(setting), _) => match texts(value, setting.list) {
                Some(texts) => found.push((setting, line, texts)),
                None => wrong(format!("{name} does not fit"), format!("write it like {}", setting.line())),
            },
        }
    }
}

/// A value as texts; `None` for a table, a date, a list where there is none, or a list in a list.
fn texts(value: &Spanned<DeValue<'_>>, list: bool) -> Option<Vec<String>> {
    match value.get_ref() {
        DeValue::Array(items) if list => items.iter().map(|item| texts(item, false)?.pop()).collect(),
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Boolean(flag) => Some(vec![flag.to_string()]),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| vec![number.to_string()])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(
        text: &str,
        environment: &[(&'static str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runaround.toml");
        std::fs::write(&file, text).unwrap();
        let said = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, v)| (*name, split(v))).collect();
        Settings::gather(Some(&file), &said(environment), &said(flags))
    }

    fn mistakes(text: &str) -> Vec<String> {
        match from(text, &[], &[]) {
            Err(Error::Wrong(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
        let file = "workers = 2\n[limits]\nupload = \"1 GiB\"\n";
        let settings = from(file, &[("workers", "3"), ("model", "tiny.en")], &[("workers", "4")]).unwrap();
        assert_eq!((settings.number("workers"), &settings.0["workers"].source), (4, &Source::Flag("workers")));
        assert_eq!((settings.text("model"), settings.number("limits.upload")), (Some("tiny.en"), 1 << 30));
        assert_eq!(settings.0["limits.upload"].source, Source::File(3));
        assert_eq!(settings.address("listen"), "127.0.0.1:8080".parse().unwrap());
        assert!(!settings.is_set("listen") && settings.is_set("model"));
    }

    #[test]
    fn the_template_says_the_defaults_and_every_line_of_it_works() {
        let template = setting::template();
        assert_eq!(from(&template, &[], &[]).unwrap(), from("", &[], &[]).unwrap());
        let uncommented: String = template
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = from(&uncommented, &[], &[]).unwrap();
        for setting in &SETTINGS {
            let value = &settings.0[setting.name];
            assert!(matches!(value.source, Source::File(_)), "{} is not in the template", setting.name);
            if !setting.default.is_empty() {
                assert_eq!(value.texts, setting.default, "{}", setting.name);
            }
        }
    }

    #[test]
    fn every_mistake_is_told_at_once_with_line_and_cure() {
        let told = mistakes("workers = 0\nworker = 1\n\n[limits]\nuplaod = 5\nupload = \"much\"\n\n[nothing]\nx = 1\n");
        for expected in [
            "file, line 1: workers does not fit; write a whole number from 1 to 256",
            "line 2: unknown setting \"worker\"; known here are listen, ",
            "line 5: unknown setting \"limits.uplaod\"; known here are ",
            "file, line 6: limits.upload does not fit; write a number of bytes",
            "line 8: unknown setting \"nothing\"",
        ] {
            assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n{told:#?}");
        }
        assert_eq!(told.len(), 5);
        assert!(mistakes("listen = \n")[0].starts_with("line 1: not TOML"));
        assert!(mistakes("limits = 3\n")[0].contains("write [limits] above"));
        assert!(mistakes("workers = [1]\n")[0].contains("write it like"));
        assert!(mistakes("[webhooks]\nallow_private = [\"10.0.0.1/8\"]\n")[0].contains("10.20.0.0/16"));
        assert!(mistakes("public_url = \"calls.example.com\"\n")[0].contains("https://"));
        let environment = from("", &[("log.format", "xml")], &[]).unwrap_err().to_string();
        assert!(environment.contains("environment, RUNAROUND_LOG_FORMAT: log.format"), "{environment}");
    }

    #[test]
    fn what_is_shown_says_where_it_comes_from() {
        let settings =
            from("[limits]\nupload = \"1 GiB\"\n", &[("workers", "2")], &[("watch.folders", "/a,/b")]).unwrap();
        let shown: Vec<String> = settings.shown().iter().map(|(n, v, from)| format!("{n} = {v} # {from}")).collect();
        for line in [
            "limits.upload = \"1 GiB\" # file, line 2",
            "workers = 2 # environment, RUNAROUND_WORKERS",
            "watch.folders = [\"/a\", \"/b\"] # flag --watch",
            "no_auth = false # default",
        ] {
            assert!(shown.iter().any(|shown| shown == line), "{line}\n{shown:#?}");
        }
    }
}
