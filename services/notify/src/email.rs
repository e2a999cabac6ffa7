//! A notice as an e-mail for the people who are called.

use std::fmt::Write;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use mercer_schemas::notice::{Summary, Who};
use mercer_schemas::{HandoffReason, Notice, Personal};
use mercer_store::Outcome;

use crate::send::Tried;

/// Longest wait for the mail server in one step.
const TIMEOUT: Duration = Duration::from_secs(15);

/// People with an address.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    pub(crate) fn new(
        transport: AsyncSmtpTransportBuilder,
        from: Mailbox,
        to: Vec<Mailbox>,
    ) -> Self {
        Self {
            transport: transport.timeout(Some(TIMEOUT)).build(),
            from,
            to,
        }
    }

    /// Sends a notice once. Its id is the message's id, by which mail servers and readers know a
    /// repetition.
    pub(crate) async fn send(&self, id: &str, notice: &Notice) -> Tried {
        let host = self.from.email.domain().to_owned();
        let message = Message::builder()
            .from(self.from.clone())
            .mailbox(lettre::message::header::To::from(Mailboxes::from(
                self.to.clone(),
            )))
            .message_id(Some(format!("<{id}@{host}>")))
            .subject(subject(notice))
            .header(ContentType::TEXT_PLAIN)
            .body(body(notice).into_inner());
        let Ok(message) = message else {
            return Tried::failed("unreadable", None);
        };
        match self.transport.send(message).await {
            Ok(response) => Tried::Taken(Outcome {
                status: Some(u16::from(response.code())),
                cause: None,
            }),
            Err(error) => {
                let status = error.status().map(u16::from);
                let cause = if error.is_timeout() {
                    "timeout"
                } else if status.is_some() {
                    "status"
                } else {
                    "not_reached"
                };
                Tried::failed(cause, status)
            }
        }
    }
}

/// A subject is shown on locked screens: it has no word of the customer.
fn subject(notice: &Notice) -> String {
    match notice {
        Notice::HandedOver { shop, reason, .. } => {
            let what = match reason {
                HandoffReason::Asked => "a customer asks for a person",
                HandoffReason::Complaint => "a customer complains",
                HandoffReason::Unable => "a customer needs a person's answer",
                HandoffReason::Failure => "a message could not be processed",
                HandoffReason::Identity => "a customer could not prove who they are",
            };
            format!("{shop}: {what}")
        }
        Notice::TakenOver { shop, .. } => format!("{shop}: a conversation was taken over"),
        Notice::MessageReceived { shop, .. } => format!("{shop}: the customer wrote again"),
        Notice::DeliveryFailed { shop, .. } => format!("{shop}: a message was not delivered"),
        Notice::Test { shop } => format!("{shop}: a trial of Mercer's e-mails"),
    }
}

fn body(notice: &Notice) -> Personal<String> {
    let mut text = String::new();
    let conversation = match notice {
        Notice::HandedOver {
            conversation,
            summary,
            ..
        } => {
            tell_summary(&mut text, summary);
            conversation
        }
        Notice::TakenOver {
            conversation, by, ..
        } => {
            line(&mut text, "Taken over with the key", &by.key_id);
            conversation
        }
        Notice::MessageReceived {
            conversation,
            text: words,
            ..
        } => {
            let words = words.as_ref().map(|words| words.expose().as_str());
            line(
                &mut text,
                "The customer wrote",
                words.unwrap_or("(no text)"),
            );
            conversation
        }
        Notice::DeliveryFailed {
            conversation,
            message,
            cause,
            ..
        } => {
            line(&mut text, "Not delivered", message.as_str());
            line(&mut text, "Cause", cause);
            conversation
        }
        Notice::Test { .. } => {
            return Personal::new("It works: this is where Mercer calls a person.\n".to_owned());
        }
    };
    line(&mut text, "Conversation", conversation.as_str());
    Personal::new(text)
}

fn tell_summary(text: &mut String, summary: &Summary) {
    let Who {
        channel,
        address,
        customer,
    } = &summary.who;
    let proven = match customer {
        Some(customer) => format!("customer {customer}, identity proven"),
        None => "identity not proven".to_owned(),
    };
    let who = format!("{} on {}, {proven}", address.expose(), channel.as_str());
    line(text, "Who", &who);
    line(text, "Asked", summary.asked.expose());
    if summary.found.is_empty() {
        line(text, "Found", "nothing");
    }
    for found in &summary.found {
        let name = found
            .name
            .as_ref()
            .map_or("", |name| name.expose().as_str());
        line(text, "Found", format!("{} {name}", found.record).trim());
    }
    line(text, "Open", summary.open.sentence());
}

fn line(text: &mut String, label: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{label}: {value}");
}
