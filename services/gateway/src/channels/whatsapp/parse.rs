//! Reads a webhook body: every entry, change, message and status of it.
//!
//! A pure function that is total: whatever the bytes are, it answers a list and never panics.
//! What cannot be read is set aside with a reason, and never takes a readable neighbour with it.
//! Not here: signatures, ids of our own, the clock.

use mercer_schemas::{Content, DeliveryStatus, MessageId, Personal};
use mercer_store::Part;
use mercer_store::text::storable;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::callback;

/// Longest id or address that is taken, in bytes. Meta's message ids are below 150; a
/// business-scoped user id has up to 131 characters.
const KEY_BYTES_MAX: usize = 256;

/// Kinds of messages that nobody expects an answer to.
/// Source: Meta, Cloud API reference, "messages" webhook: a reaction to a message, a sticker, and
/// a system message such as a customer's change of number.
const QUIET_KINDS: [&str; 3] = ["reaction", "sticker", "system"];

/// One thing that a webhook body tells.
pub enum Item {
    /// A customer's message.
    Message(Message),
    /// How far a message of ours got.
    Status(Status),
    /// Something that cannot be processed.
    Parked(Parked),
}

/// A customer's message.
pub struct Message {
    /// Meta's id (`wamid…`).
    pub provider_id: String,
    /// The customer: phone digits, or a business-scoped user id where Meta gives no phone.
    pub address: Personal<String>,
    /// Meta's time, UTC milliseconds, where it can be read.
    pub sent_at_ms: Option<i64>,
    /// What was sent.
    pub content: Content,
}

/// A report on a message of ours.
pub struct Status {
    /// Meta's id of the message.
    pub provider_message_id: String,
    /// Our id of it, where the report carries it (`biz_opaque_callback_data`).
    pub message: Option<MessageId>,
    /// Which part of it, where it went out in several.
    pub part: Option<Part>,
    /// Who the message went to, where the report tells.
    pub address: Option<Personal<String>>,
    /// How far it got.
    pub status: DeliveryStatus,
    /// Meta's error code, for a failed one.
    pub error: Option<String>,
    /// Meta's time, UTC milliseconds, where it can be read.
    pub sent_at_ms: Option<i64>,
}

/// Something kept for a person to look at.
pub struct Parked {
    /// Names the content, so that a repeated post is kept once.
    pub provider_id: String,
    /// Why it cannot be processed. Holds nothing of the content.
    pub reason: &'static str,
    /// The content, as it came.
    pub raw: Vec<u8>,
}

/// Reads a body whose signature was right. Messages to another number than `phone_number_id` are
/// set aside.
pub fn parse(body: &[u8], phone_number_id: &str) -> Vec<Item> {
    let Ok(envelope) = serde_json::from_slice::<Value>(body) else {
        return vec![park_bytes(body.to_vec(), "not JSON")];
    };
    if envelope["object"] != "whatsapp_business_account" {
        return vec![park_bytes(
            body.to_vec(),
            "not of a WhatsApp business account",
        )];
    }
    let entries = match envelope["entry"].as_array() {
        Some(entries) if !entries.is_empty() => entries,
        _ => return vec![park_bytes(body.to_vec(), "no entries")],
    };
    let mut items = Vec::new();
    for entry in entries {
        match entry["changes"].as_array() {
            Some(changes) if !changes.is_empty() => {
                for change in changes {
                    read_change(change, phone_number_id, &mut items);
                }
            }
            _ => items.push(park(entry, "entry without changes")),
        }
    }
    items
}

fn read_change(change: &Value, phone_number_id: &str, items: &mut Vec<Item>) {
    if change["field"] != "messages" {
        items.push(park(change, "field that is not read"));
        return;
    }
    let value = &change["value"];
    if value["metadata"]["phone_number_id"] != phone_number_id {
        items.push(park(change, "number of another shop"));
        return;
    }
    let before = items.len();
    for part in ["messages", "statuses", "errors"] {
        match &value[part] {
            Value::Null => {}
            Value::Array(list) => {
                for item in list {
                    items.push(match part {
                        "messages" => read_message(item, &value["contacts"]),
                        "statuses" => read_status(item),
                        _ => park(item, "error reported by the platform"),
                    });
                }
            }
            other => items.push(park(other, "not a list")),
        }
    }
    if items.len() == before {
        items.push(park(change, "no messages and no statuses"));
    }
}

fn read_message(message: &Value, contacts: &Value) -> Item {
    let Some(provider_id) = key(&message["id"]) else {
        return park(message, "message without a usable id");
    };
    if !message["group_id"].is_null() {
        return park(message, "message of a group");
    }
    let Some(address) = address_of(message, contacts) else {
        return park(message, "message without a usable sender");
    };
    match read_content(message) {
        Ok(content) => Item::Message(Message {
            provider_id: provider_id.to_owned(),
            address: Personal::new(address.to_owned()),
            sent_at_ms: time_ms(&message["timestamp"]),
            content,
        }),
        Err(reason) => park(message, reason),
    }
}

