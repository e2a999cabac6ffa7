//! A llama-server, or any server with OpenAI's chat completions, over HTTP with server-sent events.

use anyhow::{Context, bail};
use clap::ValueEnum;
use futures::stream::StreamExt;
use mercer_inference::{Role, Tokenizer};
use serde_json::{Value, json};

use super::events::{error_text, events};
use super::target::{Ask, Reply};

/// How prompts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// As token ids, to llama-server's `/completion`; needs --model.
    Ids,
    /// As text rendered by the model's chat template, to `/completion`; needs --model.
    Text,
    /// As messages, to `/v1/chat/completions` of any server.
    Chat,
}

/// A server.
pub(super) struct Endpoint {
    url: String,
    form: Form,
    http: reqwest::Client,
    /// The name that chat completions want, from the server's own list.
    model: String,
    context_tokens: Option<u32>,
    slots: Option<u64>,
}

impl Endpoint {
    /// Asks a server what it is. Only that it answers is needed.
    ///
    /// # Errors
    /// When nobody answers at the URL.
    pub(super) async fn connect(url: &str, form: Form) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let http = reqwest::Client::new();
        let models = http
            .get(format!("{url}/v1/models"))
            .send()
            .await
            .with_context(|| {
                format!("nobody answers at {url}; start the server, or correct --endpoint")
            })?;
        let models: Value = models.json().await.unwrap_or_default();
        let props: Value = match http.get(format!("{url}/props")).send().await {
            Ok(response) => response.json().await.unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let context = props["default_generation_settings"]["n_ctx"].as_u64();
        Ok(Self {
            model: models["data"][0]["id"]
                .as_str()
                .unwrap_or("default")
                .to_owned(),
            context_tokens: context.and_then(|tokens| u32::try_from(tokens).ok()),
            slots: props["total_slots"].as_u64(),
            url,
            form,
            http,
        })
    }

    /// Returns the URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the tokens that one conversation may hold, where the server tells.
    pub(super) fn context_tokens(&self) -> Option<u32> {
        self.context_tokens
    }

    /// Returns how many conversations the server computes at once, where it tells.
    pub(super) fn slots(&self) -> Option<u64> {
        self.slots
    }

    /// Makes the request's body.
    ///
    /// # Errors
    /// When the prompt cannot be rendered.
    pub(super) fn prepare(
        &self,
        ask: &Ask,
        tokenizer: Option<&Tokenizer>,
    ) -> anyhow::Result<reqwest::Request> {
        let prompt = match self.form {
            Form::Ids => json!(ask.tokens),
            Form::Text => {
                let tokenizer = tokenizer.context("prompts as text need --model")?;
                json!(tokenizer.prompt_text(&ask.messages)?)
            }
            Form::Chat => return self.request("/v1/chat/completions", &self.chat_body(ask)),
        };
        let mut body = json!({
            "prompt": prompt, "n_predict": ask.output_max, "temperature": 0.0, "stream": true, "cache_prompt": true
        });
        if let Some(schema) = ask.schema {
            body["json_schema"] = serde_json::from_str(schema)?;
        }
        self.request("/completion", &body)
    }

    fn chat_body(&self, ask: &Ask) -> Value {
        let messages: Vec<Value> = ask
            .messages
            .iter()
            .map(|message| match message.role {
                // Servers want the call that a tool's message answers, and there is none.
                Role::Tool => {
                    json!({ "role": "user", "content": format!("Evidence:\n{}", message.content) })
                }
                role => json!({ "role": role.as_str(), "content": message.content }),
            })
            .collect();
        let mut body = json!({
            "model": self.model, "messages": messages, "max_tokens": ask.output_max, "temperature": 0.0,
            "stream": true, "stream_options": { "include_usage": true }
        });
        if let Some(schema) = ask.schema {
            let schema: Value = serde_json::from_str(schema).unwrap_or_default();
            body["response_format"] = json!({
                "type": "json_schema", "json_schema": { "name": "plan", "strict": true, "schema": schema }
            });
        }
        body
    }

