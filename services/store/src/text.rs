//! Characters that not every database can hold.
//!
//! PostgreSQL has no place for NUL in a text, SQLite has. So that both behave alike, NUL is kept
//! out where texts come in: customers' words lose it, records with it are refused with the name of
//! the field, and a look-up with it finds nothing.

use serde_json::Value;

/// The character, as words for a person.
pub const UNSTORABLE: &str = "the character NUL";

/// NUL in JSON: it cannot stand there in any other form.
const ESCAPED: &str = "\\u0000";

/// Says whether both databases can hold a text.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Returns a text without what a database cannot hold.
pub fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Returns the path of the first text in a JSON document that a database cannot hold, such as
/// `variants[0].options.colour`; none where all can be held, or where it is no JSON. Costs a search
/// for six letters where there is nothing to find.
pub fn unstorable_field(json: &str) -> Option<String> {
    if !json.contains(ESCAPED) {
        return None;
    }
    let value = serde_json::from_str(json).ok()?;
    let mut path = String::new();
    find(&value, &mut path).then_some(path)
}

/// Looks for an unstorable text; where there is one, its place is appended to the path.
fn find(value: &Value, path: &mut String) -> bool {
    let length = path.len();
    match value {
        Value::String(text) => return !is_storable(text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                if find(item, path) {
                    return true;
                }
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(&storable(name));
                if !is_storable(name) || find(field, path) {
                    return true;
                }
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_with_a_nul_is_named() {
        let at = |json| unstorable_field(json);
        assert_eq!(at(r#"{"title": "Kettle"}"#), None);
        assert_eq!(
            at(r#"{"a": "x", "title": "Ket\u0000tle"}"#).as_deref(),
            Some("title")
        );
        let nested = r#"{"variants": [{"ean": null}, {"options": {"colour": "\u0000"}}]}"#;
        assert_eq!(at(nested).as_deref(), Some("variants[1].options.colour"));
        assert_eq!(
            at(r#"{"options": {"a\u0000b": "x"}}"#).as_deref(),
            Some("options.ab")
        );
        // A backslash that was written as such is no escape.
        assert_eq!(at(r#"{"title": "\\u0000"}"#), None);
        assert_eq!(
            at(r#"{"title": "\u0000""#),
            None,
            "not JSON: said elsewhere"
        );
        assert_eq!(storable("a\0b"), "ab");
    }
}
