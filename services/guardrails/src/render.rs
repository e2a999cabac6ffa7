//! Filling references with what the stores say now.

use mercer_schemas::{Claim, Personal, ProductCard, RecordKey, RenderedReply};

use crate::draft::{Draft, Segment};

/// A field as read for this message.
pub struct LiveField {
    /// The record.
    pub record: RecordKey,
    /// Its version at the time of reading.
    pub version: i64,
    /// The value as shown to the customer.
    pub value: Personal<String>,
}

/// Where live values come from: one read of the stores, made for one message.
pub trait Live {
    /// Returns the field behind a reference such as `p1.price`, or none if it is gone.
    fn field(&self, reference: &str) -> Option<LiveField>;
    /// Returns the card of a product or variant, if the handle names one that is still sold.
    fn card(&self, handle: &str) -> Option<ProductCard>;
    /// Time of the read, UTC milliseconds.
    fn read_at_ms(&self) -> i64;
}

/// Fills every reference. Returns none when a reference has no value any more: the record was
/// removed, hidden or fell out of force since the evidence was gathered.
pub fn render(draft: &Draft<'_>, live: &dyn Live) -> Option<RenderedReply> {
    let mut text = String::new();
    let mut claims: Vec<Claim> = Vec::new();
    let mut cards: Vec<ProductCard> = Vec::new();
    let last = draft.segments.len().saturating_sub(1);
    for (at, segment) in draft.segments.iter().enumerate() {
        match segment {
            Segment::Words(words) if at == last => {
                text.push_str(words_after(&text, words).trim_end());
            }
            Segment::Words(words) => text.push_str(words_after(&text, words)),
            Segment::Reference(reference) => {
                let field = live.field(reference)?;
                text.push_str(field.value.expose());
                let handle = reference.split('.').next().unwrap_or(reference);
                if let Some(card) = live.card(handle).filter(|card| !cards.contains(card)) {
                    cards.push(card);
                }
                if !claims.iter().any(|claim| claim.reference == *reference) {
                    claims.push(Claim {
                        reference: (*reference).to_owned(),
                        record: field.record,
                        version: field.version,
                        value: field.value,
                        read_at_ms: live.read_at_ms(),
                    });
                }
            }
        }
    }
    Some(RenderedReply {
        text: Personal::new(text),
        cards,
        claims,
    })
}

/// Returns what of the words goes behind a text. A passage brings its own full stop, and the model
/// may have written another behind it; values themselves are never changed.
fn words_after<'a>(text: &str, words: &'a str) -> &'a str {
    if text.is_empty() {
        return words.trim_start();
    }
    match words.strip_prefix('.') {
        Some(rest) if text.ends_with('.') && !rest.starts_with('.') => rest,
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{DocumentId, ProductId};
    use proptest::prelude::*;

    /// Every reference has this value.
    struct Always(String);

    impl Live for Always {
        fn field(&self, reference: &str) -> Option<LiveField> {
            let record = match reference.starts_with('d') {
                true => RecordKey::Document(DocumentId::new("returns").ok()?),
                false => RecordKey::Product(ProductId::new("K-1").ok()?),
            };
            Some(LiveField {
                record,
                version: 1,
                value: self.0.clone().into(),
            })
        }
        fn card(&self, _: &str) -> Option<ProductCard> {
            None
        }
        fn read_at_ms(&self) -> i64 {
            1
        }
    }

    fn rendered(draft: &str, value: &str) -> RenderedReply {
        let draft = Draft::parse(draft).expect("draft");
        render(&draft, &Always(value.to_owned())).expect("rendered")
    }

    #[test]
    fn a_value_stays_as_it_is() {
        for (draft, value, text) in [
            ("{{p1.range}}", "0..40 °C", "0..40 °C"),
            ("It is {{p1.name}}.", "Wait...", "It is Wait..."),
            (
                " {{d1}}. Anything else? ",
                "30 days.",
                "30 days. Anything else?",
            ),
            ("{{d1}}", "So..  it is.", "So..  it is."),
            ("{{p1.size}} .5", "No.", "No. .5"),
            ("Hm... {{p1.name}}!", "A..B", "Hm... A..B!"),
        ] {
            let reply = rendered(draft, value);
            assert_eq!(reply.text.expose(), text);
            assert_eq!(reply.claims[0].value.expose(), value);
        }
    }

    proptest! {
        #[test]
        fn the_text_holds_every_value_of_the_ledger(
            before in "[a .!]{0,6}", value in "[a. ]{1,8}", after in "[b .!]{0,6}",
        ) {
            let reply = rendered(&format!("{before}{{{{p1.name}}}}{after}"), &value);
            let claimed = reply.claims[0].value.expose();
            prop_assert_eq!(claimed, &value);
            prop_assert!(reply.text.expose().contains(claimed.as_str()), "{:?}", reply.text.expose());
        }
    }
}
