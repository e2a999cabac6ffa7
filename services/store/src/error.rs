//! What can go wrong in the store, as far as a caller has to choose what to do.
//!
//! A record that is not there is no error: finders answer `None`. Texts never hold values of rows.

use sea_orm::sqlx::Error as DriverError;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// PostgreSQL's code for a text with a character that it cannot hold.
const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";
/// PostgreSQL's code for a statement that took longer than `statement_timeout`, or was cancelled.
const QUERY_CANCELED: &str = "57014";
/// PostgreSQL's codes for values that it does not take, by their beginnings: data exceptions, broken
/// constraints, and limits of the program (appendix A of its manual).
const VALUES_POSTGRES: [&str; 3] = ["22", "23", "54"];
/// PostgreSQL's codes for a server or a connection that is not well, by their beginnings: connection,
/// read-only and idle transactions, log-in, missing database, rollback for the sake of others,
/// resources, locks, shutdown, and the system around it.
const UNWELL_POSTGRES: [&str; 10] = [
    "08", "25006", "25P03", "28", "3D", "40", "53", "55", "57P", "58",
];
/// Characters of PostgreSQL's codes; those of SQLite are shorter numbers.
const SQLSTATE_CHARS: usize = 5;
/// SQLite's primary codes for values that it does not take: `TOOBIG`, `CONSTRAINT`, `MISMATCH`,
/// `RANGE` (sqlite.org/rescode.html). An extended code has its primary one in the lowest byte.
const VALUES_SQLITE: [u32; 4] = [18, 19, 20, 25];
/// SQLite's primary codes for a file that is not well: `BUSY`, `LOCKED`, `NOMEM`, `READONLY`,
/// `IOERR`, `FULL`, `CANTOPEN`, `PROTOCOL`.
const UNWELL_SQLITE: [u32; 8] = [5, 6, 7, 8, 10, 13, 14, 15];

/// Stands for a column that the driver does not name.
const UNNAMED: &str = "an unnamed one";

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
    /// It was begun and did not end in time; whether it is stored is not known. HTTP answers 503.
    #[error("database takes too long over it")]
    TimedOut,
    /// The database is there, and does not do this: it does not take these values, or does not
    /// understand what is asked. Another try ends alike. Nothing of a write is stored.
    #[error("database refuses it: {0}")]
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
    /// Says whether it tells nothing of what was asked: the database was not there for anybody.
    pub fn is_circumstance(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Says whether another try would end alike.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::TimedOut)
    }

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
    /// What shows that the database is not well is named; whatever else goes wrong is about what was
    /// asked of it, and would go wrong again.
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => of_driver(&error, cause),
            // A column is empty that must not be, or holds another type.
            DbErr::Type(_) | DbErr::TryIntoErr { .. } | DbErr::Json(_) => {
                Self::corrupt("column", UNNAMED)
            }
            _ => Self::Refused(error.to_string()),
        }
    }
}

fn of_driver(error: &DbErr, cause: &DriverError) -> Error {
    match cause {
        DriverError::Io(_)
        | DriverError::Tls(_)
        | DriverError::Protocol(_)
        | DriverError::PoolTimedOut
        | DriverError::PoolClosed
        | DriverError::WorkerCrashed
        | DriverError::BeginFailed => Error::Unavailable(error.to_string()),
        DriverError::Database(cause) => of_code(error, cause.code().unwrap_or_default().as_ref()),
        // The driver's text may hold the value.
        DriverError::ColumnDecode { index, .. } => {
            Error::corrupt("column", index.trim_matches('"'))
        }
        DriverError::Decode(_) => Error::corrupt("column", UNNAMED),
        DriverError::Encode(_) => Error::Refused("a value cannot be encoded".to_owned()),
        // The driver's text is kept, the rows' values are not part of it.
        _ => Error::Refused(error.to_string()),
    }
}

fn of_code(error: &DbErr, code: &str) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            return Error::Refused("unique constraint violated".to_owned());
        }
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            return Error::Refused("foreign key violated".to_owned());
        }
        _ => {}
    }
    match code {
        CHARACTER_NOT_IN_REPERTOIRE => {
            Error::invalid("text", format!("must not hold {}", crate::text::UNSTORABLE))
        }
        QUERY_CANCELED => Error::TimedOut,
        code if is_among(code, &UNWELL_POSTGRES, &UNWELL_SQLITE) => {
            Error::Unavailable(error.to_string())
        }
        // The driver's text may hold the value.
        code if is_among(code, &VALUES_POSTGRES, &VALUES_SQLITE) => {
            Error::Refused(format!("code {code}"))
        }
        _ => Error::Refused(error.to_string()),
    }
}

/// Says whether a code is one of PostgreSQL that begins so, or one of SQLite with such a primary code.
fn is_among(code: &str, postgres: &[&str], sqlite: &[u32]) -> bool {
    if code.len() == SQLSTATE_CHARS {
        return postgres.iter().any(|begin| code.starts_with(begin));
    }
    let number: Option<u32> = code.parse().ok();
    number.is_some_and(|number| sqlite.contains(&(number & 0xff)))
}

/// Says whether a statement failed because a unique key exists already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_database_that_is_not_well_is_told_from_what_is_asked_of_it() {
        let unwell = |code: &str| is_among(code, &UNWELL_POSTGRES, &UNWELL_SQLITE);
        // Lost connection, read-only, deadlock, disk full, lock timeout, shutdown, I/O; and of SQLite:
        // busy, two of I/O, full, read-only, cannot be opened.
        for code in [
            "08006", "25006", "40P01", "53100", "55P03", "57P01", "58030", "5", "10", "266", "13",
            "8", "14",
        ] {
            assert!(unwell(code), "{code}");
        }
        // No such table, statement timeout, too long, not null, too many columns; and of SQLite: no
        // such table, interrupted, a trigger, too big.
        for code in [
            "42P01", "57014", "22001", "23502", "54011", "1", "9", "1811", "18",
        ] {
            assert!(!unwell(code), "{code}");
        }
    }

    #[test]
    fn what_the_driver_says_by_itself_has_its_kind() {
        let of = |cause| Error::from(DbErr::Query(RuntimeErr::SqlxError(Arc::new(cause))));
        assert!(of(DriverError::PoolTimedOut).is_circumstance());
        assert!(of(DriverError::Io(std::io::ErrorKind::BrokenPipe.into())).is_circumstance());
        let decode = DriverError::ColumnDecode {
            index: "\"epoch\"".to_owned(),
            source: "not a number: private words".into(),
        };
        assert_eq!(of(decode), Error::corrupt("column", "epoch"));
        let encode = of(DriverError::Encode("too long: private words".into()));
        assert!(encode.is_final() && !encode.to_string().contains("private"));
        assert!(Error::from(DbErr::Type("null".to_owned())).is_final());
    }
}
