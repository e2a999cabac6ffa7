//! What a call with free words tells of products, and what of it is left out where it is too much.

use mercer_schemas::evidence::field;
use mercer_schemas::{EvidenceRole, Field, Product, RecordKey, Variant};
use mercer_store::Versioned;

use super::Answer;
use crate::asked::{Asked, Part};
use crate::fields::product_fields;

/// A product as a call tells it.
pub(super) struct Told<'a> {
    product: &'a Versioned<Product>,
    /// Name, price and stock.
    head: Vec<Field>,
    /// Options and attributes.
    fields: Vec<Part<Field>>,
    variants: Vec<Part<&'a Variant>>,
}

impl<'a> Told<'a> {
    /// Takes a product with some of its attributes and variants, best first.
    pub(super) fn new(
        product: &'a Versioned<Product>,
        asked: &Asked,
        attributes: Vec<Part<Field>>,
        variants: Vec<Part<&'a Variant>>,
    ) -> Self {
        let is_head = |field: &Field| {
            [field::NAME, field::PRICE, field::STOCK].contains(&field.name.as_str())
        };
        let (head, options): (Vec<Field>, Vec<Field>) = product_fields(&product.value)
            .into_iter()
            .partition(is_head);
        let mut fields: Vec<Part<Field>> = options
            .into_iter()
            .map(|option| Part {
                is_asked: asked.names(&option),
                what: option,
            })
            .collect();
        for attribute in attributes {
            let name = &attribute.what.name;
            let is_new = fields.iter().all(|known| known.what.name != *name);
            if is_new && head.iter().all(|known| known.name != *name) {
                fields.push(attribute);
            }
        }
        Self {
            product,
            head,
            fields,
            variants,
        }
    }

    /// Adds it to an answer.
    pub(super) fn write(&self, answer: &mut Answer) {
        let fields = self.fields.iter().map(|part| part.what.clone());
        answer.push(
            RecordKey::Product(self.product.value.id.clone()),
            self.product.version,
            EvidenceRole::Shown,
            self.head.iter().cloned().chain(fields).collect(),
        );
        for variant in &self.variants {
            answer.push_variant_of(self.product, variant.what);
        }
    }
}

/// Leaves out what answers least of products that are told best first: variants that nobody asked for,
/// attributes that nobody asked for, the other attributes of all but the best, these products
/// themselves, and at last what was asked for of the best one. Whole items always; false where its
/// name, price and stock alone are left.
pub(super) fn leave_out(told: &mut Vec<Told<'_>>) -> bool {
    let (best, lower) = match told.split_first_mut() {
        Some(split) => split,
        None => return false,
    };
    let leaves_unasked = lower
        .iter_mut()
        .rev()
        .any(|told| drop_unasked(&mut told.variants))
        || drop_unasked(&mut best.variants)
        || lower
            .iter_mut()
            .rev()
            .any(|told| drop_unasked(&mut told.fields))
        || drop_unasked(&mut best.fields)
        || lower
            .iter_mut()
            .rev()
            .any(|told| told.fields.pop().is_some());
    if leaves_unasked {
        return true;
    }
    if told.len() > 1 {
        told.pop();
        return true;
    }
    let best = &mut told[0];
    best.variants.pop().is_some() || best.fields.pop().is_some()
}

/// Drops the last part that nobody asked for.
fn drop_unasked<T>(parts: &mut Vec<Part<T>>) -> bool {
    let last = parts.iter().rposition(|part| !part.is_asked);
    last.map(|at| parts.remove(at)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(id: &str) -> Versioned<Product> {
        let json = format!(
            r#"{{"id":"{id}","title":"Bag","attributes":{{"weight":"240 g","material":"nylon"}},
            "variants":[
              {{"sku":"{id}-R","options":{{"colour":"red"}},"price":{{"minor":100,"currency":"GBP"}},"stock":1}},
              {{"sku":"{id}-B","options":{{"colour":"blue"}},"price":{{"minor":100,"currency":"GBP"}},"stock":1}}]}}"#
        );
        Versioned {
            value: serde_json::from_str(&json).expect("product"),
            version: 1,
            updated_at_ms: 1,
        }
    }

    /// What is left of the products: how many fields beside name, price and stock, and how many variants.
    fn left(told: &[Told<'_>]) -> Vec<(usize, usize)> {
        told.iter()
            .map(|told| (told.fields.len(), told.variants.len()))
            .collect()
    }

    #[test]
    fn what_answers_least_goes_first_and_items_go_whole() {
        let mut asked = Asked::default();
        asked.say("the red one, how heavy, weight");
        let bags = [bag("A"), bag("B")];
        let mut told: Vec<Told<'_>> = bags
            .iter()
            .map(|bag| {
                let attributes = asked.all_attributes(&bag.value, 500, 500);
                let variants = bag.value.variants.iter().map(|variant| Part {
                    is_asked: variant.sku.as_str().ends_with('R'),
                    what: variant,
                });
                Told::new(bag, &asked, attributes, variants.collect())
            })
            .collect();
        // The colours, the weight, the material.
        assert_eq!(left(&told), [(3, 2), (3, 2)]);
        let mut steps = Vec::new();
        while leave_out(&mut told) {
            steps.push(left(&told));
        }
        assert_eq!(
            steps,
            [
                vec![(3, 2), (3, 1)],
                vec![(3, 1), (3, 1)],
                vec![(3, 1), (2, 1)],
                vec![(2, 1), (2, 1)],
                vec![(2, 1), (1, 1)],
                vec![(2, 1), (0, 1)],
                vec![(2, 1)],
                vec![(2, 0)],
                vec![(1, 0)],
                vec![(0, 0)],
            ]
        );
        assert!(told[0].head.len() == 3 && !leave_out(&mut Vec::new()));
    }
}
