//! A report on paper and on screen.
//!
//! One [`Report`] goes out as JSON ([`json`]), as a self-contained page ([`html`]), as plain text ([`text`]), as
//! subtitles ([`subtitles`]) and as a summary for the terminal ([`terminal`]). All of them take their sentences
//! from [`story`] and their picture of the chain from [`glyph`], so they cannot disagree. [`schema`] describes the
//! JSON to machines and people.

pub mod glyph;

pub mod html;

pub mod json;

pub mod schema;

pub mod story;

pub mod subtitles;

pub mod terminal;

pub mod text;

mod script;
mod timeline;
mod wrap;

use std::io::{self, Write};
use std::path::Path;

use crate::domain::Report;

/// The files of one report, by name and in the order they are written.
pub const FILES: [&str; 5] = ["report.html", "report.txt", "report.srt", "report.vtt", "report.json"];

/// Writes all five [`FILES`] into the folder `dir`, which must exist. Each file appears whole or not at all, and
/// `report.json` comes last: where it lies, the others do too.
///
/// # Errors
/// What the file system says.
pub fn save(report: &Report, dir: &Path) -> io::Result<()> {
    for name in FILES {
        let content = match name {
            "report.html" => html::page(report),
            "report.txt" => text::write(report),
            "report.srt" => subtitles::srt(report),
            "report.vtt" => subtitles::vtt(report),
            _ => json::write(report),
        };
        let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(dir)?;
        file.write_all(content.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(dir.join(name))?;
    }
    Ok(())
}
