//! `runaround serve`: the HTTP API on one machine.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;

use crate::http;
use crate::jobs::{self, Jobs, Store};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to answer on
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Listen beyond this machine, although there are no accounts yet and everyone who reaches the address can send
    /// recordings and read all reports
    #[arg(long)]
    allow_anyone: bool,
    /// Folder for recordings and reports
    #[arg(long, default_value = "runaround-data", value_name = "DIR")]
    data: PathBuf,
    /// Calls analysed at once
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Speech model
    #[arg(long, default_value = "base", value_name = "NAME")]
    model: String,
    /// Folder of the models
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Largest recording, in bytes
    #[arg(long, default_value_t = 2 << 30, value_name = "BYTES")]
    max_upload: u64,
    /// Refuse recordings when less than this is free on the disk
    #[arg(long, default_value_t = 1 << 30, value_name = "BYTES")]
    disk_reserve: u64,
    /// Give a call up after so many times its length, though never before a minute
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    time_limit: u32,
    /// Program and first arguments of the worker, instead of this program's own
    #[arg(long, hide = true, num_args = 1.., value_terminator = ";", allow_hyphen_values = true)]
    worker_command: Vec<OsString>,
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// If the address or the data folder cannot be used, or the storage fails.
pub fn run(args: Args) -> anyhow::Result<()> {
    if !args.listen.ip().is_loopback() && !args.allow_anyone {
        bail!(
            "{} can be reached from other machines and there are no accounts yet; \
             listen on 127.0.0.1, or say --allow-anyone if that is what you want",
            args.listen
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let store = Store::open(&args.data)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}; is another program there?", args.listen))?;
    let address = listener.local_addr()?;
    let command = if args.worker_command.is_empty() {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        vec![program.into_os_string(), "worker".into()]
    } else {
        args.worker_command
    };
    let jobs = Jobs::start(
        store,
        jobs::Config {
            workers: usize::from(args.workers),
            command,
            model: args.model,
            models: args.models,
            time_limit: args.time_limit,
            time_limit_min: Duration::from_secs(60),
            retry_after: Duration::from_secs(30),
        },
    )
    .with_context(|| format!("cannot read the data folder {}", args.data.display()))?;
    let config = http::Config {
        upload_max: args.max_upload,
        disk_reserve: args.disk_reserve,
        local_names_only: !args.allow_anyone,
        ..http::Config::default()
    };
    announce(address);
    http::serve(listener, jobs, config, asked_to_stop()).await?;
    Ok(())
}

/// The one line on standard output: with port 0 nobody knows the address before.
#[allow(clippy::print_stdout, reason = "this is what the user asked to be told")]
fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// Resolves at the first SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                () = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => interrupt.await,
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
