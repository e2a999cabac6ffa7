//! `GenerateReply`: the model writes a draft, within a grammar that the evidence admits.

use mercer_schemas::{ChatMessage, EffectId, Input};

use super::generation::{TEMPERATURE, TEMPERATURE_REPAIR, Writing, generate};
use super::{FailureCause, Outcome, Scope};

pub(super) async fn generate_reply(
    scope: Scope<'_>,
    id: EffectId,
    prompt: Vec<ChatMessage>,
    grammar: String,
    tokens_max: u32,
    repair: bool,
) -> Result<Outcome, FailureCause> {
    let writing = Writing {
        messages: prompt,
        grammar,
        tokens_max,
        temperature: if repair {
            TEMPERATURE_REPAIR
        } else {
            TEMPERATURE
        },
        show_sentences: scope.turn.channel.capabilities().shows_sentences,
    };
    let output = generate(scope, &id, writing).await?;
    Ok(Input::ReplyGenerated { effect: id, output }.into())
}
