//! `mercer-lab bench`: what this machine does, with a baseline in the same run.

mod actors;
mod chaos;
mod counted;
mod engine;
mod fleet;
mod frames;
mod inference;
mod ingress;
mod quantiles;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use mercer::config::Config;
use mercer_schemas::{Shop, ShopId};
use mercer_store::{Store, StoreConfig};
use mercer_testing::sqlite_url;
use serde_json::json;

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
    /// Time that NATS adds to each piece of text, with no model in the way.
    Frames(frames::FramesArgs),
    /// Kill, freeze, restart and drain workers and NATS at random; no text may be lost or repeated.
    Chaos(chaos::ChaosArgs),
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
        Bench::Frames(args) => frames::run(config, args).await,
        Bench::Chaos(args) => chaos::run(config, args).await,
    }
}

async fn shop_in(folder: &Path, group_max: usize) -> anyhow::Result<(Store, ShopId)> {
    let mut config = StoreConfig::new(sqlite_url(folder));
    config.group_commit_max = group_max;
    let store = Store::open(&config).await?;
    let shop: Shop = serde_json::from_value(
        json!({ "id": "bench", "name": "Bench", "currency": "GBP", "locale": "en-GB" }),
    )?;
    store.shops().put(shop.clone()).await?;
    Ok((store, shop.id))
}
