//! The actor of one conversation.
//!
//! Owns the conversation's state and at most one running effect. A wake hint makes it read its
//! open inbox rows; an effect's answer comes back as a message. Every change is committed before
//! the state changes. An error means that the state can no longer be trusted: the actor ends and
//! its partition starts it again from the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mercer_conversation::{open_effect, wanted};
use mercer_gateway::live::LiveEvent;
use mercer_gateway::sender::Working;
use mercer_schemas::{
    Channel, EffectId, Event, InboundMessage, Input, Personal, Sender, Stream, partition_of,
};
use mercer_store::{Command, InboxItem, InboxKind, InboxRow, Lease, OpenRows, UnreadableRow};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;

use crate::context::Context;
use crate::journal::{Attached, Journal, JournalError};
use crate::partition::PartitionMsg;
use crate::perform::{FailureCause, Outcome, TurnView, perform};

/// Times that an answer is worked out again because a record changed under it. A record that
/// changes faster than a reply can be filled is an error worth telling.
pub(crate) const STALE_RETRIES_MAX: u32 = 5;

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
    PassivateIfIdle(Duration),
}

/// What a partition and a conversation's actor know of each other. It outlives the actor's crash.
#[derive(Default)]
pub(crate) struct Vitals {
    /// Set while a wake hint is in the mailbox, so that there is never more than one.
    pub(crate) hinted: AtomicBool,
    /// Crashes since something was last committed.
    pub(crate) crashes: AtomicU32,
    /// Set while an effect is begun or its answer taken: a crash then is the effect's, and not that
    /// of an inbox row or of the log.
    pursuing: AtomicBool,
}

/// Configuration of the actor.
pub(crate) struct ConversationActor {
    pub(crate) context: Context,
    pub(crate) partition: ActorRef<PartitionMsg>,
}

pub(crate) struct Arguments {
    pub(crate) stream: Stream,
    pub(crate) vitals: Arc<Vitals>,
}

pub(crate) struct ConversationState {
    arguments: Arguments,
    /// None until it is loaded: the partition would have to wait for that.
    conversation: Option<Conversation>,
}

/// A loaded conversation.
struct Conversation {
    context: Context,
    vitals: Arc<Vitals>,
    journal: Journal,
    running: Option<(EffectId, AbortHandle)>,
    stale_retries: u32,
    last_provider_id: Option<String>,
    active_at: Instant,
}

