//! The command line.

pub mod accuracy;
pub mod detect;
mod gold;
mod storeys;
pub mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "runaround", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Label dialogues that are already text (JSON lines in, JSON lines out)
    Detect(detect::Args),
    /// Make the learned weights from labelled exchanges
    Train(train::Args),
    /// Compare predictions with a labelled set and write the figures as Markdown
    Accuracy(accuracy::Args),
}

/// Parses the command line, does what it says and returns the exit code.
pub fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Detect(args) => detect::run(args),
        Verb::Train(args) => train::run(args),
        Verb::Accuracy(args) => accuracy::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for the person at the terminal.
#[allow(clippy::print_stderr, reason = "the one place where the command line speaks to its user")]
pub(crate) fn tell(line: &str) {
    eprintln!("{line}");
}
