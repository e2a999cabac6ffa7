//! What tests of the actors share: a node on a real store in a temporary folder.

mod stand_ins;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mercer_commerce::Tools;
use mercer_gateway::Channels;
use mercer_gateway::live::LiveFeed;
use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_schemas::{
    Channel, Content, Event, InboundMessage, Input, LogBody, MessageId, Shop, ShopId, Stream,
    partition_of,
};
use mercer_store::{Command, InboxItem, InboxKind, NewInbox, Store, StoreConfig};
use mercer_testing::{PATIENCE, PostgresServer, sqlite_url};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use crate::clock::SystemClock;
use crate::config::RuntimeConfig;
use crate::context::{Context, Services, Shared};

pub(crate) use self::stand_ins::{HandTimer, Model, Platform, Says};

/// A refusal by SQLite of what is written, and an error while a statement runs (its codes 19 and 1).
pub(crate) const REFUSES: &str = "SELECT RAISE(ABORT, 'poison')";
pub(crate) const BREAKS: &str = "SELECT json('{' || OLD.state)";
/// Turns that other tasks get before it is said that nothing happens.
const TURNS: usize = 200;

/// A node with a shop, that owns all partitions.
pub(crate) struct World {
    pub(crate) context: Context,
    pub(crate) timer: Arc<HandTimer>,
    pub(crate) model: Arc<Model>,
    pub(crate) platform: Arc<Platform>,
    database: DatabaseConnection,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = sqlite_url(folder.path());
        Self::start_on(url, folder).await
    }

    /// Starts on a PostgreSQL, which can be made to fail in any way ([`Self::fail_with`]).
    pub(crate) async fn start_on_postgres() -> Self {
        let server = PostgresServer::shared().expect("a PostgreSQL server");
        let url = server.create_database().await.expect("a database");
        Self::start_on(url, tempfile::tempdir().expect("folder")).await
    }

    async fn start_on(url: String, folder: tempfile::TempDir) -> Self {
        let store = Store::open(&StoreConfig::new(&url)).await.expect("store");
        store.shops().put(shop()).await.expect("shop");
        let knowledge = Knowledge::open(
            &folder.path().join("index"),
            store.clone(),
            SearchModels::default(),
            SearchConfig::default(),
        )
        .await
        .expect("indexes");
        let (model, platform) = (Arc::new(Model::default()), Arc::new(Platform::default()));
        let mut channels = Channels::default();
        channels.register(platform.clone());
        let services = Services {
            store: store.clone(),
            tools: Tools::new(store.clone(), knowledge),
            chat: model.clone(),
            intents: None,
            channels,
            live: LiveFeed::new(),
            clock: Arc::new(SystemClock),
        };
        let timer = HandTimer::new();
        let config = RuntimeConfig::for_testing();
        let context: Context = Arc::new(Shared::new(config, services, timer.clone()));
        let leases = store.leases();
        leases.register("node", "test").await.expect("register");
        context.take_leases(&leases.claim_all("node", false).await.expect("claim"));
        Self {
            context,
            timer,
            model,
            platform,
            database: Database::connect(url).await.expect("database"),
            _folder: folder,
        }
    }

    /// Changes the database behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        self.database.execute_unprepared(sql).await.expect("SQL");
    }

    /// Lets every use of a table fail until [`Self::mend`].
    pub(crate) async fn break_table(&self, table: &str) {
        self.rename(table, &format!("{table}_away")).await;
    }

    pub(crate) async fn mend(&self, table: &str) {
        self.rename(&format!("{table}_away"), table).await;
    }

    /// Renames a table and leaves the views that read it as they are.
    async fn rename(&self, from: &str, to: &str) {
        self.sql(&format!(
            "PRAGMA legacy_alter_table = ON; ALTER TABLE {from} RENAME TO {to}"
        ))
        .await;
    }

    /// Lets the commit of an inbox row fail for ever, by a statement of SQLite.
    pub(crate) async fn poison(&self, provider_id: &str, by: &str) {
        self.sql(&format!(
            "CREATE TRIGGER poison_{provider_id} BEFORE UPDATE OF state ON inbox \
             WHEN OLD.provider_id = '{provider_id}' AND NEW.state = 'done' BEGIN {by}; END"
        ))
        .await;
    }

    /// Lets writes of a table fail with a code of PostgreSQL, where a row is as described, until
    /// [`Self::heal`].
    pub(crate) async fn fail_with(&self, code: &str, table: &str, row: &str) {
        self.sql(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'made to fail' USING ERRCODE = '{code}'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW \
             WHEN ({row}) EXECUTE FUNCTION fail()"
        ))
        .await;
    }

    pub(crate) async fn heal(&self) {
        self.sql("DROP FUNCTION fail CASCADE").await;
    }

    /// Puts things into the inbox of one customer's conversation, in order.
    pub(crate) async fn receive(&self, things: Vec<(&str, InboxItem)>) -> Stream {
        let rows = things
            .into_iter()
            .zip(1..)
            .map(|((id, item), at)| NewInbox {
                channel: Channel::Webchat,
                provider_id: id.to_owned(),
                address: "customer".into(),
                kind: match item {
                    InboxItem::Message(_) => InboxKind::Message,
                    InboxItem::Status { .. } => InboxKind::Status,
                    InboxItem::Command(_) => InboxKind::Command,
                },
                payload: item.to_payload(),
                received_at_ms: at,
                sent_at_ms: at,
            });
        let inbox = self.context.services.store.inbox();
        let inserted = inbox.insert(&shop().id, rows.collect()).await;
        inserted.expect("insert")[0]
            .stream
            .clone()
            .expect("a conversation")
    }

    /// Counts inbox rows in a state.
    pub(crate) async fn rows(&self, state: &str) -> u64 {
        let inbox = self.context.services.store.inbox();
        inbox.count(&shop().id, state).await.expect("count")
    }

    /// Returns what is in a conversation's log.
    pub(crate) async fn log(&self, stream: &Stream) -> Vec<LogBody> {
        let conversations = self.context.services.store.conversations();
        let records = conversations.log(stream, 0, 1_000).await.expect("log");
        records.into_iter().map(|record| record.body).collect()
    }

    /// Returns the conversation's events by name.
    pub(crate) async fn events(&self, stream: &Stream) -> Vec<&'static str> {
        let log = self.log(stream).await;
        let names = log.iter().filter_map(|body| match body {
            LogBody::Event { event } => Some(event.type_name()),
            LogBody::Input { .. } => None,
        });
        names.collect()
    }

    /// Counts events that are as described.
    pub(crate) async fn count(&self, stream: &Stream, is: impl Fn(&Event) -> bool) -> usize {
        let log = self.log(stream).await;
        let found = log
            .iter()
            .filter(|body| matches!(body, LogBody::Event { event } if is(event)));
        found.count()
    }

    /// Returns the causes of recorded failures.
    pub(crate) async fn failures(&self, stream: &Stream) -> Vec<String> {
        let log = self.log(stream).await;
        let causes = log.into_iter().filter_map(|body| match body {
            LogBody::Input {
                input: Input::EffectFailed { cause, .. },
                ..
            } => Some(cause),
            _ => None,
        });
        causes.collect()
    }

    /// Waits until something holds, letting time pass in steps.
    pub(crate) async fn pass(
        &self,
        step: Duration,
        what: &str,
        mut holds: impl AsyncFnMut() -> bool,
    ) {
        let patience = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < patience, "never: {what}");
            self.timer.advance(step);
            settle().await;
        }
    }
}

