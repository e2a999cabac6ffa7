//! Who is calling: the signature of a POST and the handshake of a GET.
//!
//! The signature covers the raw bytes, so it is checked before anything is decoded. The secret is
//! chosen by the route's shop, never by what the body says.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::config::Secret;

/// Header that carries `sha256=` and the HMAC in hexadecimal.
/// Source: Meta, "Webhooks: validating payloads".
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Says why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No header.
    #[error("no signature header")]
    Missing,
    /// More than one header: which one a proxy looked at cannot be known.
    #[error("more than one signature header")]
    Several,
    /// Not `sha256=` and 64 hexadecimal digits.
    #[error("malformed signature header")]
    Malformed,
    /// No secret of the shop made it.
    #[error("wrong signature")]
    Wrong,
}

/// Checks that the body was signed with one of the secrets. Every secret is tried, and each
/// comparison takes constant time.
///
/// # Errors
/// [`SignatureError`] by cause; the caller answers all of them alike.
pub fn signature(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
) -> Result<(), SignatureError> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let value = values.next().ok_or(SignatureError::Missing)?;
    if values.next().is_some() {
        return Err(SignatureError::Several);
    }
    let digits = value
        .as_bytes()
        .strip_prefix(b"sha256=")
        .ok_or(SignatureError::Malformed)?;
    let mut claimed = [0_u8; 32];
    hex::decode_to_slice(digits, &mut claimed).map_err(|_| SignatureError::Malformed)?;

    let mut valid = false;
    for secret in secrets {
        // An empty secret would let anyone sign; the configuration refuses it, and so do we.
        if secret.expose().is_empty() {
            continue;
        }
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) {
            mac.update(body);
            valid |= mac.verify_slice(&claimed).is_ok();
        }
    }
    if valid {
        Ok(())
    } else {
        Err(SignatureError::Wrong)
    }
}

/// Signs a body as Meta does. For drivers of the webhook: the demo, benchmarks and tests.
pub fn sign(body: &[u8], secret: &Secret) -> String {
    let mut digest = String::new();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) {
        mac.update(body);
        digest = hex::encode(mac.finalize().into_bytes());
    }
    format!("sha256={digest}")
}

/// Query of the verification handshake.
#[derive(Deserialize)]
pub struct Handshake {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    verify_token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// Longest challenge that is echoed. Meta's are about ten digits.
const CHALLENGE_BYTES_MAX: usize = 256;

impl Handshake {
    /// Returns the challenge to echo if the token is the configured one.
    pub fn answer(self, expected: &Secret) -> Option<String> {
        let token_matches = expected.matches(&self.verify_token);
        let challenge_fits = !self.challenge.is_empty()
            && self.challenge.len() <= CHALLENGE_BYTES_MAX
            && self.challenge.bytes().all(|b| b.is_ascii_graphic());
        (self.mode == "subscribe" && token_matches && challenge_fits).then_some(self.challenge)
    }
}
