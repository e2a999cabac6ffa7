//! What was told, and sending it again.

use mercer_schemas::{ActionBy, Channel, Notice, Personal, partition_of};
use mercer_store::{Append, Outcome, TargetName};
use serde_json::{Value, json};

use crate::support::{Server, shop_id};

const DELIVERIES: &str = "/v1/shops/highbarn/webhooks/deliveries";

/// Stores a notice of a new conversation, addresses it and gives it up; returns the delivery's id.
async fn given_up(server: &Server) -> String {
    let store = &server.store;
    let address = Personal::new("447700900123".to_owned());
    let row = store
        .conversations()
        .ensure(&shop_id(), Channel::Whatsapp, &address, 1)
        .await
        .expect("conversation");
    let leases = store.leases();
    leases.register("node", "test").await.expect("node");
    let held = leases.claim_all("node", true).await.expect("leases");
    let stream = row.stream();
    let partition = partition_of(&stream.shop, &stream.conversation);
    let append = Append {
        lease: held[usize::from(partition)].clone(),
        records: Vec::new(),
        inbox_done: Vec::new(),
        inbox_quarantined: Vec::new(),
        outbox: Vec::new(),
        notices: vec![Notice::TakenOver {
            shop: stream.shop.clone(),
            conversation: stream.conversation.clone(),
            by: ActionBy {
                key_id: "k".to_owned(),
            },
        }],
        phase: "with_person".to_owned(),
        handed_over: true,
        turns: 0,
        snapshot: None,
        expect_versions: Vec::new(),
        stream,
    };
    store.conversations().append(append).await.expect("append");
    let notices = store.notices();
    let desk = TargetName::of_all(shop_id(), "desk");
    notices.address(&[desk]).await.expect("addressed");
    let claimed = notices
        .claim(&shop_id(), "desk", 1, i64::MAX / 2)
        .await
        .expect("claim");
    let outcome = Outcome {
        status: Some(500),
        cause: Some("status".to_owned()),
    };
    let row = &claimed[0].row;
    notices.dead(row, &outcome, 5).await.expect("dead");
    row.id.to_string()
}

#[tokio::test]
async fn what_was_given_up_is_found_and_sent_again() {
    let server = Server::start().await;
    let id = given_up(&server).await;
    let listed = server.get(&format!("{DELIVERIES}?state=dead")).await;
    let item = &listed.json["items"][0];
    assert_eq!(
        (&item["id"], &item["type"], &item["target"], &item["status"]),
        (
            &json!(id),
            &json!("conversation.taken_over"),
            &json!("desk"),
            &json!(500)
        )
    );
    assert!(!listed.json.to_string().contains("447700900123"));
    let resend = format!("POST {DELIVERIES}/{id}/resend");
    let again = server.json(&resend, Value::Null).await;
    assert_eq!(
        (again.status.as_u16(), &again.json["state"]),
        (202, &json!("pending"))
    );
    let twice = server.json(&resend, Value::Null).await;
    assert_eq!(twice.status, 409, "it is due already");
    let none = server.get(&format!("{DELIVERIES}?state=dead")).await;
    assert_eq!(none.json["items"], json!([]));
}

#[tokio::test]
async fn a_delivery_that_is_not_there_or_of_another_shop_is_not_found() {
    let server = Server::start().await;
    let id = given_up(&server).await;
    let unknown = "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let path = format!("POST {DELIVERIES}/{unknown}/resend");
    assert_eq!(server.json(&path, Value::Null).await.status, 404);
    let key = Some(server.other_shop_key.as_str());
    let path = format!("POST /v1/shops/elsewhere/webhooks/deliveries/{id}/resend");
    let answer = server
        .send(&path, key, &[], axum::body::Body::empty())
        .await;
    assert_eq!(answer.status, 404);
}
