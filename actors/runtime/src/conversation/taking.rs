//! Taking an input, and telling others what follows from it.

use std::sync::atomic::Ordering;

use mercer_gateway::live::LiveEvent;
use mercer_gateway::sender::Working;
use mercer_schemas::{Channel, Event, Input, Personal};

use super::Conversation;
use crate::journal::{Attached, JournalError};

impl Conversation {
    /// Takes an input and tells others what follows from it.
    pub(super) async fn take(
        &mut self,
        input: Input,
        attached: Attached,
    ) -> Result<(), JournalError> {
        let lease = self.lease()?;
        let view = self.context.shops.view(&self.stream().shop).await?;
        let events = match self
            .journal
            .take(&self.context, &lease, &view.settings, input, attached)
            .await
        {
            Ok(events) => events,
            Err(JournalError::Refused(refusal)) => {
                tracing::info!(conversation.id = %self.stream().conversation, %refusal, "input refused");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        // Progress: what crashed before is not what crashes next.
        self.vitals.failures.store(0, Ordering::Relaxed);
        self.vitals.crashes.store(0, Ordering::Relaxed);
        for event in &events {
            self.tell(event);
        }
        Ok(())
    }

    fn tell(&self, event: &Event) {
        match event {
            Event::ReplyQueued { .. } => self.context.outbox_ready.notify_one(),
            Event::TurnExtended { .. } => {
                let live = &self.context.services.live;
                live.publish(&self.stream().conversation, LiveEvent::Restarted);
            }
            Event::TurnEnded { failed, .. } => {
                metrics::counter!("mercer_turns_total").increment(1);
                if *failed {
                    metrics::counter!("mercer_turns_failed_total").increment(1);
                }
            }
            Event::HandedOver { .. } => metrics::counter!("mercer_handoffs_total").increment(1),
            _ => {}
        }
    }

    /// Lets the customer see that an answer is coming. Best effort, never waited for.
    pub(super) fn show_working(&self, channel: Channel) {
        let state = &self.journal.state;
        if state.phase.turn().is_none() {
            return;
        }
        let origin = state.origin.as_ref();
        let work = Working {
            stream: self.stream().clone(),
            channel,
            address: origin.map_or_else(Personal::default, |origin| origin.address.clone()),
            provider_message_id: self.last_provider_id.clone(),
        };
        let channels = self.context.services.channels.clone();
        tokio::spawn(async move { channels.working(&work).await });
    }
}
