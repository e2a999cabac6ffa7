//! A data folder with settings and a model, and the platform around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mercer_schemas::{Channel, ShopId, Stream};
use mercer_store::{Store, StoreConfig};
use mercer_testing::{Graph, PostgresServer, copy_folder, fixture, sqlite_url};
use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::mercer::{self, Ended, Mercer, Output, Program};
use super::model::Model;

/// Meta's id of the shop's number.
pub(crate) const PHONE_NUMBER_ID: &str = "100000000000001";
/// Signs webhooks.
pub(crate) const SECRET: &str = "a secret of the tests";

/// A world for one Mercer at a time.
pub(crate) struct World {
    folder: TempDir,
    /// The shop.
    pub(crate) shop: ShopId,
    /// Where replies arrive.
    pub(crate) graph: Graph,
    /// Most tokens of a plan or reply; 1 leaves no room for either, so that code answers.
    pub(crate) output_tokens_max: u32,
    /// The chat model's file.
    pub(crate) chat: PathBuf,
    /// The embedder's file; empty for none.
    pub(crate) embedder: PathBuf,
    /// Whether the shop's channels are configured.
    pub(crate) channels: bool,
    /// More settings, as TOML.
    pub(crate) more: String,
    /// URL of NATS; empty for a model in the process.
    pub(crate) nats: String,
    /// URL of a database in PostgreSQL; empty for SQLite in the data folder.
    postgres: String,
    store: OnceCell<Store>,
}

