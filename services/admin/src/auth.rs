//! Who may do what: scopes, the roles that hold them, and the gate before every operation.
//!
//! An operation declares its scopes once, as `security` in its API description; the gate reads
//! them from there, so the description and what is enforced cannot differ. A method that the
//! description does not name is refused.

use std::collections::HashMap;
use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mercer_schemas::{ActionBy, Shop, ShopId};
use mercer_store::{KeyRow, Role, Store};
use utoipa::openapi::OpenApi;

use crate::problem::{Kind, Problem};

/// Name of the security scheme in the API description.
pub(crate) const SCHEME: &str = "admin_key";

// Declares the permissions with the text that the API description uses.
macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A permission that a role may hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the text used in the API description.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

scopes! {
    /// Read products, variants, prices and stock.
    CatalogRead = "catalog:read",
    /// Change them.
    CatalogWrite = "catalog:write",
    /// Read policies, FAQ entries and promotions.
    DocumentsRead = "documents:read",
    /// Change them.
    DocumentsWrite = "documents:write",
    /// Read conversations: the only scope that shows what customers wrote.
    ConversationsRead = "conversations:read",
    /// Take conversations over, answer and hand back.
    ConversationsAct = "conversations:act",
    /// Replay conversations.
    ReplayRead = "replay:read",
    /// Import files.
    ImportWrite = "import:write",
    /// List webhooks and e-mails that were sent, without customers' words.
    WebhooksRead = "webhooks:read",
    /// Send them again.
    WebhooksResend = "webhooks:resend",
    /// List, make and revoke keys.
    KeysManage = "keys:manage",
    /// See the pool of workers.
    WorkersRead = "workers:read",
}

/// Returns the scopes of a role: an owner may do everything, an operator all but keys, an analyst
/// reads, an integration keeps catalog and documents up to date and never sees customers' words.
pub fn scopes_of(role: Role) -> &'static [Scope] {
    match role {
        Role::Owner => Scope::ALL,
        Role::Operator => &[
            Scope::CatalogRead,
            Scope::CatalogWrite,
            Scope::DocumentsRead,
            Scope::DocumentsWrite,
            Scope::ConversationsRead,
            Scope::ConversationsAct,
            Scope::ReplayRead,
            Scope::ImportWrite,
            Scope::WebhooksRead,
            Scope::WebhooksResend,
            Scope::WorkersRead,
        ],
        Role::Analyst => &[
            Scope::CatalogRead,
            Scope::DocumentsRead,
            Scope::ConversationsRead,
            Scope::ReplayRead,
            Scope::WebhooksRead,
            Scope::WorkersRead,
        ],
        Role::Integration => &[
            Scope::CatalogRead,
            Scope::CatalogWrite,
            Scope::DocumentsRead,
            Scope::DocumentsWrite,
            Scope::ImportWrite,
        ],
    }
}

/// The key that a request came with, after the gate let it through.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The key.
    pub(crate) key: Arc<KeyRow>,
    /// The shop named in the path, to which the key has access.
    pub(crate) shop: Arc<Shop>,
}

impl Caller {
    /// Returns the shop's id.
    pub(crate) fn shop_id(&self) -> &ShopId {
        &self.shop.id
    }

