//! A large import beside conversations that run: no lease is lost, nothing is refused, and no other
//! write waits long.
//!
//! `MERCER_IMPORT_PRODUCTS=200000` imports a catalog of that size.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mercer_schemas::{
    Channel, Content, Event, InboundMessage, LogBody, LogRecord, MessageId, Money, OutboundMessage,
    Personal, Product, ProductId, RecordKey, ShopId, Sku, TurnId, Variant, partition_of,
};
use mercer_store::{
    Append, AppendError, Batch, InboxItem, InboxKind, Lease, NewInbox, NewOutbox, Store,
    StoreConfig,
};
use mercer_testing::{PostgresServer, sqlite_url};
use tokio::task::JoinSet;

/// Products that are imported unless the environment says otherwise.
const PRODUCTS: usize = 5_000;
/// Conversations that run meanwhile.
const CONVERSATIONS: usize = 50;
/// Pause of a customer after a reply. A turn every two seconds is much for a person.
const THINKS: Duration = Duration::from_secs(2);
/// How often a node renews its leases.
const HEARTBEAT: Duration = Duration::from_millis(1_500);
/// Longest that another write may wait on a machine that does nothing else.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// Longest that one may wait beside other tests: a node that waits longer gives its leases up.
const WAIT_MAX_BESIDE_OTHERS: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_keeps_no_other_write_waiting() {
    let folder = tempfile::tempdir().expect("folder");
    import_beside_conversations("SQLite", sqlite_url(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_too_an_import_keeps_no_other_write_waiting() {
    let server = PostgresServer::shared().expect("a PostgreSQL server");
    let url = server.create_database().await.expect("a database");
    import_beside_conversations("PostgreSQL", url).await;
}

async fn import_beside_conversations(database: &str, url: String) {
    let products = match std::env::var("MERCER_IMPORT_PRODUCTS") {
        Ok(number) => number.parse().expect("MERCER_IMPORT_PRODUCTS is a number"),
        Err(_) => PRODUCTS,
    };
    let store = Store::open(&StoreConfig::new(url)).await.expect("a store");
    let catalog = store.catalog();
    catalog
        .put(&shop(), product(0, "old"), None)
        .await
        .expect("put");
    let leases = store.leases();
    leases.register("node", "test").await.expect("register");
    let leases = leases.claim_all("node", true).await.expect("claim");

    let quiet = run(
        &store,
        &leases,
        0,
        tokio::time::sleep(Duration::from_secs(6)),
    )
    .await;
    let began = Instant::now();
    let importing = async {
        let products: Vec<Product> = (0..products).map(|n| product(n, "new")).collect();
        let batch = Batch {
            products,
            ..Batch::default()
        };
        store.imports().run(&shop(), batch, |_| {}).await
    };
    let mut imported = None;
    let busy = run(&store, &leases, 1, async {
        imported = Some(importing.await)
    })
    .await;
    assert_eq!(imported, Some(Ok(products)));
    println!(
        "{database}: {products} products in {:.1?}; {} writes beside it waited {:.1?} at most, {:.1?} at the 99th percentile; \
         without an import {:.1?} and {:.1?} of {}",
        began.elapsed(),
        busy.waits.len(),
        busy.longest(),
        busy.percentile(99),
        quiet.longest(),
        quiet.percentile(99),
        quiet.waits.len(),
    );
    for lease in &leases {
        assert_eq!(store.leases().holds(lease).await, Ok(true));
    }
    assert!(busy.waits.len() > CONVERSATIONS, "conversations ran");
    // A suite that runs beside others says nothing of milliseconds; who measures names a size.
    let bound = match std::env::var_os("MERCER_IMPORT_PRODUCTS") {
        Some(_) => WAIT_MAX,
        None => WAIT_MAX_BESIDE_OTHERS,
    };
    let longest = busy.longest();
    assert!(longest < bound, "a write waited {longest:?}");
    let last = ProductId::new(format!("P-{:06}", products - 1)).expect("key");
    let found = catalog.get(&shop(), &last).await.expect("get").expect("it");
    assert_eq!(found.value.title, "new");
}

/// How long each write took.
struct Waits {
    waits: Vec<Duration>,
}

impl Waits {
    fn longest(&self) -> Duration {
        self.waits.last().copied().unwrap_or_default()
    }

    fn percentile(&self, percent: usize) -> Duration {
        let at = self.waits.len() * percent / 100;
        self.waits.get(at).copied().unwrap_or_default()
    }
}

/// Runs conversations and heartbeats until something is over; every write must succeed.
async fn run(
    store: &Store,
    leases: &[Lease],
    round: usize,
    until: impl Future<Output = ()>,
) -> Waits {
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for number in 0..CONVERSATIONS {
        let address = format!("4477009{round}{number:04}");
        let (store, leases, over) = (store.clone(), leases.to_vec(), Arc::clone(&over));
        tasks.spawn(async move {
            // Not all at once, as customers do not.
            tokio::time::sleep(THINKS * number as u32 / CONVERSATIONS as u32).await;
            converse(&store, &leases, &address, &over).await
        });
    }
    let (beating, ended) = (store.clone(), Arc::clone(&over));
    tasks.spawn(async move {
        let mut waits = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let began = Instant::now();
            assert_eq!(beating.leases().heartbeat("node").await, Ok(true));
            waits.push(began.elapsed());
            tokio::time::sleep(HEARTBEAT).await;
        }
        waits
    });
    until.await;
    over.store(true, Ordering::Relaxed);
    let mut waits: Vec<Duration> = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        waits.extend(ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    waits.sort();
    Waits { waits }
}

/// Turn after turn: a message comes in, a turn is appended, a reply is queued under the version of
/// the product that it speaks of.
async fn converse(
    store: &Store,
    leases: &[Lease],
    address: &str,
    over: &AtomicBool,
) -> Vec<Duration> {
    let conversations = store.conversations();
    let (mut waits, mut seq, mut turn) = (Vec::new(), 0, 0);
    while !over.load(Ordering::Relaxed) {
        turn += 1;
        let message = message(address, turn);
        let began = Instant::now();
        let inserted = store.inbox().insert(&shop(), vec![message]).await;
        waits.push(began.elapsed());
        let inserted = inserted.expect("the webhook is acknowledged");
        let stream = inserted[0].stream.clone().expect("a conversation");
        let lease = &leases[usize::from(partition_of(&stream.shop, &stream.conversation))];
        let step = |seq: u64| Append {
            stream: stream.clone(),
            lease: lease.clone(),
            records: vec![record(seq, lease.epoch)],
            inbox_done: Vec::new(),
            inbox_quarantined: Vec::new(),
            outbox: Vec::new(),
            notices: Vec::new(),
            phase: "composing".to_owned(),
            handed_over: false,
            turns: turn,
            snapshot: None,
            expect_versions: Vec::new(),
        };
        let mut append = step(seq + 1);
        append.inbox_done = vec![inserted[0].inbox_id];
        let began = Instant::now();
        conversations.append(append).await.expect("append");
        waits.push(began.elapsed());
        loop {
            let id = product(0, "").id;
            let found = store.catalog().get(&shop(), &id).await.expect("get");
            let mut append = step(seq + 2);
            append.outbox = vec![outgoing(turn)];
            append.expect_versions = vec![(RecordKey::Product(id), found.expect("it").version)];
            let began = Instant::now();
            let appended = conversations.append(append).await;
            waits.push(began.elapsed());
            match appended {
                Ok(()) => break,
                // The switch came between: the reply is rendered anew.
                Err(AppendError::Stale(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        seq += 2;
        tokio::time::sleep(THINKS).await;
    }
    waits
}

fn shop() -> ShopId {
    ShopId::new("highbarn").expect("key")
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("time").as_millis() as i64
}

fn message(address: &str, number: i64) -> NewInbox {
    let provider_id = format!("wamid.{address}.{number}");
    let item = InboxItem::Message(InboundMessage {
        id: MessageId::from_parts(number, rand::random()),
        provider_id: provider_id.clone(),
        sent_at_ms: number,
        content: Content::Text {
            text: "how much is the kettle?".into(),
        },
        cut_from_chars: None,
    });
    NewInbox {
        channel: Channel::Whatsapp,
        provider_id,
        address: address.into(),
        kind: InboxKind::Message,
        payload: item.to_payload(),
        received_at_ms: now_ms(),
        sent_at_ms: number,
    }
}

fn record(seq: u64, epoch: i64) -> LogRecord {
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

fn outgoing(order_no: i64) -> NewOutbox {
    NewOutbox {
        message: MessageId::from_parts(order_no, rand::random()),
        channel: Channel::Whatsapp,
        address: "447700900123".into(),
        turn: None,
        content: OutboundMessage {
            text: Personal::new("It costs £45.99.".to_owned()),
            cards: Vec::new(),
        },
        order_no,
    }
}

/// A product as shops have them: two variants, a few attributes, a paragraph of text.
fn product(number: usize, title: &str) -> Product {
    let variant = |colour: &str| Variant {
        sku: Sku::new(format!("P-{number:06}-{colour}")).expect("key"),
        ean: Some(format!("50{number:011}")),
        options: BTreeMap::from([("colour".to_owned(), colour.to_owned())]),
        price: Money {
            minor: 4_599,
            currency: "GBP".parse().expect("currency"),
        },
        list_price: None,
        stock: 3,
    };
    let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Product {
        id: ProductId::new(format!("P-{number:06}")).expect("key"),
        title: title.to_owned(),
        brand: "Hob & Hearth".to_owned(),
        category: "Kitchen > Kettles".to_owned(),
        description: "Boils a litre in two minutes and switches itself off. ".repeat(8),
        attributes: BTreeMap::from([
            attribute("material", "steel"),
            attribute("capacity", "1.7 l"),
            attribute("weight", "1.2 kg"),
        ]),
        visible: true,
        variants: vec![variant("red"), variant("blue")],
    }
}
