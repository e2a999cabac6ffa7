//! Settings of the gateway: a block a channel, and the limits.
//!
//! Reading files and environment variables is the binary's part; here are the types, their
//! defaults and [`GatewayConfig::check`]. Secrets sit in [`Secret`], which cannot be printed.

use mercer_schemas::ShopId;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::channels::webchat::{self, WebChatConfig};
use crate::channels::whatsapp::{self, WhatsAppConfig};

/// Largest webhook body that is read. Meta sends up to 3 MB
/// (reference notes on channels: "retried ≤7 days with backoff; ≤3 MB").
pub const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// A secret from the configuration. No `Debug`, no `Display`, no `Serialize`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives access to the secret. Never hand the result to a log, a trace or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in time that depends on the lengths only.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// All settings of the gateway.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// WhatsApp numbers.
    #[serde(default)]
    pub whatsapp: Vec<WhatsAppConfig>,
    /// Chat pages. The first enabled one answers at `/chat`.
    #[serde(default)]
    pub webchat: Vec<WebChatConfig>,
    /// Largest webhook body in bytes; a larger one gets 413.
    #[serde(default = "default_body_limit_bytes")]
    pub body_limit_bytes: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            whatsapp: Vec::new(),
            webchat: Vec::new(),
            body_limit_bytes: BODY_LIMIT_BYTES,
        }
    }
}

/// Says which key is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The key, for instance `whatsapp[0].app_secrets`.
    pub key: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl GatewayConfig {
    /// Checks what the types cannot: no empty secret, no shop twice, a usable Graph address.
    ///
    /// # Errors
    /// [`ConfigError`] for the first key that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        whatsapp::check(&self.whatsapp)?;
        webchat::check(&self.webchat)?;
        if self.body_limit_bytes == 0 {
            return Err(ConfigError {
                key: "body_limit_bytes".to_owned(),
                problem: "must be at least 1",
            });
        }
        Ok(())
    }

    /// Returns the shops that are reached by any channel, some more than once.
    pub fn shops(&self) -> impl Iterator<Item = &ShopId> {
        let numbers = self.whatsapp.iter().map(|number| &number.shop);
        numbers.chain(self.webchat.iter().map(|page| &page.shop))
    }
}

fn default_body_limit_bytes() -> usize {
    BODY_LIMIT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: serde_json::Value) -> WhatsAppConfig {
        let mut base = serde_json::json!({
            "shop": "northwind", "phone_number_id": "1055", "verify_token": "v",
            "app_secrets": ["s"], "access_token": "a"
        });
        for (key, value) in json.as_object().into_iter().flatten() {
            base[key] = value.clone();
        }
        serde_json::from_value(base).expect("account")
    }

    #[test]
    fn a_wrong_key_is_named() {
        let cases = [
            (
                serde_json::json!({"app_secrets": []}),
                "whatsapp[0].app_secrets",
            ),
            (
                serde_json::json!({"app_secrets": ["s", ""]}),
                "whatsapp[0].app_secrets",
            ),
            (
                serde_json::json!({"verify_token": ""}),
                "whatsapp[0].verify_token",
            ),
            (
                serde_json::json!({"access_token": ""}),
                "whatsapp[0].access_token",
            ),
            (
                serde_json::json!({"graph_base_url": "graph"}),
                "whatsapp[0].graph_base_url",
            ),
            (
                serde_json::json!({"phone_number_id": " "}),
                "whatsapp[0].phone_number_id",
            ),
        ];
        for (change, key) in cases {
            let config = GatewayConfig {
                whatsapp: vec![account(change)],
                ..GatewayConfig::default()
            };
            assert_eq!(config.check().map_err(|e| e.key), Err(key.to_owned()));
        }
        let twice = GatewayConfig {
            whatsapp: vec![
                account(serde_json::json!({})),
                account(serde_json::json!({})),
            ],
            ..GatewayConfig::default()
        };
        assert_eq!(
            twice.check().map_err(|e| e.key),
            Err("whatsapp[1].shop".to_owned())
        );
    }

    #[test]
    fn defaults_fill_what_is_left_out() {
        let account = account(serde_json::json!({}));
        assert_eq!(account.graph_base_url, "https://graph.facebook.com");
        let config = GatewayConfig {
            whatsapp: vec![account],
            ..GatewayConfig::default()
        };
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.body_limit_bytes, 4_194_304);
    }
}
