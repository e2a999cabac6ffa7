//! Judging a turn: tools, evidence, facts, handoff, forbidden text, and grounding.

use std::collections::BTreeSet;

use mercer_commerce::{attribute_value, order_fields, product_fields, variant_fields};
use mercer_conversation::spans;
use mercer_replay::{Turns, What};
use mercer_schemas::evidence::field_name;
use mercer_schemas::{Claim, Evidence, Field, Intent, Plan, RecordKey, Shop, ShopId};
use mercer_store::Store;
use serde::Serialize;

use crate::evaluation::dialogue::Expect;
use crate::evaluation::driver::PlayedTurn;

/// What came of one turn.
#[derive(Clone, Serialize)]
pub(crate) struct TurnResult {
    /// Name of the dialogue.
    pub(crate) dialogue: String,
    /// Number of the turn, from 1.
    pub(crate) turn: usize,
    /// Whether everything expected holds.
    pub(crate) right: bool,
    /// Whether every figure of the reply is backed by the stores.
    pub(crate) grounded: bool,
    /// What does not hold.
    pub(crate) faults: Vec<String>,
    /// Tools called.
    pub(crate) tools: Vec<String>,
    /// The plan as the model wrote it, arguments included.
    pub(crate) plan: Plan,
    /// The intents that the plan was narrowed to; empty where it was not.
    pub(crate) intents: Vec<Intent>,
    /// What the tools found: the records, in their order.
    pub(crate) found: Vec<String>,
    /// Rules that blocked a draft, in the order of the drafts.
    pub(crate) blocked: Vec<String>,
    /// Texts that reached the customer.
    pub(crate) replies: Vec<String>,
}

/// How a turn came to its answer.
pub(crate) struct Course {
    /// The plan that was carried out.
    pub(crate) plan: Plan,
    /// The intents that it was narrowed to.
    pub(crate) intents: Vec<Intent>,
    /// Records that the tools found.
    pub(crate) found: Vec<String>,
    /// Rules that blocked a draft.
    pub(crate) blocked: Vec<String>,
}

/// Reads how a turn came to its played.
pub(crate) fn course(played: &PlayedTurn) -> Course {
    let turns = &played.turns.turns;
    let last = turns.last();
    let drafts = turns.iter().flat_map(|turn| &turn.drafts);
    let failed = drafts
        .flat_map(|draft| &draft.blocked_by)
        .filter(|verdict| !verdict.passed);
    Course {
        plan: plan(&played.turns).cloned().unwrap_or_default(),
        intents: last.map_or_else(Vec::new, |turn| turn.intents.clone()),
        found: last.map_or_else(Vec::new, |turn| {
            turn.evidence.iter().filter_map(record_of).collect()
        }),
        blocked: failed.map(|verdict| verdict.rule.clone()).collect(),
    }
}

/// Returns the plan that was carried out.
fn plan(turns: &Turns) -> Option<&Plan> {
    turns.turns.last().and_then(|turn| turn.plan.as_ref())
}

fn record_of(line: &Evidence) -> Option<String> {
    match line {
        Evidence::Record { key, .. } => Some(key.to_string()),
        _ => None,
    }
}

/// Judges a turn.
///
/// # Errors
/// When the stores cannot be read or an expectation names a record that does not exist.
pub(crate) async fn judge(
    store: &Store,
    shop: &ShopId,
    words: &str,
    expect: &Expect,
    played: &PlayedTurn,
) -> anyhow::Result<(Vec<String>, bool, Vec<String>)> {
    let shop = &store
        .shops()
        .get(shop)
        .await?
        .ok_or_else(|| anyhow::anyhow!("shop {shop} does not exist"))?;
    let turns = &played.turns;
    let reply = played.replies.join("\n");
    let tools: Vec<String> = plan(turns)
        .map(|plan| plan.calls.iter().map(|call| call.tool().to_owned()))
        .into_iter()
        .flatten()
        .collect();
    let evidence: Vec<&Evidence> = turns.turns.iter().flat_map(|turn| &turn.evidence).collect();
    let claims: Vec<&Claim> = turns.sent().flat_map(|sent| &sent.claims).collect();
    let mut faults = Vec::new();
    if let Some(expected) = &expect.tools {
        let (expected, called): (BTreeSet<&str>, BTreeSet<&str>) = (
            expected.iter().map(String::as_str).collect(),
            tools.iter().map(String::as_str).collect(),
        );
        if expected != called {
            faults.push(format!("tools: expected {expected:?}, called {called:?}"));
        }
    }
    for key in &expect.evidence {
        if !evidence.iter().any(
            |line| matches!(line, Evidence::Record { key: found, .. } if same_record(found, key)),
        ) {
            faults.push(format!("evidence: {key} is missing"));
        }
    }
    for fact in &expect.facts {
        if !holds(store, shop, fact, &reply, &claims).await? {
            faults.push(format!("facts: {fact} is not in the reply"));
        }
    }
    if let Some(expected) = expect.handoff {
        let with_person = turns
            .steps
            .iter()
            .any(|step| matches!(step.what, What::HandedOver { .. }));
        if with_person != expected {
            faults.push(format!("handoff: expected {expected}, was {with_person}"));
        }
    }
    let lower = reply.to_lowercase();
    for text in &expect.forbid {
        if lower.contains(&text.to_lowercase()) {
            faults.push(format!("forbid: the reply holds `{text}`"));
        }
    }
    let grounded = grounded(store, shop, words, turns, &evidence, &reply).await?;
    if !grounded {
        faults.push("a figure of the reply is not backed by the stores".to_owned());
    }
    Ok((faults, grounded, tools))
}