/// Finds the sender: the phone, else the business-scoped user id of the message, else that of the
/// only contact.
fn address_of<'a>(message: &'a Value, contacts: &'a Value) -> Option<&'a str> {
    let own = key(&message["from"]).or_else(|| key(&message["from_user_id"]));
    if own.is_some() {
        return own;
    }
    match contacts.as_array().map(Vec::as_slice) {
        Some([only]) => key(&only["wa_id"]).or_else(|| key(&only["user_id"])),
        _ => None,
    }
}

fn read_content(message: &Value) -> Result<Content, &'static str> {
    let kind = message["type"].as_str().ok_or("message without a type")?;
    match kind {
        "text" => {
            let body = message["text"]["body"].as_str();
            let body = body.ok_or("text message without a body")?;
            Ok(words(body))
        }
        "button" => {
            let button = &message["button"];
            let title = button["text"].as_str().ok_or("button without a text")?;
            Ok(choice(
                button["payload"].as_str().unwrap_or_default(),
                title,
            ))
        }
        "interactive" => {
            let interactive = &message["interactive"];
            let part = interactive["type"].as_str().unwrap_or_default();
            match part {
                "button_reply" | "list_reply" => {
                    let reply = &interactive[part];
                    let title = reply["title"].as_str().ok_or("reply without a title")?;
                    Ok(choice(reply["id"].as_str().unwrap_or_default(), title))
                }
                _ => Ok(unsupported(&format!("interactive.{part}"))),
            }
        }
        _ => Ok(unsupported(kind)),
    }
}

fn words(body: &str) -> Content {
    let body = storable(body);
    if body.trim().is_empty() {
        return unsupported("empty_text");
    }
    Content::Text {
        text: Personal::new(body),
    }
}

fn choice(id: &str, title: &str) -> Content {
    let (id, title) = (storable(id), storable(title));
    if title.trim().is_empty() {
        return unsupported("empty_choice");
    }
    Content::Choice {
        // Ours are short: a longer one is none that we gave.
        id: if id.len() > KEY_BYTES_MAX {
            String::new()
        } else {
            id
        },
        title: Personal::new(title),
    }
}

/// Keeps the platform's word for a kind only if it looks like one, so that nothing a customer
/// wrote can get into a metric or a log by this way.
fn unsupported(kind: &str) -> Content {
    let is_word = (1..=64).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.');
    Content::Unsupported {
        kind_name: if is_word { kind } else { "unknown" }.to_owned(),
        quiet: QUIET_KINDS.contains(&kind),
    }
}

fn read_status(status: &Value) -> Item {
    let Some(provider_message_id) = key(&status["id"]) else {
        return park(status, "status without a usable id");
    };
    let reached = match status["status"].as_str() {
        Some("sent") => DeliveryStatus::Sent,
        Some("delivered") => DeliveryStatus::Delivered,
        // A voice message that was played was opened, too.
        Some("read" | "played") => DeliveryStatus::Read,
        Some("failed") => DeliveryStatus::Failed,
        _ => return park(status, "status that is not known"),
    };
    let address = key(&status["recipient_id"]).or_else(|| key(&status["recipient_user_id"]));
    let ours = status["biz_opaque_callback_data"].as_str();
    let ours = ours.and_then(callback::read);
    Item::Status(Status {
        provider_message_id: provider_message_id.to_owned(),
        part: ours.as_ref().and_then(|(_, part)| *part),
        message: ours.map(|(message, _)| message),
        address: address.map(|address| Personal::new(address.to_owned())),
        status: reached,
        error: status["errors"][0]["code"]
            .as_i64()
            .map(|code| code.to_string()),
        sent_at_ms: time_ms(&status["timestamp"]),
    })
}

/// Reads an id or address: visible ASCII only, so that it is safe as a key everywhere.
fn key(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let usable =
        (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    usable.then_some(text)
}

/// Reads Meta's time: seconds, as text or as a number.
fn time_ms(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }?;
    // Up to the year 9999, so that whoever formats it later cannot overflow.
    (1..=253_402_300_799_i64)
        .contains(&seconds)
        .then(|| seconds * 1000)
}

fn park(value: &Value, reason: &'static str) -> Item {
    park_bytes(value.to_string().into_bytes(), reason)
}

fn park_bytes(raw: Vec<u8>, reason: &'static str) -> Item {
    Item::Parked(Parked {
        provider_id: format!("parked:{}", hex::encode(Sha256::digest(&raw))),
        reason,
        raw,
    })
}

#[cfg(test)]
mod tests;
