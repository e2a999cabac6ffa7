//! Servers on free local ports.

use std::net::TcpListener;

use axum::Router;

/// Returns a local port that nobody listens on.
///
/// The system gives out another one at each call, so that tests do not take each other's.
///
/// # Panics
/// When the machine has none left.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("free port");
    listener.local_addr().expect("address").port()
}

/// Serves routes on a free local port, as long as the runtime lives, and returns the base URL.
///
/// # Panics
/// When no port can be bound.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