/// `policy:` names every kind of document.
fn same_record(found: &RecordKey, expected: &str) -> bool {
    let document = |prefix: &str| expected.strip_prefix(prefix);
    match found {
        RecordKey::Document(id) | RecordKey::Promotion(id) => {
            document("policy:").or_else(|| document("promotion:")) == Some(id.as_str())
        }
        other => other.to_string() == expected,
    }
}

async fn holds(
    store: &Store,
    shop: &Shop,
    fact: &str,
    reply: &str,
    claims: &[&Claim],
) -> anyhow::Result<bool> {
    let (key, field) = fact
        .rsplit_once('.')
        .ok_or_else(|| anyhow::anyhow!("`{fact}`: expected RECORD.FIELD"))?;
    let key: RecordKey = key
        .parse()
        .map_err(|error| anyhow::anyhow!("`{fact}`: {error}"))?;
    let reply = fold(reply);
    if let RecordKey::Document(id) | RecordKey::Promotion(id) = &key {
        let document = store
            .documents()
            .get(&shop.id, id)
            .await?
            .ok_or_else(|| anyhow::anyhow!("`{fact}`: no such document"))?;
        return Ok(sentences(&document.value.body)
            .iter()
            .any(|sentence| reply.contains(&fold(sentence))));
    }
    let values = fields(store, shop, &key)
        .await?
        .ok_or_else(|| anyhow::anyhow!("`{fact}`: no such record"))?;
    let field = field_name(field);
    let Some(value) = values.iter().find(|value| value.name == field) else {
        anyhow::bail!("`{fact}`: the record has no such field")
    };
    // The value must have been claimed of that record, or of a variant of that product: the same
    // text somewhere in the reply may be chance.
    for claim in claims {
        let same = match (&claim.record, &key) {
            (RecordKey::Variant(sku), RecordKey::Product(id)) => store
                .catalog()
                .by_sku(&shop.id, sku)
                .await?
                .is_some_and(|product| product.value.id == *id),
            (record, key) => record == key,
        };
        if same
            && fold(claim.value.expose()) == fold(&value.value.text(&shop.locale))
            && reply.contains(&fold(claim.value.expose()))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a record's fields as they are now.
async fn fields(store: &Store, shop: &Shop, key: &RecordKey) -> anyhow::Result<Option<Vec<Field>>> {
    Ok(match key {
        RecordKey::Product(id) => store.catalog().get(&shop.id, id).await?.map(|product| {
            let mut fields = product_fields(&product.value);
            for name in product.value.attributes.keys() {
                let name = field_name(name);
                let value = attribute_value(&product.value, &name)
                    .unwrap_or_default()
                    .to_owned();
                fields.push(Field::new(&name, value));
            }
            fields
        }),
        RecordKey::Variant(sku) => {
            store
                .catalog()
                .by_sku(&shop.id, sku)
                .await?
                .and_then(|product| {
                    let variant = product
                        .value
                        .variants
                        .iter()
                        .find(|variant| variant.sku == *sku)?;
                    Some(variant_fields(&product.value, variant))
                })
        }
        RecordKey::Order(number) => store
            .orders()
            .get(&shop.id, number)
            .await?
            .map(|order| order_fields(&order.value)),
        RecordKey::Document(_) | RecordKey::Promotion(_) => None,
    })
}

/// Checks independently of the guardrails: every claim of the ledger equals the store's value now,
/// and outside the claims no figure stands that the evidence or the customer did not give.
async fn grounded(
    store: &Store,
    shop: &Shop,
    words: &str,
    turns: &Turns,
    evidence: &[&Evidence],
    reply: &str,
) -> anyhow::Result<bool> {
    let mut rest = fold(reply);
    let mut values: Vec<&Claim> = turns.sent().flat_map(|sent| &sent.claims).collect();
    values.sort_by_key(|claim| std::cmp::Reverse(claim.value.expose().len()));
    for claim in values {
        if let Some(fields) = fields(store, shop, &claim.record).await? {
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

/// Sentences of a Markdown text, markup removed; short ones alone prove nothing.
fn sentences(markdown: &str) -> Vec<String> {
    plain(markdown)
        .split_inclusive(['.', '!', '?', '\n'])
        .map(|sentence| sentence.trim().trim_end_matches('.').to_owned())
        .filter(|sentence| sentence.chars().count() >= 12)
        .collect()
}

fn plain(markdown: &str) -> String {
    let lines = markdown
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .map(|line| {
            let line = line
                .trim_start()
                .trim_start_matches(['-', '>'])
                .trim_start_matches("* ")
                .replace(['*', '`'], "");
            // A blank line ends a paragraph, a single line break is a space.
            if line.trim().is_empty() {
                "\n".to_owned()
            } else {
                line.trim().to_owned() + " "
            }
        })
        .collect()
}

/// Ignores case, kinds of quotes and runs of white space.
fn fold(text: &str) -> String {
    let text = text.replace(['’', '‘'], "'").to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
