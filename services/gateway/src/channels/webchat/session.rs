//! Session tokens of the chat page.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::config::Pages;
use crate::problem::Problem;

/// Random bytes of a token: far too many to guess.
const TOKEN_BYTES: usize = 32;

const REFUSED: Problem = Problem::new(
    StatusCode::UNAUTHORIZED,
    "session",
    "a session token is needed: 64 hexadecimal digits",
);

/// A token that was read from a request. No `Debug`: it opens a conversation.
pub struct SessionToken(String);

impl SessionToken {
    /// Checks the form of a token.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = text.len() == 2 * TOKEN_BYTES
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_token.then(|| Self(text.to_owned()))
    }

    /// Reads the bearer token of a request.
    ///
    /// # Errors
    /// A 401 answer when it is missing or malformed.
    pub(super) fn of_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers.get(header::AUTHORIZATION).ok_or(REFUSED)?;
        let text = value.to_str().map_err(|_| REFUSED)?;
        let (scheme, token) = text.split_once(' ').ok_or(REFUSED)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(REFUSED);
        }
        Self::parse(token.trim()).ok_or(REFUSED)
    }

    /// Returns the conversation's address: the token's SHA-256, hexadecimal.
    pub fn address(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

/// Makes a token from the system's random source.
pub fn new_token() -> String {
    hex::encode(rand::random::<[u8; TOKEN_BYTES]>())
}

/// Opens a session: hands out a token. Nothing is stored until the first message.
pub(super) async fn open_session(
    Extension(pages): Extension<Arc<Pages>>,
    Path(shop): Path<String>,
) -> Response {
    if pages.find(&shop).is_none() {
        return Problem::NO_SUCH_SHOP.into_response();
    }
    let headers = [(header::CACHE_CONTROL, "no-store")];
    let body = Json(json!({ "token": new_token() }));
    (StatusCode::CREATED, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_strictly() {
        let token = new_token();
        assert_eq!(token.len(), 64);
        assert_ne!(token, new_token());
        assert!(SessionToken::parse(&token).is_some());
        for bad in [
            "",
            "abc",
            &token[1..],
            &token.to_uppercase(),
            &format!("{token} "),
        ] {
            // A token without letters reads the same in capitals.
            if bad != token {
                assert!(SessionToken::parse(bad).is_none(), "{bad:?}");
            }
        }
    }

    #[test]
    fn the_address_does_not_give_the_token_away() {
        let token = SessionToken("00".repeat(32));
        assert_eq!(
            token.address(),
            "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55"
        );
    }
}
