//! Whether the channel still lets the shop write: WhatsApp takes a free answer for a day after the
//! customer's last message, and a template from then on.

use mercer_schemas::{ConversationId, Stream};

use super::find;
use crate::Admin;
use crate::auth::Caller;
use crate::problem::{Kind, Problem};

/// Refuses an answer that the platform would refuse, so that nobody takes it for sent.
pub(super) async fn check(
    admin: &Admin,
    caller: &Caller,
    conversation: &ConversationId,
) -> Result<(), Problem> {
    let row = find(admin, caller, conversation).await?;
    let Some(window_ms) = row.channel.capabilities().answer_window_ms else {
        return Ok(());
    };
    let stream = Stream {
        shop: caller.shop_id().clone(),
        conversation: row.id,
    };
    let wrote_at_ms = admin.store.inbox().last_message_ms(&stream).await?;
    match wrote_at_ms.map(|wrote_at_ms| wrote_at_ms.saturating_add(window_ms)) {
        Some(closes_at_ms) if crate::now_ms() < closes_at_ms => Ok(()),
        Some(closed_at_ms) => Err(closed(format!(
            "the customer's last message is too long ago: the channel took answers until {closed_at_ms} \
             (UTC milliseconds), and takes none before the customer writes again"
        ))),
        // Its messages are so old that they are not kept any more.
        None => Err(closed(
            "the customer's last message is too long ago: the channel takes no answers before the \
             customer writes again"
                .to_owned(),
        )),
    }
}

fn closed(detail: String) -> Problem {
    Problem::new(Kind::WindowClosed, detail)
}
