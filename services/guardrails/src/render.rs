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
    for segment in &draft.segments {
        match segment {
            Segment::Words(words) => text.push_str(words),
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
    // A passage brings its own full stop, and the model may have written another behind it.
    let text = text.replace("..", ".").trim().to_owned();
    Some(RenderedReply {
        text: Personal::new(text),
        cards,
        claims,
    })
}