impl World {
    /// Makes a world without any shop's data.
    pub(crate) async fn empty(model: Model) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        Self {
            chat: model.file(folder.path()),
            folder,
            shop: ShopId::new("hollinbeck").expect("key"),
            graph: Graph::start().await,
            output_tokens_max: 160,
            embedder: PathBuf::new(),
            channels: true,
            more: String::new(),
            nats: String::new(),
            postgres: String::new(),
            store: OnceCell::new(),
        }
    }

    /// Makes a world with the demo shop.
    pub(crate) async fn with_shop(model: Model) -> Self {
        let world = Self::empty(model).await;
        world.import(&fixture("shop")).await;
        world
    }

    /// Makes a world with the demo shop in a PostgreSQL of its own.
    pub(crate) async fn with_shop_in_postgres(model: Model) -> Self {
        let mut world = Self::empty(model).await;
        let server = PostgresServer::shared().unwrap_or_else(|problem| panic!("{problem}"));
        world.postgres = server.create_database().await.expect("database");
        world.import(&fixture("shop")).await;
        world
    }

    /// Makes another world with the same data and model. No process may be using this one.
    pub(crate) async fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        copy_folder(&self.data(), &folder.path().join("data"));
        let postgres = match self.postgres.as_str() {
            "" => String::new(),
            url => {
                let server = PostgresServer::shared().expect("it runs already");
                server.copy_database(url).await.expect("copy of a database")
            }
        };
        Self {
            folder,
            shop: self.shop.clone(),
            graph: Graph::start().await,
            output_tokens_max: self.output_tokens_max,
            chat: self.chat.clone(),
            embedder: self.embedder.clone(),
            channels: self.channels,
            more: self.more.clone(),
            nats: self.nats.clone(),
            postgres,
            store: OnceCell::new(),
        }
    }

    /// Imports a shop's files, which must be sound.
    pub(crate) async fn import(&self, shop: &Path) {
        let output = self.run(&["import", &shop.to_string_lossy()]).await;
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }

    /// Returns the world's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the folder that Mercer writes to.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the path of the database where it is SQLite.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("mercer.db")
    }

    /// Returns the stores, for reading what Mercer wrote.
    pub(crate) async fn store(&self) -> &Store {
        let config = StoreConfig::new(match self.postgres.as_str() {
            "" => sqlite_url(&self.data()),
            url => url.to_owned(),
        });
        let open = || async {
            let mut tries = 0;
            loop {
                // The server gives a connection within seconds or not at all, and may be busy with other worlds.
                match Store::open(&config).await {
                    Ok(store) => return store,
                    Err(error) if tries == 10 => panic!("database: {error}"),
                    Err(_) => tries += 1,
                }
            }
        };
        self.store.get_or_init(open).await
    }

    /// Returns the conversation of a phone, once there is one.
    pub(crate) async fn conversation(&self, phone: &str) -> Option<Stream> {
        let conversations = self.store().await.conversations();
        let found = conversations
            .get_by_address(&self.shop, Channel::Whatsapp, phone)
            .await;
        found.expect("conversation").map(|row| row.stream())
    }

    /// Returns who owns each partition, by boot id, where the database is a PostgreSQL.
    pub(crate) async fn owners(&self) -> BTreeMap<u16, String> {
        let database = Database::connect(&self.postgres).await.expect("database");
        let sql = "SELECT p, owner FROM partition WHERE owner IS NOT NULL";
        let rows = database
            .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .expect("partitions");
        database.close().await.expect("closed");
        let owner = |row: &QueryResult| {
            let partition: i64 = row.try_get("", "p").expect("p");
            let owner = row.try_get("", "owner").expect("owner");
            (u16::try_from(partition).expect("a partition"), owner)
        };
        rows.iter().map(owner).collect()
    }

    /// Starts Mercer and waits until it serves.
    pub(crate) async fn start(&self) -> Mercer {
        match self.try_start(&[]).await {
            Ok(mercer) => mercer,
            Err(ended) => panic!("mercer did not start ({}):\n{}", ended.status, ended.log),
        }
    }

    /// Starts Mercer with more environment variables; an error when it ended before it served.
    pub(crate) async fn try_start(&self, env: &[(&str, &str)]) -> Result<Mercer, Ended> {
        mercer::start(&self.settings(), "", env).await
    }

    /// Starts Mercer in some roles.
    pub(crate) async fn start_as(&self, roles: &str, env: &[(&str, &str)]) -> Mercer {
        match mercer::start(&self.settings(), roles, env).await {
            Ok(mercer) => mercer,
            Err(ended) => panic!("mercer did not start ({}):\n{}", ended.status, ended.log),
        }
    }

    /// Runs another command to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[]).await
    }

    /// Runs another command to its end, with more environment variables.
    pub(crate) async fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        mercer::run(Program::Mercer, &self.settings(), args, env).await
    }

    /// Runs a command of the laboratory to its end.
    pub(crate) async fn run_lab(&self, args: &[&str]) -> Output {
        mercer::run(Program::Lab, &self.settings(), args, &[]).await
    }

    /// Replays every conversation and decides everything again; none may diverge.
    pub(crate) async fn verify_replay(&self) {
        let output = self.run(&["replay", "--all", "--verify"]).await;
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains(" 0 diverged"), "{}", output.stdout);
    }

    /// Writes the settings file and returns its path.
    fn settings(&self) -> PathBuf {
        let path = self.folder.path().join("settings.toml");
        let mut text = format!(
            "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = {:?}\n[models]\nchat = {:?}\nembedder = {:?}\n\
             [nats]\nurl = {:?}\n[conversations]\noutput_tokens_max = {}\n[log]\nformat = \"json\"\nfilter = \"warn,mercer=info\"\n",
            self.data(),
            self.postgres,
            self.chat,
            self.embedder,
            self.nats,
            self.output_tokens_max
        );
        if self.channels {
            text.push_str(&format!(
                "[webchat]\nshops = [\"{shop}\"]\n[[whatsapp]]\nshop = \"{shop}\"\nphone_number_id = \"{PHONE_NUMBER_ID}\"\n\
                 verify_token = \"verify\"\napp_secrets = [\"{SECRET}\"]\naccess_token = \"token\"\ngraph_base_url = \"{}\"\n",
                self.graph.url,
                shop = self.shop,
            ));
        }
        text.push_str(&self.more);
        std::fs::write(&path, text).expect("settings file");
        path
    }
}
