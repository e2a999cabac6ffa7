//! What a product must be, beside what was searched for: prices, stock, category, brand, and names and values that it
//! has or has not. And the order that is asked for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use mercer_schemas::evidence::field_name;
use mercer_schemas::{Money, Product, Variant};

use super::measure::{Dimension, measure};
use super::{Order, OrderBy, ProductHit, ProductQuery, Values};

/// The name under which [`ProductQuery::without`] leaves out brands.
const BRAND: &str = "brand";

/// Applies what must hold exactly. Prices are compared as they are shown.
pub(super) fn passes(product: &Product, query: &ProductQuery) -> bool {
    let shown = product.price_from();
    let within = |limit: Option<Money>, fits: fn(i64, i64) -> bool| {
        limit.is_none_or(|limit| {
            shown.is_some_and(|price| {
                price.currency == limit.currency && fits(price.minor, limit.minor)
            })
        })
    };
    product.visible
        && within(query.min_price, |price, limit| price >= limit)
        && within(query.max_price, |price, limit| price <= limit)
        && (!query.in_stock || product.in_stock())
        && query
            .category
            .as_deref()
            .is_none_or(|wanted| in_category(&product.category, wanted))
        && query
            .brand
            .as_deref()
            .is_none_or(|wanted| same(&product.brand, wanted))
        && !is_unwanted(product, &query.without)
}

/// Says whether a category path is the wanted one, lies below it, or has it as one of its levels: `Natives` is in
/// `Plants > Natives > Ferns`.
fn in_category(path: &str, wanted: &str) -> bool {
    let levels = |text: &str| -> Vec<String> {
        text.split('>')
            .map(|level| level.trim().to_lowercase())
            .collect()
    };
    let wanted = levels(wanted);
    levels(path)
        .windows(wanted.len())
        .any(|part| part == wanted.as_slice())
}

/// Says whether a product has a value that is not wanted. Of its variants all must have it: who wants no black shoe
/// may still be shown one that comes in red.
fn is_unwanted(product: &Product, without: &[Values]) -> bool {
    without.iter().any(|unwanted| {
        (unwanted.name == BRAND && unwanted.holds(&product.brand))
            || unwanted.are_in(&product.attributes)
            || (!product.variants.is_empty()
                && product
                    .variants
                    .iter()
                    .all(|variant| unwanted.are_in(&variant.options)))
    })
}

/// Counts the wishes that a product meets itself or in its best variant.
pub(super) fn wishes_met(product: &Product, wishes: &[Values]) -> usize {
    let in_variant = |variant: &Variant| {
        wishes
            .iter()
            .filter(|wish| wish.are_in(&product.attributes) || wish.are_in(&variant.options))
            .count()
    };
    product.variants.iter().map(in_variant).max().unwrap_or(0)
}

impl Values {
    fn holds(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| same(wanted, value))
    }

    fn are_in(&self, values: &BTreeMap<String, String>) -> bool {
        let name = field_name(&self.name);
        values
            .iter()
            .any(|(own, value)| field_name(own) == name && self.holds(value))
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Puts hits in the order asked for; those without the field come last, in the order they have.
pub(super) fn sort(hits: &mut [ProductHit], order: &Order) {
    let turned = |ordering: Ordering| match order.descending {
        true => ordering.reverse(),
        false => ordering,
    };
    match &order.by {
        OrderBy::Price => hits.sort_by(|a, b| {
            let (a, b) = (a.product.value.price_from(), b.product.value.price_from());
            turned(a.cmp(&b))
        }),
        OrderBy::Field(name) => {
            let measured = measured(hits, name, order.descending);
            let place = |hit: &ProductHit| measured.get(hit.product.value.id.as_str()).copied();
            hits.sort_by(|a, b| match (place(a), place(b)) {
                (Some(a), Some(b)) => turned(a.total_cmp(&b)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
        }
    }
}

/// Reads a field of each product, in the dimension that most of them have: `2 m` and `40 cm` are compared, a `size 8`
/// among them is not. Of options the variant counts that comes first in the order.
fn measured(hits: &[ProductHit], name: &str, descending: bool) -> HashMap<String, f64> {
    let name = field_name(name);
    let mut found: Vec<(&str, Dimension, f64)> = Vec::new();
    let mut votes: BTreeMap<Dimension, usize> = BTreeMap::new();
    for hit in hits {
        let product = &hit.product.value;
        let own = product.attributes.iter();
        let options = product.variants.iter().flat_map(|variant| &variant.options);
        for (_, value) in own
            .chain(options)
            .filter(|(own, _)| field_name(own) == name)
        {
            if let Some(read) = measure(value) {
                *votes.entry(read.dimension).or_default() += 1;
                found.push((product.id.as_str(), read.dimension, read.amount));
            }
        }
    }
    let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
    let mut out: HashMap<String, f64> = HashMap::new();
    for (id, dimension, amount) in found {
        if most.is_some_and(|(most, _)| most == dimension) {
            let known = out.entry(id.to_owned()).or_insert(amount);
            *known = if descending {
                known.max(amount)
            } else {
                known.min(amount)
            };
        }
    }
    out
}
