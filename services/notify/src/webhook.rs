//! A notice as a signed HTTP request, after Standard Webhooks (standardwebhooks.com).

use std::time::Duration;

use base64::Engine;
use mercer_schemas::Notice;
use mercer_store::Outcome;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, StatusCode, Url};
use serde::Serialize;
use standardwebhooks::Webhook;

use crate::send::Tried;

/// Longest wait for an answer; the guide of Standard Webhooks names 15 to 30 s.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Where a target listens.
pub(crate) struct Endpoint {
    url: Url,
    signers: Vec<Webhook>,
}

/// The body: what Standard Webhooks asks for.
#[derive(Serialize)]
struct Body<'a> {
    timestamp: String,
    #[serde(flatten)]
    notice: &'a Notice,
}

/// Writes a secret as Standard Webhooks does: `whsec_` and base64.
pub fn secret_of(bytes: &[u8]) -> String {
    format!(
        "whsec_{}",
        base64::engine::general_purpose::STANDARD.encode(bytes)
    )
}

/// Builds the client that posts to all endpoints. A redirect is a failure: the signature and
/// customers' words are meant for the address in the settings alone.
pub(crate) fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

impl Endpoint {
    pub(crate) fn new(url: Url, signers: Vec<Webhook>) -> Self {
        Self { url, signers }
    }

    /// Posts a notice once.
    pub(crate) async fn post(
        &self,
        client: &Client,
        id: &str,
        notice: &Notice,
        true_at_ms: i64,
    ) -> Tried {
        let body = Body {
            timestamp: time(true_at_ms),
            notice,
        };
        let Ok(body) = serde_json::to_vec(&body) else {
            return Tried::failed("unreadable", None);
        };
        // The wall clock, whatever clock decides when to try: receivers compare it with theirs.
        let at_s = jiff::Timestamp::now().as_second();
        let mut signatures = Vec::with_capacity(self.signers.len());
        for signer in &self.signers {
            match signer.sign(id, at_s, &body) {
                Ok(signature) => signatures.push(signature),
                Err(_) => return Tried::failed("not_signed", None),
            }
        }
        let request = client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("Mercer/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s.to_string())
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        match request.send().await {
            // The answer's body is not read: it says nothing that is needed, and has no bound.
            Ok(response) => answered(&response),
            Err(error) if error.is_timeout() => Tried::failed("timeout", None),
            Err(error) if error.is_connect() => Tried::failed("not_reached", None),
            Err(_) => Tried::failed("broken_off", None),
        }
    }
}

fn answered(response: &reqwest::Response) -> Tried {
    let status = response.status();
    let outcome = |cause: &str| Outcome {
        status: Some(status.as_u16()),
        cause: Some(cause.to_owned()),
    };
    if status.is_success() {
        return Tried::Taken(Outcome {
            status: Some(status.as_u16()),
            cause: None,
        });
    }
    if status == StatusCode::GONE {
        // Standard Webhooks: the receiver wants nothing more.
        return Tried::GivenUp(outcome("gone"));
    }
    let asked_s = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let cause = if status.is_redirection() {
        "redirect"
    } else {
        "status"
    };
    Tried::Failed {
        outcome: outcome(cause),
        asked_s,
    }
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_string()
}
