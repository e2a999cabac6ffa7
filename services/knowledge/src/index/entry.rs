//! What is indexed of a record: the words to find it by. Never a price or a stock level.

use std::collections::BTreeSet;

use mercer_schemas::{Document, Product, ShopId};

use crate::text::analysis::first_words;
use crate::text::passages::passages;

/// Separates the parts of a key. Keys hold no control characters, so parts cannot run together.
pub(crate) const SEPARATOR: char = '\u{1}';

/// Words of a description that are searched by word.
const DESCRIPTION_WORDS_MAX: usize = 200;

/// Words that are embedded, below the 256 word pieces that small sentence encoders read.
const EMBEDDED_WORDS_MAX: usize = 180;

/// What a thing in the index is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A product, whole.
    Product,
    /// One passage of a document.
    Passage,
}

impl Kind {
    /// Returns the name in keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Product => "p",
            Self::Passage => "d",
        }
    }
}

/// Names a record across shops; all passages of a document share their document's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner {
    /// Whose it is.
    pub(crate) shop: ShopId,
    /// What it is.
    pub(crate) kind: Kind,
    /// The retailer's key.
    pub(crate) record: String,
}

impl Owner {
    /// Returns the key that both indexes delete by.
    pub(crate) fn key(&self) -> String {
        format!("{}{}", scope(&self.shop, self.kind), self.record)
    }
}

/// Returns the part of a key that all records of one kind and shop share.
pub(crate) fn scope(shop: &ShopId, kind: Kind) -> String {
    format!("{shop}{SEPARATOR}{}{SEPARATOR}", kind.as_str())
}

/// One thing to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The record it is part of.
    pub(crate) owner: Owner,
    /// Number of the passage, 0 for a product.
    pub(crate) part: u32,
    /// What it is called.
    pub(crate) title: String,
    /// All words to find it by, the title's included.
    pub(crate) text: String,
    /// Those of them that name it.
    pub(crate) names: String,
    /// Values of options, for instance colours and sizes.
    pub(crate) options: BTreeSet<String>,
    /// What is embedded.
    pub(crate) embedded: String,
}

impl Entry {
    /// Returns the key of this entry, unique in the vector table.
    pub(crate) fn key(&self) -> String {
        format!("{}{SEPARATOR}{}", self.owner.key(), self.part)
    }
}

/// Builds the entry of a product, or none where it is hidden.
pub(crate) fn of_product(shop: &ShopId, product: &Product) -> Option<Entry> {
    if !product.visible {
        return None;
    }
    let mut options = BTreeSet::new();
    let mut text = vec![
        product.title.clone(),
        product.brand.clone(),
        product.category.clone(),
    ];
    let mut attributes = Vec::new();
    for (name, value) in product
        .attributes
        .iter()
        .filter(|(_, value)| !denies(value))
    {
        attributes.push(format!("{name} {value}"));
    }
    for (name, values) in product.option_values() {
        attributes.push(format!("{name} {}", values.join(" ")));
        options.extend(values);
    }
    text.extend(attributes.iter().cloned());
    let names = text.join("\n");
    text.push(first_words(&product.description, DESCRIPTION_WORDS_MAX).to_owned());
    let embedded = [
        product.title.as_str(),
        &product.brand,
        &product.category.replace(" > ", ", "),
        &product.description,
        &attributes.join(", "),
    ];
    Some(Entry {
        owner: Owner {
            shop: shop.clone(),
            kind: Kind::Product,
            record: product.id.as_str().to_owned(),
        },
        part: 0,
        title: product.title.clone(),
        text: text.join("\n"),
        names,
        options,
        embedded: sentences_of(&embedded),
    })
}

/// Says whether an attribute's value only says that the product lacks it. `waterproof: no` must not
/// be found by "waterproof".
fn denies(value: &str) -> bool {
    ["no", "none", "not", "false", "n/a", "-", "0"].contains(&value.trim().to_lowercase().as_str())
}

/// Builds the entries of a document, one for each passage.
pub(crate) fn of_document(
    shop: &ShopId,
    document: &Document,
    passage_words_max: usize,
) -> Vec<Entry> {
    let mut parts = passages(document, passage_words_max);
    if parts.is_empty() {
        // A title alone can be found, for instance of a promotion that is only a code.
        parts.push(crate::Passage {
            heading: String::new(),
            text: String::new(),
        });
    }
    let code = document.code.as_deref().unwrap_or_default();
    parts
        .into_iter()
        .enumerate()
        .map(|(part, passage)| {
            let title = format!("{} {}", document.title, passage.heading);
            let text = format!("{title}\n{code}\n{}", passage.text);
            Entry {
                owner: Owner {
                    shop: shop.clone(),
                    kind: Kind::Passage,
                    record: document.id.as_str().to_owned(),
                },
                part: u32::try_from(part).unwrap_or(u32::MAX),
                names: text.clone(),
                text,
                embedded: sentences_of(&[&document.title, &passage.heading, &passage.text]),
                title,
                options: BTreeSet::new(),
            }
        })
        .collect()
}

fn sentences_of(parts: &[&str]) -> String {
    let filled: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    first_words(&filled.join(". "), EMBEDDED_WORDS_MAX).to_owned()
}
