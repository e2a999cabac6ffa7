//! Replies that need no model: fixed sentences, and templates built from evidence.

use mercer_schemas::{Evidence, RecordKey};

use crate::prompt::TEXT_FIELD;

/// To a message that holds only what Mercer cannot read.
pub(crate) const UNSUPPORTED: &str = "Thanks for your message. I can only read text so far: please tell me in a few words what you need.";
/// When the stores could not be read: nothing is known against asking again.
pub(crate) const TRY_AGAIN: &str =
    "I'm sorry, I can't look that up right now. Please try again in a few minutes.";
/// Behind a reply to more words than were read.
pub(crate) const CUT: &str = "You wrote more than I can read at once, so I answered the first part. Please send me the rest again in short messages.";
/// When every way to an answer failed.
pub(crate) const GIVE_UP: &str = "I'm sorry, I could not answer that properly. A colleague will read this conversation and get back to you.";

const GREETING: &str = "I can help with our products, prices and stock, our policies, and your orders. What are you looking for?";

/// Fields of an order that a template tells where the order has them.
const ORDER_FIELDS: &[(&str, &str)] = &[
    ("eta", "Delivery date"),
    ("carrier", "Carrier"),
    ("tracking", "Tracking number"),
];
/// Most products that a template names.
const PRODUCTS_MAX: usize = 3;

/// Writes a reply, references unfilled, that says what the evidence holds and nothing else.
pub(crate) fn from_evidence(evidence: &[Evidence]) -> String {
    let mut sentences = Vec::new();
    let mut products = 0;
    for line in evidence {
        let sentence = match line {
            Evidence::Record { handle, key, fields, .. } => {
                let has = |name: &str| fields.iter().any(|field| field.name == name);
                match key {
                    RecordKey::Product(_) | RecordKey::Variant(_) if has("name") && has("price") => {
                        products += 1;
                        if products > PRODUCTS_MAX {
                            continue;
                        }
                        format!("{{{{{handle}.name}}}}: {{{{{handle}.price}}}}, {{{{{handle}.stock}}}}.")
                    }
                    RecordKey::Product(_) | RecordKey::Variant(_) => match fields.first() {
                        Some(field) => {
                            format!("{}: {{{{{handle}.{}}}}}.", field.name.replace('_', " "), field.name)
                        }
                        None => continue,
                    },
                    RecordKey::Document(_) | RecordKey::Promotion(_) if has(TEXT_FIELD) => format!("{{{{{handle}}}}}"),
                    RecordKey::Document(_) | RecordKey::Promotion(_) => continue,
                    RecordKey::Order(_) => {
                        let told = ORDER_FIELDS.iter().filter(|(name, _)| has(name));
                        let told: Vec<String> = told
                            .map(|(name, title)| format!(" {title}: {{{{{handle}.{name}}}}}."))
                            .collect();
                        let told = told.concat();
                        format!("Your order {{{{{handle}.number}}}}: {{{{{handle}.status}}}}.{told}")
                    }
                }
            }
            Evidence::NothingFound => "I could not find a product that fits.".to_owned(),
            Evidence::NoRecordAbout { .. } => "I have no record of that; shall I ask a colleague?".to_owned(),
            Evidence::NoPolicy => "I found nothing on that in our policies; shall I ask a colleague?".to_owned(),
            Evidence::IdentityNeeded => {
                "To look at an order I need its number, the e-mail address and the postcode of the order.".to_owned()
            }
            Evidence::OrderNotFound => {
                "I could not find an order with these details. Please check the number, the e-mail address and the postcode.".to_owned()
            }
            Evidence::HandedOver => "A colleague will take over from here and answer you.".to_owned(),
            Evidence::Found { .. } => continue,
        };
        sentences.push(sentence);
    }
    if sentences.is_empty() {
        GREETING.to_owned()
    } else {
        sentences.join("\n")
    }
}
