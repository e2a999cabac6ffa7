//! The sent messages whose delivery is followed, in the order they were sent.
//!
//! Ids sort by the clock that minted them, and a clock may step back: the order kept is the order of
//! the log. Stored as a map from id to report.

use std::fmt;

use mercer_schemas::{DeliveryStatus, MessageId};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Sent messages whose delivery is still followed; older ones are forgotten.
pub(crate) const FOLLOWED_MESSAGES_MAX: usize = 64;

/// Reports on the latest sent messages, oldest first; none = no report yet.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Deliveries(Vec<(MessageId, Option<DeliveryStatus>)>);

impl Deliveries {
    /// Returns what was last reported of a message, or none where it is not followed.
    pub fn get(&self, message: &MessageId) -> Option<Option<DeliveryStatus>> {
        let found = self.0.iter().find(|(known, _)| known == message);
        found.map(|(_, status)| *status)
    }

    /// Returns the messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &MessageId> {
        self.0.iter().map(|(message, _)| message)
    }

    /// Follows a message that was just sent, and forgets the oldest ones beyond the bound.
    pub(crate) fn follow(&mut self, message: MessageId) {
        self.0.retain(|(known, _)| *known != message);
        self.0.push((message, None));
        let beyond = self.0.len().saturating_sub(FOLLOWED_MESSAGES_MAX);
        self.0.drain(..beyond);
    }

    /// Notes how far a message got, where it is followed.
    pub(crate) fn note(&mut self, message: &MessageId, status: DeliveryStatus) {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == message) {
            *known = Some(status);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Deliveries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(message, status)| (message, status)))
    }
}

impl<'de> Deserialize<'de> for Deliveries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Deliveries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from message ids to reports")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Deliveries, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(Deliveries(out))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(at_ms: i64) -> MessageId {
        MessageId::from_parts(at_ms, 1)
    }

    #[test]
    fn the_oldest_is_forgotten_whatever_its_clock_said() {
        let mut deliveries = Deliveries::default();
        for at in 0..FOLLOWED_MESSAGES_MAX as i64 {
            deliveries.follow(message(10_000 + at));
        }
        // The clock stepped back: these ids sort before all the others.
        deliveries.follow(message(1));
        deliveries.follow(message(2));
        deliveries.note(&message(1), DeliveryStatus::Sent);
        assert_eq!(deliveries.len(), FOLLOWED_MESSAGES_MAX);
        assert_eq!(
            deliveries.get(&message(1)),
            Some(Some(DeliveryStatus::Sent))
        );
        assert_eq!(deliveries.get(&message(2)), Some(None));
        assert_eq!(deliveries.get(&message(10_001)), None);

        let stored = serde_json::to_string(&deliveries).expect("json");
        let read: Deliveries = serde_json::from_str(&stored).expect("read");
        assert!(read == deliveries, "a snapshot keeps the order");
    }
}
