//! Secrets that all processes around one database share, and nobody else knows.
//!
//! The first process that asks for one makes it. Whoever can read the database knows it, and has no need of it.

use rand::RngCore;

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
        let mut new = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut new);
        let (name, asked) = (name.to_owned(), name.to_owned());
        let stored = self.db.write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
                exec(tx, sql, [name.as_str().into(), new.to_vec().into()]).await?;
                Ok::<(), Error>(())
            })
        });
        stored.await?;
        let found = self.db.read(move |c| async move {
            let sql = "SELECT value FROM secret WHERE name = $1";
            let row = one(&c, sql, [asked.as_str().into()]).await?;
            let value: Option<Vec<u8>> = row.map(|row| get(&row, "value")).transpose()?;
            let value = value.unwrap_or_default();
            value
                .try_into()
                .map_err(|_| Error::corrupt("secret.value", asked))
        });
        found.await
    }
}
