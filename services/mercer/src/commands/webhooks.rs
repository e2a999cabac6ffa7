//! `mercer webhooks`: try those who are told when a person is called.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use mercer_schemas::ShopId;
use mercer_store::Outcome;

use crate::compose::{notifier, open_store};
use crate::config::Config;

/// Bytes of a secret: the size of the hash that it keys, within the 24 to 64 of Standard Webhooks.
const SECRET_BYTES: usize = 32;

/// Try the webhooks and e-mails that call a person, or make a secret for one.
#[derive(Subcommand)]
pub(crate) enum Webhooks {
    /// Send a trial to every target of the settings, or to some, and say how each answered.
    ///
    /// A webhook gets a signed `mercer.test`, people get a mail that says that it works. It is
    /// tried once. Exit status 1 says that a target did not take it.
    Test {
        /// Only targets of this shop.
        #[arg(long)]
        shop: Option<ShopId>,
        /// Only the target of this name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Print a new secret for `notify.webhooks[].secrets`.
    Secret,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be opened, or no target is meant.
pub(crate) async fn run(config: &Config, command: Webhooks) -> anyhow::Result<ExitCode> {
    let (shop, name) = match command {
        Webhooks::Test { shop, name } => (shop, name),
        Webhooks::Secret => {
            println!("{}", secret());
            return Ok(ExitCode::SUCCESS);
        }
    };
    let store = open_store(config).await?;
    let notifier = notifier(config, &store).await?;
    let mut tried = 0_usize;
    let mut all_took_it = true;
    for (target, way) in notifier.targets() {
        let meant = shop.as_ref().is_none_or(|shop| *shop == target.shop)
            && name.as_ref().is_none_or(|name| *name == target.name);
        if !meant {
            continue;
        }
        let Some(outcome) = notifier.try_out(&target.shop, &target.name).await else {
            continue;
        };
        tried += 1;
        all_took_it &= outcome.is_ok();
        let (word, outcome) = match &outcome {
            Ok(outcome) => ("ok", outcome),
            Err(outcome) => ("failed", outcome),
        };
        println!(
            "{word:<7} {}/{} ({way}): {}",
            target.shop,
            target.name,
            said(outcome)
        );
    }
    if tried == 0 {
        bail!(
            "no such target; the settings' notify.webhooks and notify.emails name them (see `mercer config default`)"
        );
    }
    Ok(if all_took_it {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn said(outcome: &Outcome) -> String {
    match (outcome.status, outcome.cause.as_deref()) {
        (Some(status), Some("redirect")) => {
            format!("status {status}; redirects are not followed, set the final address as url")
        }
        (Some(status), _) => format!("status {status}"),
        (None, Some("timeout")) => "no answer within 15 s".to_owned(),
        (None, Some("not_reached")) => "nothing listens there, or TLS failed".to_owned(),
        (None, cause) => cause.unwrap_or("no answer").to_owned(),
    }
}

fn secret() -> String {
    mercer_notify::secret_of(&rand::random::<[u8; SECRET_BYTES]>())
}
