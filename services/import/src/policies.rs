//! Policies, FAQ entries and promotions: Markdown with YAML front matter.

use mercer_schemas::{Document, DocumentId, DocumentKind, ShopId};
use mercer_store::text::is_storable;
use serde::Deserialize;

use crate::dates::{date_ms, day_after_ms};
use crate::lines::File;
use crate::report::LineError;

/// Longest document, in characters.
const BODY_CHARS_MAX: usize = 200_000;

/// Longest front matter, in bytes. Bounds what the YAML reader has to hold.
const FRONT_MATTER_BYTES_MAX: usize = 16_384;

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 300;

/// The line that opens and closes front matter.
const FENCE: &str = "---";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    id: DocumentId,
    kind: DocumentKind,
    title: String,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_to: Option<String>,
    #[serde(default)]
    shop: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

/// Reads one document. `valid_from` and `valid_to` are dates in UTC; the last day counts whole.
///
/// # Errors
/// Every fault that was found, with line, field and what to do.
pub fn document_from_markdown(
    bytes: &[u8],
    file: &str,
    shop: &ShopId,
) -> Result<Document, Vec<LineError>> {
    let file = File {
        name: file,
        quote_values: true,
    };
    let one = |line: u64, field: &str, message: String, fix: &str| {
        vec![file.error(line, field, message, fix)]
    };
    let text = std::str::from_utf8(bytes).map_err(|_| {
        one(
            1,
            "",
            "the file is not UTF-8 text".to_owned(),
            "save the file as UTF-8",
        )
    })?;
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() as u64 + 1;
        return Err(vec![file.unstorable(line, "")]);
    }
    let text = text.trim_start_matches('\u{feff}');
    let Some((yaml, body, body_line)) = split(text) else {
        let message = "there is no front matter".to_owned();
        return Err(one(
            1,
            "",
            message,
            "begin the file with a block between two lines of ---",
        ));
    };
    if yaml.len() > FRONT_MATTER_BYTES_MAX {
        let message = format!("the front matter is longer than {FRONT_MATTER_BYTES_MAX} bytes");
        return Err(one(
            2,
            "",
            message,
            "move text below the second line of ---",
        ));
    }
    let reader = serde_norway::Deserializer::from_str(yaml);
    let front: FrontMatter = serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if matches!(path.as_str(), "." | "?") { String::new() } else { path };
        let inner = error.into_inner();
        let line = inner.location().map_or(1, |at| at.line() as u64) + 1;
        let message = inner.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        // Values are repeated in serde's text without a bound.
        let message: String = message.chars().take(200).collect();
        let fix = "write id, kind (policy, faq or promotion), title and, where wanted, valid_from, valid_to, shop, code";
        one(line, &field, message, fix)
    })?;
    let mut errors = Vec::new();
    let mut fault = |field: &str, message: &str, fix: &str| {
        errors.push(file.error(line_of(yaml, field), field, message, fix));
    };
    // YAML can write it as an escape.
    for (field, value) in [("title", Some(&front.title)), ("code", front.code.as_ref())] {
        if value.is_some_and(|value| !is_storable(value)) {
            fault(field, "holds the character NUL", "remove it");
        }
    }
    if front.title.trim().is_empty() || front.title.chars().count() > TITLE_CHARS_MAX {
        fault(
            "title",
            "is empty or too long",
            "write a title of at most 300 characters",
        );
    }
    if front
        .shop
        .as_deref()
        .is_some_and(|named| named != shop.as_str())
    {
        fault(
            "shop",
            "names another shop than this import",
            "import the file into that shop, or remove the line",
        );
    }
    let mut date =
        |field: &str, text: Option<&str>, read: fn(&str) -> Option<i64>| -> Option<i64> {
            let text = text?;
            let ms = read(text);
            if ms.is_none() {
                fault(field, "is not a date", "write for instance 2026-11-30");
            }
            ms
        };
    let valid_from_ms = date("valid_from", front.valid_from.as_deref(), date_ms);
    let valid_to_ms = date("valid_to", front.valid_to.as_deref(), day_after_ms);
    if let (Some(from), Some(to)) = (valid_from_ms, valid_to_ms)
        && to <= from
    {
        fault(
            "valid_to",
            "is before valid_from",
            "correct one of the dates",
        );
    }
    if body.chars().count() > BODY_CHARS_MAX {
        errors.push(file.error(
            body_line,
            "",
            format!("the text is longer than {BODY_CHARS_MAX} characters"),
            "split the document",
        ));
    }
    if body.trim().is_empty() {
        errors.push(file.error(
            body_line,
            "",
            "there is no text",
            "write the text below the front matter",
        ));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Document {
        id: front.id,
        kind: front.kind,
        title: front.title.trim().to_owned(),
        body: body.trim().to_owned(),
        valid_from_ms,
        valid_to_ms,
        code: front.code.filter(|code| !code.trim().is_empty()),
    })
}

/// Splits a file into front matter, body and the body's first line.
fn split(text: &str) -> Option<(&str, &str, u64)> {
    let first = text.lines().next()?;
    if first.trim_end() != FENCE {
        return None;
    }
    let mut at = first.len() + text[first.len()..].find('\n')? + 1;
    let start = at;
    for (number, line) in text[start..].split_inclusive('\n').enumerate() {
        if line.trim_end() == FENCE {
            return Some((
                &text[start..at],
                &text[at + line.len()..],
                number as u64 + 3,
            ));
        }
        at += line.len();
    }
    None
}

/// Returns the file's line in which a key of the front matter stands.
fn line_of(yaml: &str, key: &str) -> u64 {
    let found = yaml.lines().position(|line| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    });
    found.map_or(1, |line| line as u64 + 2)
}
