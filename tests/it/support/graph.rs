//! The platform's side of sending: takes what Mercer sends and remembers it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A message that the platform took.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Who it went to.
    pub(crate) to: String,
    /// Its text.
    pub(crate) text: String,
    /// Mercer's own id of it.
    pub(crate) message: String,
    /// The platform's id of it.
    pub(crate) provider_id: String,
}

/// A Graph API. A cheap handle.
#[derive(Clone)]
pub(crate) struct Graph {
    /// Base URL.
    pub(crate) url: String,
    taken: Arc<Mutex<Vec<Accepted>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Graph {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let graph = Self {
            url,
            taken: Arc::default(),
            count: Arc::new(watch::Sender::new(0)),
        };
        let router = Router::new()
            .route("/{version}/{number}/messages", post(take))
            .with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        graph
    }

    /// Returns everything taken so far, in order.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.lock().clone()
    }

    /// Returns what went to a customer.
    pub(crate) fn to(&self, phone: &str) -> Vec<Accepted> {
        self.lock()
            .iter()
            .filter(|one| one.to == phone)
            .cloned()
            .collect()
    }

    /// Waits until everything taken so far satisfies a condition.
    pub(crate) async fn until(&self, enough: impl Fn(&[Accepted]) -> bool) {
        let mut count = self.count.subscribe();
        loop {
            count.borrow_and_update();
            if enough(&self.lock()) {
                return;
            }
            count
                .changed()
                .await
                .expect("the API lives as long as its handle");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Accepted>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers as Meta does. Read marks and typing indicators come the same way and are no messages.
async fn take(State(graph): State<Graph>, Json(body): Json<Value>) -> Json<Value> {
    let word = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let (Some(text), Some(to)) = (word("/text/body"), word("/to")) else {
        return Json(json!({ "success": true }));
    };
    let mut taken = graph.lock();
    let provider_id = format!("wamid.accepted.{}", taken.len());
    taken.push(Accepted {
        to,
        text,
        message: word("/biz_opaque_callback_data").unwrap_or_default(),
        provider_id: provider_id.clone(),
    });
    drop(taken);
    graph.count.send_modify(|count| *count += 1);
    Json(json!({ "messaging_product": "whatsapp", "messages": [{ "id": provider_id }] }))
}
