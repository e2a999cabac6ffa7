//! The connection to NATS, with what its client does not do by itself: no publish waits for long, and whoever needs
//! to know learns when the connection is there again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{
    Client, ConnectOptions, Event, ServerAddr, Subscriber, connection::State, rustls,
};
use tokio::{sync::watch, time::timeout};

use crate::Error;

/// A publish only queues; with the server gone the queue fills up and would wait for its return.
const PUBLISH_MAX: Duration = Duration::from_secs(2);
/// A server that is gone without a word is noticed after two of these.
const PING_EVERY: Duration = Duration::from_secs(5);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Short, because texts wait in the middle; each process waits a random part of it more, so that not all come at once.
const RECONNECT_MAX: Duration = Duration::from_millis(400);
/// While nothing changes the log says again that NATS is away after this long.
const WARN_EVERY: Duration = Duration::from_secs(30);

/// A connection, or the attempt to have one again.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    connections: watch::Receiver<u64>,
    notes: Arc<Notes>,
}

/// What the client told of its connection.
#[derive(Debug)]
struct Notes {
    connections: watch::Sender<u64>,
    /// NATS is there and does not let this process in.
    refused: AtomicBool,
    /// The last trouble that was logged: the client finds the same one many times a second.
    warned: Mutex<Option<(Instant, String)>>,
}

impl Bus {
    /// Begins to connect. The server may come later.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be read.
    pub async fn connect(url: &str, name: &str) -> Result<Self, Error> {
        // Two providers of TLS are compiled in (HTTP clients bring the other), so the client cannot choose by itself. An
        // error means that one was chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (told, connections) = watch::channel(0);
        let notes = Arc::new(Notes {
            connections: told,
            refused: AtomicBool::new(false),
            warned: Mutex::default(),
        });
        let noting = notes.clone();
        let (server, options) = server_of(url).map_err(|error| Error::Config {
            key: "nats.url",
            problem: format!("is not one that can be connected to: {error}"),
        })?;
        let client = options
            .name(name)
            .ping_interval(PING_EVERY)
            .connection_timeout(CONNECT_MAX)
            .request_timeout(Some(PUBLISH_MAX))
            .reconnect_delay_callback(|attempts| {
                let doubled = 1_u64 << attempts.min(11);
                let delay = Duration::from_millis(doubled).min(RECONNECT_MAX);
                delay + delay.mul_f64(rand::random::<f64>() / 2.0)
            })
            .retry_on_initial_connect()
            .event_callback(move |event| {
                noting.note(&event);
                std::future::ready(())
            })
            .connect(server)
            .await
            .map_err(|error| Error::Config {
                key: "nats.url",
                problem: format!("is not one that can be connected to: {error}"),
            })?;
        Ok(Self {
            client,
            connections,
            notes,
        })
    }

    /// Says whether the server can be reached.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Says why the server cannot be used, as it follows on `nats.url`; nothing while it can.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.is_connected() {
            None
        } else if self.notes.refused.load(Ordering::Relaxed) {
            Some("names a user or password that NATS refuses")
        } else {
            Some("cannot be reached; is nats-server running there?")
        }
    }

    /// Returns a count that changes with each new connection.
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    /// Returns how many bytes a message may have.
    pub fn payload_max(&self) -> usize {
        const DEFAULT: usize = 1 << 20;
        match self.client.max_payload() {
            0 => DEFAULT,
            max => max,
        }
    }

    /// Sends a message; false when it surely did not leave. While there is no connection nothing is sent: a message
    /// that arrives when it is no longer true does harm.
    pub async fn publish(&self, subject: String, reply: Option<String>, payload: Vec<u8>) -> bool {
        if !self.is_connected() {
            return false;
        }
        let sent = async {
            match reply {
                Some(reply) => {
                    let send = self
                        .client
                        .publish_with_reply(subject, reply, payload.into());
                    send.await
                }
                None => self.client.publish(subject, payload.into()).await,
            }
        };
        matches!(timeout(PUBLISH_MAX, sent).await, Ok(Ok(())))
    }

    /// Receives what is sent on a subject, over reconnections.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the client has ended.
    pub async fn subscribe(&self, subject: String) -> Result<Subscriber, Error> {
        timeout(PUBLISH_MAX, self.client.subscribe(subject))
            .await
            .map_err(|_| Error::Stopped)?
            .map_err(|_| Error::Stopped)
    }

    /// Waits until what was sent has left this process.
    pub async fn flush(&self) {
        if self.is_connected() {
            let _ = timeout(PUBLISH_MAX, self.client.flush()).await;
        }
    }
}

/// Takes user and password out of a URL: the client does not read them there, and would log them.
fn server_of(url: &str) -> std::io::Result<(ServerAddr, ConnectOptions)> {
    let told: ServerAddr = url.parse()?;
    let user = told.username().map(str::to_owned);
    let options = match &user {
        Some(user) => {
            let password = told.password().unwrap_or_default().to_owned();
            ConnectOptions::new().user_and_password(user.clone(), password)
        }
        None => ConnectOptions::new(),
    };
    let mut bare = told.into_inner();
    // Both fail only for URLs without a host, which were refused above.
    let _ = (bare.set_username(""), bare.set_password(None));
    Ok((ServerAddr::from_url(bare)?, options))
}

impl Notes {
    fn note(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.refused.store(false, Ordering::Relaxed);
                self.warned
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                self.connections.send_modify(|count| *count += 1);
                tracing::info!("connected to NATS");
            }
            Event::Disconnected => tracing::warn!("connection to NATS is lost; trying again"),
            Event::SlowConsumer(_) => metrics::counter!("mercer_nats_slow_total").increment(1),
            Event::ClientError(error) => {
                let error = error.to_string();
                // The client tells it as text alone. It keeps trying, so a password that is put right again is enough.
                let unauthorised = error.contains("authorization violation");
                self.refused.store(unauthorised, Ordering::Relaxed);
                self.warn(error);
            }
            Event::ServerError(error) => tracing::warn!(%error, "NATS refuses something"),
            _ => {}
        }
    }

    fn warn(&self, error: String) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(at, told): &(Instant, String)| *told == error && at.elapsed() < WARN_EVERY;
        if !warned.as_ref().is_some_and(is_known) {
            tracing::warn!(error, "NATS cannot be used; trying again");
            *warned = Some((Instant::now(), error));
        }
    }
}
