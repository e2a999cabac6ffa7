//! The actor of one conversation.
//!
//! Owns the conversation's state and at most one running effect. A wake hint makes it read its
//! open inbox rows; an effect's answer comes back as a message. Every change is committed before
//! the state changes. An error means that the state can no longer be trusted: the actor ends and
//! its partition starts it again from the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mercer_conversation::wanted;
use mercer_gateway::live::LiveEvent;
use mercer_gateway::sender::Working;
use mercer_schemas::{
    Channel, EffectId, Event, InboundMessage, Input, Personal, Sender, Stream, partition_of,
};
use mercer_store::{Command, InboxItem, InboxRow};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;

use crate::context::Context;
use crate::effects::{self, Outcome, Place};
use crate::journal::{Attached, Journal, JournalError};
use crate::partition::PartitionMsg;

/// Times that an answer is worked out again because a record changed under it. A record that
/// changes faster than a reply can be filled is an error worth telling.
const STALE_RETRIES_MAX: u32 = 5;

/// Messages that become one input. More of them make the next one, so that no record of the log is
/// larger than some 300 KB.
const BURST_MESSAGES_MAX: usize = 64;

/// Messages of a conversation's actor.
pub(crate) enum ConversationMsg {
    /// The inbox may have open rows.
    Wake,
    /// An effect answered.
    Answered(EffectId, Outcome),
    /// Leave memory if nothing happened for this long.
    PassivateIfIdle(std::time::Duration),
}

/// Configuration of the actor.
pub(crate) struct ConversationActor {
    pub(crate) context: Context,
    pub(crate) partition: ActorRef<PartitionMsg>,
}

pub(crate) struct Arguments {
    pub(crate) stream: Stream,
    /// Set while a wake hint is in the mailbox, so that there is never more than one.
    pub(crate) hinted: Arc<AtomicBool>,
    /// Crashes of this conversation without progress since.
    pub(crate) crashes: u32,
}

pub(crate) struct ConversationState {
    stream: Stream,
    hinted: Arc<AtomicBool>,
    crashes: u32,
    journal: Option<Journal>,
    running: Option<(EffectId, AbortHandle)>,
    stale_retries: u32,
    last_provider_id: Option<String>,
    active_at: Instant,
}

impl Drop for ConversationState {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.running {
            task.abort();
        }
    }
}

#[ractor::async_trait]
impl Actor for ConversationActor {
    type Msg = ConversationMsg;
    type State = ConversationState;
    type Arguments = Arguments;

