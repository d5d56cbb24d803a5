//! The report for machines: keys in the order of the type, numbers with no more decimals than mean something,
//! and the same bytes every time.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::domain::Report;

/// Writes a report as JSON, indented by two blanks, with a newline at the end. Words, acts and quotes stand on one
/// line each, so that a person can read the file and `diff` can compare two. Shares and confidences keep three
/// decimals, larger numbers two: a scorecard that lost a hundredth would no longer add up when it is read back.
pub fn write(report: &Report) -> String {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Tidy { pretty: PrettyFormatter::new(), depth: 0 });
    report.serialize(&mut serializer).expect("a report has only text keys, and memory does not fail to be written");
    out.push(b'\n');
    String::from_utf8(out).expect("serde_json writes UTF-8")
}

/// From here on inwards everything stands on one line: root 1, turns 2, a turn 3, its words 4, a word 5.
const INLINE_DEPTH: usize = 5;

struct Tidy<'a> {
    pretty: PrettyFormatter<'a>,
    depth: usize,
}

impl Tidy<'_> {
    const fn inline(&self) -> bool {
        self.depth >= INLINE_DEPTH
    }
}

fn tidy(value: f64) -> f64 {
    let scale = if value.abs() <= 1.0 { 1000.0 } else { 100.0 };
    // Adding 0 turns -0 into 0.
    (value * scale).round() / scale + 0.0
}

fn separator<W: ?Sized + Write>(out: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { out.write_all(b", ") }
}

impl Formatter for Tidy<'_> {
    fn write_f32<W: ?Sized + Write>(&mut self, out: &mut W, value: f32) -> io::Result<()> {
        self.pretty.write_f64(out, tidy(f64::from(value)))
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        self.pretty.write_f64(out, tidy(value))
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.inline() { out.write_all(b"[") } else { self.pretty.begin_array(out) }
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth + 1 >= INLINE_DEPTH { out.write_all(b"]") } else { self.pretty.end_array(out) }
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if self.inline() { separator(out, first) } else { self.pretty.begin_array_value(out, first) }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.inline() { Ok(()) } else { self.pretty.end_array_value(out) }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.inline() { out.write_all(b"{") } else { self.pretty.begin_object(out) }
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth + 1 >= INLINE_DEPTH { out.write_all(b"}") } else { self.pretty.end_object(out) }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if self.inline() { separator(out, first) } else { self.pretty.begin_object_key(out, first) }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.inline() { Ok(()) } else { self.pretty.end_object_value(out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_decimals_that_mean_something() {
        assert_eq!(tidy(0.123_456), 0.123);
        assert_eq!(tidy(-24.937), -24.94);
        assert!(tidy(-0.000_1).is_sign_positive());
    }
}
