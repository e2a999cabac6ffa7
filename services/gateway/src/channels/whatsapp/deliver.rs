//! Sending through the Graph API, and telling how it ended.
//!
//! Meta has no idempotency key for messages, so an attempt whose end was not seen stays unknown:
//! the status report that carries our id of the part (`biz_opaque_callback_data`) settles it.

use std::time::Duration;

use mercer_schemas::OutboundMessage;
use mercer_store::{OutboxRow, Part};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{WhatsAppConfig, callback};
use crate::sender::{SendOutcome, Working, rejected};

/// Most milliseconds to reach the Graph API. A connection that was not made has sent nothing.
const CONNECT_TIMEOUT_MS: u64 = 5_000;
/// Most milliseconds for a read mark; it is not worth waiting for longer.
const MARK_TIMEOUT_MS: u64 = 5_000;
/// Most bytes of an answer that are read. Meta's are below 1 kB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest pause that is asked for, by Meta or by us.
const PAUSE_MS_MAX: u64 = 60_000;
/// Pause after "pair rate limit": one message every 6 s to the same user.
/// Source: Meta, "Error codes" 131056 and "Throughput".
const PAIR_RATE_MS: u64 = 6_000;

/// Calls the Graph API.
pub(super) struct GraphApi {
    client: reqwest::Client,
}

impl GraphApi {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .build()?;
        Ok(Self { client })
    }

    fn post(
        &self,
        account: &WhatsAppConfig,
        body: &Value,
        timeout_ms: u64,
    ) -> reqwest::RequestBuilder {
        let url = format!(
            "{}/{}/{}/messages",
            account.graph_base_url.trim_end_matches('/'),
            account.graph_version,
            account.phone_number_id,
        );
        self.client
            .post(url)
            .bearer_auth(account.access_token.expose())
            .timeout(Duration::from_millis(timeout_ms))
            .json(body)
    }

    /// Makes one attempt to send a part of a message.
    pub(super) async fn send(
        &self,
        account: &WhatsAppConfig,
        row: &OutboxRow,
        content: &OutboundMessage,
        part: Part,
    ) -> SendOutcome {
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "type": "text",
            "text": { "preview_url": false, "body": content.text.expose() },
            "biz_opaque_callback_data": callback::write(&row.message, part),
        });
        let address = row.address.expose();
        body[recipient_field(address)] = Value::from(address.as_str());
        let sent = self
            .post(account, &body, account.send_timeout_ms)
            .send()
            .await;
        match sent {
            Ok(response) => outcome_of_response(response).await,
            Err(error) => outcome_of_error(&error),
        }
    }

    /// Marks the customer's latest message as read, and shows that an answer is being written.
    pub(super) async fn working(&self, account: &WhatsAppConfig, work: &Working) {
        let Some(message) = &work.provider_message_id else {
            return;
        };
        let body = json!({
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": message,
            "typing_indicator": { "type": "text" },
        });
        let sent = self.post(account, &body, MARK_TIMEOUT_MS).send().await;
        let outcome = match sent {
            Ok(response) if response.status().is_success() => return,
            Ok(response) => outcome_of_response(response).await,
            Err(error) => outcome_of_error(&error),
        };
        tracing::debug!(
            shop.id = %work.stream.shop,
            conversation.id = %work.stream.conversation,
            outcome = outcome.as_str(),
            "read mark was not taken"
        );
    }
}

/// A phone goes to `to`, a business-scoped user id (`GB.1047…`) to `recipient`.
/// Source: Meta, "Business-scoped user IDs", sending messages.
fn recipient_field(address: &str) -> &'static str {
    let is_phone = address.bytes().all(|b| b.is_ascii_digit() || b == b'+');
    if is_phone { "to" } else { "recipient" }
}

/// A failure to connect has sent nothing; any other failure may have come after the request.
fn outcome_of_error(error: &reqwest::Error) -> SendOutcome {
    if error.is_connect() {
        return retry(0, "no connection");
    }
    if error.is_builder() {
        return rejected("request cannot be built");
    }
    let cause = if error.is_timeout() {
        "timeout"
    } else {
        "connection lost"
    };
    SendOutcome::Unknown {
        cause: cause.to_owned(),
    }
}

