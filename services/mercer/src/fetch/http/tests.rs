//! Fetching from a real server on a free port.

use std::fs;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response as Answer;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::fetch::bar;

/// Longer than what a socket holds, so that a cut falls into the middle.
const BYTES: usize = 3 << 20;
const TAG: &str = "\"one\"";

/// How a server answers a request with these headers.
type Says = Box<dyn Fn(&HeaderMap) -> Answer + Send + Sync>;

/// What a test asks of its server, and what it was asked.
#[derive(Clone)]
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Server {
    /// Answers the first request as the first function says, and so on; the last one answers all others.
    async fn start(answers: Vec<Says>) -> Self {
        let asked: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let heard = Arc::clone(&asked);
        let answers = Arc::new(answers);
        let router = Router::new().fallback(move |headers: HeaderMap| {
            let mut heard = heard.lock().expect("lock");
            let nth = heard.len().min(answers.len() - 1);
            let answer = answers[nth](&headers);
            heard.push(headers);
            std::future::ready(answer)
        });
        let url = mercer_testing::serve(router).await;
        Self { url, asked }
    }

    fn wanted(&self, file: &[u8]) -> Wanted {
        Wanted {
            url: self
                .url
                .parse::<Url>()
                .expect("address")
                .join("a.gguf")
                .expect("address"),
            sha256: digest(file),
            name: "a.gguf".parse().expect("name"),
        }
    }

    /// Returns the ranges that were asked for, with what they were bound to.
    fn ranges(&self) -> Vec<Option<(String, String)>> {
        let text = |headers: &HeaderMap, name| {
            headers
                .get(name)
                .map(|value| value.to_str().expect("text").to_owned())
        };
        let asked = self.asked.lock().expect("lock");
        let range = |headers: &HeaderMap| {
            Some((
                text(headers, header::RANGE)?,
                text(headers, header::IF_RANGE)?,
            ))
        };
        asked.iter().map(range).collect()
    }
}

fn file(seed: u8) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend((0..BYTES).map(|at| (at % 251) as u8 ^ seed));
    file
}

fn digest(file: &[u8]) -> Digest {
    Digest::of(Sha256::new_with_prefix(file))
}

/// The whole file.
fn whole(file: Vec<u8>, tag: &'static str) -> Says {
    Box::new(move |_| {
        let answer = Answer::builder().header(header::ETAG, tag);
        answer.body(Body::from(file.clone())).expect("answer")
    })
}

/// The first half of the file, and then the connection is cut.
fn cut(file: Vec<u8>, tag: &'static str) -> Says {
    Box::new(move |_| {
        let pieces = [
            Ok(Bytes::copy_from_slice(&file[..file.len() / 2])),
            Err(std::io::Error::other("cut")),
        ];
        let answer = Answer::builder()
            .header(header::ETAG, tag)
            .header(header::CONTENT_LENGTH, file.len());
        let body = Body::from_stream(futures::stream::iter(pieces));
        answer.body(body).expect("answer")
    })
}

/// What a server does that knows ranges: the rest of the same file, or else the whole of the one that it has now.
fn ranges(file: Vec<u8>, tag: &'static str) -> Says {
    Box::new(move |headers| {
        let same = headers
            .get(header::IF_RANGE)
            .is_none_or(|asked| asked == tag);
        let range = headers.get(header::RANGE).filter(|_| same);
        let Some(range) = range else {
            return whole(file.clone(), tag)(headers);
        };
        let range = range.to_str().expect("range");
        let first = range.trim_start_matches("bytes=").trim_end_matches('-');
        let first: usize = first.parse().expect("range");
        let span = format!("bytes {first}-{}/{}", file.len() - 1, file.len());
        Answer::builder()
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::ETAG, tag)
            .header(header::CONTENT_RANGE, span)
            .body(Body::from(file[first..].to_vec()))
            .expect("answer")
    })
}

fn status(status: StatusCode) -> Says {
    Box::new(move |_| {
        Answer::builder()
            .status(status)
            .body(Body::empty())
            .expect("answer")
    })
}

