//! Messages that a platform takes in parts: which parts are out, and what is known of each.
//!
//! A part that is out is never sent again, and the message is settled when all of its parts are.

use mercer_schemas::{DeliveryStatus, MessageId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait};
use serde::{Deserialize, Serialize};

use super::{Outbox, decode};
use crate::db::exec;
use crate::entity::outbox;
use crate::error::Error;
use crate::inbox::reopen_waiting;

/// Most parts of a message. The longest answer that there is has two; the bound keeps a forged
/// report from growing a row.
pub const PARTS_MAX: u32 = 64;

/// Names one part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its place, from 1.
    pub number: u32,
    /// How many parts the message has.
    pub of: u32,
}

impl Part {
    /// Builds the name of a part; none where there is no such part.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        ((1..=of).contains(&number) && of <= PARTS_MAX).then_some(Self { number, of })
    }

    /// Says whether it is all of its message.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    fn index(self) -> usize {
        self.number as usize - 1
    }
}

/// What is known of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartState {
    /// The platform's id of it, once the platform took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What the platform reported of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryStatus>,
}

impl PartState {
    /// Says whether the platform has it, so that it must not be sent again.
    pub fn is_out(&self) -> bool {
        self.provider_id.is_some() || self.delivery.is_some()
    }
}

impl Outbox {
    /// Notes that the platform took one part of a message of several. It is not sent again then,
    /// whatever happens to the others.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn part_sent(
        &self,
        message: &MessageId,
        part: Part,
        provider_id: &str,
    ) -> Result<(), Error> {
        let (message, provider_id) = (message.to_string(), provider_id.to_owned());
        self.db
            .write(move |tx| {
                Box::pin(async move { note_part(tx, &message, part, &provider_id).await })
            })
            .await
    }
}

async fn note_part<C: ConnectionTrait>(
    tx: &C,
    message: &str,
    part: Part,
    provider_id: &str,
) -> Result<(), Error> {
    lock(tx, message).await?;
    let Some(model) = outbox::Entity::find_by_id(message.to_owned())
        .one(tx)
        .await?
    else {
        return Ok(());
    };
    let row = decode(model)?;
    let mut parts = row.parts;
    if parts.len() != part.of as usize {
        parts = vec![PartState::default(); part.of as usize];
    }
    parts[part.index()].provider_id = Some(provider_id.to_owned());
    let sql =
        "UPDATE outbox SET parts = $1, provider_id = COALESCE(provider_id, $2) WHERE message = $3";
    let values = [encode(&parts).into(), provider_id.into(), message.into()];
    exec(tx, sql, values).await?;
    reopen_waiting(tx, &row.stream, provider_id).await
}

/// Keeps others from changing a message until the transaction ends. SQLite has one writer.
async fn lock<C: ConnectionTrait>(tx: &C, message: &str) -> Result<(), Error> {
    if tx.get_database_backend() != DbBackend::Sqlite {
        let sql = "SELECT message FROM outbox WHERE message = $1 FOR UPDATE";
        crate::db::one(tx, sql, [message.into()]).await?;
    }
    Ok(())
}

/// Joins a report on one part into what is known of all. False where it belongs to another
/// division of the message than the one that was sent.
pub(super) fn join(
    parts: &mut Vec<PartState>,
    part: Part,
    provider_id: &str,
    status: DeliveryStatus,
) -> bool {
    if parts.is_empty() {
        // The report was faster than our note.
        *parts = vec![PartState::default(); part.of as usize];
    }
    if parts.len() != part.of as usize {
        return false;
    }
    let known = &mut parts[part.index()];
    known
        .provider_id
        .get_or_insert_with(|| provider_id.to_owned());
    known.delivery = Some(known.delivery.map_or(status, |before| before.join(status)));
    true
}

/// Returns how far a message got whose parts are these: failed where one is, else as far as the
/// part that is furthest behind; none while it is not known that all are out.
pub(super) fn delivery_of(parts: &[PartState]) -> Option<DeliveryStatus> {
    let mut least = None;
    let mut all_out = true;
    for part in parts {
        match part.delivery {
            Some(DeliveryStatus::Failed) => return Some(DeliveryStatus::Failed),
            _ if !part.is_out() => all_out = false,
            delivery => {
                let reached = delivery.unwrap_or(DeliveryStatus::Sent);
                least = Some(least.map_or(reached, |least: DeliveryStatus| least.min(reached)));
            }
        }
    }
    least.filter(|_| all_out)
}

pub(super) fn encode(parts: &[PartState]) -> String {
    // Texts and unit variants: there is no value that JSON could not hold.
    serde_json::to_string(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryStatus::{Delivered, Failed, Read, Sent};

    fn part(provider_id: Option<&str>, delivery: Option<DeliveryStatus>) -> PartState {
        PartState {
            provider_id: provider_id.map(ToOwned::to_owned),
            delivery,
        }
    }

    #[test]
    fn a_message_got_as_far_as_its_last_part() {
        let out = part(Some("a"), None);
        let read = part(Some("b"), Some(Read));
        let nothing = PartState::default();
        let lost = part(None, Some(Failed));
        for (parts, reached) in [
            (vec![read.clone(), nothing.clone()], None),
            (vec![read.clone(), out.clone()], Some(Sent)),
            (vec![read.clone(), read.clone()], Some(Read)),
            (
                vec![read.clone(), part(None, Some(Delivered))],
                Some(Delivered),
            ),
            (vec![read, lost.clone()], Some(Failed)),
            (vec![nothing, lost], Some(Failed)),
            (vec![], None),
        ] {
            assert_eq!(delivery_of(&parts), reached, "{parts:?}");
        }
    }

    #[test]
    fn there_is_no_part_beyond_the_last() {
        assert!(Part::new(0, 2).is_none() && Part::new(3, 2).is_none());
        assert!(Part::new(1, PARTS_MAX + 1).is_none());
        assert!(Part::new(1, 1).is_some_and(Part::is_whole));
    }
}
