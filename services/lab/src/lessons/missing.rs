//! What a reply tells that its turn has not looked up.

use std::collections::BTreeSet;

use mercer_corpus::written::{Call, Turn};
use mercer_schemas::evidence::{field, field_name, value_of};
use mercer_schemas::{Evidence, RecordKey};

use super::reply;
use super::stage::Stage;

/// Most things asked of a product at once, as a call admits.
const ABOUT_MAX: usize = 8;

impl Stage<'_> {
    /// Returns what a reply tells of products that the turn's evidence does not: product, and what of it.
    pub(super) fn missing(&self, turn: &Turn) -> Vec<(String, Vec<String>)> {
        let mut out: Vec<(String, Vec<String>)> = Vec::new();
        for told in self.told(turn).into_iter().filter(|told| !told.is_found) {
            match out.iter_mut().find(|(known, _)| *known == told.product) {
                Some((_, known)) => known.extend(told.asked),
                None => out.push((told.product, told.asked)),
            }
        }
        for (_, asked) in &mut out {
            let mut seen = BTreeSet::new();
            asked.retain(|name| seen.insert(name.clone()));
            asked.truncate(ABOUT_MAX);
        }
        out
    }

    /// Returns the calls of a turn that bring what was not found with the customer's own words.
    ///
    /// Persons are found by calls alone, and so are orders of somebody who proves who they are. Who asks for the cheapest
    /// means that of the whole shop, which takes a search in order; and a search whose reply names nothing found it missing.
    /// Whatever else the reply tells must not be there yet.
    pub(super) fn needed(&self, turn: &Turn, calls: &[Call]) -> Vec<Call> {
        let evidence = self.evidence();
        let told: Vec<&str> = references(&turn.reply).collect();
        let lacks = |kinds: &[&str]| {
            let mut of_kind = told
                .iter()
                .filter(|written| kinds.iter().any(|kind| written.starts_with(kind)));
            of_kind.any(|written| !reply::is_told(written, turn, &evidence))
        };
        let sold = ["product:", "variant:", "search."];
        let names = |kinds: &[&str]| {
            told.iter()
                .any(|written| kinds.iter().any(|kind| written.starts_with(kind)))
        };
        // Whoever says that something is not on record has read the whole of it.
        let is_known = |product: &String| {
            let attributes = self
                .school
                .product(product)
                .map(|product| product.attributes.keys());
            let known = |name: &String| {
                evidence.iter().any(|line| {
                    matches!(line,
                Evidence::Record { key: RecordKey::Product(id), fields, .. }
                    if id.as_str() == product && value_of(fields, &field_name(name)).is_some())
                })
            };
            attributes.is_some_and(|mut names| names.all(known))
        };
        let tells_more = self.told(turn).iter().any(|told| told.is_more);
        let is_needed = |call: &&Call| match call {
            Call::Handoff(_) => true,
            Call::Orders(_) => !names(&["order:"]) || lacks(&["order:"]),
            Call::Policies(_) => lacks(&["policy:"]),
            Call::Search(search) => search.sort.is_some() || !names(&sold) || lacks(&sold),
            Call::Details(details) => {
                lacks(&sold) || !tells_more && !details.products.iter().all(is_known)
            }
        };
        calls.iter().filter(is_needed).cloned().collect()
    }

    /// Says whether a look at products would bring nothing new: all that the reply tells of each was found, and more than
    /// every search tells. Where the reply tells nothing more, it may say what is not on record, which takes a look.
    pub(super) fn has_told(&self, turn: &Turn, call: &Call) -> bool {
        let Call::Details(details) = call else {
            return false;
        };
        let told = self.told(turn);
        details.products.iter().all(|product| {
            let mut of_it = told.iter().filter(|told| told.product == *product);
            of_it.clone().all(|told| told.is_found) && of_it.any(|told| told.is_more)
        })
    }

    /// Returns what a reply tells of products, reference by reference.
    fn told(&self, turn: &Turn) -> Vec<Told> {
        let evidence = self.evidence();
        let is_found = |key: &str, name: &str| {
            evidence.iter().any(|line| match line {
                Evidence::Record {
                    key: of, fields, ..
                } => of.to_string() == key && value_of(fields, name).is_some(),
                _ => false,
            })
        };
        let references = references(&turn.reply).filter_map(|reference| {
            let (key, name) = reference.rsplit_once('.')?;
            let (kind, id) = key.split_once(':')?;
            let (product, asked) = match kind {
                "product" => (id.to_owned(), vec![name.to_owned()]),
                "variant" => self.variant(id)?,
                _ => return None,
            };
            Some(Told {
                is_found: is_found(key, name),
                is_more: kind == "variant"
                    || ![field::NAME, field::PRICE, field::STOCK].contains(&name),
                product,
                asked,
            })
        });
        references.collect()
    }

    /// Returns a variant's product, and the options that choose it.
    fn variant(&self, sku: &str) -> Option<(String, Vec<String>)> {
        self.school.products.iter().find_map(|product| {
            let mut variants = product.variants.iter();
            let variant = variants.find(|variant| variant.sku.as_str() == sku)?;
            let options = variant.options.values().cloned().collect();
            Some((product.id.to_string(), options))
        })
    }
}

/// Returns the references of a written reply, without braces.
pub(super) fn references(reply: &str) -> impl Iterator<Item = &str> {
    let rest = reply.split("{{").skip(1);
    rest.filter_map(|rest| Some(rest.split_once("}}")?.0))
}

/// A reference to a product or one of its variants in a reply.
struct Told {
    product: String,
    /// What to ask for to find it.
    asked: Vec<String>,
    /// The turn's evidence has it.
    is_found: bool,
    /// It is more than the name, price and stock that every search tells.
    is_more: bool,
}
