//! What came in: attempts at open inbox rows, and what each row asks for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mercer_schemas::{InboundMessage, Input};
use mercer_store::{Command, InboxItem, InboxRow, OpenRows};
use ractor::ActorRef;

use super::{Conversation, ConversationMsg};
use crate::journal::{Attached, JournalError};

/// Messages that become one input. More of them make the next one, so that no record of the log is
/// larger than some 300 KB.
const BURST_MESSAGES_MAX: usize = 64;

impl Conversation {
    pub(super) async fn wake(
        &mut self,
        myself: &ActorRef<ConversationMsg>,
    ) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        // A turn that runs waits for nobody: its answer comes behind this in the mailbox.
        let permit = match self.running {
            Some(_) => None,
            None => context.store_permit().await,
        };
        self.vitals.hinted.store(false, Ordering::Release);
        self.read_inbox().await?;
        drop(permit);
        self.pursue(myself).await
    }

    /// Takes all open rows in order; a run of messages becomes one input.
    async fn read_inbox(&mut self) -> Result<(), JournalError> {
        let inbox = self.context.services.store.inbox();
        let OpenRows {
            mut rows,
            unreadable,
        } = inbox.open(self.stream()).await?;
        if rows.is_empty() && unreadable.is_empty() {
            return Ok(());
        }
        self.active_at = self.context.timer.now();
        // A partition that went to another node meanwhile is no attempt of this input's.
        self.lease()?;
        self.take_back_attempts(&mut rows).await?;
        if !unreadable.is_empty() {
            self.set_unreadable_aside(&unreadable).await?;
        }
        let config = &self.context.config;
        let (poisonous, rows): (Vec<InboxRow>, Vec<InboxRow>) = rows
            .into_iter()
            .partition(|row| config.gives_up_after(row.attempts));
        if !poisonous.is_empty() {
            self.quarantine(&poisonous).await?;
        }
        if rows.iter().all(|row| row.attempts == 0) {
            return self.attempt(rows).await;
        }
        // Something among these has crashed us. One by one the next crash counts against it alone,
        // and what comes before it is done.
        for row in rows {
            self.attempt(vec![row]).await?;
        }
        Ok(())
    }

    /// Takes back attempts that the database ended: they say nothing of the rows.
    async fn take_back_attempts(&self, rows: &mut [InboxRow]) -> Result<(), JournalError> {
        let uncounted = &self.context.uncounted;
        let before = uncounted.of(self.stream());
        if before.is_empty() {
            return Ok(());
        }
        let mut theirs = Vec::new();
        for row in rows {
            if let Some(attempts) = before.get(&row.id)
                && row.attempts == attempts + 1
            {
                row.attempts = *attempts;
                theirs.push((row.id, *attempts));
            }
        }
        let inbox = self.context.services.store.inbox();
        if !inbox.take_back_attempt(&self.lease()?, &theirs).await? {
            return Err(JournalError::LostLease);
        }
        uncounted.forget(self.stream());
        Ok(())
    }

    /// Counts an attempt and makes it. One that the database ends is remembered, so that it does
    /// not count.
    async fn attempt(&mut self, rows: Vec<InboxRow>) -> Result<(), JournalError> {
        let before: Vec<(i64, u32)> = rows.iter().map(|row| (row.id, row.attempts)).collect();
        let made = self.count_and_process(rows).await;
        if made.as_ref().is_err_and(JournalError::is_circumstance) {
            self.context.uncounted.remember(self.stream(), before);
        }
        made
    }

    async fn count_and_process(&mut self, rows: Vec<InboxRow>) -> Result<(), JournalError> {
        // Counted in its own transaction first, so that a crash of the whole process counts too.
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let inbox = self.context.services.store.inbox();
        let begun = inbox.begin_attempt(&self.lease()?, &ids).await?;
        begun.ok_or(JournalError::LostLease)?;
        mercer_store::crash_point("inbox_read");
        let mut burst: Vec<InboxRow> = Vec::new();
        for row in rows {
            if matches!(row.item, InboxItem::Message(_)) {
                burst.push(row);
                if burst.len() == BURST_MESSAGES_MAX {
                    self.take_burst(std::mem::take(&mut burst)).await?;
                }
                continue;
            }
            self.take_burst(std::mem::take(&mut burst)).await?;
            self.take_row(row).await?;
        }
        self.take_burst(burst).await
    }

    async fn take_burst(&mut self, rows: Vec<InboxRow>) -> Result<(), JournalError> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let (channel, address) = (first.channel, first.address.clone());
        self.last_provider_id = rows.last().map(|row| row.provider_id.clone());
        let inbox_done: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let messages: Vec<InboundMessage> = rows
            .into_iter()
            .filter_map(|row| match row.item {
                InboxItem::Message(message) => Some(message),
                _ => None,
            })
            .collect();
        let view = self.context.shops.view(&self.stream().shop).await?;
        let now_ms = self.context.services.clock.now_ms();
        // They are too long to stand in the log with every message.
        let state = &self.journal.state;
        let terms = state.to_learn(view.terms.as_deref(), now_ms).cloned();
        let input = Input::ReceiveMessages {
            channel,
            address,
            messages,
            terms,
        };
        let attached = Attached {
            inbox_done,
            ..Attached::default()
        };
        self.take(input, attached).await?;
        mercer_store::crash_point("turn_started");
        self.show_working(channel);
        Ok(())
    }

    async fn take_row(&mut self, row: InboxRow) -> Result<(), JournalError> {
        let attached = Attached {
            inbox_done: vec![row.id],
            ..Attached::default()
        };
        let input = match row.item {
            InboxItem::Message(_) => return Ok(()),
            InboxItem::Status {
                message,
                part,
                provider_message_id,
                status,
                ..
            } => {
                let outbox = self.context.services.store.outbox();
                let reported = outbox
                    .report(
                        &self.stream().shop,
                        message.as_ref(),
                        part,
                        &provider_message_id,
                        status,
                    )
                    .await?;
                match reported.map(|reported| (reported.message, reported.status)) {
                    Some((message, Some(status))) => Input::DeliveryReported { message, status },
                    // A report on a message that is not ours, or on a part while others are not
                    // known to be out: nothing follows from it.
                    _ => {
                        let lease = self.lease()?;
                        return self.journal.finish(&self.context, &lease, attached).await;
                    }
                }
            }
            InboxItem::Command(Command::TakeOver { by }) => Input::TakeOver { by },
            InboxItem::Command(Command::Answer { by, text }) => Input::AnswerAsPerson { by, text },
            InboxItem::Command(Command::HandBack { by }) => Input::HandBack { by },
        };
        self.take(input, attached).await
    }
}
