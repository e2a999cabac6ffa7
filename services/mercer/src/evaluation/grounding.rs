//! Whether the figures of a reply are backed, whatever the dialogue expects.

use std::collections::BTreeSet;

use mercer_commerce::{product_fields, variant_fields};
use mercer_conversation::spans;
use mercer_replay::Turns;
use mercer_schemas::{Claim, Evidence, Field, RecordKey};

use crate::evaluation::shelf::Shelf;
use crate::evaluation::wording::{fold, plain, sentences};

/// Checks independently of the guardrails: every claim of the ledger equals the store's value now,
/// and outside the claims no figure stands that the evidence or the customer did not give.
pub(super) async fn grounded(
    shelf: &Shelf<'_>,
    words: &str,
    turns: &Turns,
    evidence: &[&Evidence],
    reply: &str,
) -> anyhow::Result<bool> {
    let (store, shop) = (shelf.store, &shelf.shop);
    let mut rest = fold(reply);
    let mut values: Vec<&Claim> = turns.sent().flat_map(|sent| &sent.claims).collect();
    values.sort_by_key(|claim| std::cmp::Reverse(claim.value.expose().len()));
    for claim in values {
        if let Some(fields) = shelf.fields(&claim.record).await? {
            let name = claim.reference.rsplit('.').next().unwrap_or_default();
            if !fields.iter().any(|field| {
                field.name == name && field.value.text(&shop.locale) == *claim.value.expose()
            }) {
                return Ok(false);
            }
        } else {
            let (RecordKey::Document(id) | RecordKey::Promotion(id)) = &claim.record else {
                return Ok(false);
            };
            let Some(document) = store.documents().get(&shop.id, id).await? else {
                return Ok(false);
            };
            let body = fold(&plain(&document.value.body));
            let quoted = sentences(claim.value.expose());
            let from_body = quoted.iter().all(|sentence| body.contains(&fold(sentence)));
            if !from_body && claim.value.expose() != &document.value.title {
                return Ok(false);
            }
        }
        rest = rest.replace(&fold(claim.value.expose()), " ");
    }
    // Cards are filled from the same read; their values must be the store's too.
    for card in turns.sent().flat_map(|sent| &sent.content.cards) {
        let Some(product) = store.catalog().get(&shop.id, &card.product_id).await? else {
            return Ok(false);
        };
        let of_product = std::iter::once(product_fields(&product.value));
        let of_variants = product
            .value
            .variants
            .iter()
            .map(|variant| variant_fields(&product.value, variant));
        let holds = |fields: Vec<Field>| {
            [
                ("name", &card.name),
                ("price", &card.price),
                ("stock", &card.stock),
            ]
            .iter()
            .all(|(name, value)| {
                fields
                    .iter()
                    .any(|f| f.name == *name && f.value.text(&shop.locale) == **value)
            })
        };
        if !of_product.chain(of_variants).any(holds) {
            return Ok(false);
        }
        for value in [&card.name, &card.price, &card.stock]
            .into_iter()
            .chain(&card.options)
        {
            rest = rest.replace(&fold(value), " ");
        }
    }
    let mut known: BTreeSet<String> = spans::number_runs(words)
        .map(|run| run.text.to_owned())
        .collect();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            for field in fields.iter().filter(|field| field.name != "price") {
                known.extend(
                    spans::number_runs(&field.value.text(&shop.locale))
                        .map(|run| run.text.to_owned()),
                );
            }
        }
    }
    let figures_known =
        spans::number_runs(&rest).all(|run| !run.is_amount && known.contains(run.text));
    Ok(figures_known && !rest.contains(['£', '€', '$']))
}
