//! The report's JSON explained: to machines as a JSON Schema, to people as a page of tables made from the same words.

use std::fmt::Write;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::domain::Report;

const PREFACE: &str = "\
# The report, field by field

`runaround analyze` and the HTTP API give every call one JSON document, `report.json`. This page explains all of it.
It is made from the program's own types, like the JSON Schema beside it, [report.schema.json](report.schema.json).

Four things hold everywhere:

* **Times are milliseconds of audio** since the first sample. The clock on the wall appears once, in
  `provenance.produced_at`, which is also the only part that differs when the same recording is analysed again with
  the same program, model and rules.
* **Every claim has its words.** A quote is letter for letter in the text of the turn it names.
* **What is not known is left out.** An optional field is absent, never `null`.
* **Confidences and shares run from 0 to 1** and have three decimals; levels and rates have one.

Readers should ignore fields they do not know. The number in `schema` rises when that would not be enough.
";

fn root() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>()
}

/// The JSON Schema (draft 2020-12) of what [`super::json::write`] writes, indented, with a newline at the end.
pub fn schema() -> String {
    serde_json::to_string_pretty(&root()).expect("a schema is plain JSON") + "\n"
}

/// The same as a page of Markdown: one section a type, in the order a reader meets them.
pub fn explained() -> String {
    let schema = root().to_value();
    let defs = &schema["$defs"];
    let mut order = Vec::new();
    meet(&schema, defs, &mut order);

    let mut out = PREFACE.to_owned();
    section(&mut out, "Report", &schema, defs);
    for name in order.iter().filter(|name| has_section(&defs[name.as_str()])) {
        section(&mut out, name, &defs[name.as_str()], defs);
    }
    out
}

/// Names of the types that `schema` leads to, those of its own fields first.
fn meet(schema: &Value, defs: &Value, order: &mut Vec<String>) {
    let met: Vec<&str> = fields(schema).into_iter().filter_map(|(_, field, _)| reference(field)).collect();
    let new: Vec<&str> = met.into_iter().filter(|name| !order.iter().any(|known| known == name)).collect();
    for name in &new {
        if !order.iter().any(|known| known == name) {
            order.push((*name).to_owned());
        }
    }
    for name in new {
        meet(&defs[name], defs, order);
    }
}

/// Fields of an object: name, schema, and whether it is always there. Those come first, in the order of the type.
fn fields(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = schema["properties"].as_object();
    let mut fields: Vec<_> = all
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.as_str(), field, required.contains(&name.as_str())))
        .collect();
    fields.sort_by_key(|(name, ..)| required.iter().position(|other| other == name).unwrap_or(usize::MAX));
    fields
}

/// The type a field refers to: itself, in a list, or as one of several.
fn reference(field: &Value) -> Option<&str> {
    let direct = field["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    direct
        .or_else(|| field.get("items").and_then(reference))
        .or_else(|| field["anyOf"].as_array().and_then(|several| several.iter().find_map(reference)))
}

/// A plain number or text is explained where it stands.
fn has_section(schema: &Value) -> bool {
    schema.get("properties").is_some() || schema.get("oneOf").is_some()
}

fn section(out: &mut String, name: &str, schema: &Value, defs: &Value) {
    let text = |value: &Value| value["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let _ = write!(out, "\n## {name}\n\n{}\n", text(schema));
    let fields = fields(schema);
    if !fields.is_empty() {
        out.push_str("\n| field | holds | meaning |\n| --- | --- | --- |\n");
        for (name, field, always) in fields {
            let optional = if always { "" } else { ", optional" };
            let _ = writeln!(out, "| `{name}` | {}{optional} | {} |", holds(field, defs), text(field));
        }
    }
    if let Some(values) = schema["oneOf"].as_array() {
        out.push_str("\n| value | meaning |\n| --- | --- |\n");
        for value in values {
            let form = match value["const"].as_str() {
                Some(word) => format!("`{word}`"),
                None => {
                    let key = value["properties"].as_object().and_then(|keys| keys.keys().next());
                    format!("`{{\"{}\": text}}`", key.map_or("", String::as_str))
                }
            };
            let _ = writeln!(out, "| {form} | {} |", text(value));
        }
    }
}

/// What a field holds, in a few words.
fn holds(field: &Value, defs: &Value) -> String {
    if field["type"] == "array" {
        let inner = field.get("items").map(|items| holds(items, defs));
        return inner.map_or_else(|| "two numbers".to_owned(), |inner| format!("list of {inner}"));
    }
    match reference(field) {
        Some("CallTime") => return "milliseconds".to_owned(),
        Some("Confidence") => return "number, 0 to 1".to_owned(),
        Some(name) if has_section(&defs[name]) => return format!("[{name}](#{})", name.to_lowercase()),
        Some(name) => return holds(&defs[name], defs),
        None => {}
    }
    let words = match field["type"].as_str().or_else(|| field["type"][0].as_str()) {
        Some("string") => "text",
        Some("boolean") => "true or false",
        Some("integer") => "whole number",
        _ => "number",
    };
    words.to_owned()
}
