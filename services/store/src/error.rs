//! What can go wrong in the store, as far as a caller has to choose what to do.
//!
//! A record that is not there is no error: finders answer `None`. Texts never hold values of rows.

use sea_orm::{DbErr, SqlErr};

/// PostgreSQL's code for a text with a character that it cannot hold.
const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";

/// A store operation that could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The record has another version than the caller expects.
    #[error("record is at version {current}, not at the expected one")]
    VersionConflict {
        /// The version in the store; 0 where the record does not exist.
        current: i64,
    },
    /// The database cannot be reached or written. Nothing that was not answered with success is
    /// promised; a repeated call is safe where the operation is idempotent. HTTP answers 503.
    #[error("database is not available: {0}")]
    Unavailable(String),
    /// A stored row cannot be read back. A person has to look at it.
    #[error("stored {what} cannot be read at {at}")]
    Corrupt {
        /// The table and column.
        what: &'static str,
        /// Which row, by its key.
        at: String,
    },
    /// A record of a conversation's log cannot be read back. A person has to look at it.
    #[error("stored {what} cannot be read at {conversation} record {seq}")]
    Unreadable {
        /// The table and column.
        what: &'static str,
        /// The conversation.
        conversation: String,
        /// The record's position in it.
        seq: i64,
    },
    /// The caller's value breaks a rule of the store.
    #[error("invalid {field}: {message}")]
    Invalid {
        /// The field, as the caller knows it.
        field: &'static str,
        /// The rule, without personal data.
        message: String,
    },
}

impl Error {
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    pub(crate) fn corrupt(what: &'static str, at: impl ToString) -> Self {
        Self::Corrupt {
            what,
            at: at.to_string(),
        }
    }
}

impl From<DbErr> for Error {
    /// Every failure of the database means that the store is not able to serve now: the text of
    /// the driver is kept, the rows' values are not part of it.
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Self::Unavailable("unique constraint violated".to_owned())
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::Unavailable("foreign key violated".to_owned())
            }
            _ if is_unstorable(&error) => {
                Self::invalid("text", format!("must not hold {}", crate::text::UNSTORABLE))
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Says whether PostgreSQL refused a statement because of a character in one of its texts.
fn is_unstorable(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Exec(SqlxError(cause)) | DbErr::Query(SqlxError(cause))) = error else {
        return false;
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some(CHARACTER_NOT_IN_REPERTOIRE)
}

/// Says whether a statement failed because a unique key exists already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
