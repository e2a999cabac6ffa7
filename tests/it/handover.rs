//! A person who is called hears of it, although the process dies while it tells.

use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use mercer_store::{CRASH_AT, DeliveryFilter, DeliveryState};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::support::{Message, Model, World, batch};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What the kernel sends a process that aborts.
const ABORTED: i32 = 6;
/// A delivery that a dead process held is taken up after a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// What the helpdesk took, each request with its `webhook-id`.
type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// Says whether a point is one of telling, which a customer's message does not pass where nobody is
/// called.
pub(crate) fn is_of_telling(point: &str) -> bool {
    point.starts_with("notice_")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_called_although_the_process_dies_before_and_after_sending() {
    let base = World::with_shop(Model::best()).await;
    let (before, after) = (base.copy().await, base.copy().await);
    tokio::join!(
        die_while_telling(before, "notice_claimed", 1),
        die_while_telling(after, "notice_sent", 2),
    );
}

async fn die_while_telling(mut world: World, point: &str, tries: usize) {
    let (url, taken) = helpdesk().await;
    world.more = format!(
        "[[notify.webhooks]]\nshop = \"{}\"\nname = \"helpdesk\"\nurl = \"{url}\"\nsecrets = [\"{SECRET}\"]\n\
         events = [\"conversation.handed_over\"]\n",
        world.shop
    );
    let mut mercer = match world.try_start(&[(CRASH_AT, point)]).await {
        Ok(mercer) => mercer,
        Err(ended) => panic!("{point}: mercer did not start:\n{}", ended.log),
    };
    let words = "can i speak to a real person please";
    let message = Message::new("447700900777", "wamid.handover", words);
    assert_eq!(mercer.webhook(&batch(&[message], &[])).await, Some(200));
    let status = timeout(PATIENCE, mercer.ended()).await;
    let status = status.unwrap_or_else(|_| panic!("{point}: alive:\n{}", mercer.log()));
    assert_eq!(status.signal(), Some(ABORTED), "{point}:\n{}", mercer.log());

    let mercer = world.start().await;
    let notices = world.store().await.notices();
    let delivered = DeliveryFilter {
        state: Some(DeliveryState::Delivered),
        ..DeliveryFilter::default()
    };
    let settled = async {
        while notices
            .list(&world.shop, &delivered, None, 10)
            .await
            .expect("deliveries")
            .items
            .is_empty()
        {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let settled = timeout(PATIENCE, settled).await;
    assert!(settled.is_ok(), "{point}: nobody heard:\n{}", mercer.log());
    let taken = taken.lock().expect("taken").clone();
    assert_eq!(taken.len(), tries, "{point}");
    let (id, told) = &taken[0];
    assert!(taken.iter().all(|(other, _)| other == id), "{point}");
    assert_eq!(told["type"], "conversation.handed_over");
    assert_eq!(told["data"]["summary"]["asked"], words);
    assert_eq!(
        told["data"]["summary"]["who"]["address"], "447700900777",
        "{point}"
    );
    assert!(
        !mercer.log().contains("real person"),
        "words are in the log"
    );
    mercer.kill().await;
    world.verify_replay().await;
}

/// A helpdesk that takes what is signed.
async fn helpdesk() -> (String, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    let taken = Taken::default();
    let router = Router::new()
        .route("/hook", post(take))
        .with_state(taken.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, taken)
}

async fn take(State(taken): State<Taken>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let verifier = Webhook::new(SECRET).expect("a secret");
    if verifier.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers["webhook-id"].to_str().expect("text").to_owned();
    let told = serde_json::from_slice(&body).expect("JSON");
    taken.lock().expect("taken").push((id, told));
    StatusCode::NO_CONTENT
}
