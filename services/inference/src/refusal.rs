//! A model's error as it travels from a worker to a caller: its kind and its numbers, never its text.

use std::time::Duration;

use mercer_schemas::worker::{Refusal, Refused};

use crate::{BusyReason, Error, GrammarFault};

/// Returns what a worker says of an error. `retry_after` is its own guess of when it has room.
pub(crate) fn refused(error: &Error, retry_after: Duration) -> Refused {
    let (refusal, tokens) = match error {
        Error::Busy(BusyReason::CacheFull) => (Refusal::CacheFull, 0),
        Error::Busy(_) => (Refusal::QueueFull, 0),
        Error::Request(_) | Error::Config { .. } => (Refusal::Request, 0),
        Error::PromptTooLong { tokens, .. } => (Refusal::PromptTooLong, *tokens),
        Error::Template(_) => (Refusal::Template, 0),
        Error::Grammar(_) => (Refusal::Grammar, 0),
        Error::Matcher { token } => (Refusal::Matcher, *token),
        Error::ModelFile { .. }
        | Error::Decode(_)
        | Error::Deadline
        | Error::Stopped
        | Error::Stalled => (Refusal::Model, 0),
    };
    let busy = matches!(error, Error::Busy(_));
    Refused {
        refusal,
        tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        retry_after_ms: if busy {
            u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX)
        } else {
            0
        },
    }
}

/// Returns the error that a caller makes of a worker's refusal. `limit` is the model's context.
pub(crate) fn error(refused: Refused, limit: u32) -> Error {
    let tokens = refused.tokens as usize;
    match refused.refusal {
        Refusal::QueueFull => Error::Busy(BusyReason::QueueFull),
        Refusal::CacheFull => Error::Busy(BusyReason::CacheFull),
        Refusal::Draining | Refusal::OtherModel => Error::Busy(BusyReason::NoWorker),
        Refusal::Request => Error::Request("a worker finds it senseless"),
        Refusal::PromptTooLong => Error::PromptTooLong {
            tokens,
            limit: limit as usize,
        },
        Refusal::Template => Error::Template("a worker could not render them".to_owned()),
        Refusal::Grammar => Error::Grammar(GrammarFault::new("a worker could not compile it", "")),
        Refusal::Matcher => Error::Matcher { token: tokens },
        Refusal::Model => Error::Decode("a worker's model failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_kind_on_the_way_and_loses_its_text() {
        let secret = "Ms Ashworth's";
        let errors = [
            Error::Busy(BusyReason::QueueFull),
            Error::Busy(BusyReason::CacheFull),
            Error::PromptTooLong {
                tokens: 9,
                limit: 8,
            },
            Error::Template(secret.to_owned()),
            Error::Grammar(GrammarFault::new("it is not valid", secret)),
            Error::Matcher { token: 3 },
            Error::Decode(secret.to_owned()),
            Error::Request("max_tokens is 0"),
        ];
        for sent in errors {
            let refused = refused(&sent, Duration::from_millis(7));
            let wire = serde_json::to_string(&refused).unwrap();
            assert!(!wire.contains(secret));
            let received = error(refused, 8);
            assert_eq!(
                std::mem::discriminant(&sent),
                std::mem::discriminant(&received),
                "{sent:?}"
            );
        }
    }
}
