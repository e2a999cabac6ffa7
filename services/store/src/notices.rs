//! Notices: what the retailer's people and systems are told, and how far each delivery is.
//!
//! A notice is added in the transaction that makes it true ([`add`]). Later it is *addressed*:
//! one delivery for each target that the settings name for its shop and kind. Deliveries of one
//! conversation to one target go out in order: `pending → sending → delivered`, or `dead` after
//! the last try. A delivery that a dead process left `sending` is claimed again after
//! [`CLAIM_MS`], under the same notice id, by which a receiver knows the repetition.

mod address;
mod claim;
mod list;
mod settle;

use mercer_schemas::{ConversationId, DeliveryId, Notice, NoticeId, NoticeKind, Personal, ShopId};
use sea_orm::ConnectionTrait;

use crate::db::{Db, exec, now_ms};
use crate::entity::notice_delivery;
use crate::error::Error;

/// For how long a claim holds, milliseconds: longer than a delivery may take.
pub(crate) const CLAIM_MS: i64 = 60_000;

/// Notices of all shops.
#[derive(Clone)]
pub struct Notices {
    db: Db,
}

impl Notices {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }
}

/// Somebody who is told, as the settings name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetName {
    /// Whose notices.
    pub shop: ShopId,
    /// The target's name, unique in the shop.
    pub name: String,
    /// What it is told.
    pub kinds: Vec<NoticeKind>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent when due.
    Pending,
    /// Being sent now.
    Sending,
    /// The target took it.
    Delivered,
    /// Given up; it can be sent again by hand.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sending, Self::Delivered, Self::Dead];

    /// Returns the word as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The HTTP or SMTP status, where there was an answer.
    pub status: Option<u16>,
    /// Stable word for a failure.
    pub cause: Option<String>,
}

/// Which deliveries a list shows. Empty = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only to this target.
    pub target: Option<String>,
    /// Only of this conversation.
    pub conversation: Option<ConversationId>,
}

/// A delivery and how far it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ToldRow {
    /// Its id.
    pub id: DeliveryId,
    /// The notice, by whose id receivers know repetitions.
    pub notice: NoticeId,
    /// Whose it is.
    pub shop: ShopId,
    /// The conversation that it tells of.
    pub conversation: ConversationId,
    /// The kind of the notice.
    pub kind: NoticeKind,
    /// Who is told.
    pub target: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Tries so far, this one included.
    pub attempt: u32,
    /// Of these, tries before it was last sent again by hand.
    pub attempt_base: u32,
    /// When it may be sent; while it is being sent, until when the claim holds. UTC milliseconds.
    pub due_at_ms: i64,
    /// How the last try ended.
    pub outcome: Outcome,
    /// When the notice became true, UTC milliseconds.
    pub created_at_ms: i64,
    /// When it was delivered or given up, UTC milliseconds.
    pub settled_at_ms: Option<i64>,
}

/// A claimed delivery with what is told.
#[derive(Clone)]
pub struct Claimed {
    /// The delivery.
    pub row: ToldRow,
    /// The notice as JSON, with customers' words.
    pub payload: Personal<Vec<u8>>,
}

/// Adds a notice within a transaction.
pub(crate) async fn add<C: ConnectionTrait>(tx: &C, notice: &Notice) -> Result<(), Error> {
    let (shop, conversation) = match notice {
        Notice::HandedOver {
            shop, conversation, ..
        }
        | Notice::TakenOver {
            shop, conversation, ..
        }
        | Notice::MessageReceived {
            shop, conversation, ..
        }
        | Notice::DeliveryFailed {
            shop, conversation, ..
        } => (shop, conversation),
        // A trial is sent at once and stored nowhere.
        Notice::Test { .. } => return Ok(()),
    };
    let now_ms = now_ms();
    let payload =
        serde_json::to_vec(notice).map_err(|error| Error::invalid("notices", error.to_string()))?;
    let sql = "INSERT INTO notice (id, shop, conversation, kind, payload, addressed, created_at_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        NoticeId::from_parts(now_ms, rand::random()).as_str().into(),
        shop.as_str().into(),
        conversation.as_str().into(),
        notice.kind().as_str().into(),
        payload.into(),
        false.into(),
        now_ms.into(),
    ];
    exec(tx, sql, values).await?;
    Ok(())
}

fn decode(row: notice_delivery::Model) -> Result<ToldRow, Error> {
    let corrupt = |what| Error::corrupt(what, &row.id);
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(ToldRow {
        id: row.id.parse().map_err(|_| corrupt("notice_delivery.id"))?,
        notice: row
            .notice
            .parse()
            .map_err(|_| corrupt("notice_delivery.notice"))?,
        shop: ShopId::new(row.shop.clone()).map_err(|_| corrupt("notice_delivery.shop"))?,
        conversation: row
            .conversation
            .parse()
            .map_err(|_| corrupt("notice_delivery.conversation"))?,
        kind: row
            .kind
            .parse()
            .map_err(|_| corrupt("notice_delivery.kind"))?,
        target: row.target.clone(),
        state: DeliveryState::parse(&row.state).ok_or_else(|| corrupt("notice_delivery.state"))?,
        attempt: count(row.attempt),
        attempt_base: count(row.attempt_base),
        due_at_ms: row.due_at_ms,
        outcome: Outcome {
            status: row.status.and_then(|status| u16::try_from(status).ok()),
            cause: row.cause.clone(),
        },
        created_at_ms: row.created_at_ms,
        settled_at_ms: row.settled_at_ms,
    })
}
