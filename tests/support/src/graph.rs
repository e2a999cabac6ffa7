//! A stand-in of Meta's Graph API: takes what Mercer sends and remembers it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::serve;

/// A message that the platform took.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Who it went to.
    pub to: String,
    /// Its text.
    pub text: String,
    /// Mercer's own id of it.
    pub message: String,
    /// The platform's id of it.
    pub provider_id: String,
}

/// A request, whatever became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path of its URL.
    pub path: String,
    /// Its `Authorization` header; empty without one.
    pub authorization: String,
    /// Its body.
    pub body: Value,
}

/// A Graph API. A cheap handle.
#[derive(Clone)]
pub struct Graph {
    /// Base URL.
    pub url: String,
    book: Arc<Mutex<Book>>,
    accepted: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct Book {
    asked: Vec<Asked>,
    accepted: Vec<Accepted>,
    /// What is left to answer; none where messages are taken as Meta takes them.
    script: Option<VecDeque<(u16, Value)>>,
}

impl Graph {
    /// Starts one that takes every message.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts one that gives these answers, a status and a body each, and then no more.
    ///
    /// A redirect and `429` come with the headers that Meta gives them.
    pub async fn scripted(answers: Vec<(u16, Value)>) -> Self {
        Self::start_with(Some(answers.into())).await
    }

    async fn start_with(script: Option<VecDeque<(u16, Value)>>) -> Self {
        let mut graph = Self {
            url: String::new(),
            book: Arc::new(Mutex::new(Book {
                script,
                ..Book::default()
            })),
            accepted: Arc::new(watch::Sender::new(0)),
        };
        graph.url = serve(Router::new().fallback(answer).with_state(graph.clone())).await;
        graph
    }

    /// Returns all requests so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    /// Returns all messages taken so far, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.lock().accepted.clone()
    }

    /// Returns what went to a customer.
    pub fn to(&self, phone: &str) -> Vec<Accepted> {
        let mut accepted = self.accepted();
        accepted.retain(|one| one.to == phone);
        accepted
    }

    /// Waits until the messages taken so far satisfy a condition.
    ///
    /// # Panics
    /// Never while this handle lives.
    pub async fn until(&self, enough: impl Fn(&[Accepted]) -> bool) {
        let mut count = self.accepted.subscribe();
        loop {
            count.borrow_and_update();
            if enough(&self.lock().accepted) {
                return;
            }
            let changed = count.changed().await;
            changed.expect("the API lives as long as its handle");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers as Meta does. Read marks and typing indicators come the same way and are no messages.
    fn take(&self, body: &Value) -> Response {
        let word = |pointer: &str| {
            let word = body.pointer(pointer).and_then(Value::as_str);
            word.map(str::to_owned)
        };
        let (Some(text), Some(to)) = (word("/text/body"), word("/to")) else {
            return Json(json!({ "success": true })).into_response();
        };
        let mut book = self.lock();
        let provider_id = format!("wamid.accepted.{}", book.accepted.len());
        book.accepted.push(Accepted {
            to,
            text,
            message: word("/biz_opaque_callback_data").unwrap_or_default(),
            provider_id: provider_id.clone(),
        });
        drop(book);
        self.accepted.send_modify(|count| *count += 1);
        Json(json!({ "messaging_product": "whatsapp", "messages": [{ "id": provider_id }] }))
            .into_response()
    }
}

async fn answer(
    State(graph): State<Graph>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let scripted = {
        let mut book = graph.lock();
        book.asked.push(Asked {
            path: uri.path().to_owned(),
            authorization: authorization.unwrap_or_default().to_owned(),
            body: body.clone(),
        });
        // A request that the script does not foresee must not pass for one that was taken.
        let next = |script: &mut VecDeque<_>| script.pop_front().unwrap_or((501, Value::Null));
        book.script.as_mut().map(next)
    };
    match scripted {
        Some((status, body)) => tell(status, body),
        None => graph.take(&body),
    }
}

fn tell(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    match status {
        StatusCode::FOUND => {
            (status, [(header::LOCATION, "/elsewhere")], Json(body)).into_response()
        }
        StatusCode::TOO_MANY_REQUESTS => {
            (status, [(header::RETRY_AFTER, "7")], Json(body)).into_response()
        }
        _ => (status, Json(body)).into_response(),
    }
}
