//! Whether the channel still lets the shop write: WhatsApp takes a free answer for a day after the
//! customer's last message, and a template from then on.

use mercer_schemas::{Channel, Stream};

use crate::Admin;
use crate::problem::{Kind, Problem};

/// Refuses an answer that the platform would refuse, so that nobody takes it for sent.
pub(super) async fn refusal(
    admin: &Admin,
    stream: &Stream,
    channel: Channel,
) -> Result<Option<Problem>, Problem> {
    let Some(window_ms) = channel.capabilities().answer_window_ms else {
        return Ok(None);
    };
    let wrote_at_ms = admin.store.inbox().last_message_ms(stream).await?;
    let detail = match wrote_at_ms.map(|wrote_at_ms| wrote_at_ms.saturating_add(window_ms)) {
        Some(closes_at_ms) if crate::now_ms() < closes_at_ms => return Ok(None),
        Some(closed_at_ms) => format!(
            "the customer's last message is too long ago: the channel took answers until {closed_at_ms} \
             (UTC milliseconds), and takes none before the customer writes again"
        ),
        // It is so old that it is not kept any more.
        None => "the customer's last message is too long ago: the channel takes no answers before \
                 the customer writes again"
            .to_owned(),
    };
    Ok(Some(Problem::new(Kind::WindowClosed, detail)))
}