fn limits() -> Limits {
    Limits {
        attempts: 3,
        pause: Duration::from_millis(1),
        ..Limits::default()
    }
}

struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    async fn fetch(&self, wanted: &Wanted, limits: Limits) -> anyhow::Result<Fetched> {
        fetch(
            &Folder::new(self.0.path().to_owned()),
            wanted,
            limits,
            &bar(),
        )
        .await
    }

    /// Returns all that lies in the folder, but for the lock.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("folder");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("name")
        };
        let mut names: Vec<String> = entries.map(name).filter(|name| name != ".lock").collect();
        names.sort();
        names
    }

    fn holds(&self, file: &[u8]) {
        assert_eq!(self.names(), ["a.gguf"]);
        assert!(
            fs::read(self.0.path().join("a.gguf")).expect("file") == file,
            "another file"
        );
    }
}

fn resumed_at(asked: Option<&(String, String)>) -> u64 {
    let (range, validator) = asked.expect("a range");
    assert_eq!(validator, TAG);
    let first = range.trim_start_matches("bytes=").trim_end_matches('-');
    first.parse().expect("range")
}

#[tokio::test]
async fn a_file_comes_whole_and_is_not_asked_for_again() {
    let server = Server::start(vec![whole(file(1), TAG)]).await;
    let (cache, wanted) = (Cache::new(), server.wanted(&file(1)));
    let path = cache.0.path().join("a.gguf");
    let fetched = cache.fetch(&wanted, limits()).await.expect("fetched");
    assert_eq!(fetched, Fetched::Brought(path.clone()));
    cache.holds(&file(1));
    let fetched = cache.fetch(&wanted, limits()).await.expect("there");
    assert_eq!(fetched, Fetched::AlreadyThere(path));
    assert_eq!(server.ranges().len(), 1);
}

#[tokio::test]
async fn a_cut_connection_goes_on_where_it_ended() {
    let server = Server::start(vec![cut(file(1), TAG), ranges(file(1), TAG)]).await;
    let cache = Cache::new();
    cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect("fetched");
    cache.holds(&file(1));
    let asked = server.ranges();
    assert_eq!(asked.len(), 2);
    assert!(resumed_at(asked[1].as_ref()) > 0);
}

