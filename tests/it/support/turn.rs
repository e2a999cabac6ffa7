//! A customer at the phone: says something and waits for the answer.

use mercer_schemas::{Event, LogBody, LogRecord, Plan};
use mercer_testing::{LOOK_EVERY, PATIENCE};
use tokio::time::timeout;

use super::webhook::{Message, batch};
use super::{Mercer, World};

/// A customer.
pub(crate) struct Caller<'a> {
    world: &'a World,
    mercer: &'a Mercer,
    /// The phone, digits.
    pub(crate) phone: String,
    said: u32,
}

/// What an utterance came to.
pub(crate) struct Turn {
    /// The conversation's log from this utterance on.
    pub(crate) records: Vec<LogRecord>,
    /// What arrived at the phone, joined.
    pub(crate) reply: String,
}

impl<'a> Caller<'a> {
    /// Picks up the phone.
    pub(crate) fn new(world: &'a World, mercer: &'a Mercer, phone: &str) -> Self {
        Self {
            world,
            mercer,
            phone: phone.to_owned(),
            said: 0,
        }
    }

    /// Says something and waits until it is answered, or until it is clear that a person will.
    pub(crate) async fn say(&mut self, words: &str) -> Turn {
        self.said += 1;
        let id = format!("wamid.{}.{}", self.phone, self.said);
        let body = batch(&[Message::new(&self.phone, &id, words)], &[]);
        assert_eq!(
            self.mercer.webhook(&body).await,
            Some(200),
            "{}",
            self.mercer.log()
        );
        let answered = timeout(PATIENCE, self.answered(&id)).await;
        let records =
            answered.unwrap_or_else(|_| panic!("no answer in time:\n{}", self.mercer.log()));
        let mut reply = Vec::new();
        for event in events(&records) {
            let Event::ReplyQueued { message, .. } = event else {
                continue;
            };
            let arrived = self
                .world
                .graph
                .until(|all| all.iter().any(|one| one.message == message.as_str()));
            timeout(PATIENCE, arrived)
                .await
                .expect("a queued reply arrives");
            let all = self.world.graph.to(&self.phone);
            reply.extend(
                all.into_iter()
                    .filter(|one| one.message == message.as_str())
                    .map(|one| one.text),
            );
        }
        Turn {
            records,
            reply: reply.join("\n"),
        }
    }

    async fn answered(&self, id: &str) -> Vec<LogRecord> {
        loop {
            if let Some(stream) = self.world.conversation(&self.phone).await {
                let conversations = self.world.store().await.conversations();
                let records = conversations.log(&stream, 0, 10_000).await.expect("log");
                if let Some(records) = since(records, id)
                    && rests(&records)
                {
                    return records;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Returns the records from the input that brought a message on.
fn since(records: Vec<LogRecord>, id: &str) -> Option<Vec<LogRecord>> {
    let brought = records.iter().position(|record| {
        matches!(&record.body, LogBody::Event { event: Event::MessageReceived { message } } if message.provider_id == id)
    })?;
    Some(records.into_iter().skip(brought).collect())
}

/// Says whether a log from a message on shows that nothing more comes: its turn ended, it needed
/// none, or a person has the conversation.
fn rests(records: &[LogRecord]) -> bool {
    let mut started = false;
    let mut ended = false;
    for event in events(records) {
        match event {
            Event::TurnStarted { .. } | Event::TurnExtended { .. } => started = true,
            Event::TurnEnded { .. } => ended = true,
            Event::ReplyQueued { turn: None, .. } => return true,
            _ => {}
        }
    }
    // Records of one input are written together, so a turn that the message starts is there.
    ended || !started
}

/// Returns the events of a log, in order.
pub(crate) fn events(records: &[LogRecord]) -> impl Iterator<Item = &Event> {
    records.iter().filter_map(|record| match &record.body {
        LogBody::Event { event } => Some(event),
        LogBody::Input { .. } => None,
    })
}

/// Returns the plans of a log, in order.
pub(crate) fn plans(records: &[LogRecord]) -> Vec<&Plan> {
    let plans = events(records).filter_map(|event| match event {
        Event::PlanMade { plan, .. } => Some(plan),
        _ => None,
    });
    plans.collect()
}
