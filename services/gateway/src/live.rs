//! What happens in a conversation right now, for pages that are watching.
//!
//! What must arrive is in the store, and a watcher takes an event of this feed as a hint to read on there. Kept are only
//! the sentences of an answer that is being written, for a page that comes back meanwhile.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercer_schemas::nodes::Live;
use mercer_schemas::{ConversationId, MessageId, OutboundMessage, Personal, ShopId, TurnId};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, watch};

/// Events that a slow watcher may lag behind before it loses some. A reply has far fewer
/// sentences; a watcher that lost some still gets the whole message from the store.
const BACKLOG_MAX: usize = 64;

/// Events kept for other processes while they are being passed on. More are dropped, as by a slow watcher.
const TAP_MAX: usize = 1024;

/// Answers whose sentences are kept; more than are written at once. One whose end was missed is pushed out at last.
const ANSWERS_MAX: usize = 4096;

/// Something that happens in a conversation.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveEvent {
    /// Mercer is working on an answer.
    Typing,
    /// A sentence passed the check. Provisional: the message that follows replaces it.
    Sentence {
        /// The turn that it belongs to.
        turn: TurnId,
        /// The sentence, filled.
        text: Personal<String>,
    },
    /// A message was delivered; it is in the store.
    Message {
        /// Its id.
        message: MessageId,
        /// The turn that it answers, if any.
        turn: Option<TurnId>,
        /// What it says.
        content: OutboundMessage,
    },
    /// The answer begins anew; provisional sentences are void.
    Restarted,
}

/// Hands live events to watchers. A cheap handle; clones share everything.
#[derive(Clone)]
pub struct LiveFeed {
    conversations: Topics<ConversationId, LiveEvent>,
    opened: Topics<(ShopId, String), ()>,
    closed: Arc<watch::Sender<bool>>,
    tap: Option<mpsc::Sender<Live<LiveEvent>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Default for LiveFeed {
    fn default() -> Self {
        Self {
            conversations: Topics::default(),
            opened: Topics::default(),
            closed: Arc::new(watch::Sender::new(false)),
            tap: None,
            answers: Arc::default(),
        }
    }
}

impl LiveFeed {
    /// Builds a feed without watchers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a feed whose events also go elsewhere: to the pages that other processes serve.
    pub fn tapped() -> (Self, mpsc::Receiver<Live<LiveEvent>>) {
        let (tap, events) = mpsc::channel(TAP_MAX);
        let feed = Self {
            tap: Some(tap),
            ..Self::default()
        };
        (feed, events)
    }

    /// Tells the watchers of a conversation. Never waits; without watchers it does nothing.
    pub fn publish(&self, conversation: &ConversationId, event: LiveEvent) {
        if let Some(tap) = &self.tap {
            let _ = tap.try_send(Live {
                conversation: conversation.clone(),
                event: event.clone(),
            });
        }
        // Held until the watchers know, so that whoever begins to watch gets a sentence once.
        let mut answers = self.answers();
        answers.note(conversation, &event);
        self.conversations.publish(conversation, event);
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a conversation from now on. Sentences of an answer that is being written are in
    /// [`Subscription::take_earlier`].
    pub fn subscribe(
        &self,
        conversation: &ConversationId,
    ) -> Subscription<ConversationId, LiveEvent> {
        let answers = self.answers();
        let mut subscription = self.conversations.subscribe(conversation.clone());
        subscription.earlier = answers.of(conversation);
        subscription
    }

    /// Ends every page's event stream, so that a server can shut down gracefully. Final.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Says that an address wrote, perhaps for the first time.
    pub(crate) fn publish_opened(&self, shop: &ShopId, address: &str) {
        self.opened.publish(&(shop.clone(), address.to_owned()), ());
    }

    pub(crate) fn subscribe_opened(
        &self,
        shop: &ShopId,
        address: &str,
    ) -> Subscription<(ShopId, String), ()> {
        self.opened.subscribe((shop.clone(), address.to_owned()))
    }
}

/// The sentences of answers that are being written.
#[derive(Default)]
struct Answers {
    sentences: HashMap<ConversationId, Vec<LiveEvent>>,
    /// In the order in which they began.
    began: VecDeque<ConversationId>,
}

impl Answers {
    fn note(&mut self, conversation: &ConversationId, event: &LiveEvent) {
        match event {
            LiveEvent::Typing => {}
            LiveEvent::Message { .. } | LiveEvent::Restarted => {
                if self.sentences.remove(conversation).is_some() {
                    self.began.retain(|other| other != conversation);
                }
            }
            LiveEvent::Sentence { turn, .. } => {
                if !self.sentences.contains_key(conversation) {
                    if self.began.len() >= ANSWERS_MAX
                        && let Some(oldest) = self.began.pop_front()
                    {
                        self.sentences.remove(&oldest);
                    }
                    self.began.push_back(conversation.clone());
                }
                let sentences = self.sentences.entry(conversation.clone()).or_default();
                // The end of the turn before may have been missed.
                sentences.retain(
                    |said| matches!(said, LiveEvent::Sentence { turn: of, .. } if of == turn),
                );
                if sentences.len() < BACKLOG_MAX {
                    sentences.push(event.clone());
                }
            }
        }
    }

