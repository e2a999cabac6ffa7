//! Mercer's admin API: catalog, documents, imports, conversations, webhooks, keys, workers and health over HTTP, with
//! its OpenAPI description at `/openapi.json` and a page to browse it at `/docs`.
//!
//! Not here: how things are stored (`mercer-store`), imported (`mercer-import`), searched or replayed; the
//! last comes in through the traits of [`seams`].

mod answer;
pub mod auth;
mod check;
mod conversations;
mod docs;
mod documents;
mod extract;
mod health;
mod idempotency;
mod imports;
mod keys;
mod observe;
mod problem;
mod products;
pub mod seams;
mod variants;
mod webhooks;
mod workers;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use mercer_store::{Hints, Store};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use problem::{FieldError, Problem, ProblemBody};
pub use seams::{
    ConversationReplay, HealthSource, PartHealth, PoolSource, PoolState, ReplayError, ReplayReport,
    TimelineEntry, WorkerRecord, WorkerState,
};

/// What the page at `/docs` may load: files of this server only. Its styles are partly inline.
const DOCS_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/// What the API works on.
#[derive(Clone)]
pub struct Admin {
    /// The truth.
    pub store: Store,
    /// Wakes a conversation after a command for it was stored.
    pub hints: Arc<dyn Hints>,
    /// Replays conversations.
    pub replay: Arc<dyn ConversationReplay>,
    /// Knows how the other parts are.
    pub health: Arc<dyn HealthSource>,
    /// Knows the pool of workers.
    pub pool: Arc<dyn PoolSource>,
}

/// Builds the API's routes, with `/openapi.json` and `/docs`, and its description.
///
/// The router has a fallback that answers 404 as a problem; a router that is merged with it must
/// not have one of its own.
pub fn router(admin: Admin) -> (Router, OpenApi) {
    let (routes, api) = described();
    let gate = auth::Gate::new(admin.store.clone(), &api);
    let page = SwaggerUi::new("/docs")
        .url("/openapi.json", api.clone())
        .config(Config::default().validator_url("none"));
    let page = Router::new()
        .merge(page)
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static(DOCS_POLICY),
        ));
    // A request passes the layers from the last to the first.
    let router = routes
        .layer(DefaultBodyLimit::disable()) // bodies are bounded where they are read
        .layer(from_fn_with_state(admin.clone(), idempotency::once))
        .layer(from_fn_with_state(gate, auth::gate))
        .merge(page)
        .fallback(observe::nothing_here)
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn(observe::only_problems))
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        .layer(from_fn(observe::count))
        .with_state(admin);
    (router, api)
}

/// Builds the API's description alone, for writing it to a file.
pub fn openapi() -> OpenApi {
    described().1
}

fn described() -> (Router<Admin>, OpenApi) {
    let (routes, api) = operations().split_for_parts();
    (routes, docs::complete(&api))
}

fn operations() -> OpenApiRouter<Admin> {
    OpenApiRouter::with_openapi(docs::outline())
        .routes(routes!(products::list::list_products))
        .routes(routes!(
            products::get::get_product,
            products::put::put_product,
            products::patch::patch_product,
            products::delete::delete_product
        ))
        .routes(routes!(variants::list::list_variants))
        .routes(routes!(
            variants::get::get_variant,
            variants::patch::patch_variant
        ))
        .routes(routes!(variants::price::put_price))
        .routes(routes!(variants::stock::put_stock))
        .routes(routes!(documents::list::list_documents))
        .routes(routes!(
            documents::get::get_document,
            documents::put::put_document,
            documents::patch::patch_document,
            documents::delete::delete_document
        ))
        .routes(routes!(imports::import_file))
        .routes(routes!(conversations::list::list_conversations))
        .routes(routes!(conversations::get::get_conversation))
        .routes(routes!(conversations::act::take_over))
        .routes(routes!(conversations::act::answer))
        .routes(routes!(conversations::act::hand_back))
        .routes(routes!(conversations::replay::replay_conversation))
        .routes(routes!(keys::list::list_keys, keys::create::create_key))
        .routes(routes!(keys::revoke::revoke_key))
        .routes(routes!(webhooks::list::list_deliveries))
        .routes(routes!(webhooks::resend::resend_delivery))
        .routes(routes!(workers::list_workers))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// Returns the time, UTC milliseconds. Everything else gets the time from here.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
