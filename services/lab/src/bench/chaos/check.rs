//! Reads one reply and judges it by what it promises, not by how it came about.

use std::time::{Duration, Instant};

use futures::StreamExt;
use mercer_inference::{
    BusyReason, ChatModel, Chunk, Completion, Error, Finish, GenerateRequest, Generation, Tokenizer,
};
use tokio::time::timeout_at;

use super::super::counted;

/// An end may come this much after its deadline: a moment for the worker to tell it, and a busy machine.
const LATE_MAX: Duration = Duration::from_secs(2);

/// What became of a request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The whole text came, once.
    Whole(Completion),
    /// The deadline passed and the end said so.
    Late,
    /// An honest error, by its kind.
    Refused(&'static str),
    /// A promise is broken.
    Broken(String),
}

/// What was read of a reply.
#[derive(Debug, Default)]
struct Read {
    started: bool,
    text: String,
    tokens: Vec<u32>,
    last: Option<Instant>,
    pause: Duration,
}

/// Asks, reads to the end and judges. Returns the longest pause within the text too.
pub(super) async fn follow(
    model: &dyn ChatModel,
    tokenizer: &Tokenizer,
    request: GenerateRequest,
) -> (Verdict, Duration) {
    let began = Instant::now();
    let asked = request.clone();
    let mut read = Read::default();
    let end = match model.generate(request).await {
        Ok(generation) => end_of(generation, began + asked.deadline + LATE_MAX, &mut read).await,
        Err(error) => Ok(Err(error)),
    };
    let took = began.elapsed();
    let verdict = match end {
        Err(broken) => Verdict::Broken(broken.to_owned()),
        Ok(Err(error)) => refused(&error, took > asked.deadline + LATE_MAX),
        Ok(Ok(completion)) => judge(&asked, tokenizer, &read, completion, took),
    };
    (verdict, read.pause)
}

/// Reads to the end. The outer error names a broken promise.
async fn end_of(
    mut generation: Generation,
    patience: Instant,
    read: &mut Read,
) -> Result<Result<Completion, Error>, &'static str> {
    loop {
        let next = timeout_at(patience.into(), generation.next()).await;
        match next.map_err(|_| "no end came by its deadline")? {
            None => return Err("it ended without its end being told"),
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(Chunk::Done(completion))) => return Ok(Ok(completion)),
            Some(Ok(Chunk::Started { .. })) => {
                if std::mem::replace(&mut read.started, true) {
                    return Err("it began twice");
                }
            }
            Some(Ok(Chunk::Text { text, tokens })) => {
                let now = Instant::now();
                let since = read.last.replace(now).unwrap_or(now);
                read.pause = read.pause.max(now - since);
                read.text.push_str(&text);
                read.tokens.extend(tokens);
            }
        }
    }
}

/// Judges an error: what comes of workers that are gone is honest, what blames the request is not.
fn refused(error: &Error, late: bool) -> Verdict {
    if late {
        return Verdict::Broken(format!("an error came after its deadline: {error}"));
    }
    match error {
        Error::Busy(BusyReason::NoWorker) => Verdict::Refused("no worker"),
        Error::Busy(BusyReason::TooLate { .. }) => Verdict::Refused("too late"),
        Error::Busy(BusyReason::QueueFull | BusyReason::CacheFull) => Verdict::Refused("full"),
        Error::Decode(_) | Error::Deadline | Error::Stopped | Error::Stalled => {
            Verdict::Refused("failed")
        }
        error => Verdict::Broken(format!("the request was sound, but: {error}")),
    }
}

fn judge(
    asked: &GenerateRequest,
    tokenizer: &Tokenizer,
    read: &Read,
    completion: Completion,
    took: Duration,
) -> Verdict {
    let is_counted = asked.grammar.is_some();
    let full = completion.tokens.len() as u32 == asked.max_tokens;
    let broken = if read.text != completion.text {
        "what was streamed is not the text"
    } else if !completion.tokens.starts_with(&read.tokens) {
        "the tokens that were streamed are not those of the text"
    } else if tokenizer.output_text(&completion.tokens) != completion.text {
        "the tokens do not spell the text"
    } else if completion.usage.output_tokens as usize != completion.tokens.len() {
        "its tokens are counted wrongly"
    } else {
        match completion.finish {
            Finish::Stop if !is_counted || counted::is_whole(&completion.text) => "",
            Finish::Stop => "a part of the text is lost, repeated or out of order",
            Finish::Length if !is_counted && full => "",
            Finish::Length => "it breaks off",
            Finish::Deadline if took >= asked.deadline => return Verdict::Late,
            Finish::Deadline => "it was given up before its deadline",
            Finish::Cancelled => "nobody cancelled it",
        }
    };
    if broken.is_empty() {
        Verdict::Whole(completion)
    } else {
        Verdict::Broken(broken.to_owned())
    }
}
