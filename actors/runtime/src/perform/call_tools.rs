//! `CallTools`: looks up what the plan asks for.

use mercer_commerce::Request;
use mercer_conversation::Lookup;
use mercer_schemas::{EffectId, Input};

use super::look_up::looked_up;
use super::{FailureCause, Outcome, Scope};

pub(super) async fn call_tools(
    scope: Scope<'_>,
    id: EffectId,
    lookup: &Lookup,
) -> Result<Outcome, FailureCause> {
    let services = &scope.context.services;
    let answer = looked_up(scope.context, FailureCause::ToolError, || async {
        let request = Request {
            shop: &scope.view.shop,
            channel: scope.turn.channel,
            address: &scope.turn.address,
            customer: lookup.customer.as_ref(),
            identity: &lookup.identity,
            attempt: &lookup.attempt,
            shown: &lookup.shown,
            found: &lookup.found,
            spoken_of: &lookup.spoken_of,
            told: &lookup.told,
            passages: &lookup.passages,
            plan: &lookup.plan,
            words: &lookup.words,
            hints: lookup.hints,
            is_open: lookup.is_open,
            at_ms: services.clock.now_ms(),
        };
        match services.tools.run(&request).await {
            // Asking again changes nothing.
            Err(mercer_commerce::Error::Call) => Ok(None),
            answer => answer.map(Some),
        }
    })
    .await?
    .ok_or(FailureCause::ToolError)?;
    let input = Input::ToolsAnswered {
        effect: id,
        evidence: answer.evidence,
        identified: answer.identified,
        proof: answer.proof,
    };
    Ok(input.into())
}
