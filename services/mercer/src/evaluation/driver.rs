//! Plays a customer: posts signed webhooks and waits until the turn has been answered.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hmac::{Hmac, KeyInit, Mac};
use mercer_replay::Turns;
use mercer_schemas::{ActionBy, Channel, Event, LogBody, LogRecord, ShopId};
use mercer_store::{Command, InboxItem, InboxKind, NewInbox, Store};
use serde_json::json;
use sha2::Sha256;

use crate::evaluation::graph::Graph;

/// Longest wait for one turn.
const TURN: Duration = Duration::from_secs(90);
/// How often the log is looked at while a turn runs.
const LOOK: Duration = Duration::from_millis(15);

/// A line to a running Mercer.
pub(crate) struct Line {
    /// Base URL of Mercer.
    pub(crate) url: String,
    /// App secret that signs webhooks.
    pub(crate) secret: String,
    /// Meta's id of the shop's number.
    pub(crate) phone_number_id: String,
    /// The shop.
    pub(crate) shop: ShopId,
    /// Its stores, for reading logs.
    pub(crate) store: Store,
    /// Where replies arrive.
    pub(crate) graph: Graph,
    /// HTTP client.
    pub(crate) http: reqwest::Client,
}

/// One customer at the phone.
pub(crate) struct Caller<'a> {
    line: &'a Line,
    phone: String,
    sent: u32,
    seen_seq: u64,
    seen_replies: usize,
}

/// What a turn came to.
pub(crate) struct PlayedTurn {
    /// The log of the turn, folded.
    pub(crate) turns: Turns,
    /// Texts that arrived at the customer's phone.
    pub(crate) replies: Vec<String>,
}

impl Line {
    /// Picks up the phone.
    pub(crate) fn caller(&self, phone: &str) -> Caller<'_> {
        let phone = phone.trim_start_matches('+').to_owned();
        Caller {
            line: self,
            phone,
            sent: 0,
            seen_seq: 0,
            seen_replies: 0,
        }
    }
}

impl Caller<'_> {
    /// Says something and waits for the answer, or until it is clear that a person will answer.
    ///
    /// # Errors
    /// When Mercer does not take the webhook or does not answer in time.
    pub(crate) async fn say(&mut self, words: &str) -> anyhow::Result<PlayedTurn> {
        self.sent += 1;
        let id = format!(
            "wamid.{}.{}.{:016x}",
            self.phone,
            self.sent,
            rand::random::<u64>()
        );
        self.post(&id, words).await?;
        let records = tokio::time::timeout(TURN, self.answered())
            .await
            .context("no answer in time")??;
        let mut turns = Turns::default();
        records.iter().for_each(|record| turns.take(record));
        let mut replies = Vec::new();
        if turns.sent().next().is_some() {
            replies = self
                .line
                .graph
                .wait(&self.phone, self.seen_replies, TURN)
                .await;
            ensure!(!replies.is_empty(), "a reply was queued and did not arrive");
            self.seen_replies += replies.len();
        }
        Ok(PlayedTurn { turns, replies })
    }

    /// Gives the conversation back, as the person who has it would, and waits until it is.
    ///
    /// # Errors
    /// When the store cannot be written, or the conversation does not take it in time.
    pub(crate) async fn hand_back(&self) -> anyhow::Result<()> {
        let by = ActionBy {
            key_id: "evaluation".to_owned(),
        };
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let row = NewInbox {
            channel: Channel::Whatsapp,
            provider_id: format!("evaluation:{}:hand-back:{}", self.phone, self.sent),
            address: self.phone.as_str().into(),
            kind: InboxKind::Command,
            payload: InboxItem::Command(Command::HandBack { by }).to_payload(),
            received_at_ms: now_ms,
            sent_at_ms: now_ms,
        };
        let inbox = self.line.store.inbox();
        inbox.insert(&self.line.shop, vec![row]).await?;
        tokio::time::timeout(TURN, self.given_back())
            .await
            .context("the conversation was not given back in time")?
    }

    async fn given_back(&self) -> anyhow::Result<()> {
        let (conversations, shop) = (self.line.store.conversations(), &self.line.shop);
        loop {
            let row = conversations
                .get_by_address(shop, Channel::Whatsapp, &self.phone)
                .await?;
            if row.is_some_and(|row| row.phase == "idle") {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn post(&self, id: &str, words: &str) -> anyhow::Result<()> {
        let now_s = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)?
            .as_secs();
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "15550000000", "phone_number_id": self.line.phone_number_id },
                "contacts": [{ "wa_id": self.phone, "profile": { "name": "Customer" } }],
                "messages": [{ "id": id, "from": self.phone, "timestamp": now_s.to_string(), "type": "text", "text": { "body": words } }]
            }}]}]
        })
        .to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.line.secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let response = self
            .line
            .http
            .post(format!(
                "{}/webhooks/whatsapp/{}",
                self.line.url, self.line.shop
            ))
            .header("content-type", "application/json")
            .header("x-hub-signature-256", signature)
            .body(body)
            .send()
            .await
            .context("webhook could not be posted")?;
        if !response.status().is_success() {
            bail!("webhook was answered with {}", response.status());
        }
        Ok(())
    }

    /// Waits until the conversation has taken the message and rests again.
    async fn answered(&mut self) -> anyhow::Result<Vec<LogRecord>> {
        let conversations = self.line.store.conversations();
        loop {
            let found = conversations
                .get_by_address(&self.line.shop, Channel::Whatsapp, &self.phone)
                .await?;
            if let Some(row) = found {
                let stream = row.stream();
                let records = conversations.log(&stream, self.seen_seq, 500).await?;
                // The log alone tells whether the message was taken; the phase is read after it,
                // so that it cannot be older.
                let taken = records.iter().any(is_received);
                let row = conversations.get(&self.line.shop, &row.id).await?;
                let rests =
                    row.is_some_and(|row| row.phase == "idle" || row.phase == "with_person");
                if taken && rests {
                    let records = conversations.log(&stream, self.seen_seq, 500).await?;
                    self.seen_seq = records.last().map_or(self.seen_seq, |record| record.seq);
                    return Ok(records);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Says whether a record takes a customer's message into the conversation.
fn is_received(record: &LogRecord) -> bool {
    matches!(
        record.body,
        LogBody::Event {
            event: Event::MessageReceived { .. }
        }
    )
}
