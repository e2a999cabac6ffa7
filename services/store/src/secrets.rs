//! Secrets that all processes around one database share, and nobody else knows.
//!
//! The first process that asks for one makes it. Whoever can read the database knows it, and has no need of it.

use rand::RngCore;
use sea_orm::ConnectionTrait;

use crate::db::{Db, exec, get, one};
use crate::error::Error;

/// Bytes of a secret: as many as the hashes have that are keyed with it.
pub const SECRET_BYTES: usize = 32;

/// Secrets by name.
#[derive(Clone)]
pub struct Secrets {
    db: Db,
}

impl Secrets {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns the secret of a name, the same for every process; makes it where there is none yet.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Corrupt`] when the stored one has another length.
    pub async fn shared(&self, name: &str) -> Result<[u8; SECRET_BYTES], Error> {
        let name = name.to_owned();
        self.db
            .write(move |tx| Box::pin(async move { shared(tx, &name).await }))
            .await
    }
}

/// As [`Secrets::shared`], within a transaction that needs it.
pub(crate) async fn shared<C: ConnectionTrait>(
    tx: &C,
    name: &str,
) -> Result<[u8; SECRET_BYTES], Error> {
    if let Some(known) = stored(tx, name).await? {
        return Ok(known);
    }
    let mut new = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut new);
    // Another process may make it at the same moment; the first one's counts.
    let sql = "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    exec(tx, sql, [name.into(), new.to_vec().into()]).await?;
    let made = stored(tx, name).await?;
    made.ok_or_else(|| Error::corrupt("secret.value", name))
}

async fn stored<C: ConnectionTrait>(
    tx: &C,
    name: &str,
) -> Result<Option<[u8; SECRET_BYTES]>, Error> {
    let sql = "SELECT value FROM secret WHERE name = $1";
    let Some(row) = one(tx, sql, [name.into()]).await? else {
        return Ok(None);
    };
    let value: Vec<u8> = get(&row, "value")?;
    let value = value.try_into();
    value
        .map(Some)
        .map_err(|_| Error::corrupt("secret.value", name))
}
