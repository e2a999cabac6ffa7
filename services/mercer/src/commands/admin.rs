//! `mercer admin`: keys of the admin API.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use mercer_schemas::ShopId;
use mercer_store::Role;

use crate::compose::open_store;
use crate::config::Config;

/// Manage keys of the admin API.
#[derive(Subcommand)]
pub(crate) enum Admin {
    /// Keys.
    #[command(subcommand)]
    Key(Key),
}

/// Keys of the admin API.
#[derive(Subcommand)]
pub(crate) enum Key {
    /// Make a key. It is shown once; only its hash is stored.
    Create {
        /// What the key is for, for instance `crm-sync`.
        name: String,
        /// What it may do.
        #[arg(long, value_enum, default_value = "operator")]
        role: RoleArg,
        /// The only shop that it may touch; all shops when left out.
        #[arg(long)]
        shop: Option<ShopId>,
    },
    /// List keys, without their secrets.
    List,
    /// End a key now.
    Revoke {
        /// The key's id, as `list` shows it.
        id: String,
    },
}

/// What a key may do.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RoleArg {
    /// Everything, keys included.
    Owner,
    /// Records and conversations.
    Operator,
    /// Reading.
    Analyst,
    /// Records only, for other systems.
    Integration,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn run(config: &Config, command: Admin) -> anyhow::Result<ExitCode> {
    let store = open_store(config).await?;
    let Admin::Key(command) = command;
    match command {
        Key::Create { name, role, shop } => {
            if let Some(shop) = &shop
                && store.shops().get(shop).await?.is_none()
            {
                bail!("--shop: there is no shop `{shop}`");
            }
            let role = match role {
                RoleArg::Owner => Role::Owner,
                RoleArg::Operator => Role::Operator,
                RoleArg::Analyst => Role::Analyst,
                RoleArg::Integration => Role::Integration,
            };
            let (key, secret) = store.keys().create(shop, &name, role, None).await?;
            eprintln!(
                "key {} made; this is the only time that it is shown:",
                key.id
            );
            println!("{secret}");
        }
        Key::List => {
            for key in store.keys().list(None).await? {
                let shop = key.shop.as_ref().map_or("all shops", |shop| shop.as_str());
                let state = if key.revoked_at_ms.is_some() {
                    "revoked"
                } else {
                    "valid"
                };
                println!(
                    "{}  {:<12} {:<10} {shop}  {}",
                    key.id,
                    key.role.as_str(),
                    state,
                    key.name
                );
            }
        }
        Key::Revoke { id } => {
            if !store.keys().revoke(&id).await? {
                bail!("there is no key `{id}`");
            }
            println!("key {id} revoked");
        }
    }
    Ok(ExitCode::SUCCESS)
}
