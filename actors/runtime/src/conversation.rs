//! The actor of one conversation.
//!
//! Owns the conversation's state and at most one running effect. A wake hint makes it read its
//! open inbox rows; an effect's answer comes back as a message. Every change is committed before
//! the state changes. An error means that the state can no longer be trusted: the actor ends and
//! its partition starts it again from the log.

mod inbox;
mod quarantine;
mod running;
mod taking;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mercer_schemas::{EffectId, Stream, partition_of};
use mercer_store::Lease;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;

use crate::context::Context;
use crate::journal::{Journal, JournalError};
use crate::partition::PartitionMsg;
use crate::perform::Outcome;

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
    /// Crashes since something was last committed, whatever they came of: the wait grows with them.
    pub(crate) failures: AtomicU32,
    /// Those among them that may be the fault of what was worked on. After some of them it is given
    /// up; a database that is away is no reason for that.
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

    fn lease(&self) -> Result<Lease, JournalError> {
        let stream = self.stream();
        self.context
            .lease(partition_of(&stream.shop, &stream.conversation))
            .ok_or(JournalError::LostLease)
    }
}

#[cfg(test)]
mod tests;
