//! Reads JSON Lines: any bytes, bounded lines, errors with the field's path.

use std::io::{BufRead, ErrorKind};
use std::ops::ControlFlow;

use mercer_store::text::{UNSTORABLE, unstorable_field};
use serde::de::DeserializeOwned;

use crate::report::{LineError, OnError, Parsed};

/// Longest line of a file, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Longest field name and message of an error, in characters: both may repeat a file's text.
const SAID_CHARS_MAX: usize = 300;

/// Makes the errors of one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    /// Whether values may be quoted in messages; a customer's may not.
    pub(crate) quote_values: bool,
}

impl File<'_> {
    pub(crate) fn error(
        &self,
        line: u64,
        field: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> LineError {
        LineError {
            file: self.name.to_owned(),
            line,
            field: cut(field.into()),
            message: cut(message.into()),
            fix: fix.into(),
        }
    }
}

impl File<'_> {
    /// Says that a text holds what no database can hold.
    pub(crate) fn unstorable(&self, line: u64, field: impl Into<String>) -> LineError {
        self.error(line, field, format!("holds {UNSTORABLE}"), "remove it")
    }
}

/// Shortens a text that may repeat what is in a file.
fn cut(text: String) -> String {
    match text.char_indices().nth(SAID_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Calls `each` with every line that is not blank, until it breaks off: the line's number and its
/// text, or what is wrong with it. Never holds more than [`LINE_BYTES_MAX`] of a line.
///
/// # Errors
/// When reading itself fails.
pub(crate) fn for_each_line(
    mut reader: impl BufRead,
    file: File<'_>,
    mut each: impl FnMut(u64, Result<&str, LineError>) -> ControlFlow<()>,
) -> std::io::Result<()> {
    let mut line = 0;
    loop {
        line += 1;
        let mut bytes = Vec::new();
        let mut too_long = false;
        let ended = read_bounded(&mut reader, &mut bytes, &mut too_long)?;
        if bytes.is_empty() && ended && !too_long {
            return Ok(());
        }
        let flow = if too_long {
            let message = format!("the line is longer than {LINE_BYTES_MAX} bytes");
            each(
                line,
                Err(file.error(line, "", message, "shorten its longest text")),
            )
        } else {
            let bytes = if line == 1 {
                bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)
            } else {
                &bytes
            };
            match std::str::from_utf8(bytes) {
                Ok(text) if text.trim().is_empty() => ControlFlow::Continue(()),
                Ok(text) => each(line, Ok(text.trim())),
                Err(_) => {
                    let message = "the line is not UTF-8 text";
                    let fix = "save the file as UTF-8";
                    each(line, Err(file.error(line, "", message, fix)))
                }
            }
        };
        if ended || flow.is_break() {
            return Ok(());
        }
    }
}

/// Reads up to a line break, keeping at most the limit; says whether the input ended.
fn read_bounded(
    reader: &mut impl BufRead,
    bytes: &mut Vec<u8>,
    too_long: &mut bool,
) -> std::io::Result<bool> {
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(true);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        if bytes.len() + part.len() > LINE_BYTES_MAX {
            *too_long = true;
        } else if !*too_long {
            bytes.extend_from_slice(part);
        }
        let used = end.map_or(available.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            // Marks a line that was read, even an empty one, as not the end.
            if bytes.is_empty() {
                bytes.push(b' ');
            }
            return Ok(false);
        }
    }
}

