//! Reads what llama-server and OpenAI's chat completions stream: server-sent events that hold JSON.

use std::collections::VecDeque;

use anyhow::{anyhow, bail};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;

use super::target::{Counts, Event};

/// Error texts of a server are cut to this many bytes: some repeat the request.
const ERROR_BYTES_MAX: usize = 200;

/// Reads the events of a body.
pub(super) fn events(
    body: BoxStream<'static, anyhow::Result<Vec<u8>>>,
) -> BoxStream<'static, anyhow::Result<Event>> {
    let reading = (body, Parser::default());
    stream::try_unfold(reading, |(mut body, mut parser)| async move {
        loop {
            if let Some(event) = parser.ready.pop_front() {
                return Ok(Some((event, (body, parser))));
            }
            match body.next().await {
                Some(bytes) => parser.push(&bytes?)?,
                None if parser.told => return Ok(None),
                None if !parser.ended => bail!("reply broke off: the server closed the connection"),
                None => {
                    parser.told = true;
                    parser.ready.push_back(Event::Done(parser.counts));
                }
            }
        }
    })
    .boxed()
}

/// Turns server-sent events into ours. A body comes in any pieces; counts may come after the last text.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    ready: VecDeque<Event>,
    counts: Counts,
    /// The server said that the reply is whole.
    ended: bool,
    /// That was passed on.
    told: bool,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).into_owned();
            self.line.clear();
            // One line an event, as all servers of this kind write them; `error:` is llama-server's own.
            if let Some(data) = line.strip_prefix("data:") {
                self.data(data.trim())?;
            } else if let Some(data) = line.strip_prefix("error:") {
                let value: Value = serde_json::from_str(data.trim()).unwrap_or_default();
                bail!("server failed: {}", error_text(&value));
            }
        }
        Ok(())
    }

    fn data(&mut self, data: &str) -> anyhow::Result<()> {
        if data == "[DONE]" {
            self.ended = true;
            return Ok(());
        }
        let value: Value = serde_json::from_str(data)
            .map_err(|_| anyhow!("server sent an event that is no JSON"))?;
        if !value["error"].is_null() {
            bail!("server failed: {}", error_text(&value));
        }
        let delta = &value["choices"][0]["delta"];
        let texts = [
            &value["content"],
            &delta["content"],
            &delta["reasoning_content"],
        ];
        for text in texts.into_iter().filter_map(Value::as_str) {
            if !text.is_empty() {
                self.ready.push_back(Event::Text(text.to_owned()));
            }
        }
        self.ended |= value["stop"] == true || value["choices"][0]["finish_reason"].is_string();
        self.count(&value);
        Ok(())
    }

    /// Takes in what the event counts: llama-server's timings, else the usage of chat completions.
    fn count(&mut self, value: &Value) {
        let timings = &value["timings"];
        if let (Some(cached), Some(computed)) =
            (timings["cache_n"].as_u64(), timings["prompt_n"].as_u64())
        {
            self.counts.prompt = Some(cached + computed);
            self.counts.cached = Some(cached);
            self.counts.output = timings["predicted_n"].as_u64();
            return;
        }
        let usage = &value["usage"];
        let details = &usage["prompt_tokens_details"];
        for (count, found) in [
            (&mut self.counts.prompt, &usage["prompt_tokens"]),
            (&mut self.counts.cached, &details["cached_tokens"]),
            (&mut self.counts.output, &usage["completion_tokens"]),
        ] {
            if let Some(found) = found.as_u64() {
                *count = Some(found);
            }
        }
    }
}

/// Returns what a server says about an error, cut short.
pub(super) fn error_text(body: &Value) -> String {
    let error = &body["error"];
    let text = error["message"]
        .as_str()
        .or(error.as_str())
        .or(body["message"].as_str())
        .unwrap_or("it does not say why");
    text[..text.floor_char_boundary(ERROR_BYTES_MAX)].to_owned()
}
