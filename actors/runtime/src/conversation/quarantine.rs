//! Inputs that are set aside, so that the conversation can go on without them.

use mercer_schemas::{Input, Sender};
use mercer_store::{InboxItem, InboxKind, InboxRow, UnreadableRow};

use super::Conversation;
use crate::journal::{Attached, JournalError};

impl Conversation {
    /// Sets rows aside that crashed us, each by itself, again and again.
    pub(super) async fn quarantine(&mut self, rows: &[InboxRow]) -> Result<(), JournalError> {
        tracing::error!(conversation.id = %self.stream().conversation, rows = rows.len(), "input quarantined after repeated crashes");
        let from = rows
            .iter()
            .find(|row| matches!(row.item, InboxItem::Message(_)))
            .map(|row| Sender {
                channel: row.channel,
                address: row.address.clone(),
            });
        let by_person = rows
            .iter()
            .any(|row| matches!(row.item, InboxItem::Command(_)));
        let reason = "processing crashed repeatedly";
        let rows = rows.iter().map(|row| (row.id, reason.to_owned()));
        self.set_aside(rows.collect(), from, by_person).await
    }

    /// Sets rows aside that cannot be read back: another try would read the same.
    pub(super) async fn set_unreadable_aside(
        &mut self,
        rows: &[UnreadableRow],
    ) -> Result<(), JournalError> {
        for row in rows {
            tracing::error!(conversation.id = %self.stream().conversation, inbox.id = row.id, what = row.what, "input cannot be read back; it is quarantined");
        }
        metrics::counter!("mercer_inbox_unreadable_total").increment(rows.len() as u64);
        let sender = |row: &UnreadableRow| {
            let channel = row
                .channel
                .filter(|_| row.kind == Some(InboxKind::Message))?;
            let address = row.address.clone();
            Some(Sender { channel, address })
        };
        let from = rows.iter().find_map(sender);
        // Somebody has to be told, and where no customer can be, that is a person of the shop.
        let by_person = rows
            .iter()
            .any(|row| row.kind != Some(InboxKind::Status) && sender(row).is_none());
        let rows = rows
            .iter()
            .map(|row| (row.id, format!("{} cannot be read", row.what)));
        self.set_aside(rows.collect(), from, by_person).await
    }

    /// Sets rows aside, each with its reason, and goes on without them.
    async fn set_aside(
        &mut self,
        rows: Vec<(i64, String)>,
        from: Option<Sender>,
        by_person: bool,
    ) -> Result<(), JournalError> {
        metrics::counter!("mercer_inbox_quarantined_total").increment(rows.len() as u64);
        let input = Input::Quarantine {
            inbox_ids: rows.iter().map(|(id, _)| *id).collect(),
            from,
            by_person,
        };
        let attached = Attached {
            inbox_quarantined: rows,
            ..Attached::default()
        };
        self.take(input, attached).await
    }
}
