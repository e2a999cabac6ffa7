//! How records read where a model chooses among them: briefly, and nothing twice.
//!
//! They are most of such a prompt, and a processor reads some 300 tokens a second. A record's name, price
//! and stock come without their names, which all of them have; a variant's price where it is another than
//! its product's; and the value of an attribute, of what an order tells, and a policy's sentence once, since
//! the prompt still shows where it was told. Its name says that a reply may refer to it now.

use std::collections::BTreeMap;

use mercer_schemas::evidence::field;
use mercer_schemas::{Evidence, Handle, RecordKey};

use super::cut;
use crate::tools::search_policies;

/// A value is cut to this many characters; a reference renders it whole.
const VALUE_CHARS_MAX: usize = 160;

/// What a prompt has told so far.
#[derive(Default)]
pub(super) struct Told {
    /// Attributes, options, what orders tell, and sentences: of which record, which, and the value that it was told to have
    /// last.
    fields: BTreeMap<(Handle, String), String>,
    /// The price of the last product.
    price: String,
}

impl Told {
    /// Writes a record; none for other lines.
    pub(super) fn line(&mut self, evidence: &Evidence, locale: &str) -> Option<String> {
        let Evidence::Record {
            handle,
            key,
            fields,
            ..
        } = evidence
        else {
            return None;
        };
        if search_policies::is_document(key) {
            let is_told = |name: &str, text: &str| self.is_told(handle, name, text);
            return search_policies::passage(evidence, locale, is_told);
        }
        let is_variant = matches!(key, RecordKey::Variant(_));
        let mut parts = Vec::new();
        for field in fields {
            let value = cut(&field.value.text(locale), VALUE_CHARS_MAX);
            match field.name.as_str() {
                field::PRICE if is_variant && value == self.price => {}
                field::PRICE => {
                    if !is_variant {
                        self.price.clone_from(&value);
                    }
                    parts.push(value);
                }
                field::NAME | field::STOCK => parts.push(value),
                name if self.is_told(handle, name, &value) => parts.push(name.to_owned()),
                name => parts.push(format!("{name}={value}")),
            }
        }
        Some(format!("{handle} {}", parts.join("; ")))
    }

    /// Says whether the prompt has told this already, and notes that it tells it now.
    fn is_told(&mut self, handle: &Handle, name: &str, value: &str) -> bool {
        let what = (handle.clone(), name.to_owned());
        let before = self.fields.insert(what, value.to_owned());
        before.is_some_and(|before| before == value)
    }
}
