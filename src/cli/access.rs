//! Who may come in: the part of `serve` about accounts, and how somebody who is locked out comes in again.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use url::Url;

use crate::access::{self, Actor};
use crate::http;
use crate::store::{self, Store, people};

use super::tell;

/// What `serve` takes about access.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Try it out without accounts: everyone on this machine may do everything. Refused on other addresses
    #[arg(long, conflicts_with_all = ["public_url", "trusted_proxy"])]
    no_auth: bool,
    /// Where people find this server, like https://calls.example; needed where other machines can connect
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Address of a proxy in front of this server, whose word counts on who asks (repeat for more)
    #[arg(long, value_name = "ADDRESS")]
    trusted_proxy: Vec<IpAddr>,
    /// Sign people out after so long without a request. Long enough to listen through a call, which is none
    #[arg(long, default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
    session_idle: u32,
    /// Requests of one person or key
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_second: u32,
    /// Connections at once from one other machine
    #[arg(long, default_value_t = 100, value_name = "N")]
    connections_per_address: u32,
}

impl Args {
    /// Refuses what would leave the door open.
    ///
    /// # Errors
    /// If others could come in without saying who they are, or could not find their way in.
    pub fn check(&self, listen: SocketAddr) -> anyhow::Result<()> {
        let here = listen.ip().is_loopback();
        if self.no_auth && !here {
            bail!(
                "--no-auth would let everyone who reaches {listen} read all calls and change everything; \
                 it works on this machine's own addresses only: leave it out, or listen on 127.0.0.1"
            );
        }
        if !here && self.public_url.is_none() {
            bail!(
                "{listen} can be reached from other machines; say where people find this server with --public-url \
                 https://..., the address of the proxy in front of it (http://... works too, but then everyone on \
                 the way can read passwords and calls)"
            );
        }
        if let Some(url) = &self.public_url
            && (!matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some())
        {
            bail!("--public-url is a scheme and a host, like https://calls.example");
        }
        Ok(())
    }

    /// Writes it into the configuration of a server that listens on `address`.
    pub fn apply(&self, address: SocketAddr, config: &mut http::Config) {
        let public = self.public_url.as_ref().map(|url| url.origin().ascii_serialization());
        config.accounts = !self.no_auth;
        config.local_names_only = address.ip().is_loopback() && public.is_none();
        config.public_url = public.unwrap_or_else(|| format!("http://{address}"));
        config.trusted_proxies = self.trusted_proxy.iter().map(IpAddr::to_canonical).collect();
        config.session_idle = Duration::from_secs(u64::from(self.session_idle) * 60);
        config.requests_per_second = self.requests_per_second;
        config.connections_per_address = self.connections_per_address as usize;
    }
}

/// Prints a one-time link for the first admin if nobody can sign in yet.
///
/// # Errors
/// If the store refuses.
pub async fn welcome(store: &Store, config: &http::Config) -> anyhow::Result<()> {
    if !config.accounts || store.has_people().await? {
        return Ok(());
    }
    let mut change = store.change().await?;
    let token = people::invite(&mut change, &Actor::console(), None).await?.context("cannot make a link")?;
    store::commit(change).await?;
    let link = access::link(&config.public_url, &token, false);
    tell(&format!("nobody can sign in yet; make the first account, within 24 hours, at\n  {link}"));
    Ok(())
}

/// What `people` takes.
#[derive(Debug, clap::Args)]
pub struct People {
    #[command(subcommand)]
    verb: PeopleVerb,
}

#[derive(Debug, clap::Subcommand)]
enum PeopleVerb {
    /// Print a one-time link by which somebody chooses a new password, also while the server runs
    Reset {
        /// Address they sign in with
        email: String,
        /// Folder of the server
        #[arg(long, default_value = "runaround-data", value_name = "DIR")]
        data: PathBuf,
        /// Where people find the server
        #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
        public_url: Url,
    },
}

/// Does what `people` says.
///
/// # Errors
/// If there is no such account or no data folder.
#[allow(clippy::print_stdout, reason = "the link is the result")]
pub fn people(args: People) -> anyhow::Result<()> {
    let PeopleVerb::Reset { email, data, public_url } = args.verb;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let token = runtime.block_on(people::reset(&data, &email))?;
    let token = token.with_context(|| format!("nobody signs in with {email}; see `--data`"))?;
    println!("{}", access::link(&public_url.origin().ascii_serialization(), &token, true));
    tell("it works once, within 24 hours; sessions end when it is used");
    Ok(())
}