    fn of(&self, conversation: &ConversationId) -> Vec<LiveEvent> {
        self.sentences
            .get(conversation)
            .cloned()
            .unwrap_or_default()
    }
}

/// One broadcast channel a key, made by the first watcher and removed with the last.
#[derive(Clone)]
struct Topics<K, T> {
    senders: Arc<Mutex<HashMap<K, broadcast::Sender<T>>>>,
}

impl<K, T> Default for Topics<K, T> {
    fn default() -> Self {
        Self {
            senders: Arc::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, T: Clone> Topics<K, T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, broadcast::Sender<T>>> {
        // The map is whole after every statement, so a panic elsewhere does not spoil it.
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, key: &K, event: T) {
        let senders = self.lock();
        if let Some(sender) = senders.get(key) {
            // An error means that nobody watches any more.
            let _ = sender.send(event);
        }
    }

    fn subscribe(&self, key: K) -> Subscription<K, T> {
        let mut senders = self.lock();
        let sender = senders
            .entry(key.clone())
            .or_insert_with(|| broadcast::Sender::new(BACKLOG_MAX));
        Subscription {
            receiver: Some(sender.subscribe()),
            earlier: Vec::new(),
            topics: self.clone(),
            key,
        }
    }
}

/// A watcher's end. Dropping it stops watching.
pub struct Subscription<K: Eq + Hash + Clone, T: Clone> {
    receiver: Option<broadcast::Receiver<T>>,
    earlier: Vec<T>,
    topics: Topics<K, T>,
    key: K,
}

impl<K: Eq + Hash + Clone, T: Clone> Subscription<K, T> {
    /// Takes what was said before the watcher came and still holds.
    pub fn take_earlier(&mut self) -> Vec<T> {
        std::mem::take(&mut self.earlier)
    }

    /// Waits for the next event. `None` means that some were lost, as the watcher was too slow:
    /// read the store. Safe to drop and call again.
    pub async fn next(&mut self) -> Option<T> {
        match self.receiver.as_mut() {
            Some(receiver) => receiver.recv().await.ok(),
            None => std::future::pending().await,
        }
    }
}

impl<K: Eq + Hash + Clone, T: Clone> Drop for Subscription<K, T> {
    fn drop(&mut self) {
        let mut senders = self.topics.lock();
        // Drop the receiver under the lock, so that the count below is right.
        drop(self.receiver.take());
        if senders
            .get(&self.key)
            .is_some_and(|s| s.receiver_count() == 0)
        {
            senders.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(n: u128) -> ConversationId {
        ConversationId::from_parts(1, n)
    }

    #[tokio::test]
    async fn watchers_get_their_own_conversation_only() {
        let live = LiveFeed::new();
        let mut one = live.subscribe(&conversation(1));
        let mut two = live.subscribe(&conversation(2));
        live.publish(&conversation(1), LiveEvent::Restarted);
        live.publish(&conversation(2), LiveEvent::Typing);
        assert!(matches!(one.next().await, Some(LiveEvent::Restarted)));
        assert!(matches!(two.next().await, Some(LiveEvent::Typing)));
    }

    #[tokio::test]
    async fn a_slow_watcher_learns_that_it_lost_some() {
        let live = LiveFeed::new();
        let mut watcher = live.subscribe(&conversation(1));
        for _ in 0..=BACKLOG_MAX {
            live.publish(&conversation(1), LiveEvent::Typing);
        }
        assert!(watcher.next().await.is_none());
        assert!(matches!(watcher.next().await, Some(LiveEvent::Typing)));
    }

    #[test]
    fn sentences_are_kept_until_their_answer_ends_and_no_longer_than_there_is_room() {
        let live = LiveFeed::new();
        let say = |n: u128, turn: u128| {
            live.publish(
                &conversation(n),
                LiveEvent::Sentence {
                    turn: TurnId::from_parts(1, turn),
                    text: Personal::new("It is blue.".to_owned()),
                },
            );
        };
        let earlier = |n: u128| live.subscribe(&conversation(n)).take_earlier().len();
        say(1, 1);
        say(1, 1);
        assert_eq!((earlier(1), earlier(2)), (2, 0));
        // Another turn's sentence voids those before.
        say(1, 2);
        assert_eq!(earlier(1), 1);
        live.publish(&conversation(1), LiveEvent::Restarted);
        assert_eq!(earlier(1), 0);
        for n in 0..=ANSWERS_MAX as u128 {
            say(n, 1);
        }
        assert_eq!((earlier(0), earlier(1)), (0, 1));
        assert_eq!(live.answers().began.len(), ANSWERS_MAX);
    }

    #[tokio::test]
    async fn a_tap_gets_the_events_of_all_conversations_in_a_form_that_travels() {
        let (live, mut tap) = LiveFeed::tapped();
        live.publish(
            &conversation(1),
            LiveEvent::Sentence {
                turn: TurnId::from_parts(1, 2),
                text: Personal::new("It is blue.".to_owned()),
            },
        );
        let told = tap.recv().await.expect("an event");
        let bytes = serde_json::to_vec(&told).expect("JSON");
        let told: Live<LiveEvent> = serde_json::from_slice(&bytes).expect("the same");
        assert_eq!(told.conversation, conversation(1));
        match told.event {
            LiveEvent::Sentence { text, .. } => assert_eq!(text.expose(), "It is blue."),
            _ => panic!("another event"),
        }
    }

    #[test]
    fn the_last_watcher_takes_the_topic_away() {
        let live = LiveFeed::new();
        let one = live.subscribe(&conversation(1));
        let two = live.subscribe(&conversation(1));
        drop(one);
        assert_eq!(live.conversations.lock().len(), 1);
        drop(two);
        assert_eq!(live.conversations.lock().len(), 0);
    }
}
