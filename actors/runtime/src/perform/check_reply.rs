//! `CheckReply`: the rules over a draft, and its references filled from one fresh read of the stores.

use mercer_commerce::LiveValues;
use mercer_guardrails::{Draft, check, render};
use mercer_schemas::{EffectId, Evidence, Input, Personal, RecordKey, RenderedReply, Verdict};

use super::look_up::looked_up;
use super::{FailureCause, Outcome, Scope};

pub(super) async fn check_reply(
    scope: Scope<'_>,
    id: EffectId,
    draft: &Personal<String>,
    evidence: &[Evidence],
    words: &Personal<String>,
) -> Result<Outcome, FailureCause> {
    let (verdicts, reply, expect_versions) = checked(scope, draft, evidence, words).await?;
    for verdict in &verdicts {
        metrics::counter!(
            "mercer_guardrail_verdicts_total",
            "rule" => verdict.rule.clone(),
            "passed" => if verdict.passed { "true" } else { "false" }
        )
        .increment(1);
    }
    Ok(Outcome {
        input: Input::ReplyChecked {
            effect: id,
            verdicts,
            reply,
        },
        expect_versions,
    })
}

type Checked = (Vec<Verdict>, Option<RenderedReply>, Vec<(RecordKey, i64)>);

/// Checks the draft, then fills it.
async fn checked(
    scope: Scope<'_>,
    draft: &Personal<String>,
    evidence: &[Evidence],
    words: &Personal<String>,
) -> Result<Checked, FailureCause> {
    let Scope { context, view, .. } = scope;
    let mut verdicts = check(draft.expose(), evidence, words.expose(), &view.policy);
    if verdicts.iter().any(|verdict| !verdict.passed) {
        return Ok((verdicts, None, Vec::new()));
    }
    let live = looked_up(context, FailureCause::StoreError, || async {
        let at_ms = context.services.clock.now_ms();
        LiveValues::read(&context.services.store, &view.shop, evidence, at_ms).await
    })
    .await?;
    let reply = Draft::parse(draft.expose())
        .ok()
        .and_then(|draft| render(&draft, &live));
    verdicts.push(Verdict {
        rule: "record_gone".to_owned(),
        passed: reply.is_some(),
    });
    let used: Vec<(RecordKey, i64)> = match &reply {
        Some(reply) => live
            .versions()
            .into_iter()
            .filter(|(key, _)| reply.claims.iter().any(|claim| claim.record == *key))
            .collect(),
        None => Vec::new(),
    };
    Ok((verdicts, reply, used))
}
