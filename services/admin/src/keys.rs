//! Keys of the admin API: list, make, revoke. A key's secret is shown once, when it is made; only
//! its hash is stored.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use mercer_store::{KeyRow, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Sample;

/// A named set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleName {
    /// Everything, keys included.
    Owner,
    /// Everything but keys.
    Operator,
    /// Reads everything but keys.
    Analyst,
    /// Keeps catalog and documents up to date; never sees customers' words.
    Integration,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Operator => Self::Operator,
            Role::Analyst => Self::Analyst,
            Role::Integration => Self::Integration,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Owner => Self::Owner,
            RoleName::Operator => Self::Operator,
            RoleName::Analyst => Self::Analyst,
            RoleName::Integration => Self::Integration,
        }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KeyRecord {
    /// The key's public part.
    #[schema(example = "01arz3ndektsv4rrffq69g5fav")]
    id: String,
    /// What it is for.
    name: String,
    /// What it may do.
    role: RoleName,
    /// When it was made, UTC milliseconds.
    created_at_ms: i64,
    /// When it ends to be valid, UTC milliseconds, or null.
    expires_at_ms: Option<i64>,
    /// When it was revoked, UTC milliseconds, or null.
    revoked_at_ms: Option<i64>,
}

impl From<KeyRow> for KeyRecord {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role: row.role.into(),
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            revoked_at_ms: row.revoked_at_ms,
        }
    }
}

impl Sample for KeyRecord {
    const SCHEMA: &'static str = "KeyRecord";

    fn sample() -> Self {
        Self {
            id: "01arz3ndektsv4rrffq69g5fav".to_owned(),
            name: "stock feed of the warehouse".to_owned(),
            role: RoleName::Integration,
            created_at_ms: 1_790_000_000_000,
            expires_at_ms: None,
            revoked_at_ms: None,
        }
    }
}