    fn request(&self, path: &str, body: &Value) -> anyhow::Result<reqwest::Request> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        Ok(request.build()?)
    }

    /// Sends a request and returns its events.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub(super) async fn send(&self, request: reqwest::Request) -> anyhow::Result<Reply> {
        let response = self.http.execute(request).await?;
        let status = response.status();
        if !status.is_success() {
            let body: Value = response.json().await.unwrap_or_default();
            bail!("server answered {status}: {}", error_text(&body));
        }
        let bytes = response.bytes_stream().map(|bytes| {
            bytes
                .map(|bytes| bytes.to_vec())
                .map_err(anyhow::Error::from)
        });
        Ok(Reply {
            events: events(bytes.boxed()),
            cancel: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{Json, Router, routing::get, routing::post};
    use futures::stream;
    use mercer_inference::ChatMessage;

    use super::*;
    use crate::bench::inference::target::{CancelAt, Counts, Ending, Outcome, Target};

    /// Streams as llama-server does, in pieces that cut events and characters in two.
    async fn completion(Json(body): Json<Value>) -> axum::body::Body {
        assert_eq!(body["prompt"], json!([1, 2, 3]));
        assert_eq!(body["cache_prompt"], true);
        let text = "data: {\"content\":\"na\u{ef}\",\"stop\":false}\n\ndata: {\"content\":\"ve\",\"stop\":false}\n\n\
            data: {\"content\":\"\",\"stop\":true,\"timings\":{\"cache_n\":2,\"prompt_n\":1,\"predicted_n\":2}}\n\n";
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(7)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        axum::body::Body::from_stream(stream::iter(pieces))
    }

    async fn chat(Json(body): Json<Value>) -> &'static str {
        assert_eq!(body["model"], "tiny");
        assert_eq!(body["messages"][1]["role"], "user");
        "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\r\n\r\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\r\n\r\n\
         data: [DONE]\r\n\r\n"
    }

    async fn failing() -> &'static str {
        "data: {\"error\":{\"message\":\"no more memory\"}}\n\n"
    }

    async fn serve(router: Router) -> String {
        let router = router
            .route("/v1/models", get(async || Json(json!({ "data": [{ "id": "tiny" }] }))))
            .route(
                "/props",
                get(async || Json(json!({ "total_slots": 3, "default_generation_settings": { "n_ctx": 512 } }))),
            );
        format!("{}/", mercer_testing::serve(router).await)
    }

    async fn outcome(router: Router, form: Form, cancel_at: Option<CancelAt>) -> Outcome {
        let endpoint = Endpoint::connect(&serve(router).await, form).await.unwrap();
        assert_eq!(
            (endpoint.context_tokens(), endpoint.slots()),
            (Some(512), Some(3))
        );
        let ask = Ask {
            id: "r".to_owned(),
            conversation: "c".to_owned(),
            messages: vec![
                ChatMessage::new(Role::System, "Rules."),
                ChatMessage::new(Role::Tool, "p1 kettle"),
            ],
            output_max: 2,
            schema: None,
            lark: None,
            deadline: Duration::from_secs(20),
            cancel_at,
            tokens: vec![1, 2, 3],
        };
        Target::endpoint(endpoint, None).follow(ask).await
    }

    #[tokio::test]
    async fn a_llama_server_is_read_whatever_pieces_its_events_come_in() {
        let router = Router::new().route("/completion", post(completion));
        let outcome = outcome(router, Form::Ids, None).await;
        assert_eq!(outcome.ending, Ending::Whole);
        assert_eq!(
            (outcome.text.as_str(), outcome.arrivals.len()),
            ("naïve", 2)
        );
        let counts = Counts {
            prompt: Some(3),
            cached: Some(2),
            output: Some(2),
            late: false,
        };
        assert_eq!(outcome.counts, counts);
    }

    #[tokio::test]
    async fn chat_completions_are_counted_by_their_usage() {
        let router = Router::new().route("/v1/chat/completions", post(chat));
        let outcome = outcome(router, Form::Chat, None).await;
        assert_eq!(
            (outcome.text.as_str(), outcome.ending),
            ("hello", Ending::Whole)
        );
        assert_eq!(
            (outcome.counts.prompt, outcome.counts.cached),
            (Some(9), Some(4))
        );
    }

    #[tokio::test]
    async fn what_a_server_says_about_its_failure_is_told() {
        let router = Router::new().route("/completion", post(failing));
        let failed = outcome(router, Form::Ids, None).await;
        assert_eq!(
            failed.ending,
            Ending::Failed("server failed: no more memory".to_owned())
        );
        let broken = async || "data: {\"content\":\"half a\"}\n\n";
        let broken = Router::new().route("/completion", post(broken));
        let broken = outcome(broken, Form::Ids, None).await;
        assert!(
            matches!(&broken.ending, Ending::Failed(text) if text.contains("broke off")),
            "{broken:?}"
        );
        let missing = outcome(Router::new(), Form::Ids, None).await;
        assert!(
            matches!(&missing.ending, Ending::Failed(text) if text.contains("404")),
            "{missing:?}"
        );
    }

    #[tokio::test]
    async fn a_cancelled_request_is_left() {
        let router = Router::new().route("/completion", post(completion));
        let outcome = outcome(router, Form::Ids, Some(CancelAt::Text(1))).await;
        assert_eq!((outcome.ending, outcome.freed), (Ending::Cancelled, None));
    }

    #[tokio::test]
    async fn an_address_where_nobody_answers_is_named() {
        let error = Endpoint::connect("http://127.0.0.1:1", Form::Chat)
            .await
            .err()
            .unwrap();
        assert!(error.to_string().contains("--endpoint"), "{error}");
    }
}
