//! Settings: an annotated default file in the binary, a TOML file, then `MERCER_` variables.

mod models;
mod notify;
mod paths;
mod retention;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use mercer_gateway::{GatewayConfig, WebChatConfig, WhatsAppConfig};
use mercer_inference::{EngineConfig, Hardware};
use mercer_runtime::RuntimeConfig;
use mercer_schemas::ShopId;
use mercer_store::StoreConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::models::{ModelPlace, Models};
use self::notify::Notify;
pub(crate) use self::paths::Bases;
use self::retention::Retention;

/// The default file: manual and default at once.
pub(crate) const DEFAULT: &str = include_str!("config.default.toml");
/// File that is read where none is named, if it exists.
pub(crate) const FILE: &str = "mercer.toml";

/// All settings. The default file says what each means.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder that Mercer writes to.
    pub(crate) data: PathBuf,
    /// The HTTP server.
    pub(crate) http: Http,
    /// The database.
    pub(crate) store: StoreSection,
    /// The models.
    pub models: Models,
    /// What the chat model computes on.
    pub hardware: Hardware,
    /// Where NATS runs.
    pub(crate) nats: Nats,
    /// The pool of workers.
    pub pool: Pool,
    /// This process as a worker.
    pub(crate) worker: WorkerSection,
    /// How conversations live.
    pub(crate) conversations: Conversations,
    /// Who is told when a person is called.
    pub(crate) notify: Notify,
    /// For how long rows are kept.
    pub(crate) retention: Retention,
    /// The chat page.
    pub(crate) webchat: WebChat,
    /// WhatsApp numbers.
    #[serde(default)]
    pub(crate) whatsapp: Vec<WhatsApp>,
    /// The log.
    pub(crate) log: Log,
    /// Traces.
    pub(crate) telemetry: Telemetry,
}

/// The HTTP server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port.
    pub(crate) listen: String,
}

/// The database.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// URL, or empty for SQLite in the data folder.
    pub(crate) url: String,
}

impl std::fmt::Debug for StoreSection {
    /// A URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split("://").next().unwrap_or_default();
        write!(f, "StoreSection({scheme})")
    }
}

/// Where NATS runs.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nats {
    /// URL, or empty for a model in this process.
    pub(crate) url: String,
}

impl std::fmt::Debug for Nats {
    /// A URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nats(set: {})", !self.url.is_empty())
    }
}

/// The pool of workers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Name of the pool.
    pub name: String,
}

/// This process as a worker.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkerSection {
    /// Name of the worker, or empty for one made up.
    pub(crate) name: String,
    /// Longest time for ending what runs, seconds.
    pub(crate) drain_s: u64,
}

/// How conversations live.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversations {
    /// Seconds until an idle conversation leaves memory.
    pub(crate) idle_s: u64,
    /// Most conversations in memory.
    pub(crate) live_max: usize,
    /// Longest time for one generation, seconds.
    pub(crate) generation_s: u64,
    /// Characters of history in the prompt.
    pub(crate) history_chars_max: usize,
    /// Tokens of one plan or reply.
    pub(crate) output_tokens_max: u32,
    /// Whether lists of English words guess what a customer means.
    pub(crate) hints: bool,
}

/// The chat page.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebChat {
    /// Shops with a page.
    pub(crate) shops: Vec<String>,
}

/// One WhatsApp number.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatsApp {
    /// The shop.
    pub(crate) shop: String,
    /// Meta's id of the number.
    pub(crate) phone_number_id: String,
    /// Token of the GET handshake.
    pub(crate) verify_token: String,
    /// App secrets that sign webhooks.
    pub(crate) app_secrets: Vec<String>,
    /// Token for sending.
    pub(crate) access_token: String,
    /// Base URL of the Graph API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) graph_base_url: Option<String>,
    /// Version of the Graph API, for instance `v23.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) graph_version: Option<String>,
    /// Most milliseconds for one call of the Graph API, 1000 to 120000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) send_timeout_ms: Option<u64>,
}

impl std::fmt::Debug for WhatsApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "WhatsApp({}, {}, secrets hidden)",
            self.shop, self.phone_number_id
        )
    }
}

