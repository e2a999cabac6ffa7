//! What every topic needs: a fresh store and records to put into it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use mercer_schemas::{
    Channel, Content, Event, InboundMessage, LogBody, LogRecord, MessageId, Money, OutboundMessage,
    Personal, Product, ProductId, ShopId, Sku, Stream, TurnId, Variant, partition_of,
};
use mercer_store::{Append, InboxItem, InboxKind, Lease, NewInbox, NewOutbox, Store, StoreConfig};
use mercer_testing::{PostgresServer, sqlite_url};
use sea_orm::{ConnectionTrait, Database};

/// A store on a fresh database.
pub struct Env {
    pub store: Store,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Env {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let url = sqlite_url(folder.path());
        Self {
            store: open(&url).await,
            url,
            _folder: Some(folder),
        }
    }

    pub async fn postgres() -> Self {
        let server = PostgresServer::shared().expect("a PostgreSQL server");
        let url = server.create_database().await.expect("a database");
        Self {
            store: open(&url).await,
            url,
            _folder: None,
        }
    }

    /// Claims everything for a node and returns the lease of a conversation's partition.
    pub async fn lease(&self, node: &str, stream: &Stream) -> Lease {
        let leases = self.leases(node).await;
        leases[usize::from(partition_of(&stream.shop, &stream.conversation))].clone()
    }

    pub async fn leases(&self, node: &str) -> Vec<Lease> {
        self.store
            .leases()
            .register(node, "test")
            .await
            .expect("register");
        self.store
            .leases()
            .claim_all(node, true)
            .await
            .expect("claim")
    }

    /// Changes the database behind the store's back.
    pub async fn sql(&self, sql: &str) {
        let connection = Database::connect(&self.url).await.expect("connect");
        connection.execute_unprepared(sql).await.expect(sql);
        connection.close().await.expect("close");
    }

    /// Brings one message in and returns its conversation and inbox row.
    pub async fn receive(&self, address: &str, provider_id: &str) -> (Stream, i64) {
        let inserted = self
            .store
            .inbox()
            .insert(&shop(), vec![message(address, provider_id, 1_000)])
            .await
            .expect("insert");
        let stream = inserted[0].stream.clone().expect("a conversation");
        (stream, inserted[0].inbox_id)
    }
}

pub async fn open(url: &str) -> Store {
    Store::open(&StoreConfig::new(url)).await.expect("a store")
}

pub fn shop() -> ShopId {
    ShopId::new("highbarn").expect("key")
}

pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("time")
        .as_millis() as i64
}

pub fn message(address: &str, provider_id: &str, sent_at_ms: i64) -> NewInbox {
    let item = InboxItem::Message(InboundMessage {
        id: MessageId::from_parts(sent_at_ms, rand::random()),
        provider_id: provider_id.to_owned(),
        sent_at_ms,
        cut_from_chars: None,
        content: Content::Text {
            text: "hello".into(),
        },
    });
    NewInbox {
        channel: Channel::Whatsapp,
        provider_id: provider_id.to_owned(),
        address: address.into(),
        kind: InboxKind::Message,
        payload: item.to_payload(),
        received_at_ms: now_ms(),
        sent_at_ms,
    }
}

/// A record that needs no context.
pub fn record(seq: u64, epoch: i64) -> LogRecord {
    LogRecord {
        seq,
        at_ms: now_ms(),
        epoch,
        logic_version: 1,
        body: LogBody::Event {
            event: Event::TurnEnded {
                turn: TurnId::from_parts(1, u128::from(seq)),
                failed: false,
                still_failed: false,
            },
        },
    }
}

/// An append that changes nothing yet.
pub fn append(stream: &Stream, lease: &Lease) -> Append {
    Append {
        stream: stream.clone(),
        lease: lease.clone(),
        records: Vec::new(),
        inbox_done: Vec::new(),
        inbox_quarantined: Vec::new(),
        outbox: Vec::new(),
        notices: Vec::new(),
        phase: "idle".to_owned(),
        handed_over: false,
        turns: 0,
        snapshot: None,
        expect_versions: Vec::new(),
    }
}

pub fn outgoing(order_no: i64) -> NewOutbox {
    NewOutbox {
        message: MessageId::from_parts(order_no, rand::random()),
        channel: Channel::Whatsapp,
        address: "447700900123".into(),
        turn: None,
        content: OutboundMessage {
            text: Personal::new(format!("answer {order_no}")),
            cards: Vec::new(),
        },
        order_no,
    }
}

pub fn gbp(minor: i64) -> Money {
    Money {
        minor,
        currency: "GBP".parse().expect("currency"),
    }
}

/// A product with two variants `ID-RED` and `ID-BLUE`.
pub fn product(id: &str) -> Product {
    let variant = |colour: &str, ean: &str| Variant {
        sku: Sku::new(format!("{id}-{}", colour.to_uppercase())).expect("key"),
        ean: Some(format!(
            "{ean}{:09}",
            id.bytes().map(u32::from).sum::<u32>()
        )),
        options: BTreeMap::from([("colour".to_owned(), colour.to_owned())]),
        price: gbp(4599),
        list_price: None,
        stock: 3,
    };
    Product {
        id: ProductId::new(id).expect("key"),
        title: format!("Kettle {id}"),
        brand: "Hob & Hearth".to_owned(),
        category: "Kitchen > Kettles".to_owned(),
        description: "Boils water.".to_owned(),
        attributes: BTreeMap::from([("material".to_owned(), "steel".to_owned())]),
        visible: true,
        variants: vec![variant("red", "501"), variant("blue", "502")],
    }
}
