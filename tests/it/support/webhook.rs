//! Webhook bodies as the WhatsApp platform writes them, and their signatures.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::world::{PHONE_NUMBER_ID, SECRET};

/// A customer's text message.
#[derive(Clone)]
pub(crate) struct Message {
    /// The customer's phone, digits.
    pub(crate) from: String,
    /// The platform's id.
    pub(crate) id: String,
    /// The words.
    pub(crate) text: String,
}

/// A report on a message that was sent.
#[derive(Clone)]
pub(crate) struct Status {
    /// The platform's id of the message.
    pub(crate) provider_id: String,
    /// Mercer's id of it.
    pub(crate) message: String,
    /// `sent`, `delivered` or `read`.
    pub(crate) status: &'static str,
}

impl Message {
    pub(crate) fn new(from: &str, id: &str, text: &str) -> Self {
        Self {
            from: from.to_owned(),
            id: id.to_owned(),
            text: text.to_owned(),
        }
    }

    fn json(&self) -> Value {
        json!({ "from": self.from, "id": self.id, "timestamp": now_s(), "type": "text", "text": { "body": self.text } })
    }
}

impl Status {
    fn json(&self) -> Value {
        json!({
            "id": self.provider_id, "status": self.status, "timestamp": now_s(), "recipient_id": "447700900000",
            "biz_opaque_callback_data": self.message,
        })
    }
}

/// Builds a body with one change for messages and one for reports, each left out when empty.
pub(crate) fn batch(messages: &[Message], statuses: &[Status]) -> Value {
    let messages: Vec<Value> = messages.iter().map(Message::json).collect();
    let statuses: Vec<Value> = statuses.iter().map(Status::json).collect();
    let mut changes = Vec::new();
    for (name, items) in [("messages", messages), ("statuses", statuses)] {
        if !items.is_empty() {
            changes.push(change(&json!({ name: items })));
        }
    }
    body(&changes)
}

/// Wraps changes into a body.
pub(crate) fn body(changes: &[Value]) -> Value {
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": changes }] })
}

/// Wraps what a change tells.
pub(crate) fn change(content: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550000000", "phone_number_id": PHONE_NUMBER_ID },
    });
    for (name, items) in content.as_object().expect("an object") {
        value[name] = items.clone();
    }
    json!({ "field": "messages", "value": value })
}

/// Signs a body as the platform does.
pub(crate) fn sign(body: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Signs with the secret that the world's settings hold.
pub(crate) fn signed(body: &[u8]) -> String {
    sign(body, SECRET)
}

fn now_s() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs().to_string()
}