async fn outcome_of_response(response: reqwest::Response) -> SendOutcome {
    let status = response.status();
    let retry_after_ms = retry_after_ms(&response);
    let answer = read_answer(response).await;
    if status.is_success() {
        let id = answer
            .as_ref()
            .and_then(|a| a["messages"][0]["id"].as_str());
        return match id {
            Some(id) => SendOutcome::Sent {
                provider_id: id.to_owned(),
            },
            None => SendOutcome::Unknown {
                cause: format!("http {} without a message id", status.as_u16()),
            },
        };
    }
    let code = answer.as_ref().and_then(|a| a["error"]["code"].as_i64());
    outcome_of_refusal(status, code, retry_after_ms)
}

/// Maps a refusal by Meta's error code, else by the HTTP status.
/// Source: Meta, "Cloud API error codes".
fn outcome_of_refusal(
    status: StatusCode,
    code: Option<i64>,
    retry_after_ms: Option<u64>,
) -> SendOutcome {
    let http = status.as_u16();
    let cause = match code {
        Some(code) => format!("http {http} code {code}"),
        None => format!("http {http}"),
    };
    let pause_ms = retry_after_ms.unwrap_or(0);
    match (code, http) {
        // One user gets too much, at most one message in 6 s.
        (Some(131_056), _) => retry(pause_ms.max(PAIR_RATE_MS), cause),
        // The number, the account or the app is over its rate.
        (Some(4 | 80_007 | 130_429 | 133_016), _) | (_, 429) => retry(pause_ms, cause),
        // The token is no longer good: a person has to replace it, the message can wait for that.
        (Some(190), _) | (_, 401) => retry(PAUSE_MS_MAX, cause),
        // Meta says that it is out of order for a moment.
        (Some(1 | 2 | 131_000 | 131_016 | 133_004), _) => retry(pause_ms, cause),
        // A proxy on the way gave up waiting; Meta itself may have taken the message.
        (None, 502 | 504) => SendOutcome::Unknown { cause },
        (_, 500..=599) => retry(pause_ms, cause),
        _ => rejected(cause),
    }
}

fn retry_after_ms(response: &reqwest::Response) -> Option<u64> {
    let value = response.headers().get(reqwest::header::RETRY_AFTER)?;
    let seconds: u64 = value.to_str().ok()?.parse().ok()?;
    Some(seconds.saturating_mul(1000).min(PAUSE_MS_MAX))
}

/// Reads the answer's JSON; none where it is too long, broken or cut off.
async fn read_answer(mut response: reqwest::Response) -> Option<Value> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).ok()
}

fn retry(after_ms: u64, cause: impl Into<String>) -> SendOutcome {
    SendOutcome::Retry {
        after_ms,
        cause: cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let map = |http: u16, code: Option<i64>| {
            let status = StatusCode::from_u16(http).expect("status");
            match outcome_of_refusal(status, code, None) {
                SendOutcome::Retry { after_ms, .. } => format!("retry {after_ms}"),
                other => other.as_str().to_owned(),
            }
        };
        assert_eq!(map(400, Some(131_047)), "rejected");
        assert_eq!(map(400, Some(131_026)), "rejected");
        assert_eq!(map(403, None), "rejected");
        assert_eq!(map(302, None), "rejected");
        assert_eq!(map(400, Some(131_056)), "retry 6000");
        assert_eq!(map(400, Some(130_429)), "retry 0");
        assert_eq!(map(429, None), "retry 0");
        assert_eq!(map(401, Some(190)), "retry 60000");
        assert_eq!(map(500, None), "retry 0");
        assert_eq!(map(503, None), "retry 0");
        assert_eq!(map(504, None), "unknown");
        assert_eq!(map(502, None), "unknown");
        assert_eq!(map(502, Some(2)), "retry 0");
    }

    #[test]
    fn a_user_id_is_not_sent_as_a_phone() {
        assert_eq!(recipient_field("447700900123"), "to");
        assert_eq!(recipient_field("GB.104712"), "recipient");
    }
}
