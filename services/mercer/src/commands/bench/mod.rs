//! `mercer bench`: what this machine does, with a baseline in the same run.

mod actors;
mod engine;
mod inference;
mod ingress;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use mercer_schemas::{Shop, ShopId};
use mercer_store::{Store, StoreConfig};
use serde_json::json;

use crate::config::Config;

/// Measure this machine.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Memory of live and passivated conversations, and how long one takes to come back.
    Actors(actors::ActorsArgs),
    /// Acknowledged webhooks per second with every one on disk first, against a commit for each.
    Ingress(ingress::IngressArgs),
    /// What the engine costs over bare llama.cpp, and what grammars and drafts change.
    Engine(engine::EngineArgs),
    /// Speed of the chat model under the workloads W1 to W9, here or at any llama-server.
    Inference(inference::InferenceArgs),
}

/// Runs the command.
///
/// # Errors
/// When a part does not start.
pub(crate) async fn run(config: &Config, command: Bench) -> anyhow::Result<ExitCode> {
    match command {
        Bench::Actors(args) => actors::run(config, args).await,
        Bench::Ingress(args) => ingress::run(args).await,
        Bench::Engine(args) => engine::run(config, args).await,
        Bench::Inference(args) => inference::run(config, args).await,
    }
}

async fn shop_in(folder: &Path, group_max: usize) -> anyhow::Result<(Store, ShopId)> {
    let mut config = StoreConfig::new(format!("sqlite://{}", folder.join("bench.db").display()));
    config.group_commit_max = group_max;
    let store = Store::open(&config).await?;
    let shop: Shop = serde_json::from_value(
        json!({ "id": "bench", "name": "Bench", "currency": "GBP", "locale": "en-GB" }),
    )?;
    store.shops().put(shop.clone()).await?;
    Ok((store, shop.id))
}
