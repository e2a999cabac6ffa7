//! The page's event stream (Server-Sent Events).
//!
//! Everything that stays is read from the conversation's log and carries its position as event
//! id; a page that comes back names the last one it saw and gets what follows, no more and no
//! less. The live feed adds what passes (typing, provisional sentences), and says when to read on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use mercer_schemas::{Channel, ConversationId, ShopId, Stream, TurnId};
use mercer_store::{Error as StoreError, Store};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use self::show::Shown;
use super::config::Pages;
use super::session::SessionToken;
use crate::Gateway;
use crate::live::{LiveEvent, LiveFeed, Subscription};
use crate::problem::Problem;

mod show;

/// Log records read at a time, and most bytes of them: a page that reads a long conversation again
/// holds no more of it than this, and there may be thousands of pages.
const PAGE_RECORDS: u64 = 200;
const PAGE_BYTES_MAX: u64 = 256 * 1024;
/// The log is looked at this often even without a hint: another process may have written it.
const POLL_MS: u64 = 5_000;
/// Sent when nothing else is, so that proxies keep the connection and the page sees it is alive.
const KEEP_ALIVE_MS: u64 = 15_000;

/// Query of the stream. The session's token is never part of it: proxies log addresses.
#[derive(Deserialize)]
pub(super) struct Resume {
    /// Like the `Last-Event-ID` header, which wins.
    after: Option<String>,
}

/// Streams a session's conversation: its log from where the page left off, then what happens.
pub(super) async fn stream_events(
    State(gateway): State<Gateway>,
    Extension(pages): Extension<Arc<Pages>>,
    Path(shop): Path<String>,
    Query(resume): Query<Resume>,
    headers: HeaderMap,
) -> Response {
    let Some(shop) = pages.find(&shop).cloned() else {
        return Problem::NO_SUCH_SHOP.into_response();
    };
    let token = match SessionToken::of_headers(&headers) {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last_id.or(resume.after.as_deref());
    // Something unreadable starts from the beginning: too much is better than too little.
    let after = after.and_then(|id| id.trim().parse().ok()).unwrap_or(0);
    let feed = Feed::new(&gateway, shop, token.address(), after);
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_millis(KEEP_ALIVE_MS));
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // Asks nginx not to hold events back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Sse::new(events).keep_alive(keep_alive)).into_response()
}

/// One page's view of its conversation.
struct Feed {
    store: Store,
    live: LiveFeed,
    shop: ShopId,
    address: String,
    opened: Subscription<(ShopId, String), ()>,
    closing: watch::Receiver<bool>,
    /// None until the session's first message.
    conversation: Option<Watched>,
    shown: Shown,
    /// Position in the log up to which everything was sent.
    after: u64,
    /// Whether the log may hold more.
    behind: bool,
    ready_said: bool,
    /// To be said once the log is read, so that it does not come before an older message.
    then: Option<SseEvent>,
    queue: VecDeque<SseEvent>,
}

struct Watched {
    stream: Stream,
    live: Subscription<ConversationId, LiveEvent>,
}

/// What to do next.
enum Next {
    Live(Option<LiveEvent>),
    Look,
    End,
}

impl Feed {
    fn new(gateway: &Gateway, shop: ShopId, address: String, after: u64) -> Self {
        Self {
            store: gateway.store.clone(),
            live: gateway.live.clone(),
            // Watched before the first look, so that no first message is missed in between.
            opened: gateway.live.subscribe_opened(&shop, &address),
            closing: gateway.live.closing(),
            shop,
            address,
            conversation: None,
            shown: Shown::default(),
            after,
            behind: true,
            ready_said: false,
            then: None,
            queue: VecDeque::new(),
        }
    }

