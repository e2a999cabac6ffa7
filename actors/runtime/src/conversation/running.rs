//! The one effect that runs, from its wish in the state to its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mercer_conversation::{open_effect, wanted};
use mercer_schemas::{EffectId, Input};
use ractor::ActorRef;

use super::{Conversation, ConversationMsg};
use crate::journal::{Attached, JournalError};
use crate::perform::{FailureCause, Outcome, TurnView, perform};

/// Times that an answer is worked out again because a record changed under it. A record that
/// changes faster than a reply can be filled is an error worth telling.
pub(super) const STALE_RETRIES_MAX: u32 = 5;

impl Conversation {
    /// Runs the effect that the state wants, and cancels one that it no longer wants.
    pub(super) async fn pursue(
        &mut self,
        myself: &ActorRef<ConversationMsg>,
    ) -> Result<(), JournalError> {
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

    pub(super) async fn answered(
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
            Input::Generated { .. } => "generated",
            Input::ToolsAnswered { .. } => "tools_answered",
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

    /// An effect that crashed us repeatedly is given up; the core goes on with something simpler.
    pub(super) async fn give_up_on_effect(&mut self) -> Result<(), JournalError> {
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
}