/// The log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// `human` or `json`.
    pub(crate) format: LogFormat,
    /// Filter directives.
    pub(crate) filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For eyes.
    Human,
    /// For machines.
    Json,
}

/// Traces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// OTLP endpoint, or empty.
    pub(crate) otlp: String,
}

/// Reads the settings.
///
/// # Errors
/// Names the key that is wrong, what is wrong with it, and the file or variable it came from.
pub fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Toml::string(DEFAULT));
    match file {
        Some(file) if !file.exists() => bail!(
            "no settings file at {}; leave out --config to use the defaults",
            file.display()
        ),
        Some(file) => figment = figment.merge(Toml::file_exact(file)),
        None => figment = figment.merge(Toml::file(FILE)),
    }
    // The file's own name, and variables of the tests, are no settings.
    let env = Env::prefixed("MERCER_")
        .ignore(&["config", "crash_at", "bin", "screenshot", "write_schemas"])
        .split("__");
    let mut config: Config = figment
        .merge(env)
        .extract()
        .map_err(|error| anyhow::anyhow!(describe(&error)))?;
    config.check()?;
    config.models.find_files(&Bases::of(file));
    Ok(config)
}

/// Says which key is wrong and where it was set.
fn describe(error: &figment::Error) -> String {
    let lines: Vec<String> = error
        .clone()
        .into_iter()
        .map(|error| {
            let key = if error.path.is_empty() {
                "settings".to_owned()
            } else {
                error.path.join(".")
            };
            let source =
                error
                    .metadata
                    .as_ref()
                    .map_or_else(String::new, |metadata| match &metadata.source {
                        Some(source) => format!(" (set in {source})"),
                        None => format!(" (set by {})", metadata.name),
                    });
            // The found value is not repeated: it may be a secret.
            let what = match &error.kind {
                figment::error::Kind::InvalidType(_, wanted)
                | figment::error::Kind::InvalidValue(_, wanted) => {
                    format!("expected {wanted}")
                }
                kind => kind.to_string(),
            };
            format!("{key}: {what}{source}")
        })
        .collect();
    lines.join("\n")
}