    /// Returns the name under which actions are recorded.
    pub(crate) fn action_by(&self) -> ActionBy {
        ActionBy {
            key_id: self.key.id.clone(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        // Only a route that declares no scope reaches a handler without a caller.
        caller.ok_or_else(unauthenticated)
    }
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Access {
    Public,
    Scopes(Vec<String>),
}

/// The operations with what each asks for, and where keys are looked up.
#[derive(Clone)]
pub(crate) struct Gate {
    store: Store,
    operations: Arc<HashMap<String, HashMap<Method, Access>>>,
}

impl Gate {
    /// Reads every operation's scopes from the API description.
    pub(crate) fn new(store: Store, api: &OpenApi) -> Self {
        let mut operations: HashMap<String, HashMap<Method, Access>> = HashMap::new();
        for (path, method, operation) in crate::docs::operations(api) {
            let access = match operation["security"][0][SCHEME].as_array() {
                Some(scopes) => Access::Scopes(
                    scopes
                        .iter()
                        .filter_map(|scope| scope.as_str().map(str::to_owned))
                        .collect(),
                ),
                None => Access::Public,
            };
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) {
                operations.entry(path).or_default().insert(method, access);
            }
        }
        Self {
            store,
            operations: Arc::new(operations),
        }
    }

    async fn caller(
        &self,
        request: &mut Request,
        scopes: &[String],
    ) -> Result<Option<Caller>, Problem> {
        let text = bearer(request.headers()).ok_or_else(unauthenticated)?;
        let verified = self.store.keys().verify(text).await?;
        let key = verified.ok_or_else(unauthenticated)?;
        let held = scopes_of(key.role);
        let missing = scopes
            .iter()
            .find(|scope| held.iter().all(|held| held.as_str() != scope.as_str()));
        if let Some(missing) = missing {
            return Err(Problem::new(
                Kind::Forbidden,
                format!("the key's role lacks the scope {missing}"),
            ));
        }
        let Some(named) = shop_in_path(request).await? else {
            return Ok(None);
        };
        if key.shop.as_ref().is_some_and(|own| *own != named) {
            return Err(Problem::new(
                Kind::Forbidden,
                "the key belongs to another shop",
            ));
        }
        let found = self.store.shops().get(&named).await?;
        let shop = found.ok_or_else(|| Problem::new(Kind::NotFound, "no such shop"))?;
        Ok(Some(Caller {
            key: Arc::new(key),
            shop: Arc::new(shop),
        }))
    }
}

/// Lets a request through to its operation if its key permits that.
pub(crate) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await; // nothing is there: the fallback answers
    };
    let Some(methods) = gate.operations.get(path.as_str()) else {
        return Problem::of_status(axum::http::StatusCode::NOT_FOUND).into_response();
    };
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref other => other.clone(),
    };
    let scopes = match methods.get(&method) {
        None => return method_not_allowed(methods.keys()),
        Some(Access::Public) => return next.run(request).await,
        Some(Access::Scopes(scopes)) => scopes.clone(),
    };
    match gate.caller(&mut request, &scopes).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn shop_in_path(request: &mut Request) -> Result<Option<ShopId>, Problem> {
    let params = request.extract_parts::<RawPathParams>().await;
    let params = params
        .map_err(|_| Problem::malformed("path", "must be percent-encoded UTF-8 without gaps"))?;
    let named = params.iter().find(|(name, _)| *name == "shop");
    named
        .map(|(_, text)| ShopId::new(text))
        .transpose()
        .map_err(|error| Problem::malformed("shop", error.to_string()))
}

/// Returns the key's text if there is exactly one `Authorization: Bearer` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(key.trim_matches(' '))
}

/// Builds the refusal of a missing, wrong, expired or revoked key: one answer for all, so that
/// nobody can find out which keys exist.
fn unauthenticated() -> Problem {
    Problem::new(
        Kind::Unauthenticated,
        "send a valid key as `Authorization: Bearer mrc_live_…`",
    )
    .with_header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"mercer-admin\""),
    )
}

fn method_not_allowed<'a>(methods: impl Iterator<Item = &'a Method>) -> Response {
    let mut names: Vec<&str> = methods.map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.sort_unstable();
    let problem = Problem::new(
        Kind::MethodNotAllowed,
        format!("this path knows {}", names.join(", ")),
    );
    let allow = HeaderValue::try_from(names.join(", "));
    let problem = match allow {
        Ok(value) => problem.with_header(HeaderName::from_static("allow"), value),
        Err(_) => problem,
    };
    problem.into_response()
}
