//! The chat page: one HTML answer with its style and script inside, and a policy that lets nothing
//! else run or load.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mercer_schemas::{Shop, ShopId};

use super::config::Pages;
use crate::Gateway;
use crate::problem::Problem;

const HTML: &str = include_str!("../../../web/chat.html");
const STYLE: &str = include_str!("../../../web/chat.css");
const SCRIPT: &str = include_str!("../../../web/chat.js");

/// Serves the page of the shop that answers at `/chat`.
pub(super) async fn default_page(
    State(gateway): State<Gateway>,
    Extension(pages): Extension<Arc<Pages>>,
) -> Response {
    match pages.first() {
        Some(shop) => page(&gateway, shop).await,
        None => Problem::NO_SUCH_SHOP.into_response(),
    }
}

/// Serves the page of a shop.
pub(super) async fn shop_page(
    State(gateway): State<Gateway>,
    Extension(pages): Extension<Arc<Pages>>,
    Path(shop): Path<String>,
) -> Response {
    match pages.find(&shop) {
        Some(shop) => page(&gateway, shop).await,
        None => Problem::NO_SUCH_SHOP.into_response(),
    }
}

async fn page(gateway: &Gateway, shop: &ShopId) -> Response {
    let shop = match gateway.store.shops().get(shop).await {
        Ok(Some(shop)) => shop,
        Ok(None) => return Problem::NO_SUCH_SHOP.into_response(),
        Err(error) => {
            tracing::error!(shop.id = %shop, error = %error, "chat page not served");
            return Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "the chat cannot be opened now; try again",
            )
            .into_response();
        }
    };
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let policy = [(header::CONTENT_SECURITY_POLICY, policy)];
    (headers, policy, render(&shop, &nonce)).into_response()
}

/// Fills the page in one pass, so that a shop's name cannot bring a placeholder of its own.
fn render(shop: &Shop, nonce: &str) -> String {
    let mut html = String::with_capacity(HTML.len() + STYLE.len() + SCRIPT.len() + 512);
    let mut rest = HTML;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        html.push_str(before);
        match name {
            "style" => html.push_str(STYLE),
            "script" => html.push_str(SCRIPT),
            "nonce" => html.push_str(nonce),
            "lang" => escape(&shop.locale, &mut html),
            "shop_id" => escape(shop.id.as_str(), &mut html),
            "shop_name" => escape(&shop.name, &mut html),
            "greeting" => escape(&shop.greeting, &mut html),
            _ => {}
        }
        rest = after;
    }
    html.push_str(rest);
    html
}

fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(name: &str) -> Shop {
        serde_json::from_value(serde_json::json!({
            "id": "northwind", "name": name, "currency": "GBP", "locale": "en-GB", "greeting": "Hi {{nonce}}"
        }))
        .expect("shop")
    }

    #[test]
    fn a_shops_words_cannot_become_markup_or_placeholders() {
        let html = render(&shop("A \"<script>\" & {{style}}"), "abc");
        assert!(html.contains("<h1>A &quot;&lt;script&gt;&quot; &amp; {{style}}</h1>"));
        assert!(html.contains("Hi {{nonce}}"));
        assert_eq!(html.matches("nonce=\"abc\"").count(), 2);
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_keeps_its_handles() {
        let html = render(&shop("Northwind"), "abc");
        for handle in [
            "form id=\"composer\"",
            "textarea id=\"message\"",
            "button id=\"send\"",
            "ol id=\"log\"",
            "data-shop=\"northwind\"",
            "lang=\"en-GB\"",
        ] {
            assert!(html.contains(handle), "{handle}");
        }
        for forbidden in [
            " src=",
            "@import",
            "url(",
            "innerHTML",
            "style=\"",
            "onclick",
        ] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        // What would end the script or style element early.
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    }
}
