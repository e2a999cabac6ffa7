//! Keys of the admin API: shown once, stored as a hash.
//!
//! A key's secret is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.

use mercer_schemas::ShopId;
use rand::RngCore;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, Set};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::db::{Db, exec, now_ms};
use crate::entity::api_key;
use crate::error::Error;

/// What every key begins with, so that secret scanners know it.
const PREFIX: &str = "mrc_live_";

/// What a key may do; the admin API maps roles to operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Day-to-day work on the shop and its conversations.
    Operator,
    /// Reading.
    Analyst,
    /// Feeding catalog, stock, prices, customers and orders.
    Integration,
}

impl Role {
    /// Returns the word as stored and as given on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Analyst => "analyst",
            Self::Integration => "integration",
        }
    }

    /// Reads a role's word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Owner,
            Self::Operator,
            Self::Analyst,
            Self::Integration,
        ]
        .into_iter()
        .find(|role| role.as_str() == text)
    }
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id, the part before the secret.
    pub id: String,
    /// The only shop it may touch; none = all.
    pub shop: Option<ShopId>,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made, UTC milliseconds.
    pub created_at_ms: i64,
    /// When it ends, UTC milliseconds.
    pub expires_at_ms: Option<i64>,
    /// When it was revoked, UTC milliseconds.
    pub revoked_at_ms: Option<i64>,
}

/// The keys of the admin API.
#[derive(Clone)]
pub struct Keys {
    db: Db,
}

impl Keys {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Makes a key and returns it with its text `mrc_live_<id>_<secret>`, which is not kept.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn create(
        &self,
        shop: Option<ShopId>,
        name: &str,
        role: Role,
        expires_at_ms: Option<i64>,
    ) -> Result<(KeyRow, String), Error> {
        let (id, secret) = (random_hex::<8>(), random_hex::<32>());
        let key = KeyRow {
            id: id.clone(),
            shop,
            name: name.to_owned(),
            role,
            created_at_ms: now_ms(),
            expires_at_ms,
            revoked_at_ms: None,
        };
        let row = api_key::ActiveModel {
            id: Set(id.clone()),
            shop: Set(key.shop.as_ref().map(ToString::to_string)),
            name: Set(key.name.clone()),
            role: Set(role.as_str().to_owned()),
            hash: Set(hash(&secret)),
            created_at_ms: Set(key.created_at_ms),
            expires_at_ms: Set(expires_at_ms),
            revoked_at_ms: Set(None),
        };
        let stored = self.db.write(move |tx| {
            Box::pin(async move {
                api_key::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok::<(), Error>(())
            })
        });
        stored.await?;
        Ok((key, format!("{PREFIX}{id}_{secret}")))
    }

    /// Returns the key that a text is, if it is one that was neither revoked nor has ended. The
    /// secret is compared in constant time, for an unknown id too.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn verify(&self, text: &str) -> Result<Option<KeyRow>, Error> {
        let Some((id, secret)) = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
        else {
            return Ok(None);
        };
        let (id, given) = (id.to_owned(), hash(secret));
        let row = self
            .db
            .read(move |c| async move { Ok(api_key::Entity::find_by_id(id).one(&c).await?) });
        let row = row.await?;
        let stored = row
            .as_ref()
            .map_or_else(|| hash(""), |row| row.hash.clone());
        let same = equal_in_constant_time(stored.as_bytes(), given.as_bytes());
        let Some(row) = row.filter(|_| same) else {
            return Ok(None);
        };
        let key = decode(row)?;
        let ended = key.expires_at_ms.is_some_and(|end| end <= now_ms());
        Ok(Some(key).filter(|key| !ended && key.revoked_at_ms.is_none()))
    }

    /// Returns the keys of a shop, or with `None` all keys, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(&self, shop: Option<&ShopId>) -> Result<Vec<KeyRow>, Error> {
        let mut wanted = Condition::all();
        if let Some(shop) = shop {
            wanted = wanted.add(api_key::Column::Shop.eq(shop.as_str()));
        }
        let rows = self.db.read(move |c| async move {
            let found = api_key::Entity::find()
                .filter(wanted)
                .order_by_asc(api_key::Column::CreatedAtMs)
                .order_by_asc(api_key::Column::Id)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }

    /// Ends a key at once. Returns false where it is not there or was revoked before.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE api_key SET revoked_at_ms = $1 \
                               WHERE id = $2 AND revoked_at_ms IS NULL";
                    Ok::<bool, Error>(exec(tx, sql, [now_ms().into(), id.into()]).await? == 1)
                })
            })
            .await
    }
}

fn random_hex<const N: usize>() -> String {
    let mut bytes = [0_u8; N];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Compares without telling by its duration where the difference is.
fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0_u8, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

fn decode(row: api_key::Model) -> Result<KeyRow, Error> {
    let corrupt = |what| Error::corrupt(what, &row.id);
    let shop = row.shop.clone().map(ShopId::new).transpose();
    Ok(KeyRow {
        shop: shop.map_err(|_| corrupt("api_key.shop"))?,
        role: Role::parse(&row.role).ok_or_else(|| corrupt("api_key.role"))?,
        id: row.id.clone(),
        name: row.name.clone(),
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
        revoked_at_ms: row.revoked_at_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::equal_in_constant_time;

    #[test]
    fn only_equal_bytes_are_equal() {
        assert!(equal_in_constant_time(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!equal_in_constant_time(b"abc", other));
        }
    }
}
