//! The HTTP server of every role: bounded while it runs, and bounded when it stops.
//!
//! A client that sends half a header, or reads an event stream no further, holds a connection for a
//! while and the stop for a moment. Bodies have limits of their own where they are read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Bounds of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Longest time from a connection, or from the answer before, to the end of a request's header.
    /// A header is one packet: Meta, browsers and proxies send it at once.
    header: Duration,
    /// Longest time for what runs when the server is asked to stop. Below the 10 s that container
    /// runtimes leave by default, with time for conversations to end after it.
    stop: Duration,
    /// Most connections at once; more wait to be accepted. Far above a shop's chat pages, and low
    /// enough that a flood is not a matter of memory: a connection takes about 20 kB.
    connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(30),
            stop: Duration::from_secs(5),
            connections: 16_384,
        }
    }
}

/// After a connection could not be accepted: too many open files pass when some are closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` resolves, then ends what runs within the bound. Streams that have no end of
/// their own should be closed by `stop`; those left over are cut.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let ending = CancellationToken::new();
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, socket) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let (router, ending) = (router.clone(), ending.clone());
        connections.spawn(async move {
            converse(socket, router, limits.header, ending).await;
            drop(place);
        });
    }
    // Whoever connects now is refused, rather than left waiting.
    drop(listener);
    ending.cancel();
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.stop, all_ended).await.is_err() {
        let cut = connections.len();
        tracing::warn!(connections = cut, "connections that did not end were cut");
        connections.shutdown().await;
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                // Events of a stream are small and should not wait for one another.
                let _ = socket.set_nodelay(true);
                return socket;
            }
            Err(error) => {
                tracing::warn!(%error, "connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of a connection until it ends, or until its present one is answered when
/// the server stops.
async fn converse(socket: TcpStream, router: Router, header: Duration, ending: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    tokio::pin!(connection);
    // A connection that breaks is the client's affair; nothing follows from it here.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = ending.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use futures::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    use super::*;

    /// Far more than any of the bounds below, so that a machine under load does not fail a test.
    const PATIENCE: Duration = Duration::from_secs(20);
    const HALF_A_HEADER: &[u8] = b"GET /hello HTTP/1.1\r\nhost: shop.ex";

    struct Server {
        address: std::net::SocketAddr,
        stop: CancellationToken,
        served: JoinHandle<()>,
    }

    impl Server {
        async fn start(limits: Limits) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
            let address = listener.local_addr().expect("address");
            let endless = || async {
                let chunk = || Ok::<_, std::io::Error>(vec![b'.'; 64 * 1024]);
                Body::from_stream(stream::repeat_with(chunk))
            };
            let router = Router::new()
                .route("/hello", get(|| std::future::ready("hello")))
                .route("/endless", get(endless));
            let stop = CancellationToken::new();
            let stopped = stop.clone().cancelled_owned();
            let served = tokio::spawn(serve(listener, router, limits, stopped));
            Self {
                address,
                stop,
                served,
            }
        }

        async fn say(&self, words: &[u8]) -> TcpStream {
            let mut socket = TcpStream::connect(self.address).await.expect("connected");
            socket.write_all(words).await.expect("written");
            socket
        }

        async fn end(self) {
            self.stop.cancel();
            let served = tokio::time::timeout(PATIENCE, self.served).await;
            served.expect("the stop has a bound").expect("no panic");
        }
    }

    fn limits(header: Duration, stop: Duration) -> Limits {
        Limits {
            header,
            stop,
            ..Limits::default()
        }
    }

    /// Reads until the server closes the connection.
    async fn rest(mut socket: TcpStream) -> String {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
        // A connection that is cut may say so.
        let _ = read.expect("the server closes the connection");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn half_a_header_is_cut_off_while_the_server_runs() {
        let limits = limits(Duration::from_millis(100), PATIENCE);
        let server = Server::start(limits).await;
        let slow = server.say(HALF_A_HEADER).await;
        assert!(!rest(slow).await.contains("200 OK"));
        let quick = b"GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(rest(server.say(quick).await).await.ends_with("hello"));
        server.end().await;
    }

    #[tokio::test]
    async fn half_a_header_does_not_hold_the_stop() {
        let hour = Duration::from_secs(3_600);
        let server = Server::start(limits(hour, Duration::from_millis(200))).await;
        let slow = server.say(HALF_A_HEADER).await;
        server.end().await;
        assert!(!rest(slow).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn a_reader_that_stalls_does_not_hold_the_stop() {
        let hour = Duration::from_secs(3_600);
        let server = Server::start(limits(hour, Duration::from_millis(200))).await;
        let request = b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut stalled = server.say(request).await;
        let mut first = [0; 15];
        stalled.read_exact(&mut first).await.expect("answer begins");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        // And reads no further: the server's buffers fill, and its writes wait.
        server.end().await;
    }

    #[tokio::test]
    async fn a_request_that_runs_is_answered_before_the_end() {
        let server = Server::start(Limits::default()).await;
        let mut open = server.say(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut first = [0; 15];
        open.read_exact(&mut first).await.expect("answered");
        // The connection is idle now, and ends with the server at once.
        server.end().await;
        assert!(rest(open).await.ends_with("hello"));
    }
}