#[tokio::test]
async fn a_later_fetch_goes_on_with_the_part_of_an_earlier_one() {
    let server = Server::start(vec![cut(file(1), TAG), ranges(file(1), TAG)]).await;
    let (cache, wanted) = (Cache::new(), server.wanted(&file(1)));
    let once = Limits {
        attempts: 1,
        ..limits()
    };
    let error = cache.fetch(&wanted, once).await.expect_err("cut");
    assert!(
        format!("{error:#}").contains("run the same command again"),
        "{error:#}"
    );
    assert_eq!(cache.names(), ["a.gguf.part", "a.gguf.part.json"]);
    let there = fs::metadata(cache.0.path().join("a.gguf.part"))
        .expect("part")
        .len();
    cache.fetch(&wanted, once).await.expect("fetched");
    cache.holds(&file(1));
    assert_eq!(resumed_at(server.ranges()[1].as_ref()), there);
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_all_again() {
    let server = Server::start(vec![cut(file(1), TAG), whole(file(1), TAG)]).await;
    let cache = Cache::new();
    cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect("fetched");
    cache.holds(&file(1));
}

#[tokio::test]
async fn a_file_that_changed_on_the_server_begins_again() {
    let server = Server::start(vec![cut(file(2), "\"old\""), ranges(file(1), TAG)]).await;
    let cache = Cache::new();
    cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect("fetched");
    cache.holds(&file(1));
}

#[tokio::test]
async fn a_part_of_another_file_is_not_added() {
    // This server does not know `If-Range`.
    let careless: Says = Box::new(|headers| {
        let mut headers = headers.clone();
        headers.remove(header::IF_RANGE);
        ranges(file(1), TAG)(&headers)
    });
    let server = Server::start(vec![cut(file(2), "\"old\""), careless]).await;
    let cache = Cache::new();
    cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect("fetched");
    cache.holds(&file(1));
    assert_eq!(server.ranges().len(), 3);
}

#[tokio::test]
async fn a_wrong_file_is_removed_and_both_digests_are_named() {
    let server = Server::start(vec![whole(file(2), TAG)]).await;
    let cache = Cache::new();
    let error = cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect_err("wrong");
    let error = error.to_string();
    for named in [digest(&file(1)), digest(&file(2))] {
        assert!(error.contains(&named.to_string()), "{error}");
    }
    assert_eq!(cache.names(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_too_long_leaves_nothing() {
    let told = whole(file(1), TAG);
    // Without a length: in pieces, as they come.
    let untold: Says = Box::new(|_| {
        let pieces = std::iter::repeat_with(|| std::io::Result::Ok(Bytes::from(vec![0; 1 << 16])));
        Answer::new(Body::from_stream(futures::stream::iter(pieces)))
    });
    for answer in [told, untold] {
        let server = Server::start(vec![answer]).await;
        let (cache, wanted) = (Cache::new(), server.wanted(&file(1)));
        let short = Limits {
            bytes_max: 1 << 20,
            ..limits()
        };
        let error = cache.fetch(&wanted, short).await.expect_err("too long");
        assert!(
            format!("{error:#}").contains("longer than 1048576 bytes"),
            "{error:#}"
        );
        assert_eq!(cache.names(), [""; 0]);
        assert_eq!(server.ranges().len(), 1);
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_missing_file_is_not() {
    let server = Server::start(vec![
        status(StatusCode::SERVICE_UNAVAILABLE),
        status(StatusCode::TOO_MANY_REQUESTS),
        whole(file(1), TAG),
    ]);
    let (server, cache) = (server.await, Cache::new());
    cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect("fetched");
    cache.holds(&file(1));

    let server = Server::start(vec![status(StatusCode::NOT_FOUND)]).await;
    let cache = Cache::new();
    let error = cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect_err("missing");
    assert!(format!("{error:#}").contains("404"), "{error:#}");
    assert_eq!(server.ranges().len(), 1);
    assert_eq!(cache.names(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_on() {
    let silent: Says = Box::new(|_| {
        Answer::new(Body::from_stream(futures::stream::pending::<
            std::io::Result<Bytes>,
        >()))
    });
    let server = Server::start(vec![silent]).await;
    let (cache, wanted) = (Cache::new(), server.wanted(&file(1)));
    let short = Limits {
        silence: Duration::from_millis(100),
        ..limits()
    };
    let error = cache.fetch(&wanted, short).await.expect_err("silent");
    assert!(format!("{error:#}").contains("3 attempts"), "{error:#}");
    assert_eq!(server.ranges().len(), 3);
    assert_eq!(cache.names(), [""; 0]);
}

#[tokio::test]
async fn another_file_of_that_name_stays_as_it_is() {
    let server = Server::start(vec![whole(file(1), TAG)]).await;
    let cache = Cache::new();
    fs::write(cache.0.path().join("a.gguf"), "mine").expect("written");
    let error = cache
        .fetch(&server.wanted(&file(1)), limits())
        .await
        .expect_err("there");
    assert!(error.to_string().contains("--name"), "{error}");
    cache.holds(b"mine");
}

#[tokio::test]
async fn what_an_address_holds_besides_the_server_is_in_no_error() {
    let port = mercer_testing::free_port();
    let server = Server {
        url: format!("http://127.0.0.1:{port}/?key=secret"),
        asked: Arc::default(),
    };
    let mut wanted = server.wanted(&file(1));
    wanted.url.set_query(Some("key=secret"));
    let error = Cache::new()
        .fetch(&wanted, limits())
        .await
        .expect_err("nobody listens");
    assert!(!format!("{error:#}").contains("secret"), "{error:#}");
}
