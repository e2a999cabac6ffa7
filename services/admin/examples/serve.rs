//! Serves the admin API on 127.0.0.1:8091 with an empty shop in a temporary database, for trying
//! the API and for schema-driven tests. Prints the page's address, a conversation and an
//! owner's key.

#[path = "../tests/api/support.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod support;

use mercer_schemas::{Channel, Personal};
use mercer_store::Role;

/// Port of the example; nothing else of Mercer uses it.
const ADDRESS: &str = "127.0.0.1:8091";

#[tokio::main]
async fn main() {
    let server = support::Server::start().await;
    let kettle = support::product("HB-1042");
    let catalog = server.store.catalog();
    let stored = catalog.put(&support::shop_id(), kettle, None).await;
    stored.expect("stored");
    let address = Personal::new("447700900123".to_owned());
    let conversations = server.store.conversations();
    let made = conversations
        .ensure(&support::shop_id(), Channel::Whatsapp, &address, 1)
        .await;
    let listener = tokio::net::TcpListener::bind(ADDRESS)
        .await
        .expect("free port");
    println!("http://{ADDRESS}/docs");
    println!("{}", made.expect("a conversation").id);
    println!("{}", server.key(Role::Owner));
    let router = server.router.clone();
    axum::serve(listener, router).await.expect("served");
}
