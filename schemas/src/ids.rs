//! Identifiers.
//!
//! Ids that Mercer mints carry a readable prefix and a ULID, so they sort by time
//! (`turn_01J…`). Records that come from the retailer keep the retailer's own key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use utoipa::ToSchema;

/// Number of partitions that conversations are spread over. Fixed for the life of a database:
/// a change would move conversations between owners.
pub const PARTITIONS: u16 = 256;

/// Longest key that an import or an API call may use, in characters.
pub const KEY_CHARS_MAX: usize = 128;

/// Says why a text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix is not the one of this kind of id.
    #[error("expected an id that starts with `{expected}`")]
    Prefix {
        /// The prefix that this kind of id has.
        expected: &'static str,
    },
    /// What follows the prefix is not a ULID.
    #[error("expected 26 characters of a ULID after the prefix")]
    Ulid,
    /// A retailer's key is empty, too long or holds control characters.
    #[error("a key must have 1 to {KEY_CHARS_MAX} printable characters")]
    Key,
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The prefix of this kind of id.
            pub const PREFIX: &'static str = $prefix;

            /// Builds the id from the time (UTC milliseconds) and 80 bits of entropy.
            pub fn from_parts(at_ms: i64, entropy: u128) -> Self {
                let ulid = Ulid::from_parts(at_ms.max(0) as u64, entropy);
                Self(format!("{}{}", $prefix, ulid))
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the time that the id was made at, UTC milliseconds.
            pub fn at_ms(&self) -> i64 {
                let ulid = Ulid::from_string(&self.0[$prefix.len()..]);
                // Checked when the id was read, and 48 bits long.
                ulid.map_or(0, |ulid| ulid.timestamp_ms() as i64)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                let rest = text
                    .strip_prefix($prefix)
                    .ok_or(IdError::Prefix { expected: $prefix })?;
                Ulid::from_string(rest).map_err(|_| IdError::Ulid)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! retailer_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a key.
            ///
            /// # Errors
            /// [`IdError::Key`] when it is empty, too long or holds control characters.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let count = text.chars().count();
                if count == 0 || count > KEY_CHARS_MAX || text.trim() != text || text.chars().any(char::is_control) {
                    return Err(IdError::Key);
                }
                Ok(Self(text))
            }

            /// Returns the key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

minted_id!(
    /// A conversation of one customer with one shop on one channel.
    ConversationId, "conv_"
);
minted_id!(
    /// One turn: the customer's message or burst, and our answer.
    TurnId, "turn_"
);
minted_id!(
    /// A message that Mercer received or sends.
    MessageId, "msg_"
);
minted_id!(
    /// Something that the retailer's people and systems are told.
    NoticeId, "evt_"
);
minted_id!(
    /// A notice on its way to one of those who are told.
    DeliveryId, "dlv_"
);
retailer_key!(
    /// A shop, as a slug that the retailer chose, for instance `highbarn`.
    ShopId
);
retailer_key!(
    /// The retailer's key of a product.
    ProductId
);
retailer_key!(
    /// The retailer's stock keeping unit: the key of a variant.
    Sku
);
retailer_key!(
    /// The retailer's key of a policy, FAQ entry or promotion.
    DocumentId
);
retailer_key!(
    /// The retailer's key of a customer.
    CustomerId
);
retailer_key!(
    /// An order's number as printed on the customer's confirmation.
    OrderNumber
);

/// Identifies one wish of a turn towards the world. It stays the same when the effect runs again
/// after a crash, so an answer can be matched to the question.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct EffectId(String);

impl EffectId {
    /// Builds the id of one step of one attempt at a turn, for instance `turn_01J…/plan/0`.
    pub fn new(turn: &TurnId, step: &str, attempt: u32) -> Self {
        Self(format!("{turn}/{step}/{attempt}"))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the partition of a conversation: `xxh3(shop ‖ 0 ‖ conversation) % 256`.
/// The hash is fixed by its specification, so it is the same on every node and build.
pub fn partition_of(shop: &ShopId, conversation: &ConversationId) -> u16 {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(shop.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(conversation.as_str().as_bytes());
    (xxhash_rust::xxh3::xxh3_64(&bytes) % u64::from(PARTITIONS)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_keep_their_prefix_and_sort_by_time() {
        let early = TurnId::from_parts(1_000, 7);
        let late = TurnId::from_parts(2_000, 3);
        assert!(early < late);
        assert!("conv_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<TurnId>().is_err());
        assert_eq!(early.as_str().parse::<TurnId>().as_ref(), Ok(&early));
        assert_eq!((early.at_ms(), late.at_ms()), (1_000, 2_000));
    }

    #[test]
    fn keys_refuse_what_would_break_a_line_or_a_log() {
        for bad in ["", " x", "a\nb", &"x".repeat(129)] {
            assert_eq!(ProductId::new(bad), Err(IdError::Key), "{bad:?}");
        }
        assert!(ProductId::new("HB-1042").is_ok());
    }

    #[test]
    fn the_partition_of_a_conversation_never_changes() {
        let shop = ShopId::new("highbarn").expect("key");
        let conversation = ConversationId::from_parts(1_700_000_000_000, 42);
        assert_eq!(
            partition_of(&shop, &conversation),
            partition_of(&shop, &conversation)
        );
        // A golden value: stored conversations depend on it.
        let golden: ConversationId = "conv_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("id");
        assert_eq!(partition_of(&shop, &golden), 121);
    }
}
