//! Objects for people: properties in sections, lists of objects as tables.

use indexmap::IndexSet;
use serde_json::{Map, Value};

use crate::cli::output::grid::{CellAlignment, GridColumn, Keep, cut, render};
use crate::dataset::titles::spoken_title;
use crate::io::printable::printable;

/// Blanks before the properties of a section, for each level.
const INDENT: usize = 2;

/// Lists the leaves of an object, their names joined by dots.
pub(super) fn flatten(object: &Map<String, Value>) -> Vec<(String, String)> {
    fn visit(name: String, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    visit(format!("{name}.{key}"), value, out);
                }
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                for (i, value) in values.iter().enumerate() {
                    visit(format!("{name}[{i}]"), value, out);
                }
            }
            Value::Array(values) => {
                let texts: Vec<String> = values.iter().map(plain).collect();
                out.push((name, texts.join(" ")));
            }
            _ => out.push((name, plain(value))),
        }
    }
    let mut out = Vec::new();
    for (key, value) in object {
        visit(key.clone(), value, &mut out);
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text).into_owned(),
        other => other.to_string(),
    }
}

/// Renders an object within `width` columns, or as wide as it is.
pub(super) fn property_table(object: &Map<String, Value>, width: Option<usize>) -> String {
    let mut text = String::new();
    section(&mut text, object, 0, width);
    text
}

fn section(text: &mut String, object: &Map<String, Value>, indent: usize, width: Option<usize>) {
    let is_leaf = |value: &&Value| match value {
        Value::Object(_) => false,
        Value::Array(values) => !values.iter().any(Value::is_object),
        _ => true,
    };
    let room = width.map(|width| width.saturating_sub(indent));
    let leaves: Vec<(&String, &Value)> =
        object.iter().filter(|(_, value)| is_leaf(value) && !value.is_null()).collect();
    indented(text, &properties(&leaves, room), indent);
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    for (name, value) in object.iter().filter(|(_, value)| !is_leaf(value) && !is_empty(value)) {
        match value {
            Value::Object(inner) => {
                heading(text, name, indent);
                section(text, inner, indent + INDENT, width);
            }
            Value::Array(rows) => list(text, name, rows, indent, width),
            _ => {}
        }
    }
}

fn heading(text: &mut String, name: &str, indent: usize) {
    if !text.is_empty() && indent == 0 {
        text.push('\n');
    }
    text.push_str(&format!("{}{name}\n", " ".repeat(indent)));
}

fn indented(text: &mut String, lines: &str, indent: usize) {
    for line in lines.lines() {
        text.push_str(&format!("{}{line}\n", " ".repeat(indent)));
    }
}

/// Renders names and values; numbers stand to the right, one below the other.
fn properties(leaves: &[(&String, &Value)], width: Option<usize>) -> String {
    let values: Vec<(bool, String)> =
        leaves.iter().map(|(name, value)| (value.is_number(), shown(name, value))).collect();
    let numbers = values.iter().filter(|(is_number, _)| *is_number);
    let widest = numbers.map(|(_, text)| text.chars().count()).max().unwrap_or(0);
    let names = leaves.iter().map(|(name, _)| name.to_string()).collect();
    let cells = values.into_iter().map(|(is_number, text)| match is_number {
        true => format!("{text:>widest$}"),
        false => text,
    });
    let column =
        |keep, cells| GridColumn { header: String::new(), align: CellAlignment::Left, keep, cells };
    let columns = vec![column(Keep::Whole, names), column(Keep::Some, cells.collect())];
    render(columns, width, false)
}

/// Renders objects as rows; those that hold lists themselves, as sections.
fn list(text: &mut String, name: &str, rows: &[Value], indent: usize, width: Option<usize>) {
    let objects: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let is_flat = |object: &&Map<String, Value>| {
        object.values().all(|value| !value.is_object() && !value.is_array())
    };
    if !objects.iter().all(is_flat) {
        for (at, object) in objects.into_iter().enumerate() {
            let title = object.get("title").and_then(Value::as_str).map(spoken_title);
            let title = title.unwrap_or_else(|| (at + 1).to_string());
            heading(text, &format!("{name}: {title}"), indent);
            section(text, object, indent + INDENT, width);
        }
        return;
    }
    let names: IndexSet<&String> = objects.iter().flat_map(|object| object.keys()).collect();
    let columns = names.into_iter().map(|name| {
        let values = || objects.iter().map(|object| object.get(name).unwrap_or(&Value::Null));
        let is_number = values().all(|value| value.is_number() || value.is_null());
        GridColumn {
            header: name.clone(),
            align: if is_number { CellAlignment::Right } else { CellAlignment::Left },
            keep: match name.as_str() {
                "genres" => Keep::Least,
                _ if is_number => Keep::Whole,
                _ => Keep::Some,
            },
            cells: values().map(|value| shown(name, value)).collect(),
        }
    });
    heading(text, name, indent);
    let room = width.map(|width| width.saturating_sub(indent + INDENT));
    indented(text, &render(columns.collect(), room, true), indent + INDENT);
}

/// Renders a value, numbers rounded; titles as people write them.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(String::new, rounded)
        }
        Value::Array(values) => {
            /// Values of a list that are shown.
            const FIRST: usize = 8;
            let mut texts: Vec<String> =
                values.iter().take(FIRST).map(|value| shown(name, value)).collect();
            if values.len() > FIRST {
                texts.push(format!("… {} in all", values.len()));
            }
            texts.join(", ")
        }
        Value::String(text) if name == "title" => spoken_title(&printable(text)),
        Value::String(text) => cut(&printable(text), LONGEST_TEXT),
        _ => plain(value),
    }
}

/// Longest text that is shown whole.
const LONGEST_TEXT: usize = 200;

/// Rounds to three decimals, or if that is less, to four significant digits.
fn rounded(value: f64) -> String {
    const DECIMALS: i32 = 3;
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = libm::log10(value.abs()).floor() as i32;
    let decimals = if magnitude < 0 { DECIMALS - magnitude } else { DECIMALS };
    if decimals > 12 {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", decimals as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_rounded() {
        for (value, text) in [
            (3.501_556_983_616_962, "3.502"),
            (0.1, "0.1"),
            (5.0, "5"),
            (0.012_345, "0.01235"),
            (52_870.451_397, "52870.451"),
            (-0.5, "-0.5"),
            (1e-20, "1.000e-20"),
            (0.0, "0"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }

    #[test]
    fn nested_objects_are_sections_and_flat_lists_are_tables() {
        let object = json!({
            "kind": "model", "users": 610, "mean": 3.5015569,
            "parameters": {"factors": 64, "solver": {"cg": 3}},
            "neighbors": [{"title": "Matrix, The (1999)", "similar": [
                {"title": "Matrix Reloaded, The (2003)", "score": 0.75},
                {"title": "Alien (1979)", "score": 0.5},
            ]}],
        });
        let text = property_table(object.as_object().unwrap(), Some(60));
        let expected = "\
kind   model
users    610
mean   3.502

parameters
  factors  64
  solver
    cg  3

neighbors: The Matrix (1999)
  title  The Matrix (1999)
  similar
    title                       score
    The Matrix Reloaded (2003)   0.75
    Alien (1979)                  0.5
";
        assert_eq!(text, expected);
    }
}
