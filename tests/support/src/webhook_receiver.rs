//! A receiver of webhooks that verifies signatures, and misbehaves when it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the receiver answers one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes the request.
    Takes,
    /// It answers with this status.
    Fails(u16),
    /// It never answers.
    Hangs,
}

/// A request that was verified.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its `webhook-id`.
    pub id: String,
    /// What it tells.
    pub body: Value,
    /// Whether it was taken.
    pub taken: bool,
}

#[derive(Default)]
struct Book {
    secrets: Vec<String>,
    moods: VecDeque<Mood>,
    requests: Vec<Received>,
    refused: usize,
}

/// A receiver at an address of its own.
pub struct WebhookReceiver {
    /// Where it listens.
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

impl WebhookReceiver {
    /// Starts one that knows these secrets, and takes everything that is signed with one of them.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(secrets: &[&str]) -> Self {
        let book = Book {
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect(),
            ..Book::default()
        };
        Self::listen("127.0.0.1:0", Arc::new(Mutex::new(book))).await
    }

    async fn listen(address: &str, book: Arc<Mutex<Book>>) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(book.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            address,
            book,
            task,
        }
    }

    /// Leaves, and keeps what it knows; what is returned brings it back to the same address.
    ///
    /// # Panics
    /// When it comes back and somebody else has its port.
    pub async fn leave(self) -> impl AsyncFnOnce() -> Self {
        self.task.abort();
        let _ = self.task.await;
        let (address, book) = (self.address, self.book);
        async move || Self::listen(&address.to_string(), book).await
    }

    /// Returns the URL that takes webhooks.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next requests so, then takes all.
    pub fn next(&self, moods: &[Mood]) {
        self.lock().moods.extend(moods);
    }

    /// Returns all requests that were verified, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.lock().requests.clone()
    }

    /// Returns what it took, without the tries that failed.
    pub fn taken(&self) -> Vec<Received> {
        let mut all = self.requests();
        all.retain(|received| received.taken);
        all
    }

    /// Counts requests whose signature was not right.
    pub fn refused(&self) -> usize {
        self.lock().refused
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(
    State(book): State<Arc<Mutex<Book>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mood = {
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        let genuine = book.secrets.iter().any(|secret| {
            Webhook::new(secret)
                .expect("a secret")
                .verify(&body, &headers)
                .is_ok()
        });
        if !genuine {
            book.refused += 1;
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let mood = book.moods.pop_front().unwrap_or(Mood::Takes);
        let received = Received {
            id: headers["webhook-id"].to_str().expect("text").to_owned(),
            body: serde_json::from_slice(&body).expect("JSON"),
            taken: mood == Mood::Takes,
        };
        book.requests.push(received);
        mood
    };
    match mood {
        Mood::Takes => StatusCode::NO_CONTENT.into_response(),
        Mood::Fails(status) => StatusCode::from_u16(status)
            .expect("status")
            .into_response(),
        Mood::Hangs => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
    }
}
