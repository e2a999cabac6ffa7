//! Turns the wordings of `fixtures/phrases/` into constants.
//!
//! A list becomes a constant of its name. A file of `[[topics]]` or `[[attributes]]` becomes one
//! constant of all of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use toml::{Table, Value};

fn main() {
    let folder = Path::new("../../fixtures/phrases");
    println!("cargo::rerun-if-changed={}", folder.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("OUT_DIR"));
    convert(folder, &out);
}

/// Converts every file below a folder.
fn convert(folder: &Path, out: &Path) {
    fs::create_dir_all(out).expect("folder");
    for entry in fs::read_dir(folder).expect("fixtures/phrases") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            convert(&path, &out.join(path.file_name().expect("name")));
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).expect("phrases");
            let table: Table =
                toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let name = path.with_extension("rs");
            fs::write(out.join(name.file_name().expect("name")), constants(&table))
                .expect("constants");
        }
    }
}

fn constants(table: &Table) -> String {
    let mut code = String::new();
    for (name, value) in table {
        let values = value.as_array().expect("a list");
        let (kind, values) = match name.as_str() {
            "topics" => ("crate::topics::Topic", each(values, topic)),
            "attributes" => (
                "crate::follow::attributes::Attribute",
                each(values, attribute),
            ),
            _ if values.iter().all(Value::is_array) => ("&[&str]", each(values, list)),
            _ => ("&str", each(values, text)),
        };
        let name = name.to_uppercase();
        let _ = writeln!(code, "pub(super) const {name}: &[{kind}] = {values};");
    }
    code
}

fn each(values: &[Value], write: fn(&Value) -> String) -> String {
    let values: Vec<String> = values.iter().map(write).collect();
    format!("&[{}]", values.join(", "))
}

fn text(value: &Value) -> String {
    format!("{:?}", value.as_str().expect("text"))
}

fn list(value: &Value) -> String {
    each(value.as_array().expect("a list"), text)
}

fn topic(value: &Value) -> String {
    let part = |name: &str| list(&value[name]);
    format!(
        "crate::topics::Topic {{ titles: {}, questions: {}, texts: {} }}",
        part("titles"),
        part("questions"),
        part("texts")
    )
}

/// Choices of an attribute are one text, cut by `|`.
fn attribute(value: &Value) -> String {
    let part = |name: &str| {
        let choices = value[name].as_array().expect("a list");
        let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        format!("{:?}", choices.join("|"))
    };
    format!(
        "({}, {}, {})",
        part("fields"),
        part("questions"),
        part("values")
    )
}