    /// Returns the next event; none ends the stream, and the page comes back.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if *self.closing.borrow() {
                return None;
            }
            if let Err(error) = self.look().await {
                tracing::warn!(shop.id = %self.shop, error = %error, "event stream ended");
                return None;
            }
            if !self.queue.is_empty() {
                continue;
            }
            match self.wait().await {
                Next::Live(event) => self.on_live(event),
                Next::Look => self.behind = true,
                Next::End => return None,
            }
        }
    }

    /// Reads on in the log, if there may be more.
    async fn look(&mut self) -> Result<(), StoreError> {
        if self.conversation.is_none() {
            self.find().await?;
        }
        if let Some(watched) = self.conversation.as_ref().filter(|_| self.behind) {
            let log = self.store.conversations();
            let part = log
                .log_part(&watched.stream, self.after, PAGE_RECORDS, PAGE_BYTES_MAX)
                .await?;
            self.behind = !part.is_end;
            for record in &part.records {
                self.after = record.seq;
                self.queue
                    .extend(self.shown.event_of(record, &self.address));
            }
        }
        let caught_up = self.conversation.is_none() || !self.behind;
        if caught_up {
            self.queue.extend(self.then.take());
            self.tell_earlier();
            if !self.ready_said {
                self.ready_said = true;
                self.queue.push_back(passing("ready", json!({})));
            }
        }
        Ok(())
    }

    /// Tells the sentences of an answer that was being written when this page came. Whatever it may still show of them
    /// is void.
    fn tell_earlier(&mut self) {
        let Some(watched) = &mut self.conversation else {
            return;
        };
        let mut sentences: VecDeque<SseEvent> = VecDeque::new();
        for event in watched.live.take_earlier() {
            if let LiveEvent::Sentence { turn, text } = event
                && !self.shown.is_answered(&turn)
            {
                sentences.push_back(sentence(&turn, text.expose()));
            }
        }
        if !sentences.is_empty() {
            self.queue.push_back(passing("restarted", json!({})));
            self.queue.append(&mut sentences);
        }
    }

    async fn find(&mut self) -> Result<(), StoreError> {
        let conversations = self.store.conversations();
        let found = conversations
            .get_by_address(&self.shop, Channel::Webchat, &self.address)
            .await?;
        self.conversation = found.map(|row| Watched {
            live: self.live.subscribe(&row.id),
            stream: Stream {
                shop: self.shop.clone(),
                conversation: row.id,
            },
        });
        Ok(())
    }

    async fn wait(&mut self) -> Next {
        if self.behind && self.conversation.is_some() {
            return Next::Look;
        }
        let poll = tokio::time::sleep(Duration::from_millis(POLL_MS));
        let closed = self.closing.wait_for(|closed| *closed);
        match &mut self.conversation {
            Some(watched) => tokio::select! {
                event = watched.live.next() => Next::Live(event),
                () = poll => Next::Look,
                _ = closed => Next::End,
            },
            None => tokio::select! {
                _ = self.opened.next() => Next::Look,
                () = poll => Next::Look,
                _ = closed => Next::End,
            },
        }
    }

    fn on_live(&mut self, event: Option<LiveEvent>) {
        match event {
            Some(LiveEvent::Sentence { turn, text }) => {
                if !self.shown.is_answered(&turn) {
                    self.queue.push_back(sentence(&turn, text.expose()));
                }
            }
            Some(LiveEvent::Typing) => {
                self.behind = true;
                self.then = Some(passing("typing", json!({})));
            }
            Some(LiveEvent::Restarted) => {
                self.behind = true;
                self.then = Some(passing("restarted", json!({})));
            }
            // Messages come from the log, and so does whatever a slow page lost.
            Some(LiveEvent::Message { .. }) | None => self.behind = true,
        }
    }
}

fn sentence(turn: &TurnId, text: &str) -> SseEvent {
    passing("sentence", json!({ "turn": turn, "text": text }))
}

/// Builds an event without an id: it is not part of what a page can resume from.
fn passing(name: &str, data: serde_json::Value) -> SseEvent {
    SseEvent::default().event(name).data(data.to_string())
}
