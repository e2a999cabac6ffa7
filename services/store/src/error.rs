//! What can go wrong in the store, as far as a caller has to choose what to do.
//!
//! A record that is not there is no error: finders answer `None`. Texts never hold values of rows.

use sea_orm::{DbErr, SqlErr};

/// PostgreSQL's code for a text with a character that it cannot hold.
const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";
/// PostgreSQL's classes of codes for values that it does not take: data exceptions, broken
/// constraints, and limits of the program (appendix A of its manual).
const REFUSED_POSTGRES: [&str; 3] = ["22", "23", "54"];
/// Characters of PostgreSQL's codes; those of SQLite are shorter numbers.
const SQLSTATE_CHARS: usize = 5;
/// SQLite's primary codes for the same: `TOOBIG`, `CONSTRAINT`, `MISMATCH`, `RANGE`
/// (sqlite.org/rescode.html). An extended code has its primary one in the lowest byte.
const REFUSED_SQLITE: [u32; 4] = [18, 19, 20, 25];

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
    /// A write was refused for what it writes: the database is there, and does not take these
    /// values. Nothing of it is stored.
    #[error("write refused: {0}")]
    Refused(String),
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
    /// A failure of the database means that the store is not able to serve now, unless the database
    /// says that it is these values that it does not take.
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Self::Refused("unique constraint violated".to_owned())
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::Refused("foreign key violated".to_owned())
            }
            _ => match code(&error).as_deref() {
                Some(CHARACTER_NOT_IN_REPERTOIRE) => {
                    Self::invalid("text", format!("must not hold {}", crate::text::UNSTORABLE))
                }
                // The driver's text may hold the value.
                Some(code) if is_refusal(code) => Self::Refused(format!("code {code}")),
                // The driver's text is kept, the rows' values are not part of it.
                _ => Self::Unavailable(error.to_string()),
            },
        }
    }
}

/// Returns the database's code of an error, where it is the database that failed.
fn code(error: &DbErr) -> Option<String> {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Exec(SqlxError(cause)) | DbErr::Query(SqlxError(cause))) = error else {
        return None;
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    code.map(|code| code.into_owned())
}

/// Says whether a code means that the database does not take the values.
fn is_refusal(code: &str) -> bool {
    if code.len() == SQLSTATE_CHARS {
        return REFUSED_POSTGRES.iter().any(|class| code.starts_with(class));
    }
    let number: Option<u32> = code.parse().ok();
    number.is_some_and(|number| REFUSED_SQLITE.contains(&(number & 0xff)))
}

/// Says whether a statement failed because a unique key exists already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use super::is_refusal;

    #[test]
    fn values_that_are_not_taken_are_told_from_a_database_that_is_not_well() {
        // Of PostgreSQL: too long, not null, too many columns; and of SQLite: a trigger, too big.
        for code in ["22001", "23502", "54011", "1811", "18"] {
            assert!(is_refusal(code), "{code}");
        }
        // Read-only, disk full, shutdown, timeout, no such table; busy, I/O, full, read-only, no
        // such table.
        for code in [
            "25006", "53100", "57P01", "57014", "42P01", "5", "10", "13", "8", "266", "1",
        ] {
            assert!(!is_refusal(code), "{code}");
        }
    }
}