impl Config {
    /// Logs what is of this level or worse, and errors alone of the libraries that talk much. A filter that
    /// `MERCER_LOG__FILTER` sets stays.
    pub fn log_from(&mut self, level: &str) {
        if std::env::var_os("MERCER_LOG__FILTER").is_none() {
            self.log.filter =
                format!("{level},llama_cpp_2=error,llama-cpp-2=error,lance=error,tantivy=error");
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        self.http
            .listen
            .parse::<std::net::SocketAddr>()
            .with_context(|| {
                format!(
                    "http.listen: `{}` is not an address such as 127.0.0.1:8080",
                    self.http.listen
                )
            })?;
        self.models.check(&self.hardware)?;
        let places = [
            ("embedder", self.models.embedder()),
            ("reranker", self.models.reranker()),
        ];
        let in_pool = places.iter().find(|(_, place)| *place == ModelPlace::Pool);
        if let Some((key, _)) = in_pool.filter(|_| self.nats.url.is_empty()) {
            bail!(
                "models.{key}: `pool` is the one that workers serve, and nats.url is empty; set nats.url, or name a \
                 file (`./pool` for one of that name)"
            );
        }
        for (key, name) in [
            ("pool.name", &self.pool.name),
            ("worker.name", &self.worker.name),
        ] {
            let made_up = key == "worker.name" && name.is_empty();
            if !made_up && !mercer_schemas::worker::is_name(name) {
                bail!("{key}: `{name}` must be 1 to 64 letters, digits, - and _");
            }
        }
        if self.conversations.output_tokens_max == 0 {
            bail!("conversations.output_tokens_max: must be at least 1");
        }
        if self.conversations.generation_s == 0 {
            bail!("conversations.generation_s: must be at least 1");
        }
        if !self.store.url.is_empty()
            && !["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|s| self.store.url.starts_with(s))
        {
            bail!("store.url: must begin with sqlite: or postgres:");
        }
        self.retention.check()?;
        self.gateway()?;
        self.notify()?;
        Ok(())
    }

    /// Returns the store's settings.
    pub(crate) fn store(&self) -> StoreConfig {
        if self.store.url.is_empty() {
            StoreConfig::new(format!(
                "sqlite://{}",
                self.data.join("mercer.db").display()
            ))
        } else {
            StoreConfig::new(self.store.url.clone())
        }
    }

    /// Returns the engine's settings.
    pub fn engine(&self) -> EngineConfig {
        self.models.engine(&self.hardware, &self.data)
    }

    /// Returns the runtime's settings.
    pub(crate) fn runtime(&self) -> RuntimeConfig {
        let conversations = &self.conversations;
        RuntimeConfig {
            idle: Duration::from_secs(conversations.idle_s),
            live_max: conversations.live_max,
            generation: Duration::from_secs(conversations.generation_s),
            history_chars_max: conversations.history_chars_max,
            output_tokens_max: conversations.output_tokens_max,
            hints: conversations.hints,
            adapters: self.models.adapters_of_shops(),
            retention: self.retention.periods(),
            ..RuntimeConfig::default()
        }
    }

    /// Returns the gateway's settings.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(crate) fn gateway(&self) -> anyhow::Result<GatewayConfig> {
        let shop = |key: &str, text: &str| -> anyhow::Result<ShopId> {
            ShopId::new(text).map_err(|error| anyhow::anyhow!("{key}: `{text}`: {error}"))
        };
        let mut config = GatewayConfig::default();
        for (number, id) in self.webchat.shops.iter().enumerate() {
            config.webchat.push(WebChatConfig {
                shop: shop(&format!("webchat.shops[{number}]"), id)?,
                enabled: true,
            });
        }
        for (number, whatsapp) in self.whatsapp.iter().enumerate() {
            shop(&format!("whatsapp[{number}].shop"), &whatsapp.shop)?;
            let section =
                serde_json::to_value(whatsapp).and_then(serde_json::from_value::<WhatsAppConfig>);
            config
                .whatsapp
                .push(section.map_err(|error| anyhow::anyhow!("whatsapp[{number}]: {error}"))?);
        }
        config
            .check()
            .map_err(|error| anyhow::anyhow!("{}: {}", error.key, error.problem))?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("mercer.toml");
        std::fs::write(&file, text)?;
        load(Some(&file))
    }

    #[test]
    fn the_default_file_is_valid() {
        assert!(read("").is_ok());
    }

    fn defaults() -> Config {
        Figment::from(Toml::string(DEFAULT))
            .extract()
            .expect("the default file")
    }

    #[test]
    fn the_default_file_says_what_the_crates_take_by_default() {
        let config = defaults();
        let runtime = RuntimeConfig {
            retention: config.retention.periods(),
            ..RuntimeConfig::default()
        };
        assert_eq!(format!("{:?}", config.runtime()), format!("{runtime:?}"));
        let engine = EngineConfig {
            disk_folder: config.data.join("kv-cache"),
            ..EngineConfig::new(&config.models.chat)
        };
        assert_eq!(config.engine(), engine);
        assert_eq!(config.hardware, Hardware::default());
        assert!(config.webchat.shops.is_empty() && config.whatsapp.is_empty());
    }

    /// Collects the names of all settings below a schema, in blocks that may be left out, too.
    fn names(schema: &serde_json::Value, all: &serde_json::Value, out: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap_or_default();
            names(&all["$defs"][name], all, out);
        }
        if schema["items"].is_object() {
            names(&schema["items"], all, out);
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            out.push(name.clone());
            names(property, all, out);
        }
    }

    #[test]
    fn the_default_file_names_every_setting() {
        let schema = schemars::schema_for!(Config).to_value();
        let mut all = Vec::new();
        names(&schema, &schema, &mut all);
        assert!(all.len() > 40, "{all:?}");
        for name in all {
            let is_set = |line: &str| {
                let line = line.trim_start_matches(['#', ' ', '[']);
                line.strip_prefix(name.as_str())
                    .or_else(|| {
                        line.split_once('.')
                            .and_then(|(_, key)| key.strip_prefix(name.as_str()))
                    })
                    .is_some_and(|rest| rest.trim_start().starts_with(['=', ']']))
            };
            assert!(
                DEFAULT.lines().any(is_set),
                "`{name}` is not in the default file"
            );
        }
    }

