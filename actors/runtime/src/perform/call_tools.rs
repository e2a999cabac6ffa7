//! `CallTools`: looks up what the plan asks for.

use mercer_commerce::Request;
use mercer_schemas::{
    CustomerId, DocumentId, EffectId, Handle, Identity, Input, Personal, Plan, RecordKey,
};

use super::look_up::looked_up;
use super::{FailureCause, Outcome, Scope};

#[expect(
    clippy::too_many_arguments,
    reason = "what the effect holds, and where it runs"
)]
pub(super) async fn call_tools(
    scope: Scope<'_>,
    id: EffectId,
    plan: Plan,
    words: Personal<String>,
    shown: Vec<(Handle, RecordKey)>,
    spoken_of: Vec<DocumentId>,
    customer: Option<CustomerId>,
    identity: Identity,
) -> Result<Outcome, FailureCause> {
    let services = &scope.context.services;
    let answer = looked_up(scope.context, FailureCause::ToolError, || async {
        let request = Request {
            shop: &scope.view.shop,
            channel: scope.turn.channel,
            address: &scope.turn.address,
            customer: customer.as_ref(),
            identity: &identity,
            attempt: id.as_str(),
            shown: &shown,
            spoken_of: &spoken_of,
            plan: &plan,
            words: &words,
            at_ms: services.clock.now_ms(),
        };
        services.tools.run(&request).await
    })
    .await?;
    let input = Input::ToolsAnswered {
        effect: id,
        evidence: answer.evidence,
        identified: answer.identified,
        proof: answer.proof,
    };
    Ok(input.into())
}