/// Lets all others do what they can without time passing.
pub(crate) async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn shop() -> Shop {
    Shop {
        id: ShopId::new("highbarn").expect("key"),
        name: "Highbarn".to_owned(),
        currency: "GBP".parse().expect("currency"),
        locale: "en-GB".to_owned(),
        link_hosts: Vec::new(),
        greeting: String::new(),
        introduction: None,
    }
}

/// A message of a customer.
pub(crate) fn says(id: &'static str, text: &str) -> (&'static str, InboxItem) {
    let content = Content::Text { text: text.into() };
    (id, message(id, content))
}

/// A picture: it is answered without a model.
pub(crate) fn picture(id: &'static str) -> (&'static str, InboxItem) {
    let kind_name = "image".to_owned();
    let quiet = false;
    (id, message(id, Content::Unsupported { kind_name, quiet }))
}

fn message(id: &str, content: Content) -> InboxItem {
    let number = id.bytes().fold(7, |sum, byte| sum * 31 + u128::from(byte));
    InboxItem::Message(InboundMessage {
        id: MessageId::from_parts(1, number),
        provider_id: id.to_owned(),
        sent_at_ms: 1,
        content,
        cut_from_chars: None,
    })
}

/// A wish of a person of the shop.
pub(crate) fn wishes(id: &'static str, command: Command) -> (&'static str, InboxItem) {
    (id, InboxItem::Command(command))
}

/// The partition of a conversation.
pub(crate) fn number(stream: &Stream) -> u16 {
    partition_of(&stream.shop, &stream.conversation)
}
