//! Sentences of a reply that are shown while the rest of it is written.

use mercer_commerce::LiveValues;
use mercer_gateway::live::LiveEvent;
use mercer_guardrails::{Draft, check, render};

use super::Scope;
use crate::sentences::Sentences;

/// Shows sentences to watchers of the conversation as they pass the check.
pub(super) struct EarlySentences<'a> {
    scope: Scope<'a>,
    live: LiveValues,
    sentences: Sentences,
}

impl<'a> EarlySentences<'a> {
    /// Reads what sentences are filled with; none is shown where that fails.
    pub(super) async fn begin(scope: Scope<'a>) -> Option<Self> {
        let services = &scope.context.services;
        let live = LiveValues::read(
            &services.store,
            &scope.view.shop,
            &scope.turn.evidence,
            services.clock.now_ms(),
        );
        Some(Self {
            scope,
            live: live.await.ok()?,
            sentences: Sentences::default(),
        })
    }

    /// Takes what the model wrote next.
    pub(super) fn push(&mut self, text: &str) {
        for sentence in self.sentences.push(text) {
            self.show(&sentence);
        }
    }

    /// A sentence that breaks a rule is simply not shown early; the whole reply is checked again.
    fn show(&self, sentence: &str) {
        let Scope {
            context,
            turn,
            view,
        } = self.scope;
        let verdicts = check(sentence, &turn.evidence, turn.words.expose(), &view.policy);
        if verdicts.iter().any(|verdict| !verdict.passed) {
            return;
        }
        let rendered = Draft::parse(sentence)
            .ok()
            .and_then(|draft| render(&draft, &self.live));
        if let Some(reply) = rendered {
            let event = LiveEvent::Sentence {
                turn: turn.id.clone(),
                text: reply.text,
            };
            let live = &context.services.live;
            live.publish(&turn.stream.conversation, event);
        }
    }
}
