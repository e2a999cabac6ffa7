//! A receiver of webhooks that verifies signatures, and misbehaves when it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
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
pub(crate) enum Mood {
    Takes,
    Fails(u16),
    Hangs,
}

/// A request that was verified.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) taken: bool,
}

#[derive(Default)]
struct Book {
    secrets: Vec<String>,
    moods: VecDeque<Mood>,
    requests: Vec<Received>,
    refused: usize,
}

/// A receiver at an address of its own.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(secrets: &[&str]) -> Self {
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

    /// Leaves, and keeps what it knows.
    pub(crate) async fn leave(self) -> impl AsyncFnOnce() -> Self {
        self.task.abort();
        let _ = self.task.await;
        let (address, book) = (self.address, self.book);
        async move || Self::listen(&address.to_string(), book).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next requests so, then takes all.
    pub(crate) fn next(&self, moods: &[Mood]) {
        self.book.lock().expect("book").moods.extend(moods);
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.book.lock().expect("book").requests.clone()
    }

    /// Returns what it took, without the tries that failed.
    pub(crate) fn taken(&self) -> Vec<Received> {
        let mut all = self.requests();
        all.retain(|received| received.taken);
        all
    }

    /// Counts requests whose signature was not right.
    pub(crate) fn refused(&self) -> usize {
        self.book.lock().expect("book").refused
    }
}

async fn receive(
    State(book): State<Arc<Mutex<Book>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mood = {
        let mut book = book.lock().expect("book");
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
