//! `Generate`: the model writes calls or the reply, within a grammar that likely intents narrow.

use std::time::Duration;

use mercer_conversation::grammar::TurnGrammar;
use mercer_conversation::intent::IntentQuestion;
use mercer_schemas::{ChatMessage, EffectId, Input, Intent, PromptStyle};

use super::generation::{TEMPERATURE, TEMPERATURE_REPAIR, Writing, generation};
use super::{FailureCause, Outcome, Scope};
use crate::timer::within;

/// Longest wait for the intent classifier: an import may keep its embedder busy.
const INTENTS_MAX: Duration = Duration::from_secs(1);

pub(super) async fn generate(
    scope: Scope<'_>,
    id: EffectId,
    prompt: Vec<ChatMessage>,
    grammar: TurnGrammar,
    question: Option<IntentQuestion>,
    tokens_max: u32,
    repair: bool,
) -> Result<Outcome, FailureCause> {
    let intents = match question {
        Some(question) => likely_intents(scope, &question).await,
        None => Vec::new(),
    };
    let writing = Writing {
        messages: prompt,
        grammar: grammar.lark(&intents),
        tokens_max,
        temperature: if repair {
            TEMPERATURE_REPAIR
        } else {
            TEMPERATURE
        },
        show_sentences: scope.turn.channel.capabilities().shows_sentences,
    };
    let output = generation(scope, &id, writing).await?;
    let input = Input::Generated {
        effect: id,
        output,
        intents,
    };
    Ok(input.into())
}

/// Asks the classifier, if there is one, which intents the first calls should be narrowed to. A model that
/// was not trained on our prompts calls better than the classifier does and is left alone.
async fn likely_intents(scope: Scope<'_>, question: &IntentQuestion) -> Vec<Intent> {
    let context = scope.context;
    let Some(classifier) = &context.services.intents else {
        return Vec::new();
    };
    if scope.view.settings.prompt_style != PromptStyle::Compact {
        return Vec::new();
    }
    let likely = classifier.likely(&question.words, &question.features);
    match within(&*context.timer, INTENTS_MAX, likely).await {
        Some(Ok(intents)) => return intents,
        Some(Err(error)) => {
            tracing::warn!(%error, "intent classifier failed; the calls are not narrowed");
        }
        None => tracing::warn!("intent classifier is late; the calls are not narrowed"),
    }
    Vec::new()
}
