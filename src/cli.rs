//! The commands.

pub mod serve;

use clap::{Parser, Subcommand};

/// Finds the moments when a caller was turned aside.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take recordings in and give reports out over HTTP
    Serve(serve::Args),
}

/// Runs the command that the program was started with.
///
/// # Errors
/// What the command says.
pub fn run() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
    }
}