impl Drop for Conversation {
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
        arguments: Arguments,
    ) -> Result<ConversationState, ActorProcessingErr> {
        self.context.live_count.fetch_add(1, Ordering::Relaxed);
        Ok(ConversationState {
            arguments,
            conversation: None,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let effect_crashed = state
            .arguments
            .vitals
            .pursuing
            .swap(false, Ordering::Relaxed);
        let conversation = Conversation::load(&self.context, &state.arguments).await?;
        let conversation = state.conversation.insert(conversation);
        if effect_crashed {
            conversation.give_up_on_effect().await?;
        }
        Ok(conversation.pursue(&myself).await?)
    }

    /// A turn that began while the actor was asked to leave goes on in the next one: its inbox rows
    /// are done already, so no poll would find it.
    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let conversation = state.conversation.as_ref();
        if conversation.is_some_and(|it| it.journal.state.phase.turn().is_some()) {
            let stream = state.arguments.stream.clone();
            let _ = self.partition.cast(PartitionMsg::Wake(stream));
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        msg: ConversationMsg,
        state: &mut ConversationState,
    ) -> Result<(), ActorProcessingErr> {
        let Some(conversation) = &mut state.conversation else {
            return Err("conversation is not loaded".into());
        };
        match msg {
            ConversationMsg::Wake => conversation.wake(&myself).await?,
            ConversationMsg::Answered(effect, outcome) => {
                conversation.answered(&myself, effect, outcome).await?;
            }
            ConversationMsg::PassivateIfIdle(idle) => {
                if conversation.is_idle_for(idle) {
                    let stream = state.arguments.stream.clone();
                    let _ = self.partition.cast(PartitionMsg::Idle(stream));
                }
            }
        }
        Ok(())
    }
}

impl Conversation {
    async fn load(context: &Context, arguments: &Arguments) -> Result<Self, JournalError> {
        let started = context.timer.now();
        let permit = context.store_permit().await;
        let journal = Journal::load(context, arguments.stream.clone()).await?;
        context.loaded_count.fetch_add(1, Ordering::Relaxed);
        drop(permit);
        let took = context.timer.now() - started;
        metrics::histogram!("mercer_activation_seconds").record(took.as_secs_f64());
        Ok(Self {
            context: Arc::clone(context),
            vitals: Arc::clone(&arguments.vitals),
            journal,
            running: None,
            stale_retries: 0,
            last_provider_id: None,
            active_at: context.timer.now(),
        })
    }

    fn stream(&self) -> &Stream {
        &self.journal.stream
    }

    fn is_idle_for(&self, idle: Duration) -> bool {
        self.running.is_none() && self.context.timer.now() - self.active_at >= idle
    }

    async fn wake(&mut self, myself: &ActorRef<ConversationMsg>) -> Result<(), JournalError> {
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
        let input = Input::ReceiveMessages {
            channel,
            address,
            messages,
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

    /// Sets rows aside that crashed us, each by itself, again and again.
    async fn quarantine(&mut self, rows: &[InboxRow]) -> Result<(), JournalError> {
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
    async fn set_unreadable_aside(&mut self, rows: &[UnreadableRow]) -> Result<(), JournalError> {
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

    /// An effect that crashed us repeatedly is given up; the core goes on with something simpler.
    async fn give_up_on_effect(&mut self) -> Result<(), JournalError> {
        let crashes = self.vitals.crashes.load(Ordering::Relaxed);
        if !self.context.config.gives_up_after(crashes) {
            return Ok(());
        }
        match open_effect(&self.journal.state.phase) {
            Some(effect) => {
                let input = FailureCause::Crashes.input(effect);
                self.take(input, Attached::default()).await
            }
            None => Ok(()),
        }
    }

    /// Takes an input and tells others what follows from it.
    async fn take(&mut self, input: Input, attached: Attached) -> Result<(), JournalError> {
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

    async fn answered(
        &mut self,
        myself: &ActorRef<ConversationMsg>,
        effect: EffectId,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let awaited = self.running.as_ref();
        if awaited.is_none_or(|(running, _)| *running != effect) {
            return Ok(());
        }
        self.running = None;
        self.active_at = self.context.timer.now();
        self.vitals.pursuing.store(true, Ordering::Relaxed);
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
        match self.take(outcome.input, attached).await {
            Err(JournalError::Stale) if self.stale_retries < STALE_RETRIES_MAX => {
                // A price or a policy changed between reading and committing: read again.
                self.stale_retries += 1;
                metrics::counter!("mercer_stale_replies_total").increment(1);
            }
            Err(JournalError::Stale) => {
                self.stale_retries = 0;
                let input = FailureCause::Stale.input(effect);
                self.take(input, Attached::default()).await?;
            }
            taken => {
                self.stale_retries = 0;
                taken?;
            }
        }
        self.pursue(myself).await
    }

    /// Runs the effect that the state wants, and cancels one that it no longer wants.
    async fn pursue(&mut self, myself: &ActorRef<ConversationMsg>) -> Result<(), JournalError> {
        self.vitals.pursuing.store(true, Ordering::Relaxed);
        self.run_what_is_wanted(myself).await?;
        self.vitals.pursuing.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn run_what_is_wanted(
        &mut self,
        myself: &ActorRef<ConversationMsg>,
    ) -> Result<(), JournalError> {
        let state = &self.journal.state;
        let open = open_effect(&state.phase);
        if let Some((running, task)) = &self.running {
            if open.as_ref() == Some(running) {
                return Ok(());
            }
            // Dropping the generation frees its slot within one step.
            task.abort();
            self.running = None;
        }
        if open.is_none() {
            return Ok(());
        }
        let view = self.context.shops.view(&self.stream().shop).await?;
        let effect = wanted(&self.journal.state, &view.settings);
        let turn = TurnView::of(self.stream(), &self.journal.state);
        let (Some(effect), Some(turn)) = (effect, turn) else {
            return Ok(());
        };
        let id = effect.id().clone();
        let context = Arc::clone(&self.context);
        let work = tokio::spawn(perform(context, turn, view, effect));
        let abort = work.abort_handle();
        let (conversation, effect_id) = (myself.clone(), id.clone());
        tokio::spawn(async move {
            let outcome = match work.await {
                Ok(outcome) => outcome,
                Err(error) if error.is_cancelled() => return,
                Err(_) => {
                    tracing::error!(effect.id = %effect_id, "effect panicked");
                    FailureCause::Panic.input(effect_id.clone()).into()
                }
            };
            let _ = conversation.cast(ConversationMsg::Answered(effect_id, outcome));
        });
        self.running = Some((id, abort));
        Ok(())
    }

    /// Lets the customer see that an answer is coming. Best effort, never waited for.
    fn show_working(&self, channel: Channel) {
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

    fn lease(&self) -> Result<Lease, JournalError> {
        let stream = self.stream();
        self.context
            .lease(partition_of(&stream.shop, &stream.conversation))
            .ok_or(JournalError::LostLease)
    }
}

#[cfg(test)]
mod tests;
