//! What a process does: roles as they are asked for, and which of them go together.

use anyhow::bail;
use clap::ValueEnum;

/// A part that a process can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Webhooks and the chat page.
    Gateway,
    /// Conversations.
    Conversations,
    /// The admin API.
    Admin,
    /// The search indexes.
    Indexer,
    /// The chat model, and embedder and reranker where files are configured.
    Worker,
}

/// Roles that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roles {
    /// Everything; other processes may serve the chat model.
    Whole(Chat),
    /// Webhooks and chat pages, the admin API, or both.
    Door(Door),
    /// A share of the conversations.
    Conversations(Chat),
    /// A worker alone.
    Worker,
}

/// Where the chat model is that conversations ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chat {
    /// In this process, for its conversations alone.
    Here,
    /// In the pool.
    Pool {
        /// Whether this process is one of its workers.
        worker: bool,
    },
}

/// What a process serves to those outside, beside health and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Door {
    /// Webhooks and chat pages.
    pub(crate) gateway: bool,
    /// The admin API.
    pub(crate) admin: bool,
}

impl Door {
    /// All that a process can serve.
    pub(crate) const WHOLE: Self = Self {
        gateway: true,
        admin: true,
    };
}

impl Roles {
    /// Says what to run.
    ///
    /// # Errors
    /// Says which roles do not go together, and what to do.
    pub(crate) fn of(roles: &[Role], has_nats: bool) -> anyhow::Result<Self> {
        let has = |role| roles.contains(&role);
        let door = Door {
            gateway: has(Role::Gateway),
            admin: has(Role::Admin),
        };
        let (conversations, worker) = (has(Role::Conversations), has(Role::Worker));
        if conversations && !has_nats && !worker {
            bail!(
                "--roles: without nats.url the model runs in this process; add the role worker, or set nats.url"
            );
        }
        let chat = match has_nats {
            true => Chat::Pool { worker },
            false => Chat::Here,
        };
        match (door.gateway, door.admin, conversations) {
            (true, true, true) => Ok(Self::Whole(chat)),
            (false, false, true) => Ok(Self::Conversations(chat)),
            (_, _, true) => bail!(
                "--roles: conversations run beside gateway and admin together, or in processes of their own"
            ),
            (false, false, false) if has(Role::Indexer) => bail!(
                "--roles: the indexer goes with conversations: each of their processes has an index of its own"
            ),
            (false, false, false) if worker && has_nats => Ok(Self::Worker),
            (false, false, false) => bail!("--roles: a worker alone needs nats.url"),
            _ if worker => {
                bail!("--roles: a worker runs beside conversations, or in a process of its own")
            }
            _ => Ok(Self::Door(door)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_that_cannot_run_say_what_to_do() {
        use Role::{Admin, Conversations, Gateway, Indexer, Worker};
        let four = [Gateway, Conversations, Admin, Indexer];
        let all = [Gateway, Conversations, Admin, Indexer, Worker];
        let pool = |worker| Chat::Pool { worker };
        let said = |roles: &[Role], nats| Roles::of(roles, nats).map_err(|error| error.to_string());
        assert_eq!(said(&all, false), Ok(Roles::Whole(Chat::Here)));
        assert_eq!(said(&all, true), Ok(Roles::Whole(pool(true))));
        assert_eq!(said(&four, true), Ok(Roles::Whole(pool(false))));
        assert_eq!(said(&[Worker], true), Ok(Roles::Worker));
        assert_eq!(said(&[Gateway, Admin], false), Ok(Roles::Door(Door::WHOLE)));
        assert_eq!(
            said(&[Conversations], true),
            Ok(Roles::Conversations(pool(false)))
        );
        assert_eq!(
            said(&[Conversations, Worker], true),
            Ok(Roles::Conversations(pool(true)))
        );
        assert_eq!(
            said(&[Conversations, Indexer, Worker], false),
            Ok(Roles::Conversations(Chat::Here))
        );
        for (roles, nats, words) in [
            (&four[..], false, "add the role worker"),
            (&[Conversations], false, "add the role worker"),
            (&[Worker], false, "needs nats.url"),
            (&[Gateway, Worker], true, "process of its own"),
            (&[Gateway, Conversations], true, "together"),
            (&[Indexer], true, "goes with conversations"),
        ] {
            let error = said(roles, nats).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }
}
