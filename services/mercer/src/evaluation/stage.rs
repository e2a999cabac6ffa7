//! A Mercer set up for playing dialogues: a shop in a folder of its own, WhatsApp through a Graph
//! API of this process, everything else as in production.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use mercer_import::{OnError, import_shop};
use mercer_runtime::Clock;
use mercer_schemas::ShopId;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::import::{Bars, index};
use crate::compose::{Base, Chat, Options, Parts};
use crate::config::{Config, WhatsApp};
use crate::evaluation::driver::Line;
use crate::evaluation::graph::Graph;

/// Meta's id of the stage's number.
const PHONE_NUMBER_ID: &str = "100000000000001";

/// A running stage.
pub(crate) struct Stage {
    /// The line to it.
    pub(crate) line: Line,
    /// Name of the chat model.
    pub(crate) model: String,
    stop: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

/// How to set a stage.
pub(crate) struct Setting {
    /// Folder with the shop's import files.
    pub(crate) catalog: PathBuf,
    /// Clock of the decisions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the chat model is.
    pub(crate) chat: Chat,
    /// Recorder behind `/metrics`.
    pub(crate) metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
}

impl Stage {
    /// Imports the shop, starts Mercer on the listener's address and opens a line to it.
    ///
    /// # Errors
    /// Says which part did not start, or which import lines are broken.
    pub(crate) async fn set(
        mut config: Config,
        listener: TcpListener,
        setting: Setting,
    ) -> anyhow::Result<Self> {
        let (graph, graph_url) = Graph::start().await?;
        let base = Base::open(&config).await?;
        let shop = import(&setting.catalog, &base).await?;
        let secret = format!("{:032x}", rand::random::<u128>());
        config
            .whatsapp
            .retain(|number| number.shop != shop.as_str());
        config.whatsapp.push(WhatsApp {
            shop: shop.to_string(),
            phone_number_id: PHONE_NUMBER_ID.to_owned(),
            verify_token: format!("{:032x}", rand::random::<u128>()),
            app_secrets: vec![secret.clone()],
            access_token: "stage".to_owned(),
            graph_base_url: Some(graph_url),
            graph_version: None,
            send_timeout_ms: None,
        });
        if !config
            .webchat
            .shops
            .iter()
            .any(|known| known == shop.as_str())
        {
            config.webchat.shops.insert(0, shop.to_string());
        }
        let options = Options {
            clock: setting.clock,
            metrics: setting.metrics,
            // The stage's database is its own; a stage that died just now must not hold it up.
            take_over: true,
        };
        let url = format!("http://{}", listener.local_addr()?);
        let store = base.store.clone();
        let parts = Parts::whole(&config, setting.chat, base, options).await?;
        let model = parts.chat().map(|chat| chat.info().label());
        let stop = CancellationToken::new();
        let served = tokio::spawn(parts.run(listener, stop.clone()));
        let line = Line {
            url,
            secret,
            phone_number_id: PHONE_NUMBER_ID.to_owned(),
            shop,
            store,
            graph,
            http: reqwest::Client::new(),
        };
        Ok(Self {
            line,
            model: model.unwrap_or_default(),
            stop,
            served,
        })
    }

    /// Waits until the process is asked to stop.
    ///
    /// # Errors
    /// When the server panicked.
    pub(crate) async fn serve_until(self, stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        self.strike().await
    }

    /// Stops everything.
    ///
    /// # Errors
    /// When the server panicked.
    pub(crate) async fn strike(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.served.await.context("server")?
    }
}

async fn import(catalog: &Path, base: &Base) -> anyhow::Result<ShopId> {
    let report = import_shop(
        catalog,
        &base.store,
        None,
        OnError::Abort,
        Arc::new(Bars::new()),
    )
    .await?;
    index(&base.knowledge).await?;
    Ok(ShopId::new(report.shop)?)
}