    #[test]
    fn the_graph_apis_version_and_timeout_can_be_set() {
        let number = |more: &str| {
            let block = "[[whatsapp]]\nshop = \"s\"\nphone_number_id = \"1\"\nverify_token = \"v\"\naccess_token = \"a\"\napp_secrets = [\"s\"]";
            let config = read(&format!("{block}\n{more}"))?;
            let gateway = config.gateway()?;
            let set = &gateway.whatsapp[0];
            Ok::<_, anyhow::Error>((set.graph_version.clone(), set.send_timeout_ms))
        };
        let default = number("").expect("valid");
        assert_eq!(default, ("v23.0".to_owned(), 15_000));
        let set = number("graph_version = \"v25.1\"\nsend_timeout_ms = 4000").expect("valid");
        assert_eq!(set, ("v25.1".to_owned(), 4_000));
        for (wrong, key) in [
            ("graph_version = \"23\"", "whatsapp[0].graph_version"),
            ("graph_version = \"v23.0/x\"", "whatsapp[0].graph_version"),
            ("send_timeout_ms = 0", "whatsapp[0].send_timeout_ms"),
            ("send_timeout_ms = 600000", "whatsapp[0].send_timeout_ms"),
        ] {
            let error = number(wrong).expect_err(wrong).to_string();
            assert!(error.contains(key), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_wrong_key_is_named() {
        for (text, named) in [
            ("[http]\nlisten = \"here\"", "http.listen"),
            ("[http]\nlistn = \"127.0.0.1:1\"", "listn"),
            ("[models]\nslots = \"many\"", "models.slots"),
            ("[models]\nslots = 0", "models.slots"),
            ("[models]\nparked = 300", "models.parked"),
            ("[models]\nbatch_tokens = 1", "models.batch_tokens"),
            ("[models]\nstep_ms = 1", "models.step_ms"),
            ("[hardware]\nkv_keys = \"q3\"", "hardware.kv_keys"),
            (
                "[hardware]\nkv_values = \"q8_0\"\nflash_attention = \"off\"",
                "hardware.kv_values",
            ),
            ("[hardware]\ngpu_layers = -1", "hardware.gpu_layers"),
            ("[store]\nurl = \"mysql://x\"", "store.url"),
            ("[retention]\ninbox_days = 7", "retention.inbox_days"),
            (
                "[retention]\nconversations_days = 1",
                "retention.conversations_days",
            ),
            ("[models]\nembedder = \"pool\"", "models.embedder"),
            ("[models]\nreranker = \"pool\"", "models.reranker"),
            ("[pool]\nname = \"a.b\"", "pool.name"),
            ("[worker]\nname = \"*\"", "worker.name"),
            ("[webchat]\nshops = [\"\"]", "webchat.shops[0]"),
            (
                "[[notify.webhooks]]\nshop = \"s\"\nname = \"desk\"\nurl = \"https://desk.example\"\nsecrets = [\"s3cr3t\"]",
                "notify.webhooks[0].secrets[0]",
            ),
            (
                "[[notify.emails]]\nshop = \"s\"\nname = \"desk\"\nto = [\"a@b.example\"]",
                "notify.smtp",
            ),
            ("[log]\nformat = \"loud\"", "log.format"),
            (
                "[[whatsapp]]\nshop = \"s\"\nphone_number_id = \"1\"\nverify_token = \"v\"\naccess_token = \"a\"\napp_secrets = \"s3cr3t\"",
                "app_secrets",
            ),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(named), "{text}: {error}");
            assert!(!error.contains("s3cr3t"), "a secret is repeated");
        }
    }

    #[test]
    fn by_default_conversations_are_kept_for_ever_and_zero_means_that() {
        use mercer_store::retention::Table;

        let day = Duration::from_secs(24 * 3_600);
        let periods = |text| read(text).expect("settings").runtime().retention;
        let default = periods("");
        assert_eq!(default.get(&Table::Inbox), Some(&(30 * day)));
        assert_eq!(default.get(&Table::Idempotency), Some(&day));
        for kept in [Table::Conversations, Table::Snapshots] {
            assert_eq!(default.get(&kept), None);
        }
        let set = periods("[retention]\ninbox_days = 0\nconversations_days = 400");
        assert_eq!(set.get(&Table::Inbox), None);
        assert_eq!(set.get(&Table::Conversations), Some(&(400 * day)));
    }
}