/// Reads every line as one JSON record and checks it.
///
/// # Errors
/// When reading itself fails.
pub(crate) fn json_lines<T: DeserializeOwned>(
    reader: impl BufRead,
    file: File<'_>,
    on_error: OnError,
    mut check: impl FnMut(u64, &T) -> Vec<LineError>,
) -> std::io::Result<Parsed<T>> {
    let mut out = Parsed::new(on_error);
    for_each_line(reader, file, |line, text| {
        let record = text.and_then(|text| json(text, line, file));
        match record {
            Ok(record) => {
                let errors = check(line, &record);
                if errors.is_empty() {
                    out.records.push((line, record));
                } else {
                    out.errors.extend(errors);
                }
            }
            Err(error) => out.errors.push(error),
        }
        match out.errors.stop() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok(out)
}

fn json<T: DeserializeOwned>(text: &str, line: u64, file: File<'_>) -> Result<T, LineError> {
    if let Some(field) = unstorable_field(text) {
        return Err(file.unstorable(line, field));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let record = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if matches!(path.as_str(), "." | "?") {
            String::new()
        } else {
            path
        };
        let inner = error.into_inner();
        let (message, fix) = explain(&inner, file.quote_values);
        file.error(line, field, message, fix)
    })?;
    reader.end().map_err(|error| {
        let message = format!("something follows the record at column {}", error.column());
        file.error(line, "", message, "put one record on each line")
    })?;
    Ok(record)
}

/// Turns serde's message into ours. Only what names fields is repeated where values may not be.
fn explain(error: &serde_json::Error, quote_values: bool) -> (String, String) {
    use serde_json::error::Category;
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    match error.classify() {
        Category::Syntax | Category::Eof => {
            let detail = if quote_values {
                format!(": {text}")
            } else {
                String::new()
            };
            (
                format!("not JSON at column {}{detail}", error.column()),
                "write one JSON object on each line".to_owned(),
            )
        }
        _ => {
            let names_fields = ["missing field", "unknown field", "duplicate field"];
            let fix = if text.starts_with("missing field") {
                "add the field"
            } else if text.starts_with("unknown field") {
                "remove or rename the field"
            } else if text.starts_with("duplicate field") {
                "write the field once"
            } else {
                "write the value in the form that the import format gives"
            };
            let shown = quote_values || names_fields.iter().any(|start| text.starts_with(start));
            let message = if shown {
                text
            } else {
                "the value has another form than expected"
            };
            (message.to_owned(), fix.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FAULTS_KEPT_MAX, Faults};

    const FILE: File<'static> = File {
        name: "f",
        quote_values: true,
    };

    #[test]
    fn lines_keep_their_numbers_and_a_long_one_costs_no_memory() {
        let long = "x".repeat(LINE_BYTES_MAX + 5);
        let input = format!("\u{feff}a\r\n\n  \n{long}\nb");
        let mut seen = Vec::new();
        for_each_line(input.as_bytes(), FILE, |line, text| {
            seen.push((line, text.map(str::to_owned).map_err(|e| e.message)));
            ControlFlow::Continue(())
        })
        .expect("reading from memory");
        let too_long = format!("the line is longer than {LINE_BYTES_MAX} bytes");
        assert_eq!(
            seen,
            [
                (1, Ok("a".to_owned())),
                (4, Err(too_long)),
                (5, Ok("b".to_owned()))
            ]
        );
    }

    #[test]
    fn a_text_that_no_database_can_hold_is_refused_by_its_field() {
        let input = r#"{"title": "a\u0000b"}"#;
        let parsed = json_lines::<std::collections::BTreeMap<String, String>>(
            input.as_bytes(),
            FILE,
            |_, _| vec![],
        );
        let parsed = parsed.expect("reading from memory");
        assert!(parsed.records.is_empty());
        assert_eq!(
            (parsed.errors[0].line, parsed.errors[0].field.as_str()),
            (1, "title")
        );
        assert!(parsed.errors[0].message.contains("NUL"));
    }

    #[test]
    fn a_customers_value_is_not_repeated() {
        let file = File {
            name: "customers.jsonl",
            quote_values: false,
        };
        let input = r#"{"email": 12345}"#;
        let parsed = json_lines::<std::collections::BTreeMap<String, String>>(
            input.as_bytes(),
            file,
            OnError::Skip,
            |_, _| vec![],
        );
        let errors = parsed.expect("reading from memory").errors;
        assert_eq!(errors.count(), 1);
        let error = &errors.first()[0];
        assert!(!error.to_string().contains("12345"), "{error}");
        assert_eq!(error.field, "email");
    }

    /// Counts the bytes that are read of `x\n` again and again.
    struct Broken {
        left: usize,
        read: std::rc::Rc<std::cell::Cell<usize>>,
    }

    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(self.left) / 2 * 2;
            for pair in buffer[..count].chunks_exact_mut(2) {
                pair.copy_from_slice(b"x\n");
            }
            self.left -= count;
            self.read.set(self.read.get() + count);
            Ok(count)
        }
    }

    fn broken(bytes: usize, on_error: OnError) -> (Faults, usize) {
        let read = std::rc::Rc::default();
        let source = Broken {
            left: bytes,
            read: std::rc::Rc::clone(&read),
        };
        let reader = std::io::BufReader::new(source);
        let parsed = json_lines::<bool>(reader, FILE, on_error, |_, _| vec![]);
        (parsed.expect("reading from memory").errors, read.get())
    }

    #[test]
    fn broken_lines_beyond_the_first_are_counted_and_not_kept() {
        let (faults, read) = broken(2_000_000, OnError::Skip);
        assert_eq!(read, 2_000_000);
        assert_eq!(
            (faults.first().len(), faults.count()),
            (FAULTS_KEPT_MAX, 1_000_000)
        );
        assert_eq!(faults.more(), 999_000);
        assert_eq!(faults.first()[999].line, 1_000);
    }

    #[test]
    fn who_aborts_reads_no_further_than_to_the_last_line_that_is_kept() {
        let (faults, read) = broken(64 << 20, OnError::Abort);
        assert_eq!(faults.count(), FAULTS_KEPT_MAX as u64);
        assert!(read < 64 << 10, "{read} bytes were read");
    }

    #[test]
    fn what_is_kept_of_a_broken_line_is_short() {
        let name = "n".repeat(LINE_BYTES_MAX / 2);
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let line = format!("{{\"{name}\": 1}}");
        let parsed = json_lines::<Empty>(line.as_bytes(), FILE, OnError::Skip, |_, _| vec![]);
        let errors = parsed.expect("reading from memory").errors;
        let said = errors.first()[0].to_string();
        assert!(
            said.chars().count() < 3 * SAID_CHARS_MAX,
            "{} characters",
            said.len()
        );
    }
}
