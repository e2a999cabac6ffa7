//! A Graph API for one process: takes what Mercer sends and hands it to whoever waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What was sent so far, by recipient.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    sent: Mutex<HashMap<String, Vec<String>>>,
    arrived: Notify,
}

impl Graph {
    /// Starts the API on a free local port; returns its base URL.
    ///
    /// # Errors
    /// When no port can be bound.
    pub(crate) async fn start() -> anyhow::Result<(Self, String)> {
        let graph = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/{version}/{number}/messages", post(take))
            .with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((graph, url))
    }

    /// Waits until more than `known` messages went to a recipient, and returns the new ones.
    pub(crate) async fn wait(&self, to: &str, known: usize, timeout: Duration) -> Vec<String> {
        let more = async {
            loop {
                let arrived = self.inner.arrived.notified();
                let sent = self.sent(to);
                if sent.len() > known {
                    return sent[known..].to_vec();
                }
                arrived.await;
            }
        };
        tokio::time::timeout(timeout, more)
            .await
            .unwrap_or_default()
    }

    /// Returns everything sent to a recipient.
    pub(crate) fn sent(&self, to: &str) -> Vec<String> {
        self.inner
            .sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(to)
            .cloned()
            .unwrap_or_default()
    }
}

async fn take(State(graph): State<Graph>, Json(body): Json<Value>) -> Json<Value> {
    let text = body.pointer("/text/body").and_then(Value::as_str);
    let to = body
        .get("to")
        .or_else(|| body.get("recipient"))
        .and_then(Value::as_str);
    // Read marks and typing indicators come the same way and are no messages.
    let (Some(text), Some(to)) = (text, to) else {
        return Json(json!({ "success": true }));
    };
    let mut sent = graph
        .inner
        .sent
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let number = sent.values().map(Vec::len).sum::<usize>();
    sent.entry(to.trim_start_matches('+').to_owned())
        .or_default()
        .push(text.to_owned());
    graph.inner.arrived.notify_waiters();
    Json(
        json!({ "messaging_product": "whatsapp", "messages": [{ "id": format!("wamid.graph{number}") }] }),
    )
}