    /// Does nothing slow: it runs inside the partition's actor.
    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        args: Arguments,
    ) -> Result<ConversationState, ActorProcessingErr> {
        self.context.live_count.fetch_add(1, Ordering::Relaxed);
        Ok(ConversationState {
            stream: args.stream,
            hinted: args.hinted,
            crashes: args.crashes,
            journal: None,
            running: None,
            stale_retries: 0,
            last_provider_id: None,
            active_at: Instant::now(),
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let started = Instant::now();
        let permit = self.context.store_permit().await;
        state.journal = Some(Journal::load(&self.context, state.stream.clone()).await?);
        self.context.loaded_count.fetch_add(1, Ordering::Relaxed);
        drop(permit);
        metrics::histogram!("mercer_activation_seconds").record(started.elapsed().as_secs_f64());
        if state.crashes >= self.context.config.crashes_max {
            self.give_up_on_effect(state).await?;
        }
        self.pursue(&myself, state).await
    }

    /// A turn that began while the actor was asked to leave goes on in the next one: its inbox rows
    /// are done already, so no poll would find it.
    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        if state
            .journal
            .as_ref()
            .is_some_and(|journal| journal.state.phase.turn().is_some())
        {
            let _ = self
                .partition
                .cast(PartitionMsg::Wake(state.stream.clone()));
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        msg: ConversationMsg,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        match msg {
            ConversationMsg::Wake => {
                // A turn that runs waits for nobody: its answer comes behind this in the mailbox.
                let permit = match state.running {
                    Some(_) => None,
                    None => self.context.store_permit().await,
                };
                state.hinted.store(false, Ordering::Release);
                self.read_inbox(state).await?;
                drop(permit);
                self.pursue(&myself, state).await
            }
            ConversationMsg::Answered(effect, outcome) => {
                self.answered(&myself, state, effect, outcome).await
            }
            ConversationMsg::PassivateIfIdle(idle) => {
                if state.running.is_none() && state.active_at.elapsed() >= idle {
                    let _ = self
                        .partition
                        .cast(PartitionMsg::Idle(state.stream.clone()));
                }
                Ok(())
            }
        }
    }
}

impl ConversationActor {
    /// Takes all open rows in order; a run of messages becomes one input.
    async fn read_inbox(&self, state: &mut ConversationState) -> Result<(), ActorProcessingErr> {
        let inbox = self.context.services.store.inbox();
        let rows = inbox.open(&state.stream).await?;
        if rows.is_empty() {
            return Ok(());
        }
        state.active_at = Instant::now();
        // A partition that went to another node meanwhile is no attempt of this input's.
        let lease = self.lease(&state.stream)?;
        // Counted in its own transaction first, so that a crash of the whole process counts too.
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let attempts = inbox.begin_attempt(&lease, &ids).await?;
        let attempts = attempts.ok_or(JournalError::LostLease)?;
        let poisoned: Vec<i64> = attempts
            .iter()
            .filter(|(_, attempts)| *attempts > self.context.config.crashes_max)
            .map(|(id, _)| *id)
            .collect();
        mercer_store::crash_point("inbox_read");
        if !poisoned.is_empty() {
            let from = rows
                .iter()
                .find(|row| poisoned.contains(&row.id) && matches!(row.item, InboxItem::Message(_)))
                .map(|row| Sender {
                    channel: row.channel,
                    address: row.address.clone(),
                });
            self.quarantine(state, poisoned.clone(), from).await?;
        }
        let mut burst: Vec<InboxRow> = Vec::new();
        for row in rows.into_iter().filter(|row| !poisoned.contains(&row.id)) {
            if matches!(row.item, InboxItem::Message(_)) {
                burst.push(row);
                if burst.len() == BURST_MESSAGES_MAX {
                    self.take_burst(state, std::mem::take(&mut burst)).await?;
                }
                continue;
            }
            self.take_burst(state, std::mem::take(&mut burst)).await?;
            self.take_row(state, row).await?;
        }
        self.take_burst(state, burst).await
    }

    async fn take_burst(
        &self,
        state: &mut ConversationState,
        rows: Vec<InboxRow>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let (channel, address) = (first.channel, first.address.clone());
        state.last_provider_id = rows.last().map(|row| row.provider_id.clone());
        let inbox_done: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let messages: Vec<InboundMessage> = rows
            .into_iter()
            .filter_map(|row| match row.item {
                InboxItem::Message(message) => Some(message),
                _ => None,
            })
            .collect();
        let input = Input::ReceiveMessages {
            channel,
            address,
            messages,
        };
        self.take(
            state,
            input,
            Attached {
                inbox_done,
                ..Attached::default()
            },
        )
        .await?;
        mercer_store::crash_point("turn_started");
        self.show_working(state, channel);
        Ok(())
    }

    async fn take_row(
        &self,
        state: &mut ConversationState,
        row: InboxRow,
    ) -> Result<(), ActorProcessingErr> {
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
                        &state.stream.shop,
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
                    _ => return self.finish(state, attached).await,
                }
            }
            InboxItem::Command(Command::TakeOver { by }) => Input::TakeOver { by },
            InboxItem::Command(Command::Answer { by, text }) => Input::AnswerAsPerson { by, text },
            InboxItem::Command(Command::HandBack { by }) => Input::HandBack { by },
        };
        self.take(state, input, attached).await
    }

    /// Marks rows done that no decision follows from.
    async fn finish(
        &self,
        state: &mut ConversationState,
        attached: Attached,
    ) -> Result<(), ActorProcessingErr> {
        let lease = self.lease(&state.stream)?;
        let Some(journal) = &mut state.journal else {
            return Err("conversation is not loaded".into());
        };
        Ok(journal.finish(&self.context, &lease, attached).await?)
    }

    async fn quarantine(
        &self,
        state: &mut ConversationState,
        inbox_ids: Vec<i64>,
        from: Option<Sender>,
    ) -> Result<(), ActorProcessingErr> {
        tracing::error!(conversation.id = %state.stream.conversation, rows = inbox_ids.len(), "input quarantined after repeated crashes");
        metrics::counter!("mercer_inbox_quarantined_total").increment(inbox_ids.len() as u64);
        let reason = "processing crashed repeatedly".to_owned();
        let attached = Attached {
            inbox_quarantined: inbox_ids.iter().map(|id| (*id, reason.clone())).collect(),
            ..Attached::default()
        };
        self.take(state, Input::Quarantine { inbox_ids, from }, attached)
            .await
    }

    /// An effect that crashed us repeatedly is given up; the core goes on with something simpler.
    async fn give_up_on_effect(
        &self,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let Some(journal) = &state.journal else {
            return Ok(());
        };
        let view = self.context.shops.view(&state.stream.shop).await?;
        if let Some(effect) = wanted(&journal.state, &view.settings) {
            let input = Input::EffectFailed {
                effect: effect.id().clone(),
                cause: "crashes".to_owned(),
            };
            self.take(state, input, Attached::default()).await?;
        }
        Ok(())
    }

    /// Takes an input and tells others what follows from it.
    async fn take(
        &self,
        state: &mut ConversationState,
        input: Input,
        attached: Attached,
    ) -> Result<(), ActorProcessingErr> {
        let lease = self.lease(&state.stream)?;
        let view = self.context.shops.view(&state.stream.shop).await?;
        let Some(journal) = &mut state.journal else {
            return Err("conversation is not loaded".into());
        };
        let events = match journal
            .take(&self.context, &lease, &view.settings, input, attached)
            .await
        {
            Ok(events) => events,
            Err(JournalError::Refused(refusal)) => {
                tracing::info!(conversation.id = %state.stream.conversation, %refusal, "input refused");
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        state.crashes = 0;
        for event in &events {
            match event {
                Event::ReplyQueued { .. } => self.context.outbox_ready.notify_one(),
                Event::TurnExtended { .. } => {
                    self.context
                        .services
                        .live
                        .publish(&state.stream.conversation, LiveEvent::Restarted);
                }
                Event::TurnEnded { .. } => metrics::counter!("mercer_turns_total").increment(1),
                Event::HandedOver { .. } => metrics::counter!("mercer_handoffs_total").increment(1),
                _ => {}
            }
        }
        Ok(())
    }

    async fn answered(
        &self,
        myself: &ActorRef<ConversationMsg>,
        state: &mut ConversationState,
        effect: EffectId,
        outcome: Outcome,
    ) -> Result<(), ActorProcessingErr> {
        if state
            .running
            .as_ref()
            .is_none_or(|(running, _)| *running != effect)
        {
            return Ok(());
        }
        state.running = None;
        state.active_at = Instant::now();
        mercer_store::crash_point(match outcome.input {
            Input::PlanGenerated { .. } => "plan_generated",
            Input::ToolsAnswered { .. } => "tools_answered",
            Input::ReplyGenerated { .. } => "reply_generated",
            Input::ReplyChecked { .. } => "reply_checked",
            _ => "effect_failed",
        });
        let attached = Attached {
            expect_versions: outcome.expect_versions,
            ..Attached::default()
        };
        let taken = self.take(state, outcome.input, attached).await;
        match taken {
            Err(error) if is_stale(&error) && state.stale_retries < STALE_RETRIES_MAX => {
                // A price or a policy changed between reading and committing: read again.
                state.stale_retries += 1;
                metrics::counter!("mercer_stale_replies_total").increment(1);
            }
            Err(error) if is_stale(&error) => {
                let input = Input::EffectFailed {
                    effect,
                    cause: "stale".to_owned(),
                };
                self.take(state, input, Attached::default()).await?;
            }
            other => {
                state.stale_retries = 0;
                other?;
            }
        }
        self.pursue(myself, state).await
    }

    /// Runs the effect that the state wants, and cancels one that it no longer wants.
    async fn pursue(
        &self,
        myself: &ActorRef<ConversationMsg>,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let Some(journal) = &state.journal else {
            return Ok(());
        };
        let view = self.context.shops.view(&state.stream.shop).await?;
        let effect = wanted(&journal.state, &view.settings);
        if let Some((running, task)) = &state.running {
            if effect.as_ref().is_some_and(|effect| effect.id() == running) {
                return Ok(());
            }
            // Dropping the generation frees its slot within one step.
            task.abort();
            state.running = None;
        }
        let (Some(effect), Some(place)) = (effect, Place::of(&state.stream, &journal.state)) else {
            return Ok(());
        };
        let id = effect.id().clone();
        let work = tokio::spawn(effects::perform(
            Arc::clone(&self.context),
            place,
            view,
            effect,
        ));
        let abort = work.abort_handle();
        let (conversation, effect_id) = (myself.clone(), id.clone());
        tokio::spawn(async move {
            let outcome = match work.await {
                Ok(outcome) => outcome,
                Err(error) if error.is_cancelled() => return,
                Err(_) => {
                    tracing::error!(effect.id = %effect_id, "effect panicked");
                    Input::EffectFailed {
                        effect: effect_id.clone(),
                        cause: "panic".to_owned(),
                    }
                    .into()
                }
            };
            let _ = conversation.cast(ConversationMsg::Answered(effect_id, outcome));
        });
        state.running = Some((id, abort));
        Ok(())
    }

    /// Lets the customer see that an answer is coming. Best effort, never waited for.
    fn show_working(&self, state: &ConversationState, channel: Channel) {
        let Some(journal) = &state.journal else {
            return;
        };
        if journal.state.phase.turn().is_none() {
            return;
        }
        let address = journal
            .state
            .origin
            .as_ref()
            .map_or_else(Personal::default, |origin| origin.address.clone());
        let work = Working {
            stream: state.stream.clone(),
            channel,
            address,
            provider_message_id: state.last_provider_id.clone(),
        };
        let channels = self.context.services.channels.clone();
        tokio::spawn(async move { channels.working(&work).await });
    }

    fn lease(&self, stream: &Stream) -> Result<mercer_store::Lease, ActorProcessingErr> {
        let partition = partition_of(&stream.shop, &stream.conversation);
        self.context
            .lease(partition)
            .ok_or_else(|| JournalError::LostLease.into())
    }
}

fn is_stale(error: &ActorProcessingErr) -> bool {
    matches!(
        error.downcast_ref::<JournalError>(),
        Some(JournalError::Stale)
    )
}
