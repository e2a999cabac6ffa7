//! Sentences of a reply that are shown while the rest of it is written.

use mercer_commerce::LiveValues;
use mercer_gateway::live::LiveEvent;
use mercer_guardrails::{Draft, check, render};
use mercer_schemas::Plan;

use super::Scope;
use crate::sentences::Sentences;

/// Shows sentences to watchers of the conversation as they pass the check.
pub(super) struct EarlySentences<'a> {
    scope: Scope<'a>,
    written: Written,
}

/// What the model has written so far.
enum Written {
    /// Too little to tell calls from a reply.
    Begun(String),
    /// A reply, with what its sentences are filled with.
    Reply(LiveValues, Sentences),
    /// Nothing that is shown: calls, or nobody watches.
    Hidden,
}

impl<'a> EarlySentences<'a> {
    /// Begins; without `show`, nothing is shown.
    pub(super) fn new(scope: Scope<'a>, show: bool) -> Self {
        let written = if show {
            Written::Begun(String::new())
        } else {
            Written::Hidden
        };
        Self { scope, written }
    }

    /// Takes what the model wrote next.
    pub(super) async fn push(&mut self, text: &str) {
        let begun = match &mut self.written {
            Written::Begun(begun) => begun,
            Written::Reply(live, sentences) => {
                for sentence in sentences.push(text) {
                    show(self.scope, live, &sentence);
                }
                return;
            }
            Written::Hidden => return,
        };
        begun.push_str(text);
        if Plan::is_begun_by(begun) {
            self.written = Written::Hidden;
        } else if !Plan::may_be_begun_by(begun) {
            let begun = std::mem::take(begun);
            self.begin_reply(&begun).await;
        }
    }

    /// Reads what sentences are filled with; none is shown where that fails.
    async fn begin_reply(&mut self, text: &str) {
        let Scope {
            context,
            turn,
            view,
        } = self.scope;
        let services = &context.services;
        let at_ms = services.clock.now_ms();
        let live = LiveValues::read(&services.store, &view.shop, &turn.evidence, at_ms);
        let Ok(live) = live.await else {
            self.written = Written::Hidden;
            return;
        };
        let mut sentences = Sentences::default();
        for sentence in sentences.push(text) {
            show(self.scope, &live, &sentence);
        }
        self.written = Written::Reply(live, sentences);
    }
}

/// A sentence that breaks a rule is simply not shown early; the whole reply is checked again.
fn show(scope: Scope<'_>, live: &LiveValues, sentence: &str) {
    let Scope {
        context,
        turn,
        view,
    } = scope;
    let verdicts = check(sentence, &turn.evidence, turn.words.expose(), &view.policy);
    if verdicts.iter().any(|verdict| !verdict.passed) {
        return;
    }
    let rendered = Draft::parse(sentence)
        .ok()
        .and_then(|draft| render(&draft, live));
    if let Some(reply) = rendered {
        let event = LiveEvent::Sentence {
            turn: turn.id.clone(),
            text: reply.text,
        };
        let watchers = &context.services.live;
        watchers.publish(&turn.stream.conversation, event);
    }
}
